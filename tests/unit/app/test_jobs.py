"""Calendar jobs."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from channelwatch.app.jobs import DAY_MS, awaits_comparison, calendar, compare, prune
from channelwatch.app.running.engine import Engine
from channelwatch.app.settings import StoreSettings
from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.incidents.rules import OwnFault
from channelwatch.metrics.process import Projection
from channelwatch.pipeline.ports import Effects, Purge
from channelwatch.store.errors import StoreReason, StoreTransient
from tests.support import eventually
from tests.support.house import FailingStore, engine_over
from tests.support.memory_store import MemoryStore
from tests.support.province import START, spoke, trap
from tests.support.story import Story


def with_events(*ages_days: int) -> tuple[Engine, FailingStore]:
    """An engine that keeps events for 30 days, over a store with events of these ages."""
    store = FailingStore(MemoryStore())
    engine = engine_over(store, clock=ManualClock(START))
    engine.settings = engine.settings.model_copy(update={"store": StoreSettings(event_retention_days=30)})
    epoch = store.take_lease("engine", "test", now=EpochMs(START), ttl_ms=5_000)
    events = tuple(
        trap(spoke(1), START)._replace(received_at=EpochMs(START - age * DAY_MS)) for age in ages_days
    )
    store.commit(Effects(engine.world.log, 1, events=events), epoch=epoch)
    return engine, store


def ages(store: FailingStore) -> list[int]:
    found = cast(Any, store).events(devices=[spoke(1)])
    return [(START - item.received_at) // DAY_MS for item in found]


async def test_events_past_their_retention_are_pruned_a_few_at_a_time_until_none_is_left() -> None:
    engine, store = with_events(0, 29, 31, 400)
    await prune(engine)
    assert ages(store) == [0, 29]
    assert store.calls["prune_events"] == 2


async def test_each_run_of_pruning_is_recorded_with_what_it_deleted() -> None:
    engine, store = with_events(0, 31, 400)
    await prune(engine)
    await prune(engine)
    month, year = EpochMs(START - 30 * DAY_MS), EpochMs(START - 366 * DAY_MS)
    assert cast(Any, store).purges() == [
        Purge("messages", year, 0, EpochMs(START)),
        Purge("events", month, 0, EpochMs(START)),
        Purge("messages", year, 0, EpochMs(START)),
        Purge("events", month, 2, EpochMs(START)),
    ]


async def test_pruning_that_meets_a_busy_store_is_put_off_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine, store = with_events(31)
    store.fail(StoreTransient(StoreReason.BUSY, "locked"), "prune_events")
    await prune(engine)
    assert "pruning put off" in caplog.text
    assert ages(store) == [31]


class Compared:
    """A store whose projection differs as told."""

    def __init__(self, found: list[str] | StoreTransient) -> None:
        self.found = found

    def differences(self, *, limit: int) -> list[str]:
        if isinstance(self.found, StoreTransient):
            raise self.found
        return self.found[:limit]


async def test_a_projection_that_differs_is_shown_by_a_metric_and_named_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine, _ = with_events()
    meter = Projection(engine.registry)
    await compare(engine, Compared(["wrong 51-D-00001-1"]), meter)
    value = engine.registry.get_sample_value
    assert value("channelwatch_projection_differences") == 1
    assert value("channelwatch_projection_compared_seconds") == START / 1000
    assert "status intervals differ" in caplog.text
    await compare(engine, Compared([]), meter)
    assert value("channelwatch_projection_differences") == 0


async def test_a_projection_that_differs_is_an_incident_until_it_does_not() -> None:
    engine, _ = with_events()
    meter = Projection(engine.registry)
    await compare(engine, Compared(["wrong 51-D-00001-1"]), meter)
    assert engine.extra_faults == {OwnFault.PROJECTION}
    story = Story(engine.world)
    engine.world.own_faults = frozenset(engine.extra_faults)
    story.wait(1_000)
    assert story.live == {("history-differs", engine.world.log)}
    await compare(engine, Compared(StoreTransient(StoreReason.BUSY, "locked")), meter)
    assert engine.extra_faults == {OwnFault.PROJECTION}
    await compare(engine, Compared([]), meter)
    assert engine.extra_faults == set()


async def test_a_comparison_that_fails_leaves_the_metric_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    engine, _ = with_events()
    await compare(engine, Compared(StoreTransient(StoreReason.BUSY, "locked")), Projection(engine.registry))
    assert engine.registry.get_sample_value("channelwatch_projection_compared_seconds") == 0
    assert "projection not compared" in caplog.text


@pytest.mark.parametrize(
    ("found", "left"), [(["wrong 51-D-00001-1"], {OwnFault.PROJECTION}), ([], set[OwnFault]())]
)
async def test_a_restart_alone_does_not_end_the_incident_of_a_projection_that_differs(
    found: list[str], left: set[OwnFault]
) -> None:
    engine, _ = with_events()
    assert not awaits_comparison(engine.world)
    engine.world.own_faults = frozenset({OwnFault.PROJECTION})
    Story(engine.world).wait(1_000)
    assert awaits_comparison(engine.world)
    keep = asyncio.create_task(calendar(cast(Any, Compared(found)))(engine))
    value = engine.registry.get_sample_value
    await eventually(lambda: value("channelwatch_projection_compared_seconds"), what="the comparison")
    assert engine.extra_faults == left
    keep.cancel()
