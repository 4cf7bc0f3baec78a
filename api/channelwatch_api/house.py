"""What this package uses of the running engine, and nothing more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from prometheus_client import CollectorRegistry

from channelwatch.app.acks import AckHouse
from channelwatch.app.drill.desk import DrillHouse
from channelwatch.app.running.drillbook import DrillBook
from channelwatch.base.clock import EpochMs
from channelwatch.base.queue import BoundedQueue
from channelwatch.incidents.drills import Drill
from channelwatch.incidents.model import Incident
from channelwatch.pipeline.acts import Act
from channelwatch.pipeline.availability import Archive
from channelwatch.pipeline.external import ExternalAlert
from channelwatch.pipeline.ports import Store
from channelwatch.pipeline.world import WorldChange
from channelwatch.status.events import Observation


class Readiness(Protocol):
    """Whether the pipeline does its work, and if not, why."""

    @property
    def ready(self) -> bool: ...

    @property
    def problems(self) -> tuple[str, ...]: ...


class House(DrillHouse, AckHouse, Protocol):
    """The engine as a web server sees it. Everything belongs to the event loop except what `look_up` runs."""

    @property
    def archive(self) -> Archive | None:
        """The past, to be read from any thread; None where none is kept."""
        ...

    @property
    def store(self) -> Store: ...

    @property
    def observations(self) -> BoundedQueue[Observation]: ...

    @property
    def registry(self) -> CollectorRegistry: ...

    @property
    def started_at(self) -> EpochMs: ...

    @property
    def drills(self) -> DrillBook | None:
        """Where drills are written down; None where none can be held."""
        ...

    @property
    def drill(self) -> Drill | None:
        """The drill that is on."""
        ...

    async def act(self, incident: int, act: Act) -> Incident:
        """Record what a person did to an incident. Permanent when its state forbids it."""
        ...

    async def take_external(self, alerts: Sequence[ExternalAlert]) -> None:
        """Take the alerts of another monitoring system. Transient when there are too many."""
        ...

    async def clear_latch(self, device: str, signal: str, *, by: str) -> None:
        """Record that a person cleared a latched signal. Permanent when it is not latched."""
        ...

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[WorldChange]]:
        """Changes of the world from now on; a listener that lags loses the oldest."""
        ...

    def readiness(self) -> Readiness:
        """How the pipeline stands."""
        ...
