"""A bounded hand-over from those who must never wait to one who may."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

CROWD = 64
"""From so many items on more are on their way."""


class BoundedQueue(Generic[T]):
    """First in, first out, of at most `limit` items; a full queue refuses and counts.

    `offer` is for event-loop callbacks: it never blocks. `take_batch` is for the single consumer. A storm offers tens
    of thousands a second, which is why this is no `asyncio.Queue`, and why the consumer takes a crowd (`CROWD` items
    or more, none of them urgent) only once it fills a batch or half of the queue, or `gather_s` seconds have passed.
    """

    def __init__(self, limit: int, *, gather_s: float = 0.0) -> None:
        assert limit > 0, "a queue without a limit is a leak"
        self.limit = limit
        self._gather_s = gather_s
        self.dropped = 0
        self.accepted = 0
        self._items: deque[T] = deque()
        self._urgent = 0
        """The number, as `accepted` counts them, of the last urgent item."""
        self._awaited: asyncio.Future[None] | None = None
        self._enough = 1

    def offer(self, item: T, *, urgent: bool = True) -> bool:
        """Append `item`; False, with the drop counted, when the queue is full."""
        if len(self._items) >= self.limit:
            self.dropped += 1
            return False
        self._items.append(item)
        self.accepted += 1
        if urgent:
            self._urgent = self.accepted
        waiting = self._awaited
        if waiting is not None and (urgent or len(self._items) >= self._enough) and not waiting.done():
            waiting.set_result(None)
        return True

    async def take_batch(self, limit: int) -> list[T]:
        """Wait for one item, then return it with whatever else is there, at most `limit` in order."""
        items, enough = self._items, min(limit, self.limit // 2)
        while not items:
            await self._offered(1)
        if self._gather_s and CROWD <= len(items) < enough and not self._holds_urgent:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._gather_s):
                    await self._offered(enough)
        return [items.popleft() for _ in range(min(limit, len(items)))]

    @property
    def _holds_urgent(self) -> bool:
        return self._urgent > self.accepted - len(self._items)

    async def _offered(self, enough: int) -> None:
        """Wait until so many items are here, or an urgent one comes."""
        self._enough, self._awaited = enough, asyncio.get_running_loop().create_future()
        try:
            await self._awaited
        finally:
            self._awaited = None

    def __len__(self) -> int:
        return len(self._items)
