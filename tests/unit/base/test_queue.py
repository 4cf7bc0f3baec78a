"""The bounded hand-over."""

from __future__ import annotations

import asyncio

import pytest

from channelwatch.base.queue import BoundedQueue


async def test_batches_come_in_order_and_are_no_larger_than_asked_for() -> None:
    queue: BoundedQueue[int] = BoundedQueue(10)
    assert all(queue.offer(number) for number in range(5))
    assert await queue.take_batch(3) == [0, 1, 2]
    assert await queue.take_batch(3) == [3, 4]
    assert (queue.accepted, queue.dropped, len(queue)) == (5, 0, 0)


async def test_a_full_queue_refuses_and_counts() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2)
    assert [queue.offer(number) for number in range(4)] == [True, True, False, False]
    assert (queue.accepted, queue.dropped, len(queue), queue.limit) == (2, 2, 2, 2)


async def test_a_consumer_waits_for_the_first_and_loses_nothing_when_it_is_cancelled() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2)
    waiting = asyncio.create_task(queue.take_batch(9))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    queue.offer(1)
    assert await asyncio.wait_for(queue.take_batch(9), 1) == [1]


def test_a_queue_without_a_limit_is_refused() -> None:
    with pytest.raises(AssertionError):
        BoundedQueue(0)
