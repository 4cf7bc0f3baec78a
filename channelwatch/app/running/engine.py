"""The running house: one queue in, one world, one store thread, and the loops between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from secrets import token_hex
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from channelwatch.app.running.broadcast import Broadcast, Subscription
from channelwatch.app.running.drillbook import DrillBook
from channelwatch.app.running.intake import Intake
from channelwatch.app.running.limits import EngineLimits
from channelwatch.app.running.memorypost import MemoryPost
from channelwatch.app.running.meters import Meters
from channelwatch.app.running.outlet import Outlet
from channelwatch.app.running.reach import Reach
from channelwatch.app.running.storethread import StoreThread
from channelwatch.app.running.supervise import (
    Countdown,
    Task,
    cancel,
    every,
    report,
    start,
    until_stopped,
    within,
)
from channelwatch.app.running.trouble import Troubles
from channelwatch.app.running.writer import CannotWrite, Patience, Writer
from channelwatch.base.clock import Clock
from channelwatch.base.errors import Bug, Permanent, Transient
from channelwatch.base.ids import DeviceCode, IncidentId
from channelwatch.incidents.drills import Drill
from channelwatch.incidents.model import Incident
from channelwatch.incidents.rules import OwnFault
from channelwatch.inventory.model import Inventory
from channelwatch.pipeline.acts import Act, perform
from channelwatch.pipeline.availability import Archive
from channelwatch.pipeline.deliver import Deliverer
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.external import ExternalAlert, take_external
from channelwatch.pipeline.freshen import freshened
from channelwatch.pipeline.ingest import acknowledge, ingest, resume, revise, tick
from channelwatch.pipeline.ports import DeliveryChannel, Effects, History, Store
from channelwatch.pipeline.world import World, WorldChange
from channelwatch.status.events import CollectorAlive, DrillInjected, LatchCleared, Observation
from channelwatch.status.signals import Signal

if TYPE_CHECKING:
    from channelwatch.app.settings import Settings

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)

LEASE = "engine"
STORE_UNAVAILABLE = "store unavailable; will be tried again"
LEASE_NOT_RENEWED = "lease not renewed; will be tried again"
INVENTORY_UNREADABLE = "newest inventory not read; the one before it stays"
RECALLED = 200
"""Incidents of which a start looks up whether anybody was reached."""
HEARTBEAT_MISSED = "heartbeat not recorded"

Job = Callable[["Engine"], Coroutine[None, None, None]]


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
    preparations: Sequence[Job] = ()
    """What is done before the stored state is taken up, one after the other."""
    jobs: Sequence[Job] = ()
    archive: Archive | None = None
    drills: DrillBook | None = None
    limits: EngineLimits = field(default_factory=EngineLimits)


class Part(Protocol):
    """A piece of the running process beside the pipeline: the collector, the HTTP server."""

    name: str

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain and return within the stop time-out.

        Raises a Permanent error (a port in use, a wrong profile) when it cannot start: the process ends with it.
        """


class Engine:
    """What a part may use. All of it belongs to the event loop, except what `in_store` and `look_up` run."""

    def __init__(self, settings: Settings, fittings: Fittings) -> None:
        self.settings = settings
        self.clock = fittings.clock
        self.world = fittings.world
        self.store = fittings.store
        self.history = fittings.history
        self.archive = fittings.archive
        self.meters = fittings.meters
        self.registry = fittings.meters.registry
        self.started_at = fittings.clock.now()
        self.evaluated_at_ms = fittings.clock.monotonic_ms()
        self.play: Callable[[Sequence[DrillInjected]], Draft] | None = None
        """What plays a drill, while there is one."""
        self.drills = fittings.drills
        self.drill: Drill | None = None
        """The drill that is on."""
        self.extra_faults: set[OwnFault] = set()
        """What jobs beside the engine find wrong with the monitoring itself."""
        self._fittings = fittings
        self._limits = limits = fittings.limits
        self._store = StoreThread(fittings.store)
        self._holder = f"{settings.instance.id}:{token_hex(8)}"
        self._stage = "starting: the store is not open yet"
        self._stop = Countdown()
        self._broadcast = Broadcast()
        self._troubles = Troubles()
        self._reach = Reach(fittings.world)
        self._writer = Writer(
            self._commit,
            self._adopted,
            unrecorded=self._unrecorded,
            recorded=self._recorded,
            troubles=self._troubles,
            patience=Patience(limits.retry_s, limits.hold_s, limits.hold_most),
        )
        self._intake = Intake(
            settings.collector.queue_limit,
            self._ingest,
            self._beat,
            self._writer.then,
            meters=fittings.meters,
            batch=limits.batch,
        )
        outlet = Outlet(
            self._store, self.world, meters=fittings.meters, reach=self._reach, troubles=self._troubles
        )
        self._post = MemoryPost(outlet, partial(freshened, self.world))
        self._deliverer = Deliverer(
            self._post,
            fittings.channels,
            fittings.clock,
            jitter=fittings.jitter,
            witness=outlet,
            policy=limits.delivery,
        )
        self.observations = self._intake.queue
        self.meters.watch(self.world, self.observations, self.clock, self.started_at, self._reach.unheard)

    # What parts call ------------------------------------------------------------------------------------------

    def submit(self, observation: Observation) -> bool:
        """Hand over an observation; False, with the drop counted, when the pipeline is behind."""
        return self._intake.submit(observation)

    def submit_acknowledged(self, observation: Observation) -> asyncio.Future[None] | None:
        """`submit` for a source that can send again: the result comes once `observation` is committed.

        None when the pipeline is behind. Results come in the order of the calls.
        """
        return self._intake.submit_acknowledged(observation)

    async def in_store(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a store call in the one store thread and await its result."""
        return await self._store.call(call, *args, **kwargs)

    async def look_up(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a store call that only reads beside the store thread: however long it takes, commits do not wait."""
        return await self._store.read(call, *args, **kwargs)

    def subscribe(self) -> Subscription:
        """Changes of the world from now on; use it as an async context manager."""
        return Subscription(self._broadcast)

    async def acknowledge(self, incident: int, *, by: str, origin: str) -> Incident:
        """Record that a person took an incident. Idempotent.

        Permanent when there is none or it is over. Transient while the store refuses writes.
        """
        number = IncidentId(incident)

        def make() -> Draft:
            return acknowledge(self.world, number, by=by, origin=origin, now=self.clock.now())[0]

        await self._write_for_a_person(make)
        return self.world.incidents[number]

    async def act(self, incident: int, act: Act) -> Incident:
        """Record what a person did to an incident.

        InputError when something is missing; Permanent when there is no such incident or its state forbids it.
        Transient while the store refuses writes.
        """
        await self._write_for_a_person(lambda: perform(self.world, incident, act, self.clock.now()))
        return self.world.incidents[IncidentId(incident)]

    async def decide(self, make: Callable[[], Draft]) -> Draft:
        """Commit what a job decides, as soon as the store takes it."""
        return await self._writer.write(make)

    async def take_external(self, alerts: Sequence[ExternalAlert]) -> None:
        """Take the alerts of another monitoring system. Transient when there are too many, or the store refuses."""
        await self._write_for_a_person(lambda: take_external(self.world, alerts, self.clock.now()))

    async def clear_latch(self, device: str, signal: str, *, by: str) -> None:
        """Record that a person cleared a latched signal.

        Permanent when it is not latched. Transient while the store refuses writes.
        """
        code = DeviceCode(device)

        def make() -> Draft:
            state = self.world.devices.get(code)
            if state is None or all(key[0] != signal for key in state.latched):
                raise Permanent(f"{signal} is not latched", operation="clear latch", subject=device)
            now = self.clock.now()
            return ingest(self.world, [LatchCleared(code, Signal(signal), by, now)], now)

        await self._write_for_a_person(make)
        log.info("latch cleared", extra={"device": device, "signal": signal, "by": by})

    async def _write_for_a_person(self, make: Callable[[], Draft]) -> None:
        """Who waits for an answer is not made to wait until a disk has room again."""
        if self._writer.is_failing or self._writer.is_behind:
            raise Transient("the store refuses writes at present", operation="write")
        try:
            async with asyncio.timeout(self._limits.person_s):
                await self._writer.write(make)
        except TimeoutError:
            raise Transient("the store is slow; it may be recorded yet", operation="write") from None
        if self._writer.is_behind:
            raise Transient("the store refuses writes; it may be recorded yet", operation="write")

    def readiness(self) -> Readiness:
        """Problems that make this process unfit to be relied on."""
        problems = [self._stage] if self._stage else []
        problems += self._troubles.sentences()
        if len(self.observations) >= self.observations.limit:
            problems.append("the observation queue is full")
        problems += self._reach.problems()
        return Readiness(tuple(problems))

    # Running --------------------------------------------------------------------------------------------------

    async def run(self, parts: Sequence[Part], stop: asyncio.Event) -> None:
        """Work until `stop` is set; then stop the parts, drain, and give up the lease, in less than five seconds.

        Raises what a part or a loop raised: the process is to end with it.
        """
        error: Exception | None = None
        try:
            if await self._begin(stop):
                error = await self._work(parts, stop)
        finally:
            await self._close()
        if error is not None:
            raise error

    async def _begin(self, stop: asyncio.Event) -> bool:
        """Take the lease and resume; False when asked to stop before that."""
        begun, waiter = start("begin", self._take_up()), asyncio.create_task(stop.wait())
        await asyncio.wait({begun, waiter}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if not begun.done():
            await cancel([begun], self._limits.stop_tasks_s)
            return False
        begun.result()
        return True

    async def _take_up(self) -> None:
        await self._patiently(partial(self.in_store, self.store.upgrade))
        # Reading what was stored may take longer than a lease lasts that is renewed every second.
        waits = False
        while not await self._patiently(partial(self._take_lease, self._limits.begin_ttl_ms)):
            if not waits:
                log.warning("lease held by another process; waiting")
            waits = True
            await asyncio.sleep(self._limits.lease_ttl_ms / 5000)
        if waits:
            log.info("lease taken over")
        snapshot = await self._patiently(
            partial(self.in_store, self.store.load, self.world.log, now=self.clock.now())
        )
        if snapshot.inventory is not None:
            self.world.set_inventory(snapshot.inventory)
        if snapshot.alive_until is not None and snapshot.alive_until > self.clock.now():
            log.warning("clock is behind what was recorded before", extra={"until": snapshot.alive_until})
        for prepare in self._fittings.preparations:
            await prepare(self)
        await self._writer.write(lambda: resume(self.world, snapshot, self.clock.now()))
        for incident in islice(self._reach.waiting(), RECALLED):
            self._reach.recall(await self._patiently(partial(self.in_store, self.history.pages, incident.id)))
        await self._renew_lease()
        self._stage = ""

    async def _patiently(self, call: Callable[[], Awaitable[R]]) -> R:
        """Call, again and again while it fails for now."""
        while True:
            try:
                result = await call()
            except Transient as error:
                self._troubles.begins(STORE_UNAVAILABLE, str(error))
                await asyncio.sleep(self._limits.retry_s)
            else:
                self._troubles.ends(STORE_UNAVAILABLE)
                return result

    async def _take_lease(self, ttl_ms: int) -> bool:
        epoch = await self.in_store(
            self.store.take_lease, LEASE, self._holder, now=self.clock.now(), ttl_ms=ttl_ms
        )
        self._store.epoch = epoch or self._store.epoch
        self.meters.leased(self._store.epoch, held=epoch is not None, at_ms=self.clock.monotonic_ms())
        return epoch is not None

    async def _work(self, parts: Sequence[Part], stop: asyncio.Event) -> Exception | None:
        limits = self._limits
        intake = start("ingest", self._intake.run())
        deliver = start("deliver", self._deliverer.run())
        loops = [
            start("tick", every(limits.tick_s, self._tick)),
            start("lease", every(limits.lease_ttl_ms / 5000, self._renew_lease)),
            start("inventory", every(limits.inventory_s, self._take_newer_inventory)),
            start("count", every(limits.count_s, self._count)),
            *(start(getattr(job, "__name__", "job"), job(self)) for job in self._fittings.jobs),
        ]
        running = [start(f"part {part.name}", part.run(self, stop)) for part in parts]
        error = await until_stopped(stop, [intake, deliver, *loops, *running])
        self._stage, self._stop = "stopping", Countdown()
        await self._stop_parts(running)
        if not isinstance(error, CannotWrite):
            await self._drain(intake, deliver)
        self._writer.give_up()
        await cancel([intake, deliver, *loops, *running], self._stop.left(limits.stop_tasks_s))
        await within(self._stop.left(limits.stop_tasks_s), "commit", self._writer.finish())
        return error

    async def _stop_parts(self, running: Collection[Task]) -> None:
        working = [task for task in running if not task.done()]
        if not working:
            return
        ended, late = await asyncio.wait(working, timeout=self._stop.left(self._limits.stop_parts_s))
        report(ended)
        for task in late:
            log.warning("part did not stop in time", extra={"part": task.get_name()})
            task.cancel()

    async def _drain(self, intake: Task, deliver: Task) -> None:
        """Take in what was accepted, and send what is due."""
        if not intake.done():
            await within(self._stop.left(self._limits.stop_drain_s), "ingest", self._intake.drained())
        if self._intake.left:
            log.warning("stopped before the queue was empty", extra={"left": self._intake.left})
        self._deliverer.finish()
        await asyncio.wait([deliver], timeout=self._stop.left(self._limits.stop_send_s))

    async def _close(self) -> None:
        """Free everything, whatever state it is in."""
        last = [*self._fittings.closers, self._release_lease, self._close_store]
        self._broadcast.close()
        await within(self._stop.left(self._limits.stop_close_s), "deliveries", self._deliverer.abandon())
        for number, close in enumerate(last):
            seconds = self._stop.left(self._limits.stop_close_s) / (len(last) - number)
            await within(seconds, "close", close())
        self._store.end()

    async def _release_lease(self) -> None:
        if self._store.epoch:
            await self.in_store(self.store.release_lease, LEASE, self._holder)

    async def _close_store(self) -> None:
        await self.in_store(self.store.close)

    # Loops ----------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        self.world.own_faults = frozenset(self._own_faults())
        await self._writer.write(lambda: tick(self.world, self.clock.now()))
        self.meters.evaluated(self.clock.now())
        self.evaluated_at_ms = self.clock.monotonic_ms()

    @property
    def oldest_unsent_ms(self) -> int:
        """How long the oldest alert has waited when it was last counted."""
        return self._reach.oldest_unsent_ms

    def _own_faults(self) -> Iterator[OwnFault]:
        yield from self.extra_faults
        yield from self._reach.faults()
        if len(self.observations) >= self.observations.limit:
            yield OwnFault.BACKLOG

    async def _renew_lease(self) -> None:
        with self._troubles.tolerated(LEASE_NOT_RENEWED):
            if not await self._take_lease(self._limits.lease_ttl_ms):
                raise CannotWrite("another process has taken the lease", operation="renew lease")

    async def _take_newer_inventory(self) -> None:
        newest: Inventory | None = None
        with self._troubles.tolerated(INVENTORY_UNREADABLE):
            newest = await self._newer_inventory()
        if newest is not None:
            taken = newest
            await self._writer.write(lambda: revise(self.world, taken, self.clock.now()))
            log.info("inventory taken", extra={"version": taken.version, "devices": len(taken.devices)})

    async def _newer_inventory(self) -> Inventory | None:
        try:
            if await self.in_store(self.store.inventory_version) <= self.world.inventory.version:
                return None
            return await self.in_store(self.store.inventory)
        except (Bug, ValueError) as error:
            # A newer program wrote it, perhaps: what is watched now must go on being watched.
            raise Transient(str(error)) from error

    async def _count(self) -> None:
        self.meters.looked(self.world, self.clock.monotonic_ms())
        with self._troubles.tolerated(STORE_UNAVAILABLE):
            counts = await self.in_store(self.store.outbox_counts, self.clock.now())
            self.meters.outbox(counts)
            self._reach.counted(counts)

    # What the intake, the writer and the deliverer call ---------------------------------------------------------

    async def _ingest(self, batch: Sequence[Observation]) -> Draft:
        played = [item for item in batch if isinstance(item, DrillInjected)]
        play = self.play
        if played and play is not None:
            await self._writer.write(lambda: play(played))
        draft = await self._writer.write(lambda: ingest(self.world, batch, self.clock.now()))
        self.meters.ingested(batch, self.clock.now())
        if draft.outbox and len(batch) >= self._limits.storm_batch and self._intake.left < 4 * len(batch):
            # The first messages of a storm are out before the machine is busy with what says nothing new.
            await self._deliverer.at_rest(self._limits.storm_s)
        return draft

    async def _beat(self, alive: CollectorAlive) -> None:
        with self._troubles.tolerated(HEARTBEAT_MISSED):
            await self.in_store(self.store.heartbeat, alive.collector, since=alive.since, until=alive.until)

    async def _commit(self, effects: Effects) -> None:
        began = self.clock.monotonic_ms()
        await self.in_store(self.store.commit, effects, epoch=self._store.epoch)
        self.meters.committed(self.clock.monotonic_ms() - began)

    def _unrecorded(self, effects: Effects) -> None:
        self._post.hold(effects.outbox)

    def _recorded(self, effects: Effects) -> None:
        self._post.release(effects.outbox)

    def _adopted(self, change: WorldChange | None, effects: Effects) -> None:
        self.meters.adopted(effects)
        if change is not None:
            self._broadcast.publish(change)
        if effects.outbox:
            self._deliverer.wake()
