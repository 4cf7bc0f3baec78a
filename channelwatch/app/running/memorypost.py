"""Alerts that the store cannot take yet, sent from memory under their own keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Transient
from channelwatch.pipeline.deliver import OutboxPort
from channelwatch.pipeline.endings import Waiting, ends_among, overtaken, told_at_once
from channelwatch.pipeline.ports import (
    Claim,
    Dead,
    Fate,
    Lanes,
    OutboxRow,
    OutboxState,
    Outcome,
    Retry,
    Sent,
    Spared,
    Unsure,
)


@dataclass(slots=True)
class _Held:
    """A row in memory. `recorded`: the store has it by now. `twin`: the claim of it that the store has given since."""

    row: OutboxRow
    state: OutboxState
    due_at: int
    attempts: int = 0
    recorded: bool = False
    twin: Claim | None = None

    @property
    def way(self) -> tuple[str, str]:
        return (self.row.page.channel, self.row.page.destination)

    @property
    def chain(self) -> tuple[int, str]:
        return (self.row.page.incident, self.row.page.chain)


class MemoryPost:
    """An outbox before another one, which also gives what `hold` was given, in its order, until the other has it.

    What was sent from here is settled, not sent again, when the other gives it. Its claims have numbers below 0.
    """

    def __init__(self, inner: OutboxPort, freshened: Callable[[Claim], Claim]) -> None:
        self._inner = inner
        self._freshened = freshened
        self._held: dict[int, _Held] = {}
        self._number = 0

    def hold(self, rows: Sequence[OutboxRow]) -> None:
        """Send `rows` from here. What the end of an incident overtakes here is not sent any more."""
        found = overtaken(
            [Waiting(number, held.row.page, held.state) for number, held in self._held.items()]
            if ends_among(rows)
            else (),
            rows,
        )
        for number in found.rows:
            del self._held[number]
        for row in (told_at_once(row, found) for row in rows):
            self._number -= 1
            state = OutboxState.STANDBY if row.page.is_spare else OutboxState.PENDING
            self._held[self._number] = _Held(row, state, row.page.not_before)

    def release(self, rows: Sequence[OutboxRow]) -> None:
        """The other outbox has `rows`: what was neither sent nor is under way goes out from there."""
        keys, ended = {row.page.key for row in rows}, ends_among(rows)
        for number, held in list(self._held.items()):
            if held.recorded and held.state is OutboxState.SENT and held.row.page.incident in ended:
                del self._held[number]  # The other one has spared it, and will not give it.
            elif held.row.page.key in keys:
                held.recorded = True
                if held.state not in (OutboxState.SENT, OutboxState.CLAIMED):
                    del self._held[number]

    async def claim(self, *, now: EpochMs, limit: int, lease_ms: int, lanes: Lanes) -> list[Claim]:
        """Due rows of the other outbox and of this one."""
        claims = list(self._due(now, limit, lanes))
        given = await self._inner.claim(now=now, limit=limit, lease_ms=lease_ms, lanes=lanes)
        known = {held.row.page.key: number for number, held in self._held.items() if held.recorded}
        for claim in given:
            if claim.alert.key in known:
                await self._take_back(known[claim.alert.key], claim, now)
            else:
                claims.append(claim)
        return claims

    async def settle(self, claim: Claim, outcome: Fate, *, now: EpochMs, not_before: EpochMs | None) -> None:
        """Record what became of one, here or there."""
        held = self._held.get(claim.row_id)
        if held is None or claim.attempts != held.attempts:
            if claim.row_id > 0:
                await self._inner.settle(claim, outcome, now=now, not_before=not_before)
            return
        if isinstance(outcome, Spared):
            # The other one decides anew when it has the row; what it has given already ends here.
            for number in (claim.row_id, *self._spares(held)):
                del self._held[number]
            if held.twin is not None:
                await self._inner.settle(held.twin, outcome, now=now, not_before=not_before)
            return
        self._settle_held(held, outcome, now if not_before is None else not_before)
        if held.twin is not None:
            await self._inner.settle(held.twin, outcome, now=now, not_before=not_before)
        if held.twin is not None or (held.recorded and held.state is not OutboxState.SENT):
            self._held.pop(claim.row_id, None)

    async def _take_back(self, number: int, claim: Claim, now: EpochMs) -> None:
        """The other outbox gives what was sent from here, or is just under way."""
        held = self._held[number]
        if held.state is not OutboxState.SENT:
            held.twin = claim
            return
        try:
            await self._inner.settle(claim, Sent(), now=now, not_before=None)
        except Transient:
            return  # It is given again when its lease has run out.
        self._held.pop(number, None)

    def _due(self, now: EpochMs, limit: int, lanes: Lanes) -> Iterator[Claim]:
        taken = Counter(dict.fromkeys(lanes.full_destinations, lanes.each))
        behind: set[tuple[int, str, str]] = set()
        given = 0
        for number, held in self._held.items():
            lane = (held.row.page.incident, *held.way)
            if held.recorded or lane in behind or held.state in (OutboxState.SENT, OutboxState.DEAD):
                continue
            if held.state is not OutboxState.STANDBY:
                behind.add(lane)
            full = held.way[0] in lanes.full_channels or taken[held.way] >= lanes.each or given >= limit
            if held.state is OutboxState.CLAIMED or held.due_at > now or full:
                continue
            taken[held.way] += 1
            given += 1
            held.state, held.attempts = OutboxState.CLAIMED, held.attempts + 1
            yield self._freshened(Claim(number, held.attempts, *held.way, held.row.alert))

    def _settle_held(self, held: _Held, outcome: Outcome, due_at: int) -> None:
        match outcome:
            case Sent():
                held.state = OutboxState.SENT
                for number in self._spares(held):
                    del self._held[number]
            case Retry() | Unsure():
                held.state, held.due_at = OutboxState.PENDING, due_at
            case Dead():
                held.state = OutboxState.DEAD
                for number in self._spares(held)[:1]:
                    self._held[number].due_at = 0

    def _spares(self, held: _Held) -> list[int]:
        if not held.row.page.chain:
            return []
        return [
            number
            for number, one in self._held.items()
            if one.chain == held.chain and one.state is OutboxState.STANDBY
        ]
