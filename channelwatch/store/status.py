"""Transitions, present states, and when the collector was alive."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Row, func, insert, select, update

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, LogId
from channelwatch.pipeline.ports import CurrentRow, Effects, PairRow, StoredTransition
from channelwatch.status.signals import Signal
from channelwatch.status.states import (
    Assessment,
    Axis,
    Cause,
    Flag,
    Health,
    PairState,
    Protection,
    Reason,
    Transition,
)
from channelwatch.store.sql import Values, add, among, put
from channelwatch.store.tables import collector_alive, pair_current, status_current, transition

HEARTBEAT_SLACK_MS = 1_000
"""Heartbeats that lie no further apart than this belong to one interval."""


def write(connection: Connection, effects: Effects) -> None:
    """Append the transitions and bring the present states up to date."""
    entries = [
        _entry(effects.log, seq, item) for seq, item in enumerate(effects.transitions, effects.first_seq)
    ]
    if entries:
        add(connection, transition, entries)
    put(connection, status_current, [_current(row) for row in effects.current])
    pairs = [{"group_code": row.group, "state": row.state, "since": row.since} for row in effects.pairs]
    put(connection, pair_current, pairs)


def present(connection: Connection) -> tuple[CurrentRow, ...]:
    """The present state of every device that ever had one, in code order."""
    rows = connection.execute(select(status_current).order_by(status_current.c.device))
    return tuple(_to_current(row) for row in rows)


def pairs(connection: Connection) -> tuple[PairRow, ...]:
    """The present state of every HA group that ever had one, in code order."""
    rows = connection.execute(select(pair_current).order_by(pair_current.c.group_code))
    return tuple(PairRow(row.group_code, PairState(row.state), EpochMs(row.since)) for row in rows)


def transitions(
    connection: Connection, *, subjects: Sequence[str], since: int, limit: int
) -> list[StoredTransition]:
    """Changes of `subjects` that happened at `since` or later (`t_hi`), the newest first."""
    rows = connection.execute(
        select(transition)
        .where(among(transition.c.subject, subjects), transition.c.t_hi >= since)
        .order_by(transition.c.t_hi.desc(), transition.c.seq.desc(), transition.c.log_id)
        .limit(limit)
    )
    return [to_stored(row) for row in rows]


def heartbeat(connection: Connection, collector: str, *, since: EpochMs, until: EpochMs) -> None:
    """Extend the collector's newest interval to `until` if `since` joins on to it, otherwise begin one."""
    mine = collector_alive.c.collector == collector
    newest = connection.execute(
        select(collector_alive.c.t_from, collector_alive.c.t_to)
        .where(mine)
        .order_by(collector_alive.c.t_from.desc())
        .limit(1)
    ).one_or_none()
    if newest is None or since > newest.t_to + HEARTBEAT_SLACK_MS:
        connection.execute(
            insert(collector_alive).values(collector=collector, t_from=since, t_to=max(since, until))
        )
    elif until > newest.t_to:
        connection.execute(
            update(collector_alive).where(mine, collector_alive.c.t_from == newest.t_from).values(t_to=until)
        )


def alive_until(connection: Connection) -> EpochMs | None:
    """The last moment at which any collector is known to have run."""
    last = connection.scalar(select(func.max(collector_alive.c.t_to)))
    return None if last is None else EpochMs(last)


def to_stored(row: Row[*tuple[object, ...]]) -> StoredTransition:
    """A row of the table as a transition with its place."""
    return StoredTransition(
        LogId(row.log_id),
        row.seq,
        Transition(
            subject=row.subject,
            axis=Axis(row.axis),
            before=row.state_before,
            after=row.state_after,
            cause=Cause(row.cause),
            reason=Reason(row.reason),
            t_lo=row.t_lo,
            t_hi=row.t_hi,
            recorded_at=row.recorded_at,
            evidence=row.evidence,
        ),
    )


def _entry(log: LogId, seq: int, item: Transition) -> Values:
    return {
        "log_id": log,
        "seq": seq,
        "subject": item.subject,
        "axis": item.axis,
        "state_before": item.before,
        "state_after": item.after,
        "cause": item.cause,
        "reason": item.reason,
        "t_lo": item.t_lo,
        "t_hi": item.t_hi,
        "recorded_at": item.recorded_at,
        "evidence": item.evidence,
    }


def _current(row: CurrentRow) -> Values:
    return {
        "device": row.device,
        "health": row.assessment.health,
        "protection": row.assessment.protection,
        "cause": row.assessment.cause,
        "security_alarm": row.assessment.security_alarm,
        "health_since": row.health_since,
        "protection_since": row.protection_since,
        "seen_at": row.seen_at,
        "flags": sorted(row.flags),
        "latched": sorted(row.latched),
    }


def _to_current(row: Row[*tuple[object, ...]]) -> CurrentRow:
    return CurrentRow(
        device=DeviceCode(row.device),
        assessment=Assessment(
            Health(row.health), Protection(row.protection), Cause(row.cause), row.security_alarm
        ),
        health_since=EpochMs(row.health_since),
        protection_since=EpochMs(row.protection_since),
        seen_at=EpochMs(row.seen_at),
        flags=frozenset(Flag(name) for name in row.flags),
        latched=frozenset((Signal(name), component) for name, component in row.latched),
    )
