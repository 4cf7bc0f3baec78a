"""When to stop waiting, for thousands of things at once at the cost of one timer."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

TICK_S = 0.005
"""How much later than told a time-out may be noticed."""


class Deadlines(Generic[T]):
    """Calls `expire(item)` when an item has waited its time and is still `awaited(item, token)`.

    Items that wait equally long expire in the order in which they came, so each length has a queue of its own and
    nothing need be sorted; what is no longer awaited is dropped in passing. `settle` is asked before anything
    expires: while it returns False, what has come may not have been looked at, and nothing does.
    """

    def __init__(
        self, *, awaited: Callable[[T, int], bool], expire: Callable[[T], None], settle: Callable[[], bool]
    ) -> None:
        self._awaited = awaited
        self._expire = expire
        self._settle = settle
        self._loop = asyncio.get_running_loop()
        self._queues: dict[float, deque[tuple[float, int, T]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at_s = math.inf

    def add(self, item: T, token: int, now_s: float, wait_s: float) -> None:
        """From `now_s` of the loop's clock on, wait `wait_s` for `item`."""
        queue = self._queues.get(wait_s)
        if queue is None:
            queue = self._queues[wait_s] = deque()
        elif queue and not self._awaited(queue[0][2], queue[0][1]):
            self._sweep(queue, -math.inf)
        queue.append((now_s + wait_s, token, item))
        if now_s + wait_s < self._fires_at_s - TICK_S:
            self._arm(now_s + wait_s)

    def close(self) -> None:
        """Let nothing expire any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._queues.clear()

    def _arm(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fires_at_s = at_s
        self._timer = self._loop.call_at(at_s, self._fire)

    def _fire(self) -> None:
        self._timer, self._fires_at_s = None, math.inf
        now_s = self._loop.time()
        try:
            until_s = now_s if self._settle() else -math.inf
            for queue in list(self._queues.values()):
                self._sweep(queue, until_s)
        finally:
            self._queues = {wait_s: queue for wait_s, queue in self._queues.items() if queue}
            if self._queues:
                earliest = min(queue[0][0] for queue in self._queues.values())
                self._arm(max(earliest, now_s + TICK_S))

    def _sweep(self, queue: deque[tuple[float, int, T]], until_s: float) -> None:
        """Drop what is no longer awaited and expire what was due by `until_s`, as far as one is neither."""
        while queue:
            due_s, token, item = queue[0]
            if not self._awaited(item, token):
                queue.popleft()
            elif due_s <= until_s:
                queue.popleft()
                self._expire(item)
            else:
                return
