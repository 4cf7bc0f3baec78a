"""The running house: one queue in, one world, one store thread, and the loops between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from channelwatch.app.settings import Settings
from channelwatch.base.clock import Clock
from channelwatch.base.queue import BoundedQueue
from channelwatch.incidents.model import Incident
from channelwatch.pipeline.ports import History, Store
from channelwatch.pipeline.world import World
from channelwatch.status.events import Observation

P = ParamSpec("P")
R = TypeVar("R")


class Engine:
    """What a part may use. All of it belongs to the event loop, except what `in_store` runs."""

    settings: Settings
    clock: Clock
    world: World
    store: Store
    history: History
    observations: BoundedQueue[Observation]

    def submit(self, observation: Observation) -> bool:
        """Hand over an observation; False, with the drop counted, when the pipeline is behind."""
        return self.observations.offer(observation)

    async def in_store(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a store call in the one store thread and await its result."""
        raise NotImplementedError

    async def acknowledge(self, incident: int, *, by: str, origin: str) -> Incident:
        """Record that a person took an incident. Permanent when there is none or it is over. Idempotent."""
        raise NotImplementedError

    async def clear_latch(self, device: str, signal: str, *, by: str) -> None:
        """Record that a person cleared a latched signal. Permanent when nothing is latched."""
        raise NotImplementedError

    def subscribe(self) -> asyncio.Queue[Change]:
        """A bounded queue of changes for one listener; a listener that lags loses the oldest and reads anew."""
        raise NotImplementedError
