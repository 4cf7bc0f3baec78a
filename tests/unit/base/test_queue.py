"""The bounded hand-over."""

from __future__ import annotations

import asyncio

import pytest

from channelwatch.base.queue import CROWD, BoundedQueue


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


def gathering(gather_s: float = 3600.0) -> BoundedQueue[int]:
    queue: BoundedQueue[int] = BoundedQueue(10 * CROWD, gather_s=gather_s)
    assert all(queue.offer(number, urgent=False) for number in range(CROWD))
    return queue


async def taken(queue: BoundedQueue[int]) -> asyncio.Task[list[int]]:
    """A consumer that has had the time to take what it would take at once."""
    task = asyncio.create_task(queue.take_batch(2 * CROWD))
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_a_crowd_waits_until_it_fills_a_batch() -> None:
    queue = gathering()
    task = await taken(queue)
    for number in range(CROWD, 2 * CROWD):
        assert not task.done()
        queue.offer(number, urgent=False)
    assert await task == list(range(2 * CROWD))


async def test_whatever_is_urgent_takes_the_crowd_along() -> None:
    queue = gathering()
    task = await taken(queue)
    assert not task.done()
    queue.offer(CROWD)
    assert await task == list(range(CROWD + 1))
    queue.offer(1)
    for number in range(CROWD):
        queue.offer(number, urgent=False)
    assert len(await queue.take_batch(2 * CROWD)) == CROWD + 1


async def test_a_crowd_is_taken_after_a_time_and_a_few_at_once() -> None:
    assert len(await gathering(0.01).take_batch(2 * CROWD)) == CROWD
    queue = gathering()
    assert len(await queue.take_batch(CROWD)) == CROWD
    queue.offer(1, urgent=False)
    assert await queue.take_batch(2 * CROWD) == [1]


async def test_a_crowd_never_fills_the_queue_while_it_gathers() -> None:
    queue: BoundedQueue[int] = BoundedQueue(4 * CROWD, gather_s=3600)
    assert all(queue.offer(number, urgent=False) for number in range(2 * CROWD))
    assert len(await queue.take_batch(1000)) == 2 * CROWD


async def test_a_consumer_that_is_cancelled_while_a_crowd_gathers_loses_nothing() -> None:
    queue = gathering()
    task = await taken(queue)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(queue) == CROWD
