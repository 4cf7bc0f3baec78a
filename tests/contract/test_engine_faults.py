"""The engine over a store that fails, and with observations that nobody can take."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channelwatch.app.running.engine import Engine
from channelwatch.app.running.intake import FAULTS_IN_A_ROW
from channelwatch.app.running.writer import CannotWrite
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug, Permanent, Transient
from channelwatch.base.ids import DeviceCode
from channelwatch.incidents.model import IncidentState
from channelwatch.pipeline.ports import Alert, Dead, Effects, Outcome
from channelwatch.status.events import CollectorAlive, Observation, PollAnswered
from channelwatch.status.states import Health
from channelwatch.store.errors import StoreReason, StoreTransient
from tests.support import eventually
from tests.support.house import (
    LIMITS,
    WRITES,
    FailingStore,
    Postbox,
    engine_over,
    metric,
    one_way,
    running,
    store_of,
    submit_all,
)
from tests.support.province import (
    HUB_A,
    answer,
    bypass,
    encrypting,
    small_inventory,
    spoke,
    trap,
    tunnel_down,
)

SET_ASIDE = "channelwatch_observations_set_aside_total"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FailingStore:
    return FailingStore(store_of(request.param, tmp_path))


def well(engine: Engine, device: DeviceCode) -> PollAnswered:
    return answer(device, engine.clock.now())


def health(engine: Engine, device: DeviceCode) -> Health:
    return engine.world.devices[device].assessment.health


async def test_what_arrives_while_the_disk_is_full_is_kept_and_told_once_there_is_room(
    store: FailingStore,
) -> None:
    hook = Postbox()
    engine = engine_over(store, channels=[hook])
    async with running(engine):
        full = StoreTransient(StoreReason.DISK_FULL, "database or disk is full", operation="commit")
        store.fail(full, *WRITES)
        for number in (1, 2, 3):
            engine.submit(trap(spoke(number), engine.clock.now(), bypass()))
            await asyncio.sleep(0.05)
        await eventually(lambda: store.calls["commit"] > 5 and store.calls["take_lease"] > 0, what="tries")
        problems = engine.readiness().problems
        assert any("commit failed" in text and "disk is full" in text for text in problems), problems
        assert (hook.taken, engine.world.incidents) == ([], {})
        store.heal()
        await eventually(lambda: len(hook.taken) == 3, what="the alerts")
        assert hook.subjects() == [spoke(1), spoke(2), spoke(3)]
        await eventually(lambda: engine.readiness().ready, what="the engine to be ready again")


async def test_a_store_that_is_busy_ends_no_loop(store: FailingStore) -> None:
    engine = engine_over(store)
    async with running(engine):
        busy = StoreTransient(StoreReason.BUSY, "database is locked")
        store.fail(busy, *WRITES, "inventory_version", "outbox_counts")
        now = engine.clock.now()
        engine.submit(CollectorAlive("col-1", EpochMs(now - 5), now, lag_ms=0))
        await eventually(lambda: store.calls["outbox_counts"] > 3 and store.calls["heartbeat"], what="tries")
        await eventually(lambda: len(engine.readiness().problems) >= 4, what="the troubles to show")
        store.heal()
        engine.submit(CollectorAlive("col-1", now, EpochMs(now + 5), lag_ms=0))
        await eventually(lambda: engine.readiness().ready, what="the engine to be ready again")


async def test_a_person_is_not_made_to_wait_for_a_full_disk(store: FailingStore) -> None:
    engine = engine_over(store, channels=[Postbox()])
    async with running(engine):
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await eventually(lambda: engine.world.incidents, what="the incident")
        store.fail(StoreTransient(StoreReason.DISK_FULL, "full"), "commit")
        engine.submit(well(engine, spoke(2)))
        await eventually(lambda: not engine.readiness().ready, what="the trouble")
        with pytest.raises(Transient, match="refuses writes at present"):
            await engine.acknowledge(1, by="truc", origin="test")
        store.heal()
        await eventually(lambda: engine.readiness().ready, what="room")
        taken = await engine.acknowledge(1, by="truc", origin="test")
        assert (taken.state, taken.acked_by) == (IncidentState.ACKED, "truc")


async def test_a_person_who_asks_just_as_the_store_begins_to_hang_is_answered_and_served_later(
    store: FailingStore,
) -> None:
    engine = engine_over(store, limits=replace(LIMITS, person_s=0.1))
    async with running(engine):
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await eventually(lambda: engine.world.incidents, what="the incident")
        released = store.hang("commit")
        with pytest.raises(Transient, match="slow"):
            await engine.acknowledge(1, by="truc", origin="test")
        store.heal()
        released.set()
        await eventually(lambda: engine.world.incidents[_first(engine)].acked_by == "truc", what="the record")


async def test_what_is_committed_is_adopted_even_if_who_asked_for_it_has_gone(store: FailingStore) -> None:
    engine = engine_over(store)
    async with running(engine):
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await eventually(lambda: engine.world.incidents, what="the incident")
        released = store.hang("commit")
        asking = asyncio.create_task(engine.acknowledge(1, by="truc", origin="test"))
        await asyncio.sleep(0.05)
        asking.cancel()
        released.set()
        store.heal()
        incident = next(iter(engine.world.incidents))
        await eventually(lambda: engine.world.incidents[incident].acked_by == "truc", what="the adoption")
        engine.submit(well(engine, spoke(1)))
        await eventually(
            lambda: engine.world.incidents[incident].state is IncidentState.RESTORED, what="the next batch"
        )


async def test_a_store_that_refuses_for_good_ends_the_process_and_says_which_loop_met_it(
    store: FailingStore, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_over(store)
    with pytest.raises(CannotWrite, match="epoch 1 is not current"):
        async with running(engine):
            rival = store.inner.take_lease("engine", "rival", now=EpochMs(10**14), ttl_ms=5_000)
            assert rival is not None
            engine.submit(well(engine, spoke(1)))
            await eventually(lambda: "loop ended" in caplog.text, what="the end")
    named = {item.loop for item in caplog.records if item.message == "loop ended"}  # type: ignore[attr-defined]
    assert named and named <= {"ingest", "tick", "deliver", "lease"}
    assert store.inner.load(engine.world.log, now=engine.clock.now()).current == ()


# Poison -------------------------------------------------------------------------------------------------------


def poison(engine: Engine, device: DeviceCode) -> Observation:
    """An answer that our own state machine cannot bear."""
    return replace(well(engine, device), readings=(object(),))  # type: ignore[arg-type]


async def test_an_observation_that_nobody_can_take_is_set_aside_and_the_others_are_taken(
    store: FailingStore, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_over(store)
    async with running(engine):
        submit_all(engine, [well(engine, spoke(1)), poison(engine, spoke(2)), well(engine, spoke(3))])
        await eventually(lambda: health(engine, spoke(3)) is Health.UP, what="what came after it")
        assert health(engine, spoke(1)) is Health.UP
        assert metric(engine, SET_ASIDE, {"reason": "fault"}) == 1
        (record,) = [item for item in caplog.records if item.message == "observation set aside"]
        assert (record.levelno, record.device, record.kind) == (logging.ERROR, spoke(2), "PollAnswered")  # type: ignore[attr-defined]
        assert record.exc_info is not None
        engine.submit(well(engine, spoke(2)))
        await eventually(lambda: health(engine, spoke(2)) is Health.UP, what="its next answer")


async def test_an_observation_that_the_store_cannot_take_is_set_aside(store: FailingStore) -> None:
    def choke(effects: Effects, *, epoch: int) -> None:
        if any(row.device == spoke(2) for row in effects.current):
            raise OverflowError("Python int too large to convert to SQLite INTEGER")

    engine = engine_over(store)
    async with running(engine):
        store.faults["commit"] = choke
        submit_all(engine, [well(engine, spoke(number)) for number in (1, 2, 3)])
        await eventually(lambda: health(engine, spoke(3)) is Health.UP, what="what came after it")
        assert health(engine, spoke(1)) is Health.UP
        assert health(engine, spoke(2)) is Health.UNKNOWN
        assert metric(engine, SET_ASIDE, {"reason": "fault"}) == 1


async def test_a_source_that_waits_for_its_receipt_gets_it_for_poison_too(store: FailingStore) -> None:
    engine = engine_over(store)
    async with running(engine):
        receipts = [
            engine.submit_acknowledged(item) for item in (poison(engine, spoke(1)), well(engine, spoke(2)))
        ]
        assert None not in receipts
        await asyncio.wait_for(asyncio.gather(*(item for item in receipts if item)), 30)
        assert health(engine, spoke(2)) is Health.UP


async def test_when_nothing_can_be_taken_any_more_the_process_ends(store: FailingStore) -> None:
    engine = engine_over(store)
    with pytest.raises(Bug, match="in a row"):
        async with running(engine):
            submit_all(engine, [poison(engine, spoke(1)) for _ in range(60)])
            found = {"reason": "fault"}
            await eventually(lambda: metric(engine, SET_ASIDE, found) > FAULTS_IN_A_ROW, 30, what="the end")


async def test_an_observation_of_a_stranger_is_counted(store: FailingStore) -> None:
    engine = engine_over(store)
    async with running(engine):
        engine.submit(well(engine, DeviceCode("51-D-99999-1")))
        await eventually(
            lambda: metric(engine, SET_ASIDE, {"reason": "unknown_device"}) == 1, what="the count"
        )


# The inventory --------------------------------------------------------------------------------------------------


async def test_an_applied_inventory_is_taken_while_running_and_listeners_hear_of_it(
    store: FailingStore,
) -> None:
    engine, hook = engine_over(store, channels=[postbox := Postbox()]), postbox
    async with running(engine), engine.subscribe() as changes:
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await eventually(lambda: len(hook.taken) == 1, what="the alert")
        smaller = one_way(small_inventory())
        smaller = replace(
            smaller,
            devices=tuple(item for item in smaller.devices if item.code != spoke(1)),
            channels=tuple(item for item in smaller.channels if item.spoke != spoke(1)),
        )
        seen = engine.world.revision
        store.apply_inventory(smaller, [], by="test", at=engine.clock.now())
        await eventually(lambda: spoke(1) not in engine.world.devices, what="the inventory")
        await eventually(lambda: engine.world.incidents[_first(engine)].is_live is False, what="the end")
        while (await asyncio.wait_for(anext(changes), 30)).revision <= seen:
            pass
        engine.submit(well(engine, spoke(2)))
        await eventually(lambda: health(engine, spoke(2)) is Health.UP, what="work to go on")


def _first(engine: Engine) -> Any:
    return next(iter(engine.world.incidents))


async def test_an_inventory_that_cannot_be_read_leaves_the_one_before_at_work(store: FailingStore) -> None:
    engine = engine_over(store)
    async with running(engine):
        store.fail(ValueError("unknown field"), "inventory")
        store.apply_inventory(small_inventory(5), [], by="test", at=engine.clock.now())
        await eventually(
            lambda: any("inventory" in text for text in engine.readiness().problems), what="the problem"
        )
        engine.submit(well(engine, HUB_A))
        await eventually(lambda: health(engine, HUB_A) is Health.UP, what="work to go on")
        store.heal()
        await eventually(lambda: spoke(5) in engine.world.devices, what="the inventory")


# Nobody hears -----------------------------------------------------------------------------------------------------

UNHEARD = "channelwatch_incidents_unheard"


async def test_an_incident_that_nobody_is_on_duty_for_shows_in_readiness_and_metrics(
    store: FailingStore,
) -> None:
    engine = engine_over(store, inventory=replace(small_inventory(), contacts=()))
    async with running(engine):
        assert engine.readiness().ready
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await eventually(lambda: metric(engine, UNHEARD) == 1, what="the metric")
        (problem,) = engine.readiness().problems
        assert problem == "1 incidents reach nobody (SC-000001: nobody is on duty for party)"
        store.apply_inventory(one_way(small_inventory()), [], by="test", at=engine.clock.now())
        await eventually(lambda: engine.readiness().ready, what="somebody")


async def test_an_alert_that_every_receiver_refuses_for_good_shows_in_readiness_until_somebody_takes_it(
    store: FailingStore,
) -> None:
    async def refuse(alert: Alert) -> Outcome:
        return Dead("http_404")

    hook = Postbox()
    hook.answer = refuse
    engine = engine_over(store, channels=[hook])
    async with running(engine):
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await eventually(lambda: metric(engine, UNHEARD) == 1, what="the metric")
        assert engine.readiness().problems == ("1 incidents reach nobody (SC-000001: webhook http_404)",)
        await engine.acknowledge(1, by="truc", origin="test")
        assert engine.readiness().ready


async def test_a_p4_or_a_fault_that_ended_worries_nobody(store: FailingStore) -> None:
    engine = engine_over(store, inventory=replace(small_inventory(), contacts=()))
    async with running(engine):
        submit_all(engine, [well(engine, spoke(1)), trap(spoke(1), engine.clock.now(), tunnel_down())])
        await eventually(lambda: metric(engine, UNHEARD) == 1, what="the metric")
        engine.submit(well(engine, spoke(1)))
        await eventually(lambda: metric(engine, UNHEARD) == 0, what="its end")


async def test_an_unknown_incident_or_latch_is_refused_and_changes_nothing(store: FailingStore) -> None:
    engine = engine_over(store)
    async with running(engine):
        with pytest.raises(Permanent, match="no such incident"):
            await engine.acknowledge(7, by="truc", origin="test")
        with pytest.raises(Permanent, match="not latched"):
            await engine.clear_latch(spoke(1), "crypto.tamper", by="truc")
        assert encrypting()
