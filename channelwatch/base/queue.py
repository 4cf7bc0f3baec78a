"""A bounded hand-over from those who must never wait to one who may."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """First in, first out, of at most `maxsize` items; a full queue refuses and counts.

    `offer` is for event-loop callbacks: it never blocks. `take_batch` is for the single consumer.
    """

    def __init__(self, maxsize: int) -> None:
        assert maxsize > 0, "a queue without a limit is a leak"
        self._queue: asyncio.Queue[T] = asyncio.Queue(maxsize)
        self.dropped = 0
        self.accepted = 0

    def offer(self, item: T) -> bool:
        """Append `item`; False, with the drop counted, when the queue is full."""
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.dropped += 1
            return False
        self.accepted += 1
        return True

    async def take_batch(self, limit: int) -> list[T]:
        """Wait for one item, then return it with whatever else is there, at most `limit` in order."""
        batch = [await self._queue.get()]
        while len(batch) < limit and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    def __len__(self) -> int:
        return self._queue.qsize()

    @property
    def limit(self) -> int:
        """The most items that it holds."""
        return self._queue.maxsize
