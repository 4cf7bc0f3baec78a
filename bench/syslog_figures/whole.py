"""`channelwatch run` with poll durations counted in steps of half a millisecond, so that a percentile can be told."""

from __future__ import annotations

import sys

from channelwatch_collector import counters

from channelwatch.app.cli import main

STEP_S = 0.0005
STEPS = 800

if __name__ == "__main__":
    counters.SECONDS = tuple(number * STEP_S for number in range(1, STEPS + 1))
    sys.exit(main(["run", "--config", sys.argv[1]]))
