"""Delivery: one try a claim, what comes of it, and that no destination holds up another."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.base.errors import Transient
from channelwatch.base.ids import ContactCode, IncidentId, LogId, RuleId
from channelwatch.incidents.model import Incident, IncidentState, Page, PageKind, Severity, SubjectKind
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.deliver import Deliverer, DeliveryPolicy, backoff_ms, outcome_name
from channelwatch.pipeline.ports import (
    Alert,
    Claim,
    Dead,
    DeliveryChannel,
    Effects,
    Fate,
    Lanes,
    OutboxRow,
    OutboxState,
    Outcome,
    Retry,
    Sent,
    StoredPage,
    Unsure,
)
from tests.support import eventually
from tests.support.alerts import ALERT
from tests.support.memory_store import MemoryStore
from tests.support.province import START

POLICY = DeliveryPolicy(idle_ms=1)
HANG_S = 600.0
Behaviour = Callable[[str, str], Outcome | float]
"""What a channel does about a destination's alert: answer at once, or hang for so many seconds."""


class Outbox:
    """A store's outbox; `broken` makes the store unavailable."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        epoch = self.store.take_lease("engine", "test", now=EpochMs(0), ttl_ms=10**15)
        assert epoch is not None
        self.epoch = epoch
        self.broken = False
        self.needless: set[str] = set()
        self.incidents = 0

    def put(self, *ways: tuple[str, str], pages: int = 1) -> None:
        """One incident about which each (channel, destination) is told `pages` times."""
        self.incidents += 1
        number = IncidentId(self.incidents)
        at = EpochMs(START)
        opened = Incident(
            number, RuleId("r"), SubjectKind.DEVICE, f"d{number}", Bloc.PARTY, Severity.P1, IncidentState.OPEN,
            at, at, at,
        )  # fmt: skip
        rows = []
        for channel, destination in ways:
            for step in range(pages):
                key = f"{number}.{channel}.{destination}.{step}"
                page = Page(
                    number, PageKind.OPENED, ContactCode("watch"), channel, destination, key, at, step
                )
                rows.append(OutboxRow(page, replace(ALERT, key=key, incident=number, caused_at=at)))
        effects = Effects(LogId("test"), 1, incidents=(opened,), outbox=tuple(rows))
        self.store.commit(effects, epoch=self.epoch)

    async def claim(self, *, now: EpochMs, limit: int, lease_ms: int, lanes: Lanes) -> list[Claim]:
        if self.broken:
            return []
        found = self.store.claim_outbox(
            now=now, limit=limit, lease_ms=lease_ms, epoch=self.epoch, lanes=lanes
        )
        return [replace(item, is_needless=item.alert.key in self.needless) for item in found]

    async def settle(self, claim: Claim, outcome: Fate, *, now: EpochMs, not_before: EpochMs | None) -> None:
        if self.broken:
            raise Transient("busy")
        self.store.settle_outbox(claim, outcome, now=now, not_before=not_before)

    def pages(self) -> list[StoredPage]:
        return [page for number in range(1, self.incidents + 1) for page in self.store.pages(number)]

    def states(self) -> Counter[OutboxState]:
        return Counter(page.state for page in self.pages())


class Channel:
    """Does as it is told; remembers what was sent and how many sends ran at once to one destination."""

    def __init__(self, name: str, behaviour: Behaviour) -> None:
        self.name = name
        self.behaviour = behaviour
        self.sent: list[str] = []
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def send(self, alert: Alert, destination: str) -> Outcome:
        self.running[destination] += 1
        self.most[destination] = max(self.most[destination], self.running[destination])
        self.sent.append(alert.key)
        try:
            answer = self.behaviour(alert.key, destination)
            await asyncio.sleep(answer if isinstance(answer, float) else 0)
            return Sent() if isinstance(answer, float) else answer
        finally:
            self.running[destination] -= 1


@dataclass
class Witness:
    outcomes: list[tuple[str, str, int]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def settled(self, claim: Claim, outcome: Outcome, latency_ms: int) -> None:
        self.outcomes.append((claim.alert.key, outcome_name(outcome), latency_ms))

    def failed(self, claim: Claim, error: Exception) -> None:
        self.errors.append(error)


@dataclass
class Bench:
    outbox: Outbox
    clock: ManualClock
    witness: Witness
    deliverer: Deliverer


@asynccontextmanager
async def delivering(
    channels: Sequence[DeliveryChannel], policy: DeliveryPolicy = POLICY
) -> AsyncIterator[Bench]:
    outbox, clock, witness = Outbox(), ManualClock(START), Witness()
    by_name = {channel.name: channel for channel in channels}
    deliverer = Deliverer(outbox, by_name, clock, jitter=lambda: 0.0, witness=witness, policy=policy)
    task = asyncio.create_task(deliverer.run())
    try:
        yield Bench(outbox, clock, witness, deliverer)
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await deliverer.abandon()


def always(outcome: Outcome | float) -> Behaviour:
    return lambda _key, _destination: outcome


@pytest.mark.parametrize(
    ("outcome", "state", "due"),
    [
        (Sent(), OutboxState.SENT, None),
        (Dead("http_400"), OutboxState.DEAD, None),
        (Retry("timeout"), OutboxState.PENDING, 125),
        (Unsure("timeout"), OutboxState.PENDING, 125),
        (Unsure("no_report", after_ms=10_000), OutboxState.PENDING, 10_000),
        (Retry("http_429", after_ms=9000), OutboxState.PENDING, 9000),
    ],
)
async def test_each_outcome_is_recorded_with_its_due_time(
    outcome: Outcome, state: OutboxState, due: int | None
) -> None:
    channel = Channel("webhook", always(outcome))
    async with delivering([channel]) as bench:
        bench.clock.advance(40)
        bench.outbox.put(("webhook", "duty"))
        bench.deliverer.wake()
        await eventually(lambda: bench.witness.outcomes, what="the outcome")
        assert bench.outbox.states() == {state: 1}
        assert bench.witness.outcomes == [("1.webhook.duty.0", outcome_name(outcome), 40)]
        if due is not None:
            bench.clock.advance(due - 1)
            await asyncio.sleep(0.03)
            assert len(channel.sent) == 1
            bench.clock.advance(1)
            await eventually(lambda: len(channel.sent) == 2, what="the second try")


async def test_an_unknown_channel_is_dead_at_once() -> None:
    async with delivering([]) as bench:
        bench.outbox.put(("pigeon", "duty"))
        await eventually(lambda: bench.outbox.states()[OutboxState.DEAD], what="the end of it")
        assert bench.outbox.pages()[0].last_error == "unknown_channel"


async def test_a_channel_that_never_answers_is_cut_off() -> None:
    async with delivering([Channel("webhook", always(HANG_S))], replace(POLICY, send_timeout_ms=20)) as bench:
        bench.outbox.put(("webhook", "duty"))
        await eventually(lambda: bench.witness.outcomes, what="the cut")
        assert bench.witness.outcomes[0][1] == "timeout"


async def test_a_destination_that_hangs_holds_up_no_other_however_much_waits_for_it() -> None:
    hook = Channel("webhook", lambda _, destination: HANG_S if destination == "hung" else Sent())
    async with delivering([hook]) as bench:
        for _ in range(100):
            bench.outbox.put(("webhook", "hung"))
        for _ in range(20):
            bench.outbox.put(("webhook", "duty"))
        bench.deliverer.wake()
        await eventually(lambda: bench.outbox.states()[OutboxState.SENT] == 20, 30, what="all others")
        assert hook.most["hung"] <= POLICY.per_destination


async def test_a_whole_channel_that_hangs_holds_up_no_other() -> None:
    mail, hook = Channel("smtp", always(HANG_S)), Channel("webhook", always(Sent()))
    async with delivering([mail, hook]) as bench:
        for number in range(200):
            bench.outbox.put(("smtp", f"{number}@example.test"))
        bench.outbox.put(("webhook", "duty"))
        bench.deliverer.wake()
        await eventually(lambda: bench.outbox.states()[OutboxState.SENT] == 1, 30, what="the other channel")
        assert mail.running.total() < POLICY.per_channel + POLICY.batch


async def test_a_lane_is_refilled_as_it_empties_and_keeps_its_width() -> None:
    hook = Channel("webhook", always(0.002))
    async with delivering([hook]) as bench:
        for _ in range(30):
            bench.outbox.put(("webhook", "duty"))
        bench.deliverer.wake()
        await eventually(lambda: bench.outbox.states()[OutboxState.SENT] == 30, 30, what="all of them")
        assert POLICY.per_destination <= hook.most["duty"] < 2 * POLICY.per_destination


async def test_messages_of_one_incident_to_one_destination_keep_their_order() -> None:
    order = {"first": True}

    def refuse_once(key: str, destination: str) -> Outcome:
        return Retry("http_503") if order.pop("first", False) else Sent()

    hook = Channel("webhook", refuse_once)
    async with delivering([hook]) as bench:
        bench.outbox.put(("webhook", "duty"), pages=3)
        while len(hook.sent) < 4:
            bench.clock.advance(50)
            await asyncio.sleep(0.002)
        assert hook.sent == [f"1.webhook.duty.{step}" for step in (0, 0, 1, 2)]


async def test_a_destination_that_fails_rests_and_is_not_asked_for_every_alert() -> None:
    hook = Channel("webhook", always(Retry("connection")))
    async with delivering([hook]) as bench:
        for _ in range(50):
            bench.outbox.put(("webhook", "duty"))
        for _ in range(40):
            bench.clock.advance(100)
            await asyncio.sleep(0.003)
        assert len(hook.sent) <= 12 * POLICY.per_destination
        hook.behaviour = always(Sent())
        bench.clock.advance(5_000)
        await eventually(lambda: bench.outbox.states()[OutboxState.SENT] == 50, what="all after it came back")


async def test_what_waits_for_a_destination_goes_as_soon_as_it_has_taken_one_again() -> None:
    broken = True
    channel = Channel("webhook", lambda _key, _way: Retry("connection") if broken else Sent())
    async with delivering([channel]) as bench:
        for _ in range(12):
            bench.outbox.put(("webhook", "duty"))
        bench.deliverer.wake()
        for _ in range(40):
            bench.clock.advance(1_000)
            await asyncio.sleep(0.003)
        broken = False
        # One of them is due within five seconds; the others need not wait for their own time.
        for _ in range(51):
            if bench.outbox.states()[OutboxState.SENT]:
                break
            bench.clock.advance(100)
            await asyncio.sleep(0.006)
        await eventually(lambda: bench.outbox.states() == {OutboxState.SENT: 12}, 30, what="all of them")


async def test_a_store_that_is_busy_when_the_outcome_is_to_be_recorded_causes_no_second_message() -> None:
    def sent_while_breaking(key: str, destination: str) -> Outcome:
        bench.outbox.broken = True
        return Sent()

    hook = Channel("webhook", sent_while_breaking)
    async with delivering([hook]) as bench:
        bench.outbox.put(("webhook", "duty"))
        await eventually(lambda: hook.sent, what="the message")
        await asyncio.sleep(0.05)
        bench.outbox.broken = False
        await eventually(lambda: bench.outbox.states()[OutboxState.SENT], what="the record")
        assert len(hook.sent) == 1


async def test_an_alert_that_a_channel_cannot_bear_is_given_up_and_stops_no_other() -> None:
    def choke(key: str, destination: str) -> Outcome:
        if key.startswith("1."):
            raise RuntimeError("no template for this")
        return Sent()

    async with delivering([Channel("webhook", choke)], replace(POLICY, fault_tries=3)) as bench:
        bench.outbox.put(("webhook", "duty"))
        bench.outbox.put(("webhook", "duty"))
        for _ in range(1_000):
            if bench.outbox.states() == {OutboxState.DEAD: 1, OutboxState.SENT: 1}:
                break
            bench.clock.advance(1_000)
            await asyncio.sleep(0.005)
        assert bench.outbox.states() == {OutboxState.DEAD: 1, OutboxState.SENT: 1}
        assert [str(error) for error in bench.witness.errors] == ["no template for this"] * 3


async def test_finishing_sends_what_is_due_and_waits_for_what_is_under_way() -> None:
    outbox, hook = Outbox(), Channel("webhook", always(0.02))
    deliverer = Deliverer(
        outbox, {"webhook": hook}, ManualClock(START), jitter=lambda: 0.0, witness=Witness(), policy=POLICY
    )
    for _ in range(10):
        outbox.put(("webhook", "duty"))
    deliverer.finish()
    await asyncio.wait_for(deliverer.run(), 30)
    assert outbox.states() == {OutboxState.SENT: 10}


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waiting_grows_and_is_capped(attempts: int, jitter: float) -> None:
    wait = backoff_ms(attempts, POLICY, jitter)
    assert POLICY.first_backoff_ms // 2 <= wait <= POLICY.backoff_cap_ms


async def test_what_is_needless_when_its_turn_comes_is_not_sent_and_holds_up_nothing() -> None:
    channel = Channel("webhook", always(Sent()))
    async with delivering([channel]) as bench:
        bench.outbox.needless.add("1.webhook.duty.0")
        bench.outbox.put(("webhook", "duty"), pages=2)
        bench.deliverer.wake()
        await eventually(lambda: bench.outbox.states() == {OutboxState.SPARED: 1, OutboxState.SENT: 1})
        assert channel.sent == ["1.webhook.duty.1"]
        assert [key for key, _, _ in bench.witness.outcomes] == ["1.webhook.duty.1"]
