"""What this package uses of the running engine, and nothing more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import ParamSpec, Protocol, TypeVar

from prometheus_client import CollectorRegistry

from channelwatch.app.drillbook import DrillBook
from channelwatch.app.settings import Settings
from channelwatch.base.clock import Clock, EpochMs
from channelwatch.base.queue import BoundedQueue
from channelwatch.incidents.drills import Drill
from channelwatch.incidents.model import Incident
from channelwatch.pipeline.acts import Act
from channelwatch.pipeline.availability import Archive
from channelwatch.pipeline.external import ExternalAlert
from channelwatch.pipeline.ports import History, Store
from channelwatch.pipeline.world import World, WorldChange
from channelwatch.status.events import Observation

P = ParamSpec("P")
R = TypeVar("R")


class Readiness(Protocol):
    """Whether the pipeline does its work, and if not, why."""

    @property
    def ready(self) -> bool: ...

    @property
    def problems(self) -> tuple[str, ...]: ...


class House(Protocol):
    """The engine as a web server sees it. Everything belongs to the event loop except what `look_up` runs."""

    @property
    def settings(self) -> Settings: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def world(self) -> World: ...

    @property
    def history(self) -> History: ...

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

    async def in_store(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a store call in the one store thread."""
        ...

    async def look_up(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a reading store call in a thread for reads."""
        ...

    async def acknowledge(self, incident: int, *, by: str, origin: str) -> Incident:
        """Record that a person took an incident. Permanent when there is none or it is over. Idempotent."""
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
