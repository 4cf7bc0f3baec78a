"""A bounded hand-over from those who must never wait to one who may."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """Two lanes of at most `limit` items together, each first in, first out; a full queue refuses and counts.

    `offer` is for event-loop callbacks: it never blocks. `take_batch` is for the single consumer. A storm offers tens
    of thousands a second, which is why this is no `asyncio.Queue`. What is urgent is taken at once and overtakes the
    rest; the rest is taken in one go every `gather_s` seconds, or sooner once it fills a batch or half of the queue.
    """

    def __init__(self, limit: int, *, gather_s: float = 0.0) -> None:
        assert limit > 0, "a queue without a limit is a leak"
        self.limit = limit
        self.dropped = 0
        self.accepted = 0
        self.urgent_accepted = 0
        self.urgent_taken = 0
        self._gather_s = gather_s
        self._urgent: deque[T] = deque()
        self._patient: deque[T] = deque()
        self._patient_from = 0.0
        """When, in the event loop's time, the patient are due again."""
        self._urgent_last = False
        self._awaited: asyncio.Future[None] | None = None
        self._enough = 1

    def offer(self, item: T, *, urgent: bool = True) -> bool:
        """Append `item`; False, with the drop counted, when the queue is full."""
        if len(self._urgent) + len(self._patient) >= self.limit:
            self.dropped += 1
            return False
        self.accepted += 1
        if urgent:
            self._urgent.append(item)
            self.urgent_accepted += 1
        else:
            self._patient.append(item)
        waiting = self._awaited
        if waiting is not None and (urgent or len(self._patient) >= self._enough) and not waiting.done():
            waiting.set_result(None)
        return True

    async def take_batch(self, limit: int) -> list[T]:
        """Wait until something is to be taken, then return what is there of that lane, at most `limit` in order.

        While both lanes have what is to be taken, they take turns.
        """
        now, enough = asyncio.get_running_loop().time, max(1, min(limit, self.limit // 2))
        while True:
            is_time = now() >= self._patient_from
            is_due = bool(self._patient) and (is_time or len(self._patient) >= enough)
            if self._urgent and not (is_due and self._urgent_last):
                self._urgent_last = True
                batch = _first(self._urgent, limit)
                self.urgent_taken += len(batch)
                return batch
            if is_due:
                self._urgent_last = False
                self._patient_from = now() + self._gather_s
                return _first(self._patient, limit)
            await self._offered(enough)

    async def _offered(self, enough: int) -> None:
        """Wait until something urgent comes, so many patient ones are here, or those that are here are due."""
        self._awaited = asyncio.get_running_loop().create_future()
        # The first to come tells us when the others with it will be due.
        self._enough = enough if self._patient else 1
        with suppress(TimeoutError):
            try:
                async with asyncio.timeout_at(self._patient_from if self._patient else None):
                    await self._awaited
            finally:
                self._awaited = None

    def __len__(self) -> int:
        return len(self._urgent) + len(self._patient)


def _first(items: deque[T], limit: int) -> list[T]:
    return [items.popleft() for _ in range(min(limit, len(items)))]
