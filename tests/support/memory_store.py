"""`Store` and `History` in memory: the fake that passes the same contract suite as the real store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug, Permanent
from channelwatch.base.ids import DeviceCode, IncidentId, LogId
from channelwatch.incidents.life import REOPEN_WITHIN_MS
from channelwatch.incidents.model import Incident, IncidentStep
from channelwatch.incidents.restraint import WINDOW_MS
from channelwatch.inventory.diff import Change
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.pipeline.endings import Waiting, ends_among, overtaken, told_at_once
from channelwatch.pipeline.ports import (
    OPEN_LANES,
    Claim,
    CurrentRow,
    Dead,
    Effects,
    Fate,
    Lanes,
    LoggedChange,
    OutboxCounts,
    OutboxRow,
    OutboxState,
    PairRow,
    Purge,
    Retry,
    Sent,
    Settlement,
    Snapshot,
    Spared,
    StoredPage,
    StoredTransition,
    Unsure,
)
from channelwatch.status.continuity import Continuity
from channelwatch.status.events import EventReceived, RogueSource
from channelwatch.status.states import Axis, Transition

HEARTBEAT_SLACK_MS = 1_000
CLOCK_SLACK_MS = 60_000
LONGEST_WAIT_MS = 900_000
UNSENT = (OutboxState.PENDING, OutboxState.CLAIMED)
SENDABLE = (*UNSENT, OutboxState.STANDBY)


class LeaseLost(Permanent):
    """Another epoch is current."""

    reason = "lease_lost"


@dataclass
class _Lease:
    holder: str | None
    epoch: int
    until: int


@dataclass
class _Mail:
    row: OutboxRow
    due_at: int
    state: OutboxState = OutboxState.PENDING
    attempts: int = 0
    sent_at: EpochMs | None = None
    last_error: str | None = None
    epoch: int = 0

    @property
    def lane(self) -> tuple[int, str, str]:
        """Rows of one lane leave in order."""
        return (self.row.page.incident, self.row.page.channel, self.row.page.destination)


@dataclass
class _Log:
    entries: list[Transition] = field(default_factory=list)
    newest: Effects | None = None


class MemoryStore:
    """Keeps everything until it is collected; nothing survives it, and nothing is ever busy."""

    def __init__(self) -> None:
        self._inventories: list[Inventory] = []
        self._changes: list[LoggedChange] = []
        self._logs: dict[LogId, _Log] = {}
        self._current: dict[DeviceCode, CurrentRow] = {}
        self._pairs: dict[str, PairRow] = {}
        self._incidents: dict[IncidentId, Incident] = {}
        self._steps: list[IncidentStep] = []
        self._outbox: dict[int, _Mail] = {}
        self._events: list[EventReceived] = []
        self._purged: list[Purge] = []
        self._rogues: dict[tuple[str, str], RogueSource] = {}
        self._leases: dict[str, _Lease] = {}
        self._alive: dict[str, list[tuple[int, int]]] = {}

    def upgrade(self) -> None:
        pass

    def close(self) -> None:
        pass

    def load(self, log: LogId, *, now: EpochMs) -> Snapshot:
        return Snapshot(
            inventory=self.inventory(),
            current=tuple(self._current[code] for code in sorted(self._current)),
            pairs=tuple(self._pairs[code] for code in sorted(self._pairs)),
            incidents=tuple(
                item
                for _, item in sorted(self._incidents.items())
                if not item.state.is_over
                or (item.closed_at or item.restored_at or item.opened_at) > now - REOPEN_WITHIN_MS
            ),
            next_incident=max(self._incidents, default=0) + 1,
            next_seq=len(self._log(log).entries) + 1,
            alive_until=EpochMs(max(end for spans in self._alive.values() for _, end in spans))
            if self._alive
            else None,
            backed={
                DeviceCode(item.subject): EpochMs(item.t_hi)
                for item in {
                    item.subject: item
                    for name in sorted(self._logs)
                    for item in self._logs[name].entries
                    if item.axis is Axis.CONTINUITY
                }.values()
                if item.after == Continuity.BACKED
            },
            recent_events=tuple(
                EventReceived(item.device, item.kind, item.transport, item.received_at, item.trusted)
                for item in self._events
                if item.received_at > now - 86_400_000
            ),
            told=tuple(
                mail.row.page
                for mail in self._outbox.values()
                if not mail.row.page.is_spare and mail.row.alert.created_at > now - WINDOW_MS
            ),
        )

    def commit(self, effects: Effects, *, epoch: int) -> None:
        if effects.is_empty:
            return
        self._check(epoch)
        log = self._log(effects.log)
        first, size = effects.first_seq - 1, len(effects.transitions)
        if effects == log.newest:
            return
        if size and first != len(log.entries):
            if tuple(log.entries[first : first + size]) == effects.transitions:
                return
            raise Bug("out of step", operation="commit", subject=effects.log)
        self._refuse_contradictions(effects)
        log.newest = effects
        log.entries.extend(effects.transitions)
        self._current.update({row.device: row for row in effects.current})
        self._pairs.update({row.group: row for row in effects.pairs})
        self._incidents.update({item.id: item for item in effects.incidents})
        self._steps.extend(effects.steps)
        self._events.extend(item._replace(readings=()) for item in effects.events)
        for item in effects.rogues:
            key = (item.address, item.transport)
            before = self._rogues[key].count if key in self._rogues else 0
            self._rogues[key] = replace(item, count=before + item.count)
        known = {mail.row.page.key for mail in self._outbox.values()}
        waiting = [
            Waiting(number, mail.row.page, mail.state)
            for number, mail in self._outbox.items()
            if mail.row.page.incident in ends_among(effects.outbox)
        ]
        found = overtaken(waiting, effects.outbox)
        for number in found.rows:
            self._outbox[number].state = OutboxState.SPARED
        for row in (told_at_once(row, found) for row in effects.outbox):
            if row.page.key not in known:
                known.add(row.page.key)
                state = OutboxState.STANDBY if row.page.is_spare else OutboxState.PENDING
                self._outbox[max(self._outbox, default=0) + 1] = _Mail(row, row.page.not_before, state)

    def apply_inventory(self, wanted: Inventory, changes: Sequence[Change], *, by: str, at: EpochMs) -> int:
        if self.inventory() != wanted:
            self._inventories.append(replace(wanted, version=len(self._inventories) + 1))
            self._changes.extend(LoggedChange(at, by, change) for change in changes)
        return len(self._inventories)

    def inventory(self) -> Inventory | None:
        return self._inventories[-1] if self._inventories else None

    def inventory_version(self) -> int:
        return len(self._inventories)

    def inventory_log(self, limit: int) -> list[LoggedChange]:
        return self._changes[::-1][:limit]

    def take_lease(self, name: str, holder: str, *, now: EpochMs, ttl_ms: int) -> int | None:
        held = self._leases.get(name)
        if held is None or held.holder != holder:
            stray = held is not None and held.until > now + ttl_ms + CLOCK_SLACK_MS
            if held is not None and held.holder is not None and held.until > now and not stray:
                return None
            newest = max((item.epoch for item in self._leases.values()), default=0)
            held = self._leases[name] = _Lease(holder, newest + 1, 0)
        held.until = now + ttl_ms
        return held.epoch

    def release_lease(self, name: str, holder: str) -> None:
        held = self._leases.get(name)
        if held is not None and held.holder == holder:
            held.holder = None

    def heartbeat(self, collector: str, *, since: EpochMs, until: EpochMs) -> None:
        spans = self._alive.setdefault(collector, [])
        if not spans or since > spans[-1][1] + HEARTBEAT_SLACK_MS:
            spans.append((since, max(since, until)))
        else:
            spans[-1] = (spans[-1][0], max(spans[-1][1], until))

    def claim_outbox(
        self, *, now: EpochMs, limit: int, lease_ms: int, epoch: int, lanes: Lanes = OPEN_LANES
    ) -> list[Claim]:
        self._check(epoch)
        claims: list[Claim] = []
        behind: set[tuple[int, str, str]] = set()
        taken = Counter(dict.fromkeys(lanes.full_destinations, lanes.each))
        for row_id, mail in self._outbox.items():
            if mail.state not in SENDABLE or mail.lane in behind:
                continue
            if mail.state in UNSENT:
                behind.add(mail.lane)
            orphaned = mail.state is OutboxState.CLAIMED and mail.epoch != epoch
            way = (mail.row.page.channel, mail.row.page.destination)
            room = way[0] not in lanes.full_channels and taken[way] < lanes.each and len(claims) < limit
            stray = mail.due_at > now + LONGEST_WAIT_MS
            is_well = way in lanes.well_destinations and mail.state is OutboxState.PENDING
            near = is_well and mail.due_at <= now + lanes.well_ms
            if (mail.due_at <= now or stray or orphaned or near) and room:
                taken[way] += 1
                mail.state, mail.due_at, mail.attempts, mail.epoch = (
                    OutboxState.CLAIMED,
                    now + lease_ms,
                    mail.attempts + 1,
                    epoch,
                )
                page = mail.row.page
                claims.append(Claim(row_id, mail.attempts, page.channel, page.destination, mail.row.alert))
        return claims

    def settle_outbox(self, claim: Claim, outcome: Fate, *, now: EpochMs, not_before: EpochMs | None) -> None:
        if claim.row_id not in self._outbox:
            raise Bug("no such row", operation="settle outbox", subject=str(claim.row_id))
        mail = self._outbox[claim.row_id]
        is_held = mail.state is OutboxState.CLAIMED and mail.attempts == claim.attempts
        if not is_held and not (isinstance(outcome, Sent) and mail.state in UNSENT):
            return
        match outcome:
            case Sent():
                mail.state, mail.sent_at = OutboxState.SENT, now
                self._spare_others(mail)
            case Spared():
                mail.state = OutboxState.SPARED
                self._spare_others(mail)
            case Retry(reason=reason) | Unsure(reason=reason):
                mail.state, mail.last_error = OutboxState.PENDING, reason
                mail.due_at = now if not_before is None else not_before
            case Dead(reason=reason):
                mail.state, mail.last_error = OutboxState.DEAD, reason
                for spare in self._spares(mail)[:1]:
                    spare.due_at = now
            case _:
                assert_never(outcome)

    def _spare_others(self, mail: _Mail) -> None:
        for spare in self._spares(mail):
            spare.state = OutboxState.SPARED

    def settle_all(self, settlements: Sequence[Settlement]) -> None:
        missing = [item for item in settlements if item.claim.row_id not in self._outbox]
        for item in missing or settlements:
            self.settle_outbox(item.claim, item.outcome, now=item.now, not_before=item.not_before)

    def _spares(self, mail: _Mail) -> list[_Mail]:
        chain = mail.row.page.chain
        return [
            item
            for item in self._outbox.values()
            if chain and item.row.page.chain == chain and item.state is OutboxState.STANDBY
        ]

    def outbox_counts(self, now: EpochMs) -> OutboxCounts:
        number = dict.fromkeys(OutboxState, 0)
        for mail in self._outbox.values():
            number[mail.state] += 1
        wanted = [
            max(mail.row.page.not_before, mail.row.alert.created_at)
            for mail in self._outbox.values()
            if mail.state in UNSENT
        ]
        return OutboxCounts(
            pending=number[OutboxState.PENDING],
            claimed=number[OutboxState.CLAIMED],
            sent=number[OutboxState.SENT],
            dead=number[OutboxState.DEAD],
            oldest_unsent_ms=max(0, now - min(wanted, default=now)),
        )

    def prune_events(self, before: EpochMs) -> int:
        live = {item.subject for item in self._incidents.values() if item.is_live}
        kept = [item for item in self._events if item.received_at >= before or item.device in live]
        pruned = len(self._events) - len(kept)
        self._events = kept
        return pruned

    def note_purge(self, done: Purge) -> None:
        self._purged.append(done)

    def purges(self, limit: int = 200) -> list[Purge]:
        """The runs of pruning, the newest first."""
        return self._purged[::-1][:limit]

    def prune_pages(self, before: EpochMs) -> int:
        gone = [
            number
            for number, mail in self._outbox.items()
            if mail.row.alert.created_at < before
            and mail.state in (OutboxState.SENT, OutboxState.DEAD, OutboxState.SPARED)
            and not self._incidents[mail.row.page.incident].is_live
        ]
        for number in gone:
            del self._outbox[number]
        return len(gone)

    def transitions(
        self, *, subjects: Sequence[str], since: int = 0, limit: int = 200
    ) -> list[StoredTransition]:
        found = [
            StoredTransition(name, seq, item)
            for name, log in sorted(self._logs.items())
            for seq, item in enumerate(log.entries, 1)
            if item.subject in subjects and item.t_hi >= since
        ]
        return sorted(found, key=lambda item: (item.transition.t_hi, item.seq), reverse=True)[:limit]

    def events(self, *, devices: Sequence[str], since: int = 0, limit: int = 200) -> list[EventReceived]:
        found = [item for item in self._events[::-1] if item.device in devices and item.received_at >= since]
        return sorted(found, key=lambda item: -item.received_at)[:limit]

    def incidents(self, *, blocs: Sequence[Bloc], since: int = 0, limit: int = 200) -> list[Incident]:
        found = [
            item
            for item in self._incidents.values()
            if (item.bloc is None or item.bloc in blocs) and item.opened_at >= since
        ]
        return sorted(found, key=lambda item: (item.opened_at, item.id), reverse=True)[:limit]

    def incident(self, number: int) -> Incident | None:
        return self._incidents.get(IncidentId(number))

    def steps(self, incident: int) -> list[IncidentStep]:
        return [step for step in self._steps if step.incident == incident]

    def pages(self, incident: int) -> list[StoredPage]:
        return [
            StoredPage(
                mail.row.page,
                mail.state,
                mail.attempts,
                mail.row.alert.created_at,
                mail.sent_at,
                mail.last_error,
            )
            for mail in self._outbox.values()
            if mail.row.page.incident == incident
        ]

    def rogues(self, *, limit: int = 200) -> list[RogueSource]:
        by_name: Iterable[RogueSource] = (self._rogues[key] for key in sorted(self._rogues))
        return sorted(by_name, key=lambda item: -item.received_at)[:limit]

    def _log(self, log: LogId) -> _Log:
        return self._logs.setdefault(log, _Log())

    def _check(self, epoch: int) -> None:
        if all(held.epoch != epoch for held in self._leases.values()):
            raise LeaseLost(f"epoch {epoch} is not current", operation="store")

    def _refuse_contradictions(self, effects: Effects) -> None:
        incidents = {**self._incidents, **{item.id: item for item in effects.incidents}}
        live = [
            item.key for item in incidents.values() if item.restored_at is None and item.closed_at is None
        ]
        told = {step.incident for step in effects.steps} | {row.page.incident for row in effects.outbox}
        if len(live) != len(set(live)) or not told <= incidents.keys():
            raise Bug("a contradiction", operation="commit", subject=effects.log)
