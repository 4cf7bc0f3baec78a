"""What became of messages is recorded together, and one that cannot be recorded spoils no other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence

import pytest

from channelwatch.app.running.settling import Settling
from channelwatch.app.running.storethread import StoreThread
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug
from channelwatch.pipeline.ports import Claim, Outcome, Sent, Settlement
from tests.support.memory_store import MemoryStore


class Noting(MemoryStore):
    """Knows the rows 1 to 4, and notes how it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[int]] = []

    def settle_outbox(
        self, claim: Claim, outcome: Outcome, *, now: EpochMs, not_before: EpochMs | None
    ) -> None:
        self.settle_all([Settlement(claim, outcome, now, not_before)])

    def settle_all(self, settlements: Sequence[Settlement]) -> None:
        rows = [item.claim.row_id for item in settlements]
        self.asked.append(rows)
        if max(rows) > 4:
            raise Bug("no such row", operation="settle outbox")


@pytest.fixture
def store() -> Noting:
    return Noting()


@pytest.fixture
def thread(store: Noting) -> Iterator[StoreThread]:
    found = StoreThread(store)
    yield found
    found.end()


async def _together(thread: StoreThread, rows: Sequence[int]) -> list[BaseException | None]:
    """Settle `rows` while the thread is busy with something else."""
    settling, begun, goes_on = Settling(thread), threading.Event(), threading.Event()

    def busy() -> None:
        begun.set()
        goes_on.wait(60)

    running = asyncio.ensure_future(thread.call(busy))
    await asyncio.to_thread(begun.wait, 60)
    waiting = [asyncio.ensure_future(settling.settle(_sent(row))) for row in rows]
    await asyncio.sleep(0)
    goes_on.set()
    await running
    return await asyncio.gather(*waiting, return_exceptions=True)


def _sent(row: int) -> Settlement:
    claim = Claim(row, 1, "webhook", "duty", None)  # type: ignore[arg-type]
    return Settlement(claim, Sent(), EpochMs(1), None)


async def test_messages_answered_while_the_disk_was_busy_are_recorded_in_one_transaction(
    store: Noting, thread: StoreThread
) -> None:
    assert await _together(thread, [1, 2, 3]) == [None, None, None]
    assert store.asked == [[1, 2, 3]]


async def test_a_row_that_is_not_there_spoils_no_other(store: Noting, thread: StoreThread) -> None:
    first, missing, last = await _together(thread, [1, 9, 2])
    assert (first, last) == (None, None)
    assert isinstance(missing, Bug)
    assert store.asked == [[1, 9, 2], [1], [9], [2]]
