"""Changes to many listeners."""

from __future__ import annotations

import asyncio

import pytest

from channelwatch.app.running.broadcast import LISTENER_LIMIT, QUEUE_LIMIT, Broadcast, Subscription
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Transient
from channelwatch.pipeline.world import WorldChange


def change(number: int) -> WorldChange:
    return WorldChange(number, EpochMs(number))


async def test_each_listener_hears_every_change_from_its_beginning_on() -> None:
    broadcast = Broadcast()
    async with Subscription(broadcast) as first:
        broadcast.publish(change(1))
        async with Subscription(broadcast) as second:
            broadcast.publish(change(2))
            broadcast.close()
            assert [item.revision async for item in first] == [1, 2]
            assert [item.revision async for item in second] == [2]


async def test_a_listener_that_lags_loses_the_oldest_and_sees_the_gap() -> None:
    broadcast = Broadcast()
    async with Subscription(broadcast) as lagging:
        for number in range(QUEUE_LIMIT + 10):
            broadcast.publish(change(number))
        assert (await anext(lagging)).revision == 10


async def test_the_end_reaches_a_listener_whose_queue_is_full_and_one_who_comes_late() -> None:
    broadcast = Broadcast()
    async with Subscription(broadcast) as lagging:
        for number in range(QUEUE_LIMIT + 1):
            broadcast.publish(change(number))
        broadcast.close()
        assert len([item async for item in lagging]) == QUEUE_LIMIT - 1
    async with Subscription(broadcast) as late:
        assert [item async for item in late] == []


async def test_too_many_listeners_are_refused_and_a_place_that_becomes_free_is_given() -> None:
    broadcast = Broadcast()
    listeners = [Subscription(broadcast) for _ in range(LISTENER_LIMIT)]
    for listener in listeners:
        broadcast.add(listener)
    with pytest.raises(Transient, match="more than 500 listeners"):
        await Subscription(broadcast).__aenter__()
    broadcast.remove(listeners[0])
    async with Subscription(broadcast):
        await asyncio.sleep(0)
