"""The store's outbox as the deliverer sees it, and what the house learns of each attempt."""

from __future__ import annotations

import logging
from functools import partial

from channelwatch.app.running.meters import Meters
from channelwatch.app.running.reach import Reach
from channelwatch.app.running.settling import Settling
from channelwatch.app.running.storethread import StoreThread, Urgency
from channelwatch.app.running.trouble import Troubles, may_end
from channelwatch.app.running.writer import CannotWrite
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent, Transient
from channelwatch.pipeline.deliver import outcome_name
from channelwatch.pipeline.freshen import freshened
from channelwatch.pipeline.ports import Claim, Fate, Lanes, Outcome, Settlement
from channelwatch.pipeline.world import World

log = logging.getLogger(__name__)

OUTBOX_UNAVAILABLE = "outbox unavailable; will be tried again"


class Outlet:
    """`OutboxPort` and `Witness` of the deliverer."""

    def __init__(
        self, store: StoreThread, world: World, *, meters: Meters, reach: Reach, troubles: Troubles
    ) -> None:
        self._store = store
        self._settling = Settling(store)
        self._world = world
        self._meters = meters
        self._reach = reach
        self._troubles = troubles

    async def claim(self, *, now: EpochMs, limit: int, lease_ms: int, lanes: Lanes) -> list[Claim]:
        """Due rows; none while the store is unavailable. CannotWrite when it refuses for good."""
        claims: list[Claim] = []
        with self._troubles.tolerated(OUTBOX_UNAVAILABLE):
            try:
                claims = await self._store.urgent(
                    Urgency.CLAIM,
                    partial(
                        self._store.store.claim_outbox,
                        now=now,
                        limit=limit,
                        lease_ms=lease_ms,
                        epoch=self._store.epoch,
                        lanes=lanes,
                    ),
                )
            except Permanent as error:
                if may_end(error):
                    raise
                raise CannotWrite(f"the store gives this process no alerts any more: {error}") from error
        return [freshened(self._world, claim) for claim in claims]

    async def settle(self, claim: Claim, outcome: Fate, *, now: EpochMs, not_before: EpochMs | None) -> None:
        """Record what became of one. Transient while the store is unavailable, for whatever reason that may end."""
        try:
            await self._settling.settle(Settlement(claim, outcome, now, not_before))
        except Permanent as error:
            if not may_end(error):
                raise
            raise Transient(str(error), operation="settle outbox") from error

    def settled(self, claim: Claim, outcome: Outcome, latency_ms: int) -> None:
        """Count and log an attempt."""
        self._meters.delivered(claim, outcome, latency_ms)
        self._reach.settled(claim, outcome)
        fields = {
            "key": claim.alert.key,
            "channel": claim.channel,
            "outcome": outcome_name(outcome),
            "latency_ms": latency_ms,
        }
        log.info("alert tried", extra=fields)

    def failed(self, claim: Claim, error: Exception) -> None:
        """Log a fault of a channel of ours."""
        fields = {"key": claim.alert.key, "channel": claim.channel}
        log.error("delivery channel failed by our own fault", extra=fields, exc_info=error)
