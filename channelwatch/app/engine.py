"""The running house: one queue in, one world, one store thread, and the loops between them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from channelwatch.app.broadcast import Broadcast, Subscription
from channelwatch.app.meters import Meters
from channelwatch.base.clock import Clock, EpochMs
from channelwatch.base.errors import Permanent, Transient
from channelwatch.base.ids import DeviceCode
from channelwatch.base.queue import BoundedQueue
from channelwatch.incidents.model import Incident
from channelwatch.inventory.model import Inventory
from channelwatch.pipeline.deliver import Deliverer, outcome_name
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.ingest import acknowledge, ingest, resume, tick
from channelwatch.pipeline.ports import Claim, DeliveryChannel, History, Outcome, Store
from channelwatch.pipeline.world import World
from channelwatch.status.events import CollectorAlive, LatchCleared, Observation
from channelwatch.status.signals import Signal

if TYPE_CHECKING:
    from channelwatch.app.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)

LEASE = "engine"
Job = Callable[["Engine"], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Times in seconds unless named otherwise."""

    batch: int = 512
    tick_s: float = 1.0
    deliver_s: float = 0.25
    lease_ttl_ms: int = 5_000
    inventory_s: float = 2.0
    count_s: float = 5.0
    stop_parts_s: float = 3.0
    stop_drain_s: float = 1.0
    commit_retry_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Readiness:
    """May this process be relied on now? `problems` are plain sentences."""

    problems: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Nothing is wrong."""
        return not self.problems


@dataclass(frozen=True)
class Fittings:
    """What the wiring built for the engine."""

    clock: Clock
    store: Store
    history: History
    world: World
    channels: Mapping[str, DeliveryChannel]
    meters: Meters
    jitter: Callable[[], float]
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
    jobs: Sequence[Job] = ()
    limits: EngineLimits = field(default_factory=EngineLimits)


class Part(Protocol):
    """A piece of the running process beside the pipeline: the collector, the HTTP server."""

    name: str

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain and return within the stop time-out.

        Raises a Permanent error (a port in use, a wrong profile) when it cannot start: the process ends with it.
        """


class Engine:
    """What a part may use. All of it belongs to the event loop, except what `in_store` runs."""

    def __init__(self, settings: Settings, fittings: Fittings) -> None:
        self.settings = settings
        self.clock = fittings.clock
        self.world = fittings.world
        self.store = fittings.store
        self.history = fittings.history
        self.meters = fittings.meters
        self.registry = fittings.meters.registry
        self.started_at = fittings.clock.now()
        self.observations: BoundedQueue[Observation] = BoundedQueue(settings.collector.queue_limit)
        self._fittings = fittings
        self._limits = fittings.limits
        self._store_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._awaited: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._ingested = 0
        self._broadcast = Broadcast()
        self._writing = asyncio.Lock()
        self._outbox_ready = asyncio.Event()
        self._epoch = 0
        self._commit_failing: str | None = None
        self._deliverer = Deliverer(
            _Outbox(self),
            fittings.channels,
            fittings.clock,
            jitter=fittings.jitter,
            settled=self._settled,
        )
        self.meters.watch(self.world, self.observations, self.started_at)

    # What parts call ------------------------------------------------------------------------------------------

    def submit(self, observation: Observation) -> bool:
        """Hand over an observation; False, with the drop counted, when the pipeline is behind."""
        return self.observations.offer(observation)

    def submit_acknowledged(self, observation: Observation) -> asyncio.Future[None] | None:
        """`submit` for a source that can send again: the result comes once `observation` is committed.

        None when the pipeline is behind. Results come in the order of the calls.
        """
        if not self.submit(observation):
            return None
        done = asyncio.get_running_loop().create_future()
        self._awaited.append((self.observations.accepted, done))
        return done

    async def in_store(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a store call in the one store thread and await its result."""
        return await asyncio.get_running_loop().run_in_executor(
            self._store_thread, partial(call, *args, **kwargs)
        )

    def subscribe(self) -> Subscription:
        """Changes of the world from now on; use it as an async context manager."""
        return Subscription(self._broadcast)

    async def acknowledge(self, incident: int, *, by: str, origin: str) -> Incident:
        """Record that a person took an incident. Permanent when there is none or it is over. Idempotent."""
        async with self._writing:
            draft, _ = acknowledge(self.world, incident, by=by, origin=origin, now=self.clock.now())
            await self._commit(draft)
        return next(item for number, item in self.world.incidents.items() if number == incident)

    async def clear_latch(self, device: str, signal: str, *, by: str) -> None:
        """Record that a person cleared a latched signal. Permanent when it is not latched."""
        state = self.world.devices.get(DeviceCode(device))
        if state is None or all(key[0].value != signal for key in state.latched):
            raise Permanent(f"{signal} is not latched", operation="clear latch", subject=device)
        observation = LatchCleared(DeviceCode(device), Signal(signal), by, self.clock.now())
        async with self._writing:
            await self._commit(ingest(self.world, [observation], self.clock.now()))

    def readiness(self) -> Readiness:
        """Problems that make this process unfit to be relied on."""
        problems = []
        if not self._epoch:
            problems.append("starting: the store is not open yet")
        if self._commit_failing is not None:
            problems.append(f"the store refuses writes: {self._commit_failing}")
        if len(self.observations) >= self.observations.limit:
            problems.append("the observation queue is full")
        return Readiness(tuple(problems))

    # Running --------------------------------------------------------------------------------------------------

    async def run(self, parts: Sequence[Part], stop: asyncio.Event) -> None:
        """Work until `stop` is set; then stop the parts, drain, and give up the lease.

        Raises what a part or a loop raised: the process is to end with it.
        """
        try:
            await self._begin()
            core = [asyncio.create_task(loop) for loop in self._loops()]
            core += [asyncio.create_task(job(self)) for job in self._fittings.jobs]
            running = [asyncio.create_task(part.run(self, stop), name=part.name) for part in parts]
            error = await _until(stop, core, running)
            await self._end(core, running)
            if error is not None:
                raise error
        finally:
            self._store_thread.shutdown(wait=True)

    async def reload_inventory(self, inventory: Inventory) -> None:
        """Take a newer inventory version into the world."""
        async with self._writing:
            self.world.set_inventory(inventory)
        log.info("inventory taken", extra={"version": inventory.version, "devices": len(inventory.devices)})

    async def _begin(self) -> None:
        await self.in_store(self.store.upgrade)
        while not await self._hold_lease():
            log.warning("lease held by another process; waiting")
            await asyncio.sleep(1)
        snapshot = await self.in_store(self.store.load, self.world.log, now=self.clock.now())
        if snapshot.inventory is not None:
            self.world.set_inventory(snapshot.inventory)
        async with self._writing:
            await self._commit(resume(self.world, snapshot, self.clock.now()))

    async def _end(self, core: list[asyncio.Task[None]], running: list[asyncio.Task[None]]) -> None:
        if running:
            _, late = await asyncio.wait(running, timeout=self._limits.stop_parts_s)
            for task in late:
                log.warning("part did not stop in time", extra={"part": task.get_name()})
                task.cancel()
        await _cancel([*core, *running])
        try:
            async with asyncio.timeout(self._limits.stop_drain_s):
                while len(self.observations):
                    await self._ingest_batch()
                await self._deliverer.round()
        except TimeoutError:
            log.warning("stopped before the queue was empty", extra={"left": len(self.observations)})
        self._broadcast.close()
        for close in self._fittings.closers:
            await close()
        await self.in_store(self.store.release_lease, LEASE, self._holder)
        await self.in_store(self.store.close)

    def _loops(self) -> Sequence[Coroutine[None, None, None]]:
        limits = self._limits
        return (
            _every(0, self._ingest_batch),
            _every(limits.tick_s, self._tick_once),
            _every(0, self._deliver_once),
            _every(limits.lease_ttl_ms / 5000, self._renew_lease),
            _every(limits.inventory_s, self._take_newer_inventory),
            _every(limits.count_s, self._count_once),
        )

    async def _tick_once(self) -> None:
        async with self._writing:
            await self._commit(tick(self.world, self.clock.now()))

    async def _renew_lease(self) -> None:
        if not await self._hold_lease():
            raise Permanent("another process has taken the lease", operation="renew lease")

    async def _take_newer_inventory(self) -> None:
        if await self.in_store(self.store.inventory_version) > self.world.inventory.version:
            newest = await self.in_store(self.store.inventory)
            assert newest is not None, "a version number without an inventory"
            await self.reload_inventory(newest)

    async def _count_once(self) -> None:
        self.meters.outbox(await self.in_store(self.store.outbox_counts, self.clock.now()))

    async def _ingest_batch(self) -> None:
        batch = await self.observations.take_batch(self._limits.batch)
        for alive in batch:
            if isinstance(alive, CollectorAlive):
                await self.in_store(
                    self.store.heartbeat, alive.collector, since=alive.since, until=alive.until
                )
        async with self._writing:
            await self._commit(ingest(self.world, batch, self.clock.now()))
        self._acknowledge_until(self._ingested + len(batch))

    def _acknowledge_until(self, number: int) -> None:
        """The first `number` observations that the queue has accepted are committed."""
        self._ingested = number
        while self._awaited and self._awaited[0][0] <= number:
            _, done = self._awaited.popleft()
            if not done.cancelled():
                done.set_result(None)

    async def _commit(self, draft: Draft) -> None:
        """Write the draft, then adopt it. A store that cannot write now is asked again, and the fault is shown."""
        effects = draft.effects()
        began = self.clock.monotonic_ms()
        while not effects.is_empty:
            try:
                await self.in_store(self.store.commit, effects, epoch=self._epoch)
                break
            except Transient as error:
                self._commit_failing = str(error)
                log.error("commit failed; will be tried again", extra={"reason": str(error)})
                await asyncio.sleep(self._limits.commit_retry_s)
        self._commit_failing = None
        if not effects.is_empty:
            self.meters.committed(self.clock.monotonic_ms() - began)
        before = self.world.revision
        change = draft.adopt()
        if change.revision != before:
            self._broadcast.publish(change)
        if effects.outbox:
            self._outbox_ready.set()

    async def _deliver_once(self) -> None:
        try:
            tried = await self._deliverer.round()
        except Transient as error:
            log.error("outbox unavailable; will be tried again", extra={"reason": str(error)})
            tried = 0
        if tried:
            return
        self._outbox_ready.clear()
        try:
            async with asyncio.timeout(self._limits.deliver_s):
                await self._outbox_ready.wait()
        except TimeoutError:
            pass

    async def _hold_lease(self) -> bool:
        epoch = await self.in_store(
            self.store.take_lease, LEASE, self._holder, now=self.clock.now(), ttl_ms=self._limits.lease_ttl_ms
        )
        self._epoch = epoch or self._epoch
        return epoch is not None

    @property
    def _holder(self) -> str:
        return f"{self.settings.instance.id}:{self.started_at}"

    def _settled(self, claim: Claim, outcome: Outcome, latency_ms: int) -> None:
        self.meters.delivered(claim, outcome, latency_ms)
        log.info(
            "alert tried",
            extra={
                "key": claim.alert.key,
                "channel": claim.channel,
                "outcome": outcome_name(outcome),
                "latency_ms": latency_ms,
            },
        )

    @property
    def epoch(self) -> int:
        """The lease epoch under which this process writes."""
        return self._epoch


class _Outbox:
    """The store's outbox, each call in the store's thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def claim(self, *, now: EpochMs, limit: int, lease_ms: int) -> list[Claim]:
        engine = self._engine
        return await engine.in_store(
            engine.store.claim_outbox, now=now, limit=limit, lease_ms=lease_ms, epoch=engine.epoch
        )

    async def settle(
        self, row_id: int, outcome: Outcome, *, now: EpochMs, not_before: EpochMs | None
    ) -> None:
        engine = self._engine
        await engine.in_store(engine.store.settle_outbox, row_id, outcome, now=now, not_before=not_before)


async def _every(seconds: float, call: Callable[[], Coroutine[None, None, None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        await call()


async def _until(
    stop: asyncio.Event, core: list[asyncio.Task[None]], running: list[asyncio.Task[None]]
) -> BaseException | None:
    """Wait for `stop` or for the first task to end by itself; what that one raised."""
    waiter = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiter, *core, *running], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await waiter
    failed = [task.exception() for task in done if task is not waiter and not task.cancelled()]
    return next((error for error in failed if error is not None), None)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            log.error("task ended with an error", extra={"error": repr(result)})
