"""The asyncio shell around schedule, engine and decoder: polls what is due and reports each outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import tzinfo

from channelwatch.base.clock import LOCAL_ZONE, Clock, EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Device
from channelwatch.status.events import MissCause, Observation, PollAnswered, PollMissed
from channelwatch_collector.poll.lag import LagRecord
from channelwatch_collector.poll.schedule import Due, Schedule
from channelwatch_collector.poll.watched import (
    CAUSE,
    NO_BOX,
    OUR_FAULT,
    SILENCE,
    Box,
    Watched,
    box_of,
    noticed,
)
from channelwatch_collector.poll.witness import Witnesses
from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.match import (
    IDENTITY,
    By,
    Identity,
    Recognised,
    identity,
    probes,
    recognise,
)
from channelwatch_collector.profiles.profile import FALLBACK, Profile
from channelwatch_collector.profiles.rows import Memory, Moment
from channelwatch_collector.snmp.limits import Places
from channelwatch_collector.snmp.port import (
    AgentClock,
    PollAnswer,
    PollFailure,
    PollPlan,
    SnmpEngine,
    SnmpError,
    Target,
)

log = logging.getLogger(__name__)

LONGEST_SLEEP_S = 0.5
"""How long a change of the schedule from outside may go unseen."""

LAG_EVERY_S = 0.1


@dataclass(frozen=True)
class Reports:
    """Whom the poller tells. None of them may block or raise.

    `outcome` is given `answered` or the word of the miss, and how long the poll took (s). `faltered` is told of a
    device at the first miss of a row that counts. `agent` is given each authenticated answer's engine. `late` is given
    by how much a poll began too late (s), `lag` each measured lag of the event loop (s).
    """

    submit: Callable[[Observation], bool]
    outcome: Callable[[str, float], None] = lambda word, took_s: None
    faltered: Callable[[DeviceCode], None] = lambda device: None
    agent: Callable[[Device, AgentClock], None] = lambda device, clock: None
    late: Callable[[float], None] = lambda late_s: None
    lag: Callable[[float], None] = lambda lag_s: None


@dataclass(frozen=True, slots=True)
class PollLimits:
    """`max_in_flight` polls at once, of which those do not count that have lasted longer than `slow_after_s`, up to
    `max_slow` of them: who does not answer must not keep the others waiting. A miss is not held against a device while
    the loop lags more than `max_lag_ms`."""

    max_in_flight: int = 200
    max_lag_ms: int = 1_000
    max_slow: int = 2_000
    slow_after_s: float = 0.5


class Poller:
    """Polls the devices that it was given. Belongs to one event loop."""

    def __init__(
        self,
        engine: SnmpEngine,
        schedule: Schedule,
        profiles: Mapping[str, Profile],
        *,
        clock: Clock,
        reports: Reports,
        limits: PollLimits = PollLimits(),
        zone: tzinfo = LOCAL_ZONE,
    ) -> None:
        self.lags = LagRecord()
        self._engine = engine
        self._schedule = schedule
        self._profiles = profiles
        self._clock = clock
        self._reports = reports
        self._limits = limits
        self._zone = zone
        self._probes = probes(profiles)
        self._watched: dict[DeviceCode, Watched] = {}
        self._witnesses = Witnesses()
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = Places(
            most=limits.max_in_flight, most_slow=limits.max_slow, patience_s=limits.slow_after_s
        )
        self._changed = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Polls under way."""
        return len(self._tasks)

    @property
    def overruns(self) -> int:
        """Regular polls that had to be left out because an earlier one took too long or began too late."""
        return self._schedule.overruns

    def boxes(self) -> dict[DeviceCode, Box]:
        """What hardware answered at each device's address."""
        return {code: watched.box for code, watched in self._watched.items() if watched.box != NO_BOX}

    def profile_of(self, device: DeviceCode) -> Profile:
        """The profile under which a device's notifications are read: its own once it is known."""
        watched = self._watched.get(device)
        if watched is None:
            return self._profiles[FALLBACK]
        if watched.recognised is None:
            watched.recognised = self._as_set(watched.device)
        return watched.recognised.profile if watched.recognised is not None else self._profiles[FALLBACK]

    def watch(self, device: Device, target: Target, period_ms: int, box: Box = NO_BOX) -> None:
        """Poll `device` from now on, or under changed particulars; `box` is what answered there before."""
        known = self._watched.get(device.code)
        if known is None:
            self._watched[device.code] = Watched(device, target, box)
        elif known.target != target or known.device.profile != device.profile:
            self._watched[device.code] = Watched(device, target, known.box)
        else:
            known.device = device
        self._witnesses.watch(device.code)
        self._schedule.put(device.code, period_ms, self._clock.monotonic_ms())
        self._changed.set()

    def use(self, profiles: Mapping[str, Profile]) -> None:
        """Work with these profiles from now on: every device is recognised anew at its next poll, and until then
        what it sends is read as before."""
        self._profiles = profiles
        self._probes = probes(profiles)
        for watched in self._watched.values():
            watched.settled = False

    def unwatch(self, device: DeviceCode) -> None:
        """Poll it no more."""
        self._watched.pop(device, None)
        self._witnesses.forget(device)
        self._schedule.remove(device)

    @property
    def watching(self) -> frozenset[DeviceCode]:
        """Every device that is polled."""
        return frozenset(self._watched)

    def poll_now(self, device: DeviceCode) -> bool:
        """Something hints at a change: poll as soon as the spacing allows. False for one that is not polled."""
        known = self._schedule.hint(device, self._clock.monotonic_ms())
        self._changed.set()
        return known

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set; polls in flight are then given up."""
        helpers = (asyncio.create_task(self._measure_lag()), asyncio.create_task(self._wake_at(stop)))
        try:
            while not stop.is_set():
                now = self._clock.monotonic_ms()
                for due in self._schedule.due(now, self._places.free(now / 1000)):
                    self._reports.late(due.late_ms / 1000)
                    task = asyncio.create_task(self._supervised(due))
                    self._tasks.add(task)
                    self._places.take(task, now / 1000)
                    task.add_done_callback(self._landed)
                await self._rest()
        finally:
            ending = (*self._tasks, *helpers)
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._changed.set()

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places.give_back(task)
        self._changed.set()

    async def _rest(self) -> None:
        """Until something is due and there is room for it, a poll lands, or something changes from outside."""
        self._changed.clear()
        due_at, now = self._schedule.next_at(), self._clock.monotonic_ms()
        wait_s = LONGEST_SLEEP_S
        if due_at is not None and self._places.free(now / 1000):
            wait_s = min(wait_s, (due_at - now) / 1000)
        elif due_at is not None and (frees_at_s := self._places.frees_at()) is not None:
            wait_s = min(wait_s, max(due_at / 1000, frees_at_s) - now / 1000)
        if wait_s <= 0:
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._changed.wait()

    async def _measure_lag(self) -> None:
        while True:
            before = self._clock.monotonic_ms()
            await asyncio.sleep(LAG_EVERY_S)
            now = self._clock.monotonic_ms()
            lag = max(0, now - before - round(LAG_EVERY_S * 1000))
            self.lags.note(now, lag)
            self._reports.lag(lag / 1000)

    async def _supervised(self, due: Due) -> None:
        watched = self._watched.get(due.device)
        if watched is None:
            return
        try:
            await self._poll(watched, due)
        except Exception:
            log.exception("poll failed by our own fault", extra={"device": due.device})
            self._reports.outcome("bug", 0.0)
            self._schedule.missed(due.device, self._clock.monotonic_ms(), counts=False)

    async def _poll(self, watched: Watched, due: Due) -> None:
        sent_at, began = self._clock.now(), self._clock.monotonic_ms()
        # A device that is down already is asked once, so that many of them do not crowd out the living.
        down = due.misses >= self._schedule.timing.misses_before_down
        once = down or self._witnesses.waits(due.device)
        target = replace(watched.target, retries=0) if once else watched.target
        try:
            known = watched.recognised if watched.settled else None
            recognised = known or await self._recognise(watched, target)
            answer = await self._engine.poll(target, recognised.profile.plan)
        except SnmpError as error:
            self._missed(watched, error, due, sent_at=sent_at, began=began)
            return
        tick = self._clock.monotonic_ms()
        self._schedule.answered(due.device, tick)
        self._witnesses.heard(due.device, tick)
        self._reports.outcome("answered", (tick - began) / 1000)
        if self._watched.get(due.device) is not watched:
            return
        # The wall clock may have been set meanwhile; how long the exchange took is the monotonic clock's to say.
        self._take(watched, recognised, answer, Moment(sent_at, sent_at + tick - began, tick, self._zone))

    def _missed(self, watched: Watched, error: SnmpError, due: Due, *, sent_at: int, began: int) -> None:
        code, tick = watched.device.code, self._clock.monotonic_ms()
        cause = CAUSE.get(error.failure, MissCause.AGENT_ERROR)
        excuse = self._excuse(error.failure, due, began=began, tick=tick)
        healthy = excuse is None
        self._schedule.missed(code, tick, counts=healthy)
        self._reports.outcome(excuse or cause.value, (tick - began) / 1000)
        log.debug("poll missed", extra={"device": code, "cause": error.failure.value, "healthy": healthy})
        if self._watched.get(code) is watched:
            self._reports.submit(
                PollMissed(code, EpochMs(sent_at), EpochMs(sent_at + tick - began), cause, healthy)
            )
            if healthy and not due.misses:
                self._reports.faltered(code)

    def _excuse(self, failure: PollFailure, due: Due, *, began: int, tick: int) -> str | None:
        """Why a miss is not to be held against the device; None when it is."""
        if failure in OUR_FAULT or self.lags.worst_since(began) > self._limits.max_lag_ms:
            return "collector_lag"
        if failure not in SILENCE:
            self._witnesses.heard(due.device, tick)
            return None
        decides = due.misses + 1 >= self._schedule.timing.misses_before_down
        was_waiting = self._witnesses.waiting
        proven = self._witnesses.missed(due.device, began=began, at=tick, decides=decides)
        for other in self._witnesses.to_ask(due.device, quiet_since=began):
            self.poll_now(other)
        if self._witnesses.waiting and not was_waiting:
            log.warning("no device is heard: is our own network cut?", extra={"device": due.device})
        return None if proven else "nobody_heard"

    def _take(self, watched: Watched, recognised: Recognised, answer: PollAnswer, moment: Moment) -> None:
        device, profile = watched.device, recognised.profile
        # Under another profile the same names may be other counters.
        memory = watched.memory if watched.read_by is None or watched.read_by == profile else Memory()
        decoded = decode(
            profile, answer, memory, moment, expected=device.expected_peers, limits=device.limits
        )
        before, watched.box = watched.box, box_of(decoded.readings, watched.box)
        watched.memory, watched.read_by = decoded.memory, profile
        received_at = EpochMs(moment.received_at)
        self._reports.submit(
            PollAnswered(device.code, EpochMs(moment.sent_at), received_at, decoded.readings, profile.name)
        )
        for event in noticed(device, before, watched.box, decoded.restart, at=received_at):
            self._reports.submit(event)
            log.info("noticed", extra={"device": device.code, "kind": event.kind.value, "text": event.text})
        if answer.agent is not None:
            self._reports.agent(device, answer.agent)
        replaced = before.engine_id != watched.box.engine_id or before.serial != watched.box.serial
        if recognised.by is not By.SET and (
            (replaced and before != NO_BOX) or self._is_another(watched, answer)
        ):
            watched.recognised, watched.memory = None, Memory()

    def _is_another(self, watched: Watched, answer: PollAnswer) -> bool:
        now = identity(answer.scalars)
        return bool(now.object_id) and now.object_id != watched.identity.object_id

    async def _recognise(self, watched: Watched, target: Target) -> Recognised:
        found, profiles = self._as_set(watched.device), self._profiles
        if found is None:
            watched.identity, found = await recognise_device(self._engine, target, profiles, self._probes)
            log.info(
                "device recognised",
                extra={"device": watched.device.code, "profile": found.profile.name, "by": found.by.value},
            )
        watched.recognised, watched.settled = found, profiles is self._profiles
        return found

    def _as_set(self, device: Device) -> Recognised | None:
        """The profile that the inventory names, if there is one of that name."""
        if device.profile is None:
            return None
        profile = self._profiles.get(device.profile)
        if profile is None:
            log.error("no such profile", extra={"device": device.code, "profile": device.profile})
            return None
        return Recognised(profile, By.SET, device.profile)


async def recognise_device(
    engine: SnmpEngine, target: Target, profiles: Mapping[str, Profile], asked: tuple[tuple[int, ...], ...]
) -> tuple[Identity, Recognised]:
    """Ask a device what it is; `asked` are the vendors' instances to try if its identity does not settle it.

    Raises SnmpError.
    """
    answer = await engine.poll(target, PollPlan(scalars=IDENTITY))
    device = identity(answer.scalars)
    found = recognise(profiles, device, None)
    if found is None:
        probed = (await engine.poll(target, PollPlan(scalars=asked))).scalars if asked else {}
        found = recognise(profiles, device, probed)
    assert found is not None, "with the probes asked there is always a profile"
    return device, found
