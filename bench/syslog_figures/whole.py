"""`channelwatch run` with poll durations counted in steps of half a millisecond, so that a percentile can be told."""

from __future__ import annotations

import sys
from dataclasses import replace

from channelwatch.app.cli import main
from channelwatch.metrics import catalogue

STEP_S = 0.0005
STEPS = 800

if __name__ == "__main__":
    steps = tuple(number * STEP_S for number in range(1, STEPS + 1))
    catalogue.POLL_SECONDS = replace(catalogue.POLL_SECONDS, buckets=steps)
    sys.exit(main(["run", "--config", sys.argv[1]]))
