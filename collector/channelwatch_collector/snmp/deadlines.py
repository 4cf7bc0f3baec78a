"""When to stop waiting, for thousands of things at once at the cost of one timer."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable

TICK_S = 0.005
"""How much later than told a time-out may be noticed."""
_SWEEP_EVERY = 32
"""Entries, by which a queue grows before what is no longer awaited is looked for."""


class Deadlines:
    """Calls `expire(key)` when `key` has waited its time and `awaited(key, due_s)` still holds.

    What waits equally long expires in the order in which it came, so each length has a queue of its own and nothing
    need be sorted; what is no longer awaited is dropped in passing. The queues hold numbers alone, since they would
    else keep alive whatever was answered behind one silent agent. `settle` is asked before anything expires: while it
    returns False, what has come may not have been looked at, and nothing does.
    """

    def __init__(
        self,
        *,
        awaited: Callable[[int, float], bool],
        expire: Callable[[int], None],
        settle: Callable[[], bool],
    ) -> None:
        self._awaited = awaited
        self._expire = expire
        self._settle = settle
        self._loop = asyncio.get_running_loop()
        self._queues: dict[float, deque[tuple[float, int]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at_s = math.inf

    def add(self, key: int, due_s: float, wait_s: float) -> None:
        """Wait until `due_s` of the loop's clock, which is `wait_s` from now."""
        queue = self._queues.get(wait_s)
        if queue is None:
            queue = self._queues[wait_s] = deque()
        queue.append((due_s, key))
        if not len(queue) % _SWEEP_EVERY:
            self._sweep(queue, -math.inf)
        if due_s < self._fires_at_s - TICK_S:
            self._arm(due_s)

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

    def _sweep(self, queue: deque[tuple[float, int]], until_s: float) -> None:
        """Drop what is no longer awaited and expire what was due by `until_s`, as far as one is neither."""
        while queue:
            due_s, key = queue[0]
            if not self._awaited(key, due_s):
                queue.popleft()
            elif due_s <= until_s:
                queue.popleft()
                self._expire(key)
            else:
                return
