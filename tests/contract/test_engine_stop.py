"""The end of the engine: in less than five seconds whatever hangs, and nothing that was accepted is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from channelwatch.app import cli
from channelwatch.app.running.engine import Engine
from channelwatch.app.running.limits import EngineLimits
from channelwatch.base.errors import Bug, Permanent
from channelwatch.pipeline.ports import Alert, OutboxState, Outcome, Sent
from channelwatch.status.states import Health
from channelwatch.store.errors import StoreReason, StoreTransient
from tests.support import eventually
from tests.support.house import (
    HASTY,
    LIMITS,
    WRITES,
    FailingStore,
    Idle,
    Postbox,
    engine_over,
    running,
    store_of,
    submit_all,
)
from tests.support.province import answer, bypass, small_inventory, spoke, trap

STOP_S = 20.0
"""What hangs here hangs for longer, and what waits for it in vain too: hasty engines give up after one second, those of
the product after four. The rest is a slow machine's."""


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FailingStore:
    return FailingStore(store_of(request.param, tmp_path))


@contextmanager
def stops_in_time(seconds: float = STOP_S) -> Iterator[None]:
    """The block takes less than so long."""
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert took < seconds, f"took {took:.1f} s"


async def stopped(engine: Engine, *parts: object, stop: asyncio.Event | None = None) -> None:
    """Start the engine, wait for its beginning, stop it, and wait for its end."""
    stop = stop or asyncio.Event()
    task = asyncio.create_task(engine.run(parts or [Idle()], stop))  # type: ignore[arg-type]
    await eventually(lambda: task.done() or engine.readiness().ready, what="the engine to begin")
    stop.set()
    with stops_in_time():
        await task


def test_the_products_own_limits_leave_room_below_five_seconds() -> None:
    limits = EngineLimits()
    steps = (
        limits.stop_parts_s,
        limits.stop_drain_s,
        limits.stop_send_s,
        limits.stop_tasks_s,
        limits.stop_close_s,
    )
    assert list(steps) == sorted(steps)
    assert steps[-1] < cli.STOP_S < 5.0


async def test_an_idle_engine_stops_at_once_and_leaves_the_lease_free(store: FailingStore) -> None:
    engine = engine_over(store)
    await stopped(engine)
    store.inner.upgrade()
    assert store.inner.take_lease("engine", "next", now=engine.clock.now(), ttl_ms=5_000) is not None


async def test_what_was_accepted_before_the_stop_is_committed_and_told(store: FailingStore) -> None:
    hook = Postbox()
    engine = engine_over(store, inventory=small_inventory(500), channels=[hook])
    async with running(engine) as stop:
        now = engine.clock.now()
        submit_all(engine, [answer(spoke(number), now) for number in range(1, 501)])
        submit_all(engine, [trap(spoke(1), now, bypass())])
        stop.set()
    ups = [row for row in store.inner.load(engine.world.log, now=now).current if row.device != spoke(1)]
    assert [row.assessment.health for row in ups] == [Health.UP] * 499
    assert [page.state for page in store.inner.pages(1) if page.page.channel == "webhook"] == [
        OutboxState.SENT
    ]
    assert hook.subjects() == [spoke(1)]


class Source:
    """A part that still hands over what it has after the wish to stop, as a receiver does with its buffer."""

    name = "source"

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(0.1)
        engine.submit(answer(spoke(1), engine.clock.now()))


async def test_what_a_part_hands_over_while_it_stops_is_committed(store: FailingStore) -> None:
    engine = engine_over(store)
    await stopped(engine, Source())
    assert engine.world.devices[spoke(1)].assessment.health is Health.UP


async def test_a_receiver_that_hangs_does_not_hold_up_the_stop_and_its_alert_is_told_by_the_next(
    store: FailingStore, is_ended: Callable[[], bool]
) -> None:
    begun = asyncio.Event()

    async def hang(alert: Alert) -> Outcome:
        begun.set()
        await asyncio.sleep(60)
        return Sent()

    hook = Postbox()
    hook.answer = hang
    engine = engine_over(store, channels=[hook], limits=HASTY)
    async with running(engine) as stop:
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await asyncio.wait_for(begun.wait(), 30)
        stop.set()
        with stops_in_time():
            await eventually(is_ended, STOP_S, what="the end")
    store.inner.upgrade()
    hook.answer = None
    async with running(engine_over(store, channels=[hook])):
        await eventually(lambda: hook.subjects() == [spoke(1)], what="the alert")


@pytest.fixture
def is_ended() -> Callable[[], bool]:
    """Are all store threads gone that began during this test? Other tests may have left some."""
    before = set(threading.enumerate())
    return lambda: not any(one.name.startswith("store") for one in threading.enumerate() if one not in before)


class Stubborn:
    """A part that does not stop; `deaf` also ignores its cancellation."""

    name = "stubborn"

    def __init__(self, *, deaf: bool) -> None:
        self.deaf = deaf
        self.released = asyncio.Event()

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                if not self.deaf:
                    raise


@pytest.mark.parametrize("deaf", [False, True])
async def test_a_part_that_does_not_stop_is_cut_off_and_named(
    store: FailingStore, deaf: bool, caplog: pytest.LogCaptureFixture
) -> None:
    part = Stubborn(deaf=deaf)
    await stopped(engine_over(store, limits=HASTY), part)
    (record,) = [item for item in caplog.records if item.message == "part did not stop in time"]
    assert record.part == "part stubborn"  # type: ignore[attr-defined]
    part.released.set()
    await asyncio.sleep(0)


async def test_a_full_disk_does_not_hold_up_the_stop(
    store: FailingStore, caplog: pytest.LogCaptureFixture, is_ended: Callable[[], bool]
) -> None:
    engine = engine_over(store, channels=[Postbox()], limits=HASTY)
    async with running(engine) as stop:
        store.fail(StoreTransient(StoreReason.DISK_FULL, "full"), *WRITES)
        engine.submit(answer(spoke(1), engine.clock.now()))
        await eventually(lambda: not engine.readiness().ready, what="the trouble")
        stop.set()
        with stops_in_time():
            await eventually(is_ended, STOP_S, what="the end")
    assert "stopped before the queue was empty" in caplog.text


async def test_a_disk_that_hangs_does_not_hold_up_the_stop(
    store: FailingStore, is_ended: Callable[[], bool]
) -> None:
    def written() -> int:
        return sum(store.calls[name] for name in WRITES)

    engine = engine_over(store, limits=HASTY)
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run([Idle()], stop))
    await eventually(lambda: engine.readiness().ready, what="the engine to begin")
    released = store.hang(*WRITES)
    try:
        begun = written()
        engine.submit(answer(spoke(1), engine.clock.now()))
        await eventually(lambda: written() > begun, what="the disk to hang")
        stop.set()
        with stops_in_time():
            await task
    finally:
        released.set()
    await eventually(is_ended, what="the thread")


async def test_a_commit_under_way_at_the_stop_is_adopted_and_the_next_batch_follows_it(
    store: FailingStore,
) -> None:
    def slow(*_: object, **__: object) -> None:
        time.sleep(0.2)

    engine = engine_over(store)
    async with running(engine) as stop:
        store.faults["commit"] = slow
        for number in (1, 2, 3):
            engine.submit(answer(spoke(number), engine.clock.now()))
            await asyncio.sleep(0.02)
        stop.set()
    snapshot = store.inner.load(engine.world.log, now=engine.clock.now())
    assert snapshot.next_seq == engine.world.next_seq == 7


async def test_who_waits_for_the_lease_can_be_stopped(store: FailingStore) -> None:
    engine = engine_over(store)
    store.upgrade()
    assert store.take_lease("engine", "other", now=engine.clock.now(), ttl_ms=60_000) is not None
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run([Idle()], stop))
    await asyncio.sleep(0.3)
    assert engine.readiness().problems == ("starting: the store is not open yet",)
    stop.set()
    with stops_in_time():
        await task
    store.inner.upgrade()
    assert store.inner.take_lease("engine", "third", now=engine.clock.now(), ttl_ms=5_000) is None


async def test_a_start_waits_for_a_store_that_is_busy(store: FailingStore) -> None:
    engine = engine_over(store)
    store.fail(StoreTransient(StoreReason.BUSY, "locked"), "upgrade", "take_lease", "load")
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run([Idle()], stop))
    await eventually(lambda: store.calls["upgrade"] > 2, what="tries")
    assert any("locked" in text for text in engine.readiness().problems)
    store.heal()
    await eventually(lambda: engine.readiness().ready, what="the start")
    stop.set()
    await task


async def test_reading_for_longer_than_a_lease_lasts_does_not_lose_it(store: FailingStore) -> None:
    engine = engine_over(store, limits=replace(LIMITS, lease_ttl_ms=100))
    released = store.hang("load")
    stop = asyncio.Event()
    task = asyncio.create_task(engine.run([Idle()], stop))
    await eventually(lambda: store.calls["load"], what="the reading")
    await asyncio.sleep(0.2)
    assert store.inner.take_lease("engine", "rival", now=engine.clock.now(), ttl_ms=100) is None
    released.set()
    await eventually(lambda: engine.readiness().ready, what="the start")
    stop.set()
    await task


class Broken:
    """A part that cannot start."""

    name = "broken"

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        raise Permanent("address in use", operation="listen")


class Brief:
    """A part that returns though nobody asked it to."""

    name = "brief"

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        return


async def test_a_part_that_fails_ends_the_process_with_its_error_and_name(
    store: FailingStore, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Permanent, match="listen: address in use"):
        await engine_over(store).run([Broken(), Idle()], asyncio.Event())
    (record,) = [item for item in caplog.records if item.message == "loop ended"]
    assert (record.loop, record.exc_info) == ("part broken", None)  # type: ignore[attr-defined]


async def test_a_part_that_ends_by_itself_is_a_fault_of_ours(store: FailingStore) -> None:
    with pytest.raises(Bug, match="part brief: ended though nobody had asked it to"):
        await engine_over(store).run([Brief(), Idle()], asyncio.Event())


async def test_a_loop_that_fails_ends_the_process_with_its_name(
    store: FailingStore, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_over(store)
    store.fail(RuntimeError("a fault of ours"), "outbox_counts")
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await engine.run([Idle()], asyncio.Event())
    (record,) = [item for item in caplog.records if item.message == "loop ended"]
    assert record.loop == "count"  # type: ignore[attr-defined]
    assert record.exc_info is not None


async def test_a_listener_hears_the_end(store: FailingStore) -> None:
    engine = engine_over(store)

    async def listen() -> int:
        async with engine.subscribe() as changes:
            return len([change async for change in changes])

    async with running(engine):
        listener = asyncio.create_task(listen())
        await asyncio.sleep(0)
        engine.submit(answer(spoke(1), engine.clock.now()))
        await eventually(lambda: engine.world.devices[spoke(1)].seen_at, what="the answer")
    assert await asyncio.wait_for(listener, 30) >= 1
