"""Plays the drills that people ask for, inside the running service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from channelwatch.app.running.drillbook import DrillBook
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug, Permanent, Transient
from channelwatch.base.ids import DeviceCode
from channelwatch.incidents.drills import Drill, DrillEnd, Scenario
from channelwatch.pipeline.rehearsal import Stage, leftovers, real_p1, rehearse, set_stage, strike
from channelwatch.status.events import (
    DrillInjected,
    EventKind,
    EventReceived,
    MissCause,
    PollMissed,
    Transport,
)
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.store.desk import Act
from channelwatch.store.drills import BEGUN, ENDED

if TYPE_CHECKING:
    from channelwatch.app.running.engine import Engine, Job

log = logging.getLogger(__name__)

LOOK_S = 1.0
SYSTEM = "system"


def follow_drills(book: DrillBook) -> Job:
    """A job of the engine that begins, plays and ends drills, until it is cancelled."""

    async def follow(engine: Engine) -> None:
        runner = _Runner(engine, book)
        while True:
            try:
                await runner.look()
            except (Transient, Permanent, Bug, ValueError) as error:
                log.warning("drill not followed; will be tried again", extra={"reason": str(error)})
            await asyncio.sleep(LOOK_S)

    follow.__name__ = "drills"
    return follow


def faults(stage: Stage, now: EpochMs) -> Iterator[DrillInjected]:
    """What would arrive of the stage's devices if the fault were there: one look at it, to be repeated."""
    for code in sorted(stage.devices):
        match stage.drill.scenario:
            case Scenario.DEVICE_SILENT | Scenario.HUB_LOST:
                missed = PollMissed(code, EpochMs(now - 1), now, MissCause.NO_ANSWER)
                yield DrillInjected(missed, now)
            case Scenario.TUNNEL_DOWN | Scenario.COMMUNES_CUT:
                yield _told(code, EventKind.TUNNEL_DOWN, now, *_tunnels_down(stage, code))
            case Scenario.TAMPER:
                opened = Reading(Signal.CRYPTO_TAMPER, SignalState.FAILED, "detected")
                yield _told(code, EventKind.TAMPER, now, opened)


def _tunnels_down(stage: Stage, code: DeviceCode) -> tuple[Reading, ...]:
    """Every tunnel that the device has, down."""
    state = stage.world.devices.get(code)
    known = {} if state is None else state.readings
    names = [component for signal, component in known if signal is Signal.CHANNEL_STATE] or [""]
    return tuple(Reading(Signal.CHANNEL_STATE, SignalState.FAILED, "down", component=name) for name in names)


def _told(code: DeviceCode, kind: EventKind, now: EpochMs, *readings: Reading) -> DrillInjected:
    event = EventReceived(
        code, kind, Transport.COLLECTOR, now, trusted=True, source="drill", readings=readings
    )
    return DrillInjected(event, now)


class _Runner:
    def __init__(self, engine: Engine, book: DrillBook) -> None:
        self._engine = engine
        self._book = book
        self._stage: Stage | None = None

    async def look(self) -> None:
        """Begin what is due, let what is on go on, end what is over."""
        engine, now = self._engine, self._engine.clock.now()
        known = await engine.in_store(self._book.drills)
        current = next((drill for drill in reversed(known) if drill.ended_at is None), None)
        if current is None:
            if leftovers(engine.world):
                await self._strike(DrillEnd.INTERRUPTED)
            return
        why = self._over(current, now)
        if why is not None:
            await self._end(current, why, now)
        elif self._stage is None:
            await self._begin(current, now)
        else:
            await self._play(self._stage, now)

    def _over(self, drill: Drill, now: EpochMs) -> DrillEnd | None:
        if drill.begun_at is not None and self._stage is None:
            return DrillEnd.INTERRUPTED
        if drill.stop_asked_at is not None:
            return DrillEnd.STOPPED
        if now >= drill.ends_at:
            return DrillEnd.TIME_OVER
        if real_p1(self._engine.world, drill.begun_at or now):
            return DrillEnd.REAL_P1
        return None

    async def _begin(self, drill: Drill, now: EpochMs) -> None:
        await self._mark(drill, BEGUN, now, drill.scenario)
        stage = self._stage = set_stage(self._engine.world, drill, now)
        self._engine.drill = drill
        self._engine.play = lambda played: rehearse(
            self._engine.world, stage, played, self._engine.clock.now()
        )
        log.warning("drill begins", extra={"drill": drill.number, "scenario": drill.scenario.value})
        await self._play(stage, now)

    async def _play(self, stage: Stage, now: EpochMs) -> None:
        """The fault shows itself at each look, as it would to a collector; time goes on for the stage as well."""
        for observation in faults(stage, now):
            self._engine.submit(observation)
        await self._engine.decide(lambda: rehearse(self._engine.world, stage, (), self._engine.clock.now()))

    async def _end(self, drill: Drill, why: DrillEnd, now: EpochMs) -> None:
        self._engine.play = self._engine.drill = None
        await self._strike(why)
        await self._mark(drill, ENDED, now, why)
        self._stage = None
        log.warning("drill ends", extra={"drill": drill.number, "why": why.value})

    async def _strike(self, why: DrillEnd) -> None:
        await self._engine.decide(lambda: strike(self._engine.world, self._engine.clock.now(), why))

    async def _mark(self, drill: Drill, kind: str, now: EpochMs, reason: str) -> None:
        act = Act(SYSTEM, now, "service", reason)
        await self._engine.in_store(self._book.mark_drill, drill.number, kind, act)
