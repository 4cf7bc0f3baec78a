"""In which order the store's one thread does what waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from channelwatch.app.running.storethread import StoreThread, Urgency
from tests.support.memory_store import MemoryStore


@pytest.fixture
def thread() -> Iterator[StoreThread]:
    found = StoreThread(MemoryStore())
    yield found
    found.end()


async def test_what_became_of_a_message_is_recorded_before_all_else_that_waits(thread: StoreThread) -> None:
    done: list[str] = []
    goes_on = threading.Event()
    running = asyncio.ensure_future(thread.call(goes_on.wait, 10))
    others = [
        asyncio.ensure_future(thread.urgent(urgency, lambda name=name: done.append(name)))  # type: ignore[misc]
        for name, urgency in (
            ("first commit", Urgency.ORDINARY),
            ("second commit", Urgency.ORDINARY),
            ("claim", Urgency.CLAIM),
            ("settle", Urgency.SETTLE),
        )
    ]
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(running, *others)
    assert done == ["settle", "claim", "first commit", "second commit"]


async def test_what_a_call_raises_reaches_whoever_awaits_it_and_the_thread_goes_on(
    thread: StoreThread,
) -> None:
    with pytest.raises(ZeroDivisionError):
        await thread.call(divmod, 1, 0)
    assert await thread.call(divmod, 7, 2) == (3, 1)


async def test_what_still_waits_at_the_end_is_cancelled(thread: StoreThread) -> None:
    goes_on = threading.Event()
    running = asyncio.ensure_future(thread.call(goes_on.wait, 10))
    waiting = asyncio.ensure_future(thread.call(divmod, 1, 1))
    await asyncio.sleep(0)
    thread.end()
    goes_on.set()
    assert await running
    with pytest.raises(asyncio.CancelledError):
        await waiting
