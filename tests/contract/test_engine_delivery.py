"""From an observation to a receiver: quick, in order, and no way out in another's way."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import replace
from pathlib import Path

import pytest

from channelwatch.app.roster import take_roster
from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.base.ids import ContactCode, IncidentId
from channelwatch.incidents.model import PageKind
from channelwatch.incidents.oncall import Roster, Shift, Team
from channelwatch.inventory.model import Inventory, Role
from channelwatch.pipeline.deliver import DeliveryPolicy
from channelwatch.pipeline.ports import Alert, Dead, OutboxState, Outcome, Retry
from tests.support import eventually
from tests.support.house import (
    HASTY,
    LIMITS,
    FailingStore,
    Postbox,
    engine_over,
    metric,
    one_way,
    running,
    store_of,
    submit_all,
)
from tests.support.province import START, answer, bypass, encrypting, small_inventory, spoke, trap

DEVICES = 40


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FailingStore:
    return FailingStore(store_of(request.param, tmp_path))


def both_ways() -> Inventory:
    """The watch by webhook, the on-site force by mail."""
    inventory = small_inventory(DEVICES)
    watch, onsite, *_ = inventory.contacts
    return replace(inventory, contacts=(watch, replace(onsite, role=watch.role)))


async def hang(alert: Alert) -> Outcome:
    await asyncio.sleep(600)
    return Retry("timeout")


async def refuse(alert: Alert) -> Outcome:
    return Retry("connection")


async def test_an_alert_is_out_a_moment_after_its_cause(store: FailingStore) -> None:
    hook = Postbox()
    took = []
    # Nobody looks for due retries here: only the wake-up after a commit brings an alert on its way.
    limits = replace(LIMITS, delivery=DeliveryPolicy(idle_ms=60_000))
    inventory = one_way(small_inventory(DEVICES))
    async with running(engine := engine_over(store, inventory=inventory, channels=[hook], limits=limits)):
        for number in range(1, 21):
            began = time.perf_counter()
            engine.submit(trap(spoke(number), engine.clock.now(), bypass()))
            await asyncio.wait_for(hook.arrived.acquire(), 30)
            took.append(time.perf_counter() - began)
        latency = "channelwatch_alert_latency_seconds_count"
        await eventually(lambda: metric(engine, latency, {"channel": "webhook"}) == 20, what="the metric")
    assert statistics.median(took) < 1


@pytest.mark.parametrize("trouble", [hang, refuse])
async def test_a_way_out_in_trouble_does_not_hold_up_the_other(store: FailingStore, trouble: object) -> None:
    hook, mail = Postbox("webhook"), Postbox("smtp")
    hook.answer = trouble  # type: ignore[assignment]
    engine = engine_over(store, inventory=both_ways(), channels=[hook, mail], limits=HASTY)
    async with running(engine):
        now = engine.clock.now()
        submit_all(engine, [trap(spoke(number), now, bypass()) for number in range(1, DEVICES + 1)])
        await eventually(lambda: len(mail.taken) == DEVICES, what="all mails")
        assert hook.taken == []
        hook.answer = None
        if trouble is refuse:
            await eventually(
                lambda: len(hook.taken) == DEVICES, 30, what="the other way, once it works again"
            )


async def test_nobody_reads_of_the_end_before_the_beginning(store: FailingStore) -> None:
    begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def dither(alert: Alert) -> Outcome:
        begun.set()
        await may_go_on.wait()
        return Retry("http_503")

    hook = Postbox()
    hook.answer = dither
    async with running(engine := engine_over(store, channels=[hook])):
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await asyncio.wait_for(begun.wait(), 30)
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting()))
        await eventually(lambda: len(store.inner.pages(1)) == 2, what="the end in the outbox")
        hook.answer = None
        may_go_on.set()
        await eventually(lambda: len(hook.taken) == 2, what="both messages")
        assert [alert.kind for alert in hook.taken] == [PageKind.OPENED, PageKind.RESTORED]
        assert len({alert.key for alert in hook.taken}) == 2
        await eventually(
            lambda: {page.state for page in store.inner.pages(1)} == {OutboxState.SENT}, what="the record"
        )


async def test_what_is_over_before_it_could_be_told_is_one_message(store: FailingStore) -> None:
    refused = 0

    async def refuse_for_seconds(alert: Alert) -> Outcome:
        nonlocal refused
        refused += 1
        return Retry("http_503", after_ms=3_000)

    hook = Postbox()
    hook.answer = refuse_for_seconds
    async with running(engine := engine_over(store, channels=[hook])):
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await eventually(lambda: refused >= 1, what="a refusal")
        await eventually(
            lambda: [page.state for page in store.inner.pages(1)] == [OutboxState.PENDING], what="its record"
        )
        hook.answer = None
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting()))
        await eventually(lambda: len(hook.taken) == 1, 30, what="the message")
        await eventually(
            lambda: [page.state for page in store.inner.pages(1)] == [OutboxState.SPARED, OutboxState.SENT],
            what="the record",
        )
    (alert,) = hook.taken
    assert (alert.kind, alert.restored_at is not None) == (PageKind.PASSED, True)
    assert "restored" in alert.key


async def test_who_took_an_incident_is_not_paged_any_more(store: FailingStore) -> None:
    hook = Postbox()
    async with running(engine := engine_over(store, channels=[hook])):
        engine.submit(trap(spoke(1), engine.clock.now(), bypass()))
        await eventually(lambda: len(hook.taken) == 1, what="the alert")
        taken = await engine.acknowledge(1, by="truc", origin="test")
        assert not taken.state.awaits_person
        await asyncio.sleep(0.3)
        assert len(hook.taken) == 1


class Book:
    """A roster in which one of the chiefs has the shift."""

    def roster_version(self) -> int:
        return 1

    def roster(self) -> tuple[int, Roster]:
        both = (ContactCode("chief"), ContactCode("deputy"))
        shift = Shift("chiefs", both[1], EpochMs(0), EpochMs(10**14))
        return 1, Roster((Team("chiefs", "Trưởng ca", Role.CHIEF, both),), (shift,))


async def test_a_page_that_fell_due_while_the_service_was_down_calls_whoever_has_the_shift(
    store: FailingStore,
) -> None:
    """It must not wake everyone of the role because the roster was not read yet."""
    inventory, hook, now = one_way(small_inventory()), Postbox(), ManualClock(START)
    deputies = tuple(
        replace(item, code=ContactCode("deputy"), deliver=("webhook:deputy",))
        for item in inventory.contacts
        if item.role is Role.CHIEF
    )
    inventory = replace(inventory, contacts=(*inventory.contacts, *deputies))
    async with running(engine := engine_over(store, inventory=inventory, channels=[hook], clock=now)):
        engine.submit(answer(spoke(1), now.now(), encrypting(bypass())))
        await eventually(lambda: hook.taken, 30, what="the first")
    now.advance(11 * 60_000)
    book = take_roster(Book())
    engine = engine_over(store, inventory=inventory, channels=[hook], clock=now, preparations=[book])
    async with running(engine):
        await eventually(lambda: any(alert.step for alert in hook.taken), 30, what="the chief's page")
        await eventually(lambda: engine.world.incidents[IncidentId(1)].ladder == 2, 30, what="the step")
    called = [alert.contact for alert in hook.taken if alert.kind is PageKind.ESCALATED]
    assert called == ["deputy"]


async def test_a_restart_does_not_forget_that_an_incident_reaches_nobody(store: FailingStore) -> None:
    hook = Postbox()

    async def refuse_for_good(alert: Alert) -> Outcome:
        return Dead("http_410")

    hook.answer = refuse_for_good
    for _ in range(2):
        async with running(engine := engine_over(store, channels=[hook])):
            engine.submit(answer(spoke(1), engine.clock.now(), encrypting(bypass())))
            await eventually(
                lambda: any("reach nobody" in text for text in engine.readiness().problems),
                30, what="the problem",
            )  # fmt: skip
    assert store.inner.outbox_counts(EpochMs(0)).dead > 0
