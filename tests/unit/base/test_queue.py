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
    assert await asyncio.wait_for(queue.take_batch(9), 30) == [1]


def test_a_queue_without_a_limit_is_refused() -> None:
    with pytest.raises(AssertionError):
        BoundedQueue(0)


async def gathering(gather_s: float = 3600.0, waiting: int = 0) -> BoundedQueue[int]:
    """A queue of 20 whose patient items have just been taken, with so many new ones."""
    queue: BoundedQueue[int] = BoundedQueue(20, gather_s=gather_s)
    queue.offer(-1, urgent=False)
    assert await queue.take_batch(9) == [-1]
    assert all(queue.offer(number, urgent=False) for number in range(waiting))
    return queue


async def taken(queue: BoundedQueue[int], limit: int = 9) -> asyncio.Task[list[int]]:
    """A consumer that has had the time to take what it would take at once."""
    task = asyncio.create_task(queue.take_batch(limit))
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_the_patient_wait_until_they_fill_a_batch() -> None:
    queue = await gathering()
    task = await taken(queue)
    for number in range(9):
        await asyncio.sleep(0)
        assert not task.done()
        queue.offer(number, urgent=False)
    assert await task == list(range(9))


async def test_the_patient_wait_until_they_fill_half_of_the_queue() -> None:
    queue = await gathering(waiting=9)
    task = await taken(queue, limit=1000)
    assert not task.done()
    queue.offer(9, urgent=False)
    assert await task == list(range(10))


@pytest.mark.parametrize("waiting", [0, 3])
async def test_the_patient_are_taken_after_a_time(waiting: int) -> None:
    queue = await gathering(0.01, waiting)
    task = await taken(queue)
    queue.offer(waiting, urgent=False)
    assert await task == list(range(waiting + 1))


async def test_whatever_is_urgent_overtakes_the_patient_and_leaves_them_where_they_are() -> None:
    queue = await gathering(waiting=3)
    task = await taken(queue)
    queue.offer(100)
    assert await task == [100]
    assert (len(queue), queue.urgent_accepted, queue.urgent_taken) == (3, 1, 1)


async def test_the_two_lanes_take_turns_while_both_have_something() -> None:
    queue = await gathering(0.0, waiting=4)
    assert all(queue.offer(number) for number in range(100, 104))
    assert [await queue.take_batch(2) for _ in range(4)] == [[100, 101], [0, 1], [102, 103], [2, 3]]


async def test_a_consumer_that_is_cancelled_while_the_patient_wait_loses_nothing() -> None:
    queue = await gathering(waiting=3)
    task = await taken(queue)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(queue) == 3
