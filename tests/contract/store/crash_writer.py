"""Commits batch after batch and says so after each: a program for `test_sql_durability` to kill.

`python -m tests.contract.store.crash_writer URL` prints the number of each batch once it is acknowledged.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from channelwatch.base.clock import EpochMs
from channelwatch.pipeline.ports import Effects
from channelwatch.store.sqlstore import open_store
from tests.contract.store.examples import at, effects, event, incident, outbox_row, pair, step, transition

TRANSITIONS, EVENTS, GROUPS = 20, 10, 5
MAX_BATCHES = 20_000


def batch(number: int) -> Effects:
    """Batch `number`, from 1: so many of everything, and each row tells to which batch it belongs."""
    return effects(
        1 + (number - 1) * TRANSITIONS,
        transitions=tuple(transition(ms=number) for _ in range(TRANSITIONS)),
        pairs=tuple(replace(pair(), group=f"group {i}", since=at(number)) for i in range(GROUPS)),
        events=tuple(event(ms=number) for _ in range(EVENTS)),
        incidents=(incident(),),
        steps=(step(ms=number),),
        outbox=(outbox_row(key=f"page {number}"),),
    )


def main(url: str) -> None:
    """Write until killed, or until there is plenty."""
    store = open_store(url, Path())
    epoch = store.take_lease("pipeline", "writer", now=EpochMs(0), ttl_ms=1)
    assert epoch is not None
    for number in range(1, MAX_BATCHES + 1):
        store.commit(batch(number), epoch=epoch)
        print(number, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
