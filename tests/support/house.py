"""A whole engine for tests: a store with failpoints, parts that are a few lines, and channels that remember."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from channelwatch.app.running.engine import Engine, Fittings, Job, Part
from channelwatch.app.running.limits import EngineLimits
from channelwatch.app.running.meters import Meters
from channelwatch.app.settings import CollectorSettings, InstanceSettings, Settings
from channelwatch.base.clock import Clock, SystemClock
from channelwatch.base.ids import LogId
from channelwatch.incidents.restraint import Restraint
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.model import Bloc, Contact, Inventory
from channelwatch.pipeline.deliver import DeliveryPolicy
from channelwatch.pipeline.ports import Alert, DeliveryChannel, Outcome, Sent
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.events import Observation
from channelwatch.store.sqlstore import open_store
from tests.support import eventually
from tests.support.memory_store import MemoryStore
from tests.support.province import small_inventory
from tests.support.story import RULES

LIMITS = EngineLimits(
    tick_s=0.05,
    inventory_s=0.1,
    count_s=0.1,
    retry_s=0.02,
    hold_s=60.0,
    person_s=30.0,
    stop_parts_s=40.0,
    stop_drain_s=41.0,
    stop_send_s=42.0,
    stop_tasks_s=43.0,
    stop_close_s=44.0,
    delivery=DeliveryPolicy(idle_ms=20),
)
"""A stop in peace: what is under way ends by itself, however long a disk stalls."""

HASTY = replace(
    LIMITS, stop_parts_s=0.4, stop_drain_s=0.6, stop_send_s=0.7, stop_tasks_s=0.8, stop_close_s=1.0
)
"""For tests in which something hangs when the engine is to stop."""


class FailingStore:
    """A store whose calls fail, or hang, as a test says: `faults[NAME]` is asked before each call of that name."""

    def __init__(self, store: Any) -> None:
        self.inner = store
        self.faults: dict[str, Callable[..., None]] = {}
        self.calls: Counter[str] = Counter()

    def fail(self, error: Exception, *names: str) -> None:
        """Let these calls raise `error` from now on."""

        def fault(*_: object, **__: object) -> None:
            raise error

        self.faults.update(dict.fromkeys(names, fault))

    def hang(self, *names: str) -> threading.Event:
        """Let these calls hang until the event that is returned is set."""
        released = threading.Event()

        def fault(*_: object, **__: object) -> None:
            released.wait(60)

        self.faults.update(dict.fromkeys(names, fault))
        return released

    def heal(self) -> None:
        """Let every call succeed again."""
        self.faults.clear()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.inner, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            fault = self.faults.get(name)
            if fault is not None:
                fault(*args, **kwargs)
            return call(*args, **kwargs)

        return guarded


WRITES = ("commit", "take_lease", "heartbeat", "claim_outbox", "settle_outbox", "settle_all")
"""Every call that a full disk refuses."""


class Postbox:
    """Delivery channel that takes everything, unless `answer` says otherwise; `arrived` is released for each."""

    def __init__(self, name: str = "webhook") -> None:
        self.name = name
        self.arrived = asyncio.Semaphore(0)
        self.taken: list[Alert] = []
        self.answer: Callable[[Alert], Awaitable[Outcome]] | None = None

    async def send(self, alert: Alert, destination: str) -> Outcome:
        outcome = Sent() if self.answer is None else await self.answer(alert)
        if isinstance(outcome, Sent):
            self.taken.append(alert)
            self.arrived.release()
        return outcome

    def subjects(self) -> list[str]:
        """Whom the alerts taken are about."""
        return [alert.subject for alert in self.taken]


class Idle:
    """A part that only waits."""

    name = "idle"

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        await stop.wait()


def store_of(kind: str, folder: Path) -> Any:
    """An empty store: `memory`, or `sqlite` in `folder`."""
    if kind == "memory":
        return MemoryStore()
    store = open_store("sqlite:///store.db", folder)
    store.upgrade()
    return store


def one_way(inventory: Inventory, *, way: str = "webhook:duty") -> Inventory:
    """`inventory` with everybody at one destination."""
    contacts: tuple[Contact, ...] = tuple(replace(item, deliver=(way,)) for item in inventory.contacts)
    return replace(inventory, contacts=contacts)


def engine_over(
    store: Any,
    *,
    inventory: Inventory | None = None,
    channels: Iterable[DeliveryChannel] = (),
    limits: EngineLimits = LIMITS,
    clock: Clock | None = None,
    rules: RuleBook = RULES,
    most: int = 1_000_000,
    preparations: Sequence[Job] = (),
) -> Engine:
    """An engine over `store`, to which `inventory` (by default the small province) is applied first. A contact is told
    `most` messages in ten minutes."""
    clock = clock or SystemClock()
    store.apply_inventory(inventory or one_way(small_inventory()), [], by="test", at=clock.now())
    settings = Settings.model_construct(
        instance=InstanceSettings(id="test-1", province="51", blocs=(Bloc.PARTY,)),
        collector=CollectorSettings(id="col-1", queue_limit=5_000),
        http=None,
        credentials={},
    )
    policy = WorldPolicy(poll_ms=60_000, restraint=Restraint(most=most))
    fittings = Fittings(
        clock=clock,
        store=store,
        history=store,
        world=World(small_inventory(0), rules, LogId("col-1"), policy),
        channels={channel.name: channel for channel in channels},
        meters=Meters("test-1"),
        jitter=lambda: 0.0,
        limits=limits,
        preparations=preparations,
    )
    return Engine(settings, fittings)


@asynccontextmanager
async def running(engine: Engine, *parts: Part, may_fail: bool = False) -> AsyncIterator[asyncio.Event]:
    """`engine` at work with `parts` for the length of the block, then stopped; yields what stops it."""
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run(parts or [Idle()], stop))
    begun = lambda: task.done() or not any("starting" in text for text in engine.readiness().problems)  # noqa: E731
    await eventually(begun, what="the engine to begin")
    try:
        yield stop
    finally:
        stop.set()
        if may_fail:
            await asyncio.wait([task], timeout=60)
        else:
            await asyncio.wait_for(task, 60)


def metric(engine: Engine, name: str, labels: Mapping[str, str] | None = None) -> float:
    """The present value of a metric."""
    return engine.registry.get_sample_value(name, dict(labels or {})) or 0.0


def submit_all(engine: Engine, observations: Sequence[Observation]) -> None:
    """Hand over each; the queue must have room."""
    for observation in observations:
        assert engine.submit(observation)
