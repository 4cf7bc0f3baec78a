"""A bounded hand-over from those who must never wait to one who may."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """First in, first out, of at most `limit` items; a full queue refuses and counts.

    `offer` is for event-loop callbacks: it never blocks. `take_batch` is for the single consumer. A storm offers tens
    of thousands a second, which is why this is no `asyncio.Queue`.
    """

    def __init__(self, limit: int) -> None:
        assert limit > 0, "a queue without a limit is a leak"
        self.limit = limit
        self.dropped = 0
        self.accepted = 0
        self._items: deque[T] = deque()
        self._awaited: asyncio.Future[None] | None = None

    def offer(self, item: T) -> bool:
        """Append `item`; False, with the drop counted, when the queue is full."""
        if len(self._items) >= self.limit:
            self.dropped += 1
            return False
        self._items.append(item)
        self.accepted += 1
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)
        return True

    async def take_batch(self, limit: int) -> list[T]:
        """Wait for one item, then return it with whatever else is there, at most `limit` in order."""
        items = self._items
        while not items:
            self._awaited = asyncio.get_running_loop().create_future()
            try:
                await self._awaited
            finally:
                self._awaited = None
        return [items.popleft() for _ in range(min(limit, len(items)))]

    def __len__(self) -> int:
        return len(self._items)
