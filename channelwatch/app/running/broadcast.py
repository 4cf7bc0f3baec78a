"""Changes to many listeners, none of whom can hold the others up."""

from __future__ import annotations

import asyncio
from types import TracebackType

from channelwatch.base.errors import Transient
from channelwatch.pipeline.world import WorldChange

QUEUE_LIMIT = 256
LISTENER_LIMIT = 500


class Subscription:
    """An async iterator of changes. A listener that lags loses the oldest ones and sees a gap in `revision`."""

    def __init__(self, broadcast: Broadcast) -> None:
        self._broadcast = broadcast
        self._queue: asyncio.Queue[WorldChange | None] = asyncio.Queue(QUEUE_LIMIT)

    async def __aenter__(self) -> Subscription:
        self._broadcast.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broadcast.remove(self)

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> WorldChange:
        change = await self._queue.get()
        if change is None:
            raise StopAsyncIteration
        return change

    def put(self, change: WorldChange | None) -> None:
        """Hand over a change, or None for the end."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(change)


class Broadcast:
    """All listeners of one engine."""

    def __init__(self) -> None:
        self._listeners: set[Subscription] = set()
        self._closed = False

    def add(self, listener: Subscription) -> None:
        """Let one more listen. Transient when there are too many."""
        if len(self._listeners) >= LISTENER_LIMIT:
            raise Transient(f"more than {LISTENER_LIMIT} listeners", operation="subscribe")
        self._listeners.add(listener)
        if self._closed:
            listener.put(None)

    def remove(self, listener: Subscription) -> None:
        """Forget a listener."""
        self._listeners.discard(listener)

    def publish(self, change: WorldChange) -> None:
        """Tell everyone."""
        for listener in self._listeners:
            listener.put(change)

    def close(self) -> None:
        """End every listener's iteration."""
        self._closed = True
        for listener in self._listeners:
            listener.put(None)
