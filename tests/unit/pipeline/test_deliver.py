"""Delivery: one try a claim, what comes of it, and the bounds of waiting."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.pipeline.deliver import Deliverer, DeliveryPolicy, backoff_ms
from channelwatch.pipeline.ports import Alert, Claim, Dead, Outcome, Retry, Sent
from tests.support.alerts import ALERT
from tests.support.province import START

POLICY = DeliveryPolicy()


class Outbox:
    """Claims handed out once, and what they were settled with."""

    def __init__(self, *claims: Claim) -> None:
        self.claims = list(claims)
        self.settled: list[tuple[int, Outcome, EpochMs | None]] = []

    async def claim(self, *, now: EpochMs, limit: int, lease_ms: int) -> list[Claim]:
        taken, self.claims = self.claims[:limit], self.claims[limit:]
        return taken

    async def settle(
        self, row_id: int, outcome: Outcome, *, now: EpochMs, not_before: EpochMs | None
    ) -> None:
        self.settled.append((row_id, outcome, not_before))


class Channel:
    """Answers as it is told; counts how many sends run at once."""

    name = "webhook"

    def __init__(self, outcome: Outcome, delay_s: float = 0) -> None:
        self.outcome = outcome
        self.delay_s = delay_s
        self.running = self.most = 0

    async def send(self, alert: Alert, destination: str) -> Outcome:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(self.delay_s)
        self.running -= 1
        return self.outcome


def claim(row: int = 1, attempts: int = 1, channel: str = "webhook") -> Claim:
    return Claim(row, attempts, channel, "duty", replace(ALERT, caused_at=EpochMs(START - 40)))


def deliverer(
    outbox: Outbox, channel: Channel, policy: DeliveryPolicy = POLICY
) -> tuple[Deliverer, list[int]]:
    latencies: list[int] = []
    made = Deliverer(
        outbox,
        {"webhook": channel},
        ManualClock(START),
        jitter=lambda: 0.0,
        settled=lambda _claim, _outcome, ms: latencies.append(ms),
        policy=policy,
    )
    return made, latencies


@pytest.mark.parametrize(
    ("outcome", "not_before"),
    [
        (Sent(), None),
        (Dead("http_400"), None),
        (Retry("timeout"), START + 125),
        (Retry("http_429", after_ms=9000), START + 9000),
    ],
)
async def test_each_outcome_is_settled_with_its_due_time(outcome: Outcome, not_before: int | None) -> None:
    outbox = Outbox(claim())
    made, latencies = deliverer(outbox, Channel(outcome))
    assert await made.round() == 1
    assert outbox.settled == [(1, outcome, not_before)]
    assert latencies == [40]


async def test_an_unknown_channel_is_dead_at_once() -> None:
    outbox = Outbox(claim(channel="pigeon"))
    await deliverer(outbox, Channel(Sent()))[0].round()
    assert outbox.settled == [(1, Dead("unknown_channel"), None)]


async def test_a_channel_that_never_answers_is_cut_off() -> None:
    outbox = Outbox(claim())
    await deliverer(outbox, Channel(Sent(), delay_s=30), replace(POLICY, send_timeout_ms=20))[0].round()
    assert outbox.settled[0][1] == Retry("timeout")


async def test_lanes_bound_how_many_are_under_way() -> None:
    channel = Channel(Sent(), delay_s=0.01)
    outbox = Outbox(*(claim(row) for row in range(20)))
    await deliverer(outbox, channel, replace(POLICY, lanes=3))[0].round()
    assert channel.most == 3
    assert len(outbox.settled) == 20


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waiting_grows_and_is_capped(attempts: int, jitter: float) -> None:
    wait = backoff_ms(attempts, POLICY, jitter)
    assert POLICY.first_backoff_ms // 2 <= wait <= POLICY.backoff_cap_ms
