"""Time-outs by the thousand on one timer of the event loop."""

from __future__ import annotations

import asyncio

from channelwatch_collector.snmp.deadlines import TICK_S, Deadlines

from tests.support import eventually


class Waiting:
    """Keys that are awaited until they expire."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.awaited: dict[int, float] = {}
        self.expired: list[int] = []
        self.settled = True
        self.deadlines = Deadlines(
            awaited=lambda key, due_s: self.awaited.get(key) == due_s,
            expire=self.expire,
            settle=lambda: self.settled,
        )

    def add(self, key: int, wait_s: float) -> None:
        due_s = self.loop.time() + wait_s
        self.awaited[key] = due_s
        self.deadlines.add(key, due_s, wait_s)

    def expire(self, key: int) -> None:
        del self.awaited[key]
        self.expired.append(key)


async def test_each_expires_in_its_time_whatever_was_added_before() -> None:
    waiting = Waiting()
    waiting.add(1, 600.0)
    waiting.add(2, 0.05)
    waiting.add(3, 0.5)
    began = waiting.loop.time()
    await eventually(lambda: waiting.expired == [2, 3], 30)
    assert waiting.loop.time() - began >= 0.5 - TICK_S
    waiting.deadlines.close()


async def test_what_is_answered_does_not_expire() -> None:
    waiting = Waiting()
    for key in range(10):
        waiting.add(key, 0.05)
    del waiting.awaited[3]
    await eventually(lambda: len(waiting.expired) == 9, 30)
    assert 3 not in waiting.expired


async def test_a_key_that_is_used_again_waits_its_own_time() -> None:
    waiting = Waiting()
    waiting.add(1, 0.05)
    del waiting.awaited[1]
    waiting.add(1, 60.0)
    waiting.add(2, 0.1)
    await eventually(lambda: waiting.expired == [2], 30)
    waiting.deadlines.close()


async def test_nothing_expires_while_answers_may_lie_unread() -> None:
    waiting = Waiting()
    waiting.settled = False
    waiting.add(1, 0.02)
    await asyncio.sleep(0.1)
    assert waiting.expired == []
    waiting.settled = True
    await eventually(lambda: waiting.expired == [1], 30)


async def test_answered_ones_do_not_pile_up_behind_a_silent_one() -> None:
    """Numbers may wait there, the answers themselves may not: they are not held at all."""
    waiting = Waiting()
    for key in range(1_000):
        waiting.add(key, 30.0)
        if key:
            del waiting.awaited[key]
    (queue,) = waiting.deadlines._queues.values()
    assert all(isinstance(part, int | float) for entry in queue for part in entry)
    del waiting.awaited[0]
    for key in range(1_000, 1_100):
        waiting.add(key, 30.0)
        del waiting.awaited[key]
    assert len(queue) < 100
    waiting.deadlines.close()
