"""From outbox to receiver: claim, try once, record. Retries are rows with a due time, never sleeping coroutines.

Each destination is a lane of its own. A lane that is full or rests after a failure is passed over when rows are
claimed, so that what is claimed is sent at once, and a receiver that hangs holds up nobody but itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from channelwatch.base.clock import Clock, EpochMs
from channelwatch.base.errors import Transient
from channelwatch.pipeline.ports import (
    Claim,
    Dead,
    DeliveryChannel,
    Fate,
    Lanes,
    Outcome,
    Retry,
    Sent,
    Spared,
    Unsure,
)


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """Limits of delivery. Times in milliseconds.

    At most `per_destination` alerts are under way to one destination. A channel with `per_channel` under way is given
    no more; at most `batch` are claimed at a time. An alert on which our own channel fails `fault_tries` times is
    given up. `idle_ms` is how often retries that have come due are looked for. A claim outlives `send_timeout_ms`,
    which is more than the longest time limit that a channel can be configured with.
    """

    batch: int = 16
    per_destination: int = 8
    per_channel: int = 16
    lease_ms: int = 120_000
    first_backoff_ms: int = 250
    backoff_cap_ms: int = 5_000
    send_timeout_ms: int = 65_000
    fault_tries: int = 5
    idle_ms: int = 250


class OutboxPort(Protocol):
    """The outbox as the deliverer sees it: each call runs in the store's thread."""

    def claim(self, *, now: EpochMs, limit: int, lease_ms: int, lanes: Lanes) -> Awaitable[list[Claim]]:
        """Due rows, now ours until the lease ends; none while the store is unavailable."""
        ...

    def settle(
        self, claim: Claim, outcome: Fate, *, now: EpochMs, not_before: EpochMs | None
    ) -> Awaitable[None]:
        """What became of one. Transient while the store is unavailable."""
        ...


class Witness(Protocol):
    """Who is told what became of each attempt."""

    def settled(self, claim: Claim, outcome: Outcome, latency_ms: int) -> None:
        """An attempt ended, so many milliseconds after its cause."""
        ...

    def failed(self, claim: Claim, error: Exception) -> None:
        """A channel raised what it should not have."""
        ...


def backoff_ms(attempts: int, policy: DeliveryPolicy, jitter: float) -> int:
    """How long to wait after `attempts` failed tries (from 1); `jitter` in [0, 1) spreads it over its upper half."""
    full = min(policy.backoff_cap_ms, policy.first_backoff_ms * 2 ** min(attempts - 1, 16))
    return int(full * (0.5 + jitter / 2))


@dataclass(slots=True)
class _Lane:
    """One destination: what is under way, failures in a row, and until when (monotonic ms) it rests."""

    running: int = 0
    failures: int = 0
    rests_until: int = 0


class Deliverer:
    """Sends what is due. Belongs to one event loop."""

    def __init__(
        self,
        outbox: OutboxPort,
        channels: Mapping[str, DeliveryChannel],
        clock: Clock,
        *,
        jitter: Callable[[], float],
        witness: Witness,
        policy: DeliveryPolicy | None = None,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._clock = clock
        self._jitter = jitter
        self._witness = witness
        self._policy = policy or DeliveryPolicy()
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._well: set[tuple[str, str]] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._at_rest = asyncio.Event()
        self._is_finishing = False

    def wake(self) -> None:
        """New rows are in the outbox."""
        self._at_rest.clear()
        self._woken.set()

    async def at_rest(self, limit_s: float) -> None:
        """Wait until all that can be sent now has been tried, so long at most."""
        try:
            async with asyncio.timeout(limit_s):
                await self._at_rest.wait()
        except TimeoutError:
            pass

    async def run(self) -> None:
        """Send what becomes due, until told to finish or cancelled. Cancelled, it leaves what is under way alone."""
        while True:
            self._woken.clear()
            if await self._fill() >= self._policy.batch:
                continue
            # Fewer than asked for: what else is due waits for a lane or an older one, and their end wakes us. To ask
            # again now would keep the store busy just when it is to record that these were sent.
            if not self._sending and not self._woken.is_set():
                if self._is_finishing:
                    return
                self._at_rest.set()
            await self._pause()

    def finish(self) -> None:
        """Let `run` end once what is due now has been tried."""
        self._is_finishing = True
        self._woken.set()

    async def abandon(self) -> None:
        """Break off what is under way; its rows are tried again by whoever comes next."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _fill(self) -> int:
        """Claim what the lanes have room for and begin to send it; how many that were."""
        for task in [task for task in self._sending if task.done()]:
            self._sending.discard(task)
            task.result()
        policy, lanes = self._policy, self._room()
        claims = await self._outbox.claim(
            now=self._clock.now(), limit=policy.batch, lease_ms=policy.lease_ms, lanes=lanes
        )
        if not claims:
            # What waited for a destination that is well again has been claimed by now.
            self._well -= lanes.well_destinations
        for claim in claims:
            lane = self._lanes.setdefault((claim.channel, claim.destination), _Lane())
            lane.running += 1
            task = asyncio.create_task(self._deliver(claim, lane))
            task.add_done_callback(lambda _: self._woken.set())
            self._sending.add(task)
        return len(claims)

    async def _pause(self) -> None:
        """Until there are new rows, a lane has room again, or retries may have come due."""
        try:
            async with asyncio.timeout(self._policy.idle_ms / 1000):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    def _room(self) -> Lanes:
        now, policy = self._clock.monotonic_ms(), self._policy
        running: Counter[str] = Counter()
        for (channel, _), lane in self._lanes.items():
            running[channel] += lane.running
        return Lanes(
            policy.per_destination,
            frozenset(channel for channel, count in running.items() if count >= policy.per_channel),
            frozenset(
                way
                for way, lane in self._lanes.items()
                if lane.running >= policy.per_destination or now < lane.rests_until
            ),
            frozenset(self._well),
            policy.backoff_cap_ms,
        )

    async def _deliver(self, claim: Claim, lane: _Lane) -> None:
        try:
            if claim.is_needless:
                await self._settle(claim, Spared())
                return
            outcome = await self._try(claim)
            if isinstance(outcome, Sent) and lane.failures:
                self._well.add((claim.channel, claim.destination))
            self._follow(lane, outcome)
            await self._settle(claim, outcome)
        finally:
            lane.running -= 1
            if not lane.running and not lane.failures:
                self._lanes.pop((claim.channel, claim.destination), None)

    async def _try(self, claim: Claim) -> Outcome:
        channel = self._channels.get(claim.channel)
        if channel is None:
            return Dead("unknown_channel")
        try:
            async with asyncio.timeout(self._policy.send_timeout_ms / 1000):
                return await channel.send(claim.alert, claim.destination)
        except TimeoutError:
            return Unsure("timeout")
        except Exception as error:  # noqa: BLE001 - a supervisor: one alert must not stop all others
            self._witness.failed(claim, error)
            return Retry("fault") if claim.attempts < self._policy.fault_tries else Dead("fault")

    def _follow(self, lane: _Lane, outcome: Outcome) -> None:
        """A destination that fails rests longer and longer; one that answers goes on at once."""
        now = self._clock.monotonic_ms()
        if not isinstance(outcome, Retry | Unsure):
            lane.failures = lane.rests_until = 0
        elif now >= lane.rests_until:
            lane.failures += 1
            wait = backoff_ms(lane.failures, self._policy, self._jitter())
            lane.rests_until = now + max(outcome.after_ms or 0, wait)

    async def _settle(self, claim: Claim, outcome: Fate) -> None:
        now, not_before = self._clock.now(), None
        if isinstance(outcome, Retry | Unsure):
            wait = backoff_ms(claim.attempts, self._policy, self._jitter())
            not_before = EpochMs(now + max(outcome.after_ms or 0, wait))
        ends = self._clock.monotonic_ms() + self._policy.lease_ms
        while self._clock.monotonic_ms() < ends:
            try:
                await self._outbox.settle(claim, outcome, now=now, not_before=not_before)
                break
            except Transient:
                # The row is ours until its lease ends; whoever claims it then sends it again under the same key.
                await asyncio.sleep(self._policy.idle_ms / 1000)
        if not isinstance(outcome, Spared):
            self._witness.settled(claim, outcome, max(0, now - claim.alert.caused_at))


def outcome_name(outcome: Outcome) -> str:
    """`sent`, or the class of the failure: the word in the row, the metric and the log."""
    match outcome:
        case Sent():
            return "sent"
        case Retry(reason=reason) | Unsure(reason=reason) | Dead(reason=reason):
            return reason
