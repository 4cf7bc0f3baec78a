"""The engine while its store refuses: alerts go on, and everything is recorded once the store takes it again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channelwatch.app.running.engine import Engine
from channelwatch.app.running.writer import CannotWrite
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Transient
from channelwatch.base.ids import IncidentId, LogId
from channelwatch.incidents.model import PageKind
from channelwatch.pipeline.ports import Alert, OutboxState, Outcome, Retry, Sent
from channelwatch.status.states import Health
from channelwatch.store.errors import StorePermanent, StoreReason, StoreTransient
from channelwatch.store.sqlstore import SqlStore, open_store
from tests.support import eventually
from tests.support.house import LIMITS, WRITES, FailingStore, Postbox, engine_over, running, store_of
from tests.support.peers import ROOT
from tests.support.postgres import again, running_postgres, stop
from tests.support.province import answer, bypass, encrypting, small_inventory, spoke, trap

SOON = replace(LIMITS, hold_s=0.1)
"""An engine that waits for its store a moment only."""

REFUSALS = [
    StoreTransient(StoreReason.DISK_FULL, "database or disk is full"),
    StorePermanent(StoreReason.READ_ONLY, "attempt to write a readonly database"),
    StorePermanent(StoreReason.CORRUPT, "database disk image is malformed"),
]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FailingStore:
    return FailingStore(store_of(request.param, tmp_path))


def expose(engine: Engine, number: int) -> None:
    assert engine.submit(trap(spoke(number), engine.clock.now(), bypass()))


async def until_told(hook: Postbox, *numbers: int) -> None:
    await eventually(lambda: hook.subjects() == [spoke(number) for number in numbers], 30, what="the alerts")


def recorded(store: Any, engine: Engine) -> list[str]:
    """Whom incidents in the store are about whose messages are all recorded as sent."""
    found = store.load(LogId("col-1"), now=engine.clock.now()).incidents
    pages = {item.id: store.pages(item.id) for item in found}
    return [
        item.subject
        for item in found
        if pages[item.id] and all(page.state is OutboxState.SENT for page in pages[item.id])
    ]


async def until_recorded(store: Any, engine: Engine, *numbers: int) -> None:
    await eventually(lambda: engine.readiness().ready, 30, what="the engine to be ready again")
    wanted = [spoke(number) for number in numbers]
    await eventually(lambda: recorded(store, engine) == wanted, 30, what="the record")


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: error.reason)
async def test_alerts_go_on_from_memory_while_the_store_refuses_and_are_recorded_later_and_sent_once(
    store: FailingStore, refusal: StoreTransient | StorePermanent
) -> None:
    hook = Postbox()
    engine = engine_over(store, channels=[hook], limits=SOON)
    async with running(engine):
        expose(engine, 1)
        await until_told(hook, 1)
        store.fail(refusal, *WRITES)
        expose(engine, 2)
        await until_told(hook, 1, 2)
        expose(engine, 3)
        await until_told(hook, 1, 2, 3)
        assert any(refusal.message in text for text in engine.readiness().problems)
        assert any("memory" in text for text in engine.readiness().problems)
        store.heal()
        await until_recorded(store.inner, engine, 1, 2, 3)
    assert hook.subjects() == [spoke(1), spoke(2), spoke(3)]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: error.reason)
async def test_a_store_that_refuses_just_when_an_alert_was_taken_records_later_that_it_was(
    store: FailingStore, refusal: StoreTransient | StorePermanent
) -> None:
    async def take_and_break(alert: Alert) -> Outcome:
        store.fail(refusal, *WRITES)
        hook.answer = None
        return Sent()

    hook = Postbox()
    hook.answer = take_and_break
    engine = engine_over(store, channels=[hook], limits=SOON)
    async with running(engine):
        expose(engine, 1)
        await until_told(hook, 1)
        expose(engine, 2)
        await until_told(hook, 1, 2)
        store.heal()
        await until_recorded(store.inner, engine, 1, 2)
    assert hook.subjects() == [spoke(1), spoke(2)]


async def test_what_is_over_before_it_could_be_told_is_one_message_from_memory_too(
    store: FailingStore,
) -> None:
    async def refuse(alert: Alert) -> Outcome:
        return Retry("http_503", after_ms=3_000)

    hook = Postbox()
    engine = engine_over(store, channels=[hook], limits=SOON)
    async with running(engine):
        store.fail(REFUSALS[0], *WRITES)
        hook.answer = refuse
        expose(engine, 1)
        await eventually(lambda: bool(engine.world.incidents), 30, what="the incident")
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting()))
        await eventually(lambda: not engine.world.incidents[IncidentId(1)].is_live, 30, what="its end")
        hook.answer = None
        store.heal()
        await eventually(
            lambda: [page.state for page in store.inner.pages(1)] == [OutboxState.SPARED, OutboxState.SENT],
            30,
            what="the record",
        )
    assert [alert.kind for alert in hook.taken] == [PageKind.PASSED]


async def test_nothing_is_acknowledged_before_it_is_recorded(store: FailingStore) -> None:
    hook = Postbox()
    engine = engine_over(store, channels=[hook], limits=SOON)
    async with running(engine):
        store.fail(REFUSALS[0], *WRITES)
        first = engine.submit_acknowledged(trap(spoke(1), engine.clock.now(), bypass()))
        await until_told(hook, 1)
        second = engine.submit_acknowledged(answer(spoke(2), engine.clock.now()))
        assert first is not None and second is not None
        await eventually(lambda: engine.world.devices[spoke(2)].assessment.health is Health.UP, what="it")
        with pytest.raises(Transient, match="refuses writes"):
            await engine.acknowledge(1, by="truc", origin="test")
        assert not first.done() and not second.done()
        assert store.inner.load(LogId("col-1"), now=engine.clock.now()).incidents == ()
        store.heal()
        await second
        assert first.done()
        (row,) = [
            item
            for item in store.inner.load(LogId("col-1"), now=engine.clock.now()).current
            if item.device == spoke(2)
        ]
        assert row.assessment.health is Health.UP


async def test_an_alert_that_did_not_get_through_from_memory_is_tried_again_there_and_from_the_store(
    store: FailingStore,
) -> None:
    answers: dict[str, Outcome] = {}

    async def reply(alert: Alert) -> Outcome:
        return answers.get(alert.subject, Sent())

    hook = Postbox()
    hook.answer = reply
    answers[spoke(1)] = Retry("http_503")
    engine = engine_over(store, channels=[hook], limits=SOON)
    async with running(engine):
        store.fail(REFUSALS[0], *WRITES)
        expose(engine, 1)
        await eventually(lambda: engine.world.incidents, 30, what="the incident")
        del answers[spoke(1)]
        await until_told(hook, 1)
        answers[spoke(2)] = Retry("http_503")
        expose(engine, 2)
        await eventually(lambda: len(engine.world.incidents) == 2, 30, what="the incident")
        store.heal()
        await eventually(lambda: engine.readiness().ready, 30, what="the engine to be ready again")
        del answers[spoke(2)]
        await until_recorded(store.inner, engine, 1, 2)
    assert hook.subjects() == [spoke(1), spoke(2)]


async def test_memory_is_bounded_and_what_came_after_is_taken_once_the_store_takes_it(
    store: FailingStore,
) -> None:
    hook = Postbox()
    engine = engine_over(store, channels=[hook], limits=replace(SOON, hold_most=2))
    async with running(engine):
        store.fail(REFUSALS[0], *WRITES)
        for number in (1, 2, 3, 4):
            expose(engine, number)
            if number < 3:
                await until_told(hook, *range(1, number + 1))
        tries = store.calls["commit"]
        await eventually(lambda: store.calls["commit"] > tries + 3, 30, what="tries")
        assert len(engine.world.incidents) == 2
        store.heal()
        await until_recorded(store.inner, engine, 1, 2, 3, 4)


async def test_a_lease_lost_while_the_store_was_away_ends_the_process(store: FailingStore) -> None:
    hook = Postbox()
    engine = engine_over(store, channels=[hook], limits=SOON)
    with pytest.raises(CannotWrite):
        async with running(engine):
            store.fail(REFUSALS[0], *WRITES)
            expose(engine, 1)
            await until_told(hook, 1)
            assert store.inner.take_lease("engine", "rival", now=EpochMs(10**14), ttl_ms=5_000) is not None
            store.heal()
            await eventually(lambda: "stopping" in str(engine.readiness().problems), 30, what="the end")
    assert store.inner.load(LogId("col-1"), now=engine.clock.now()).incidents == ()


# Real faults ----------------------------------------------------------------------------------------------------


def mount(*words: str | Path) -> None:
    subprocess.run([*words], check=True, capture_output=True, timeout=20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mount("mount", "-t", "tmpfs", "-o", "size=2m", "channelwatch-test", folder)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a file system of the test's own needs root")
    yield folder
    mount("umount", "-l", folder)


async def test_a_disk_that_is_full_stops_no_alert_and_loses_nothing(small_disk: Path) -> None:
    store, hook = store_of("sqlite", small_disk), Postbox()
    engine = engine_over(store, channels=[hook], limits=SOON, inventory=None)
    async with running(engine):
        expose(engine, 1)
        await until_told(hook, 1)
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        number = 1
        while not any("disk is full" in text for text in engine.readiness().problems):
            number += 1
            expose(engine, number)
            await until_told(hook, *range(1, number + 1))
            assert number < 4
        filler.unlink()
        await until_recorded(store, engine, *range(1, number + 1))


def limited(folder: Path, step: str) -> tuple[int, list[dict[str, Any]]]:
    """How an engine ended whose files may grow no more, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.limited_program", folder, step],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said, done.stderr
    return done.returncode, said


def test_a_quota_that_is_used_up_stops_no_alert_and_acknowledges_nothing_that_is_not_recorded(
    tmp_path: Path,
) -> None:
    status, (refused, healed) = limited(tmp_path, "heal")
    told = "; ".join(refused["problems"])
    assert "disk I/O error" in told and "memory" in told
    assert not any(word in told for word in ("disk is full", "readonly", "malformed"))
    assert refused["acknowledged"] == [False, False]
    assert refused["act_refused"]
    assert healed == {"recorded": [spoke(n) for n in (1, 2, 3)], "told": [spoke(n) for n in (1, 2, 3)]}
    assert status == 0


def test_killed_while_its_files_may_not_grow_it_has_lost_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    status, (refused,) = limited(tmp_path, "die")
    assert (status, refused["acknowledged"]) == (-signal.SIGKILL, [False, False])
    store = open_store("sqlite:///store.db", tmp_path)
    assert store.health()[1] == []
    assert [item.subject for item in store.load(LogId("col-1"), now=EpochMs(0)).incidents] == [spoke(1)]
    store.close()


def test_a_disk_that_was_made_read_only_is_told_apart_from_a_full_one(small_disk: Path) -> None:
    store = store_of("sqlite", small_disk)
    store.apply_inventory(small_inventory(), [], by="test", at=EpochMs(0))
    store.close()
    mount("mount", "-o", "remount,ro", small_disk)
    store = open_store("sqlite:///store.db", small_disk)
    with pytest.raises(StorePermanent) as refused:
        store.heartbeat("col-1", since=EpochMs(0), until=EpochMs(1))
    assert refused.value.reason is StoreReason.READ_ONLY
    store.close()


def test_a_damaged_page_is_told_apart_from_a_full_disk(tmp_path: Path) -> None:
    store: SqlStore = store_of("sqlite", tmp_path)
    store.apply_inventory(small_inventory(), [], by="test", at=EpochMs(0))
    store.close()
    file = tmp_path / "store.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(StorePermanent) as refused:
        store.inventory()
    assert refused.value.reason is StoreReason.CORRUPT
    store.close()


async def test_a_postgresql_that_is_stopped_and_started_again_stops_no_alert_and_loses_nothing(
    tmp_path: Path,
) -> None:
    with running_postgres() as server:
        store, hook = open_store(server.url("postgres"), tmp_path), Postbox()
        store.upgrade()
        engine = engine_over(store, channels=[hook], limits=SOON)
        async with running(engine):
            expose(engine, 1)
            await until_told(hook, 1)
            stop(server)
            expose(engine, 2)
            await until_told(hook, 1, 2)
            with again(server):
                await until_recorded(store, engine, 1, 2)
                expose(engine, 3)
                await until_recorded(store, engine, 1, 2, 3)
