"""How late polls begin, ten thousand devices at thirty seconds: our poller on a stub engine, against APScheduler."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from statistics import quantiles
from zlib import crc32

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger
from channelwatch_collector.poll.poller import Poller, Reports
from channelwatch_collector.poll.schedule import Schedule, Timing
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.profile import FALLBACK
from channelwatch_collector.snmp.port import Oid, PollAnswer, PollPlan, SnmpType, Target, Value, VarBind

from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import DeviceCode, SiteCode
from channelwatch.inventory.model import Device
from snmp import farm
from snmp.figures import Figure

DEVICES = 10_000
PERIOD_MS = 30_000
SETTLE_S, SETTLE_MOST_S = 7.0, 30.0
"""Then the first polls of all devices are over, unless the machine is busy: from now on each has its own instant."""
MEASURED_S = PERIOD_MS / 1000
ROUND_TRIP_S = 0.005


class StubEngine:
    """Answers every poll after one round trip, and notes how late after the device's own instant it was asked."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self.phases: dict[str, int] = {}
        self.asked: set[str] = set()
        self.counters: Mapping[str, int] = {}

    async def poll(self, target: Target, plan: PollPlan) -> PollAnswer:
        """An answer with a number for each scalar."""
        late_ms = (time.monotonic() * 1000 - self.phases[target.address]) % PERIOD_MS
        # An extra poll before its instant is not late: the first ones of all devices are such.
        self.late_ms.append(late_ms if late_ms < PERIOD_MS / 2 else 0.0)
        self.asked.add(target.address)
        await asyncio.sleep(ROUND_TRIP_S)
        return PollAnswer(
            dict.fromkeys(plan.scalars, Value(SnmpType.INTEGER, 1)),
            {column: {} for column in plan.columns},
            None,
            1.0,
        )

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """Not asked here."""
        raise NotImplementedError

    async def walk(
        self, target: Target, root: Oid, *, max_rows: int = 10_000, max_pages: int = 1_000
    ) -> list[VarBind]:
        """Not asked here."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing to release."""


def measure() -> list[Figure]:
    """Run in a process of its own: the 99th percentile of lateness, milliseconds.

    On a busy machine it can be no better than `bare_timer_p99_ms`, which was measured at the same time.
    """
    (mine, bare), theirs = asyncio.run(_ours()), asyncio.run(_apscheduler())
    p99, peer_p99 = _p99(mine), _p99(theirs)
    figure = Figure(
        "poll_start_jitter_p99",
        "ms",
        p99,
        floor=10,
        target=3,
        measure="value",
        better="lower",
        peer="APScheduler",
        peer_value=peer_p99,
        ratio=p99 / peer_p99,
        notes={
            "devices": DEVICES,
            "polls": len(mine),
            "median_ms": quantiles(mine, n=2)[0],
            "worst_ms": max(mine),
            "bare_timer_p99_ms": _p99(bare),
        },
    )
    return [figure]


def _p99(late_ms: list[float]) -> float:
    return quantiles(late_ms, n=100)[98]


async def _ours() -> tuple[list[float], list[float]]:
    engine = StubEngine()
    poller = Poller(
        engine,
        Schedule(Timing()),
        load_profiles(),
        clock=SystemClock(),
        reports=Reports(lambda observation: True),
    )
    for number in range(DEVICES):
        code = DeviceCode(f"51-D-{number:05d}-1")
        asked = farm.target(number, 161, farm.V2C)
        engine.phases[asked.address] = crc32(code.encode()) % PERIOD_MS
        poller.watch(Device(code, SiteCode("s"), asked.address, "c", profile=FALLBACK), asked, PERIOD_MS)
    stop = asyncio.Event()
    running = asyncio.create_task(poller.run(stop))
    await asyncio.sleep(SETTLE_S)
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_MOST_S):
            while len(engine.asked) < DEVICES:  # noqa: ASYNC110 - nothing that is measured may signal
                await asyncio.sleep(0.1)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(pool, int)  # to start a process holds the loop up
        await asyncio.sleep(1)
        engine.late_ms.clear()
        bare = loop.run_in_executor(pool, _bare_timer)
        await asyncio.sleep(MEASURED_S)
        late_ms = list(engine.late_ms)
        bare_ms = await bare
    stop.set()
    await running
    return late_ms, bare_ms


def _bare_timer() -> list[float]:
    """How late the machine itself wakes a process that only sleeps, as often as polls begin."""
    late_ms, began_s = [], time.monotonic()
    for number in range(int(MEASURED_S * DEVICES * 1000 / PERIOD_MS)):
        due_s = began_s + number * PERIOD_MS / DEVICES / 1000
        time.sleep(max(0.0, due_s - time.monotonic()))
        late_ms.append((time.monotonic() - due_s) * 1000)
    return late_ms


async def _apscheduler() -> list[float]:
    late_ms: list[float] = []

    async def poll(due: datetime) -> None:
        late = (datetime.now(UTC) - due).total_seconds() * 1000
        late_ms.append(late % PERIOD_MS)
        await asyncio.sleep(ROUND_TRIP_S)

    scheduler = AsyncIOScheduler(
        executors={"default": AsyncIOExecutor()}, job_defaults={"misfire_grace_time": None}, timezone=UTC
    )
    begin = datetime.now(UTC) + timedelta(seconds=SETTLE_S)
    for number in range(DEVICES):
        due = begin + timedelta(milliseconds=number * PERIOD_MS / DEVICES)
        scheduler.add_job(
            poll, IntervalTrigger(seconds=PERIOD_MS // 1000, start_date=due, timezone=UTC), args=(due,)
        )
    scheduler.start()
    await asyncio.sleep(SETTLE_S + MEASURED_S)
    scheduler.pause()
    await asyncio.sleep(1)
    scheduler.shutdown()
    return late_ms
