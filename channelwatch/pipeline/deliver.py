"""From outbox to receiver: claim, try once, record. Retries are rows with a due time, never sleeping coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from channelwatch.base.clock import Clock, EpochMs
from channelwatch.pipeline.ports import Claim, Dead, DeliveryChannel, Outcome, Retry, Sent


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """Limits of delivery. Times in milliseconds."""

    batch: int = 64
    lanes: int = 8
    lease_ms: int = 60_000
    first_backoff_ms: int = 250
    backoff_cap_ms: int = 5_000
    send_timeout_ms: int = 30_000


class OutboxPort(Protocol):
    """The outbox as the deliverer sees it: each call runs in the store's thread."""

    def claim(self, *, now: EpochMs, limit: int, lease_ms: int) -> Awaitable[list[Claim]]:
        """Due rows, now ours until the lease ends."""
        ...

    def settle(
        self, row_id: int, outcome: Outcome, *, now: EpochMs, not_before: EpochMs | None
    ) -> Awaitable[None]:
        """What became of one."""
        ...


def backoff_ms(attempts: int, policy: DeliveryPolicy, jitter: float) -> int:
    """How long to wait after `attempts` failed tries (from 1); `jitter` in [0, 1) spreads it over its upper half."""
    full = min(policy.backoff_cap_ms, policy.first_backoff_ms * 2 ** min(attempts - 1, 16))
    return int(full * (0.5 + jitter / 2))


class Deliverer:
    """Sends what is due. `settled` is told of each outcome, with the milliseconds from cause to answer."""

    def __init__(
        self,
        outbox: OutboxPort,
        channels: Mapping[str, DeliveryChannel],
        clock: Clock,
        *,
        jitter: Callable[[], float],
        settled: Callable[[Claim, Outcome, int], None],
        policy: DeliveryPolicy | None = None,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._clock = clock
        self._jitter = jitter
        self._settled = settled
        self._policy = policy or DeliveryPolicy()
        self._lanes = asyncio.Semaphore(self._policy.lanes)

    async def round(self) -> int:
        """Claim and try everything that is due now; how many were tried."""
        policy = self._policy
        claims = await self._outbox.claim(now=self._clock.now(), limit=policy.batch, lease_ms=policy.lease_ms)
        await asyncio.gather(*(self._deliver(claim) for claim in claims))
        return len(claims)

    async def _deliver(self, claim: Claim) -> None:
        async with self._lanes:
            outcome = await self._try(claim)
        now = self._clock.now()
        not_before = None
        if isinstance(outcome, Retry):
            wish = outcome.after_ms or 0
            not_before = EpochMs(now + max(wish, backoff_ms(claim.attempts, self._policy, self._jitter())))
        await self._outbox.settle(claim.row_id, outcome, now=now, not_before=not_before)
        self._settled(claim, outcome, now - claim.alert.caused_at)

    async def _try(self, claim: Claim) -> Outcome:
        channel = self._channels.get(claim.channel)
        if channel is None:
            return Dead("unknown_channel")
        try:
            async with asyncio.timeout(self._policy.send_timeout_ms / 1000):
                return await channel.send(claim.alert, claim.destination)
        except TimeoutError:
            return Retry("timeout")


def outcome_name(outcome: Outcome) -> str:
    """`sent`, or the class of the failure: the word in the row, the metric and the log."""
    match outcome:
        case Sent():
            return "sent"
        case Retry(reason=reason) | Dead(reason=reason):
            return reason
