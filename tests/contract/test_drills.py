"""Drills in the engine, over a real store: how they end by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from channelwatch.app import playing as runner
from channelwatch.app.playing import follow_drills
from channelwatch.app.running.engine import Engine
from channelwatch.base.clock import EpochMs, SystemClock
from channelwatch.base.errors import Permanent
from channelwatch.incidents.drills import Drill, DrillEnd, Scenario
from channelwatch.store.desk import Act
from channelwatch.store.drills import BEGUN, ENDED, STOP
from tests.support import eventually
from tests.support.house import Postbox, engine_over, running, store_of
from tests.support.province import bypass, spoke, trap


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(runner, "LOOK_S", 0.05)
    return store_of("sqlite", tmp_path)


@asynccontextmanager
async def playing(engine: Engine, store: Any) -> AsyncIterator[None]:
    async with running(engine):
        task = asyncio.create_task(follow_drills(store)(engine))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def wanted(minutes: float = 30) -> Drill:
    now = SystemClock().now()
    ends_at = EpochMs(now + int(minutes * 60_000))
    return Drill(0, Scenario.TAMPER, spoke(1), "chief", "owner", now, ends_at)


def drilled(engine: Engine) -> list[str]:
    return [item.subject for item in engine.world.incidents.values() if item.drill and item.is_live]


async def ended(store: Any, why: DrillEnd) -> None:
    await eventually(lambda: store.drills()[-1].end is why, 30, what=f"the end by {why}")


async def test_a_real_p1_ends_it(store: Any) -> None:
    hook = Postbox()
    async with playing(engine := engine_over(store, channels=[hook]), store):
        store.ask_drill(wanted(), origin="test")
        await eventually(lambda: drilled(engine) == [spoke(1)], 30, what="the drill's incident")
        assert engine.submit(trap(spoke(2), engine.clock.now(), bypass()))
        await ended(store, DrillEnd.REAL_P1)
        assert drilled(engine) == []
        await eventually(lambda: any(not item.drill for item in hook.taken), 30, what="the real alert")


async def test_its_time_ends_it(store: Any) -> None:
    async with playing(engine := engine_over(store), store):
        store.ask_drill(wanted(minutes=0.05), origin="test")
        await ended(store, DrillEnd.TIME_OVER)
        assert drilled(engine) == []


async def test_one_that_a_restart_interrupted_is_ended_and_not_begun_again(store: Any) -> None:
    async with playing(engine := engine_over(store), store):
        store.ask_drill(wanted(), origin="test")
        await eventually(lambda: drilled(engine), 30, what="the drill's incident")
    async with playing(engine := engine_over(store), store):
        await ended(store, DrillEnd.INTERRUPTED)
        await eventually(lambda: not drilled(engine), 30, what="the end of its incident")


async def test_what_people_count_is_counted_without_it(store: Any) -> None:
    async with playing(engine := engine_over(store), store):
        store.ask_drill(wanted(), origin="test")
        await eventually(lambda: drilled(engine), 30, what="the drill's incident")
        name = "channelwatch_incidents_open"
        assert engine.registry.get_sample_value(name, {"severity": "p1"}) == 0
        assert store.alarms(subjects=[spoke(1)], until=2**52) == {}


def test_one_drill_at_a_time_and_each_act_once(store: Any) -> None:
    number = store.ask_drill(wanted(), origin="test")
    with pytest.raises(Permanent, match="not over"):
        store.ask_drill(wanted(), origin="test")
    act = Act("chief", SystemClock().now(), "test", DrillEnd.STOPPED)
    for kind in (BEGUN, BEGUN, STOP, ENDED, ENDED):
        store.mark_drill(number, kind, act)
    (found,) = store.drills()
    assert (found.end, found.ended_at) == (DrillEnd.STOPPED, act.at)
    assert store.ask_drill(wanted(), origin="test") == number + 1
    with pytest.raises(Permanent, match="no such number"):
        store.mark_drill(99, STOP, act)
