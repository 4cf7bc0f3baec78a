"""What delivery guarantees, by the numbers of the design.

G1 nothing is lost between commit and message, G2 nothing comes twice but under one key, G3 order, G4 bounded silence,
G5 acknowledgements, G7 no end but an answer. G6 (no silence without author, reason and end) is held by the tests of
maintenance; a full disk, a busy database and two leaders by `test_engine_faults.py` and `test_engine_takeover.py`.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from channelwatch.app.running.engine import Engine
from channelwatch.app.texts import word
from channelwatch.base.clock import Clock, EpochMs, SystemClock
from channelwatch.base.ids import IncidentId, LogId
from channelwatch.base.secrets import Secret
from channelwatch.incidents.model import PageKind, StepKind
from channelwatch.inventory.model import Inventory
from channelwatch.notify.webhook.transport import WebhookChannel, WebhookConfig
from channelwatch.notify.words import Voice
from channelwatch.pipeline.deliver import DeliveryPolicy
from channelwatch.pipeline.ports import Alert, Dead, OutboxState, Outcome, Retry
from channelwatch.store.sqlstore import open_store
from tests.contract.failpoint_program import NAMED
from tests.support import Process, eventually
from tests.support.house import FailingStore, Postbox, engine_over, one_way, running, store_of
from tests.support.peers import ROOT
from tests.support.province import answer, bypass, encrypting, small_inventory, spoke
from tests.support.receivers import WebSink, web_sink

LIVES = 36
HOUR_MS = 3600_000


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FailingStore:
    return FailingStore(store_of(request.param, tmp_path))


def test_g1_g2_a_death_at_any_statement_loses_nothing_and_repeats_only_under_the_same_key(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    store = open_store(url, tmp_path)
    store.upgrade()
    store.apply_inventory(one_way(small_inventory(LIVES)), [], by="test", at=SystemClock().now())
    with web_sink() as hook:
        argv = [
            sys.executable,
            "-W",
            "error",
            "-m",
            "tests.contract.failpoint_program",
            url,
            hook.url,
            str(LIVES),
        ]
        with Process(argv, folder=tmp_path, env={"PYTHONPATH": str(ROOT)}) as process:
            assert process.wait(300) == 0
            died = [
                line.removeprefix("died ") for line in process.log().splitlines() if line.startswith("died")
            ]
    incidents = store.load(LogId("col-1"), now=SystemClock().now()).incidents
    pages = [page for incident in incidents for page in store.pages(incident.id)]
    store.close()
    heard = Counter(request.headers["idempotency-key"] for request in hook.requests)
    assert tuple(died[: len(NAMED)]) == NAMED
    assert len(set(died)) > len(NAMED), died
    assert {incident.subject for incident in incidents} == {spoke(number) for number in range(1, LIVES + 1)}
    assert len(incidents) == LIVES
    assert {page.state for page in pages} == {OutboxState.SENT}
    assert heard.keys() == {page.page.key for page in pages}
    assert all(store_pages == 1 for store_pages in Counter(page.page.incident for page in pages).values())
    under_way = DeliveryPolicy().per_destination
    assert sum(heard.values()) - len(heard) <= LIVES * under_way, "only what was under way is repeated"


@pytest.mark.parametrize("trouble", ["down", "429", "hangs", "drops"])
async def test_g2_g3_whatever_a_receiver_does_everything_arrives_in_order_once_it_is_well(
    store: FailingStore, trouble: str
) -> None:
    hook, tried = Postbox(), 0

    async def misbehave(alert: Alert) -> Outcome:
        nonlocal tried
        tried += 1
        if trouble == "hangs":
            await asyncio.sleep(0.2)
        return {"429": Retry("http_429", 50), "down": Retry("connection")}.get(trouble, Retry("timeout"))

    hook.answer = misbehave
    async with running(engine := engine_over(store, channels=[hook])):
        for number in (1, 2, 3):
            engine.submit(answer(spoke(number), engine.clock.now(), encrypting(bypass())))
        await eventually(lambda: tried >= 3, 30, what="tries")
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting()))
        await eventually(lambda: len(store.inner.pages(1)) >= 2, 30, what="the end in the outbox")
        hook.answer = None
        await eventually(lambda: {alert.subject for alert in hook.taken} == {spoke(n) for n in (1, 2, 3)}, 30,
                         what="everything")  # fmt: skip
        done = {OutboxState.SENT, OutboxState.SPARED}
        await eventually(lambda: {page.state for page in store.inner.pages(1)} <= done, 30, what="the record")
    assert len({alert.key for alert in hook.taken}) == len(hook.taken)
    own = [alert.kind for alert in hook.taken if alert.subject == spoke(1)]
    # What was being tried when the end was written is followed by it; what waited is told together with it.
    assert own in ([PageKind.OPENED, PageKind.RESTORED], [PageKind.PASSED])


async def test_g4_a_way_that_is_refused_for_good_brings_the_next_at_once(store: FailingStore) -> None:
    hook, mail = Postbox("webhook"), Postbox("smtp")

    async def refuse(alert: Alert) -> Outcome:
        return Dead("http_400")

    hook.answer = refuse
    async with running(engine := engine_over(store, inventory=two_ways(), channels=[hook, mail])):
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting(bypass())))
        await eventually(lambda: len(mail.taken) == 1, 30, what="the other way")
        await eventually(
            lambda: [item.state for item in store.inner.pages(1)] == [OutboxState.DEAD, OutboxState.SENT],
            30, what="the record",
        )  # fmt: skip


class ShiftedClock:
    """The machine's clock, `wall_ms` away from where it is."""

    def __init__(self) -> None:
        self.wall_ms = 0
        self._inner: Clock = SystemClock()

    def now(self) -> EpochMs:
        return EpochMs(self._inner.now() + self.wall_ms)

    def monotonic_ms(self) -> int:
        return self._inner.monotonic_ms()


async def test_g4_a_way_that_hangs_brings_the_next_after_a_minute_unsent(store: FailingStore) -> None:
    hook, mail, clock = Postbox("webhook"), Postbox("smtp"), ShiftedClock()

    async def down(alert: Alert) -> Outcome:
        return Retry("connection")

    hook.answer = down
    engine = engine_over(store, inventory=two_ways(), channels=[hook, mail], clock=clock)
    async with running(engine):
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting(bypass())))
        await eventually(lambda: store.inner.pages(1), 30, what="the pages")
        await asyncio.sleep(0.3)
        assert mail.taken == []
        clock.wall_ms = 61_000
        await eventually(lambda: len(mail.taken) == 1, 30, what="the other way")


@pytest.mark.parametrize("jump", [HOUR_MS, -HOUR_MS])
async def test_g4_g7_a_clock_that_jumps_an_hour_delays_nothing_and_skips_no_step(
    store: FailingStore, jump: int
) -> None:
    hook, clock = Postbox(), ShiftedClock()
    engine = engine_over(store, channels=[hook], clock=clock)
    async with running(engine):
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting(bypass())))
        await eventually(lambda: len(hook.taken) == 1, 30, what="the first")
        clock.wall_ms = jump
        engine.submit(answer(spoke(2), engine.clock.now(), encrypting(bypass())))
        await eventually(
            lambda: any(alert.subject == spoke(2) for alert in hook.taken), 30, what="the second"
        )
        if jump > 0:

            def steps() -> list[int]:
                return [a.step for a in hook.taken if a.kind is PageKind.ESCALATED and a.subject == spoke(1)]

            await eventually(lambda: len(steps()) == 3, 30, what="each rung, one after the other")
            assert steps() == [1, 2, 3]
    keys = [alert.key for alert in hook.taken]
    assert len(keys) == len(set(keys))


async def test_g7_a_clock_that_is_set_back_an_hour_lets_the_ladder_go_on_from_then(
    store: FailingStore,
) -> None:
    hook, clock = Postbox(), ShiftedClock()
    async with running(engine := engine_over(store, channels=[hook], clock=clock)):
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting(bypass())))
        await eventually(lambda: len(hook.taken) == 1, 30, what="the first")
        clock.wall_ms = -HOUR_MS
        await eventually(
            lambda: engine.world.incidents[IncidentId(1)].round_at <= engine.clock.now(),
            30,
            what="the new time",
        )
        clock.wall_ms += 11 * 60_000
        await eventually(
            lambda: [alert.kind for alert in hook.taken[1:]] == [PageKind.ESCALATED], 30, what="the next rung"
        )
        assert store.inner.incident(1).t0 == engine.world.incidents[IncidentId(1)].t0


@pytest.mark.parametrize("apart", [0, HOUR_MS, -HOUR_MS])
async def test_g2_another_leader_tells_nobody_more_than_the_first_would_have_whatever_its_clock_says(
    store: FailingStore, apart: int
) -> None:
    """Ten messages in ten minutes are those of both. A clock that is an hour away cannot know; it repeats no key."""
    hook, inventory = Postbox(), one_way(small_inventory(30))
    for leader in range(3):
        clock = ShiftedClock()
        clock.wall_ms = leader * apart
        engine = engine_over(store, inventory=inventory, channels=[hook], clock=clock, most=10)
        async with running(engine):
            for number in range(leader * 10 + 1, leader * 10 + 11):
                engine.submit(answer(spoke(number), engine.clock.now(), encrypting(bypass())))
            await eventually(lambda: len(engine.world.incidents) >= leader * 10 + 10, 30, what="incidents")  # noqa: B023
            await eventually(
                lambda: store.inner.outbox_counts(engine.clock.now()).claimed == 0 and len(hook.taken) >= 6,  # noqa: B023
                30, what="the alerts",
            )  # fmt: skip
    # Hours apart, each of the three begins a window of its own, in which ladders climb to others too.
    windows = 1 if apart == 0 else 3
    every = Counter(alert.contact for alert in hook.taken)
    singles = Counter(alert.contact for alert in hook.taken if alert.kind is not PageKind.DIGEST)
    assert max(singles.values()) <= 6 * windows and max(every.values()) <= 10 * windows
    assert singles["watch"] >= 6
    assert len({alert.key for alert in hook.taken}) == len(hook.taken)


async def test_g5_an_acknowledgement_is_one_row_however_often_it_is_said(store: FailingStore) -> None:
    hook = Postbox()
    async with running(engine := engine_over(store, channels=[hook])):
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting(bypass())))
        await eventually(lambda: len(hook.taken) == 1, 30, what="the alert")
        who = ("truc", "truong-ca", "truc")
        await asyncio.gather(*(engine.acknowledge(1, by=name, origin="test") for name in who))
        steps = [item for item in store.inner.steps(1) if item.kind is StepKind.ACKED]
        assert [(item.by, item.origin) for item in steps] == [("truc", "test")]


async def test_g7_the_ladder_ends_in_an_answer_and_in_nothing_else(store: FailingStore) -> None:
    hook, clock = Postbox(), ShiftedClock()
    engine = engine_over(store, channels=[hook], clock=clock)
    async with running(engine):
        engine.submit(answer(spoke(1), engine.clock.now(), encrypting(bypass())))
        await eventually(lambda: len(hook.taken) == 1, 30, what="the first")
        for quarter in range(1, 9):
            before = len(hook.taken)
            clock.wall_ms = quarter * 15 * 60_000 + 1_000
            engine.submit(answer(spoke(1), engine.clock.now(), encrypting(bypass())))
            await eventually(lambda before=before: len(hook.taken) > before, 30, what="another")  # type: ignore[misc]
        await engine.acknowledge(1, by="truc", origin="test")
        await eventually(lambda: unsent(store, engine) == 0, what="what was under way")
        before = len(hook.taken)
        clock.wall_ms += 29 * 60_000
        await asyncio.sleep(0.5)
        assert [alert for alert in hook.taken[before:] if alert.subject == spoke(1)] == []
        clock.wall_ms += 2 * 60_000
        await eventually(
            lambda: any(alert.kind is PageKind.LAPSED for alert in hook.taken[before:]),
            30,
            what="a new round",
        )


async def test_g2_a_real_receiver_that_answers_and_then_dies_is_asked_again_under_the_same_key(
    store: FailingStore,
) -> None:
    with web_sink() as sink:
        fails: list[int] = []

        def drop() -> None:
            if len(fails) < 2:
                fails.append(1)
                raise ConnectionAbortedError("the receiver dies")

        sink.before_answer = drop
        hook = real_hook(sink)
        async with running(engine := engine_over(store, channels=[hook])):
            engine.submit(answer(spoke(1), engine.clock.now(), encrypting(bypass())))
            await eventually(lambda: len(sink.requests) >= 3, 30, what="a third request")
            await eventually(
                lambda: [item.state for item in store.inner.pages(1)] == [OutboxState.SENT],
                30,
                what="the record",
            )
        await hook.close()
    assert len({request.headers["idempotency-key"] for request in sink.requests}) == 1


def unsent(store: FailingStore, engine: Engine) -> int:
    """How many messages wait or are under way."""
    counts = store.inner.outbox_counts(engine.clock.now())
    return int(counts.pending + counts.claimed)


def real_hook(sink: WebSink) -> WebhookChannel:
    voice = Voice(partial(word, language="vi"), "vi")
    configs = {"duty": WebhookConfig(sink.url, Secret("a secret of a test"), 5.0)}
    return WebhookChannel(configs, voice, SystemClock())


def two_ways() -> Inventory:
    """Everybody by webhook first, and by mail if that fails."""
    inventory = small_inventory()
    watch = replace(inventory.contacts[0], deliver=("webhook:duty", "smtp:duty@example.test"))
    return replace(inventory, contacts=(watch,))
