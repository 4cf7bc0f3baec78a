"""The collector as a part of the running process: polls, traps and syslog of one bloc's devices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from channelwatch.app.running.engine import Engine
from channelwatch.app.settings import Listen, Settings
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError, Permanent
from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Device, Inventory
from channelwatch.metrics import catalogue, process
from channelwatch.status.events import CollectorAlive
from channelwatch_collector.counters import Mirror, PollMeters
from channelwatch_collector.credentials import credential_of
from channelwatch_collector.engines import engine_for
from channelwatch_collector.events import Events, House
from channelwatch_collector.kin import ask_kin, kin
from channelwatch_collector.memory import Remembered, memory_path, recall, remember
from channelwatch_collector.poll.poller import Poller, PollLimits, Reports
from channelwatch_collector.poll.schedule import Schedule, Timing
from channelwatch_collector.poll.watched import NO_BOX, Box
from channelwatch_collector.profiles.reload import ProfilesFolder
from channelwatch_collector.snmp.port import V3, AgentClock, Credential, Target, V2c
from channelwatch_collector.snmp.trap_decoder import LocalEngine, TrapSettings, TrapUser, local_engine_id
from channelwatch_collector.snmp.traps import TrapReceiver
from channelwatch_collector.sources import Sources, watched_devices
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.station import Station, is_wanted

log = logging.getLogger(__name__)

ALIVE_EVERY_S = 5.0
INVENTORY_EVERY_S = 0.5
MEMORY_EVERY_S = 5.0
PROFILES_EVERY_S = 3.0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last one: when (epoch ms, and the monotonic clock's ms), and what had been dropped until then."""

    at: EpochMs
    tick: int
    dropped: int = 0


class CollectorPart:
    """Plugs into the engine under the name `collector`."""

    name = "collector"

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        """Collect until `stop` is set. Permanent when an address cannot be listened on or a profile is wrong."""
        collector = Collector(engine)
        try:
            await collector.start()
            await collector.serve(stop)
        finally:
            await collector.close()


class Collector:
    """Everything that the part holds. Create it on the running event loop."""

    def __init__(self, engine: Engine) -> None:
        settings = engine.settings
        snmp = settings.collector.snmp
        self._engine = engine
        self._settings = settings
        self._clock = engine.clock
        self._memory_path = memory_path(settings)
        self._remembered = recall(self._memory_path)
        self._credentials: dict[str, Credential] = {
            name: credential_of(item) for name, item in settings.credentials.items()
        }
        folder = settings.collector.profiles
        self._profiles = ProfilesFolder(None if folder is None else settings.resolve(folder))
        self.snmp = engine_for(snmp.engine, snmp.max_in_flight)
        meters = PollMeters(engine.registry)
        self.poller = Poller(
            self.snmp,
            Schedule(
                Timing(confirm_ms=round(snmp.confirm_s * 1000), misses_before_down=snmp.misses_before_down)
            ),
            self._profiles.load(),
            clock=self._clock,
            reports=Reports(
                engine.submit,
                outcome=meters.outcome,
                faltered=self._ask_kin,
                agent=self._agent,
                late=meters.late,
                lag=meters.lag,
            ),
            limits=PollLimits(snmp.max_in_flight, max_lag_ms=round(snmp.timeout_s * 500)),
            zone=_zone(settings),
        )
        self.sources = Sources(clock=self._clock, rogue=engine.submit)
        house = House(engine.submit, self.poller.poll_now, self.poller.profile_of, self._credentials)
        self.events = Events(house, self.sources, clock=self._clock, zone=_zone(settings))
        self.traps: TrapReceiver | None = None
        self.syslog = (
            Station(engine, poll_now=self.poller.poll_now) if is_wanted(settings.collector.syslog) else None
        )
        self._inventory: Inventory | None = None
        self._trap_counts = Mirror(process.traps(engine.registry))
        self._line_counts = Mirror(process.syslog_messages(engine.registry))
        self._byte_counts = Mirror(process.counter(engine.registry, catalogue.SYSLOG_BYTES))
        process.read_at_scrape(engine.registry, catalogue.COLLECTOR, self._counts)

    async def start(self) -> None:
        """Open the listeners. Permanent when one cannot be had."""
        self._remembered = replace(self._remembered, boots=self._remembered.boots + 1)
        remember(self._memory_path, self._remembered)
        collector = self._settings.collector
        if collector.traps is not None:
            self.traps = self._trap_receiver(collector.traps.listen)
        self.follow_inventory()
        if self.syslog is not None:
            await self.syslog.start()
        log.info("collector started", extra={"collector": collector.id, "devices": len(self.poller.watching)})

    async def serve(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, or until one of the loops fails."""
        loops = [
            asyncio.create_task(loop)
            for loop in (
                self.poller.run(stop),
                _every(INVENTORY_EVERY_S, self.follow_inventory),
                _every(MEMORY_EVERY_S, self.save_memory),
                _every(PROFILES_EVERY_S, self.follow_profiles),
                self._stay_alive(),
                ask_kin(self._engine, self.poller.poll_now),
            )
        ]
        try:
            ended, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for loop in ended:
                loop.result()
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def close(self) -> None:
        """Free everything, whatever state it is in."""
        if self.traps is not None:
            self.traps.close()
        if self.syslog is not None:
            await self.syslog.close()
        await self.snmp.close()
        self.save_memory()

    def _ask_kin(self, device: DeviceCode) -> None:
        for relative in kin(device, self._engine.world.inventory):
            self.poller.poll_now(relative)

    def follow_inventory(self) -> None:
        """Take a newer inventory version, if there is one."""
        inventory = self._engine.world.inventory
        if inventory is self._inventory:
            return
        self._inventory = inventory
        devices = watched_devices(inventory, frozenset(self._settings.instance.blocs))
        self.sources.set_devices(devices)
        if self.syslog is not None:
            self.syslog.set_devices(devices)
        for code in self.poller.watching - {device.code for device in devices}:
            self.poller.unwatch(code)
        for device in devices:
            target = self._target(device)
            if target is None:
                self.poller.unwatch(device.code)
            else:
                period_ms = self._engine.world.poll_period_ms(device.code)
                self.poller.watch(device, target, period_ms, self._box(device.code))
        log.info("inventory followed", extra={"version": inventory.version, "devices": len(devices)})

    def follow_profiles(self) -> None:
        """Take the operator's profiles anew if a file of them changed; with a mistake in them, keep those there are."""
        try:
            profiles = self._profiles.changed()
        except InputError as error:
            log.error("profiles not taken", extra={"reason": str(error)})
            return
        if profiles is not None:
            self.poller.use(profiles)
            log.info("profiles taken", extra={"profiles": len(profiles)})

    def save_memory(self) -> None:
        """Write down what has changed since the last time; what cannot be written is tried again."""
        boxes = {**self._remembered.boxes, **self.poller.boxes()}
        if self._inventory is not None:
            boxes = {code: box for code, box in boxes.items() if code in self._inventory.device}
        now = Remembered(self._remembered.boots, boxes)
        if now == self._remembered:
            return
        try:
            remember(self._memory_path, now)
        except Permanent as error:
            log.error("memory not saved", extra={"reason": str(error)})
        else:
            self._remembered = now

    def _box(self, device: DeviceCode) -> Box:
        return self._remembered.boxes.get(device, NO_BOX)

    def _target(self, device: Device) -> Target | None:
        credential = self._credentials.get(device.credential)
        if credential is None:
            log.error("no such credential", extra={"device": device.code, "credential": device.credential})
            return None
        snmp = self._settings.collector.snmp
        try:
            return Target(
                device.address, credential, port=device.port, timeout_s=snmp.timeout_s, retries=snmp.retries
            )
        except ValueError as error:
            log.error("device cannot be polled", extra={"device": device.code, "reason": str(error)})
            return None

    def _agent(self, device: Device, clock: AgentClock) -> None:
        """An authenticated answer: its engine may speak for the device from now on."""
        displaced = self.sources.bind(clock.engine_id, device.code)
        if self.traps is not None:
            if displaced is not None:
                self.traps.unbind_engine(displaced)
            self.traps.bind_engine(clock.engine_id, device.address, clock)

    def _trap_receiver(self, listen: Listen) -> TrapReceiver:
        seed = f"{self._settings.instance.id}/{self._settings.collector.id}".encode()
        now_s = self._clock.monotonic_ms() / 1000
        try:
            return TrapReceiver(
                local=(listen.host, listen.port),
                settings=TrapSettings(
                    communities=tuple(
                        item.community for item in self._credentials.values() if isinstance(item, V2c)
                    ),
                    users=trap_users(self._credentials),
                    allows=self.events.allows,
                ),
                engine=LocalEngine.started(
                    local_engine_id(seed), last_boots=self._remembered.boots - 1, now_s=now_s
                ),
                deliver=self.events.trap,
                clock=self._clock,
            )
        except OSError as error:
            raise Permanent(str(error), operation="listen for traps", subject=str(listen)) from error

    async def _stay_alive(self) -> None:
        """The heartbeat: this collector ran from one beat to the next, and to its orderly end."""
        beat = Heartbeat(self._clock.now(), self._clock.monotonic_ms())
        try:
            while True:
                await asyncio.sleep(ALIVE_EVERY_S)
                beat = self._beat(beat)
                self._mirror()
        finally:
            self._beat(beat)

    def _beat(self, last: Heartbeat) -> Heartbeat:
        until, tick = self._clock.now(), self._clock.monotonic_ms()
        is_whole = 0 <= until - last.at <= 4 * ALIVE_EVERY_S * 1000
        # Otherwise it was suspended, or the clock was set: nobody can vouch for the time in between.
        since = last.at if is_whole else EpochMs(until - 1)
        dropped = self._engine.observations.dropped
        lag_ms = self.poller.lags.worst_since(last.tick)
        lost = dropped - last.dropped
        self._engine.submit(
            CollectorAlive(self._settings.collector.id, since, until, lag_ms=lag_ms, dropped=lost)
        )
        return Heartbeat(until, tick, dropped)

    def _mirror(self) -> None:
        if self.traps is not None:
            self._trap_counts.follow({(word,): count for word, count in self.traps.counters.items()})
        if self.syslog is not None:
            counts: dict[tuple[str, ...], int] = {}
            octets = self.syslog.counters.of(Count.OCTETS)
            self._byte_counts.follow({(label,): count for label, count in octets.items()})
            for (what, label), count in self.syslog.counters.snapshot().items():
                if what is Count.OCTETS:
                    continue
                by_transport = label if label in _TRANSPORTS else "all"
                result = f"{what.value}:{label}" if what in _WITH_REASON else what.value
                key = (by_transport, result)
                counts[key] = counts.get(key, 0) + count
            self._line_counts.follow(counts)

    def _counts(self) -> Mapping[tuple[str, ...], float]:
        counts: dict[str, float] = {f"snmp_{word}": count for word, count in self.snmp.counters.items()}
        counts |= {
            "poll_overrun": self.poller.overruns,
            "trap_shed": self.events.shed,
            "syslog_refused": self.syslog.counters.total(Count.NO_ROOM) if self.syslog else 0,
            "rogue": self.sources.rogues,
        }
        return {(event,): count for event, count in sorted(counts.items())}


_WITH_REASON = frozenset(
    {Count.PARSED, Count.RAW, Count.UNREAD_PASSED_OVER, Count.UNMATCHED, Count.REFUSED, Count.SHED}
    | {Count.FRAME_ERROR, Count.CONNECTION_REFUSED, Count.TLS_FAILED, Count.MISMATCH}
)
"""Counters whose labels are few and tell what to do."""
_TRANSPORTS = frozenset({"syslog_udp", "syslog_tcp", "syslog_tls", "syslog_relp"})


def trap_users(credentials: Mapping[str, Credential]) -> tuple[TrapUser, ...]:
    """The users whose traps are taken: every v3 credential, at its own level."""
    users: dict[V3, TrapUser] = {}
    for name, credential in credentials.items():
        if not isinstance(credential, V3):
            continue
        try:
            users[credential] = TrapUser(credential)
        except ValueError as error:
            log.warning("traps of a user cannot be read", extra={"credential": name, "reason": str(error)})
    return tuple(users.values())


def _zone(settings: Settings) -> ZoneInfo:
    return ZoneInfo(settings.collector.syslog.zone)


async def _every(seconds: float, work: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        work()
