"""The projection of the transitions: each state of each subject from when to when. `transition` alone is the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from heapq import merge
from itertools import accumulate
from operator import itemgetter
from typing import TypeVar

from sqlalchemy import Connection, Row, and_, bindparam, delete, exists, or_, select, tuple_, update

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, LogId
from channelwatch.pipeline.ports import Effects, StoredTransition
from channelwatch.status.continuity import Continuity
from channelwatch.status.states import Axis, Cause
from channelwatch.store.sql import Values, add, as_columns, columns_of
from channelwatch.store.status import to_stored
from channelwatch.store.tables import status_interval, transition
from channelwatch.uptime.history import Entry, settle

CHUNK = 200
"""Subjects that are rebuilt at a time: their whole history is in memory."""
ASKED = 10_000
"""Subjects named in one question: far below what either database takes."""

T = TypeVar("T")
_CAUSES = {cause.value: cause for cause in Cause}

Subject = tuple[str, Axis]
Source = tuple[LogId, int]
"""The transition that began an interval."""


@dataclass(frozen=True, slots=True)
class Span:
    """One state from `t_from` to `t_to` (None while it lasts), epoch ms; it may have begun up to `err_ms` before."""

    subject: str
    axis: Axis
    state: str
    cause: Cause
    t_from: int
    t_to: int | None
    err_ms: int
    source: Source


class Fault(StrEnum):
    """How the stored projection differs from what the transitions say."""

    MISSING = "missing"
    SURPLUS = "surplus"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Difference:
    """One span that is not as it must be; `wanted` is None for a surplus, `found` for a missing one."""

    wanted: Span | None
    found: Span | None

    @property
    def fault(self) -> Fault:
        """Which of the three."""
        if self.found is None:
            return Fault.MISSING
        return Fault.SURPLUS if self.wanted is None else Fault.WRONG

    def __str__(self) -> str:
        span = self.wanted or self.found
        assert span is not None, "a difference has a side"
        place = f"{span.subject} {span.axis} {span.source[0]}:{span.source[1]}"
        return f"{self.fault} {place}: wanted {_told(self.wanted)}, found {_told(self.found)}"


def _told(span: Span | None) -> str:
    if span is None:
        return "nothing"
    return f"{span.state} ({span.cause}) {span.t_from}..{span.t_to or ''} err {span.err_ms}"


def follow(last: Span | None, stored: StoredTransition) -> tuple[Span | None, Span]:
    """`last`, closed by the transition that follows it, and the span that it begins."""
    item = stored.transition
    t_lo, t_hi = settle(item.t_lo, item.t_hi, since=None if last is None else last.t_from)
    began = Span(
        item.subject, item.axis, item.after, item.cause, t_hi, None, t_hi - t_lo, (stored.log, stored.seq)
    )
    return None if last is None else replace(last, t_to=t_hi), began


def write(connection: Connection, effects: Effects) -> int | None:
    """Close what the batch's transitions end, and begin what they begin; from when on that changes the past (epoch ms).

    None when it changes nothing.
    """
    transitions = [
        StoredTransition(effects.log, seq, item)
        for seq, item in enumerate(effects.transitions, effects.first_seq)
    ]
    if not transitions:
        return None
    stored = _open(connection, sorted({item.transition.subject for item in transitions}))
    last: dict[Subject, Span] = dict(stored)
    new: dict[Source, Span] = {}
    for item in transitions:
        key = (item.transition.subject, item.transition.axis)
        before, began = follow(last.get(key), item)
        if before is not None and before.source in new:
            new[before.source] = before
        elif before is not None:
            stored[key] = before
        new[began.source] = last[key] = began
    _close(connection, [span for span in stored.values() if span.t_to is not None])
    add(connection, status_interval, [_values(span) for span in new.values()])
    return min(span.t_from - span.err_ms for span in new.values())


def _open(connection: Connection, subjects: Sequence[str]) -> dict[Subject, Span]:
    lasting = select(status_interval).where(status_interval.c.t_to.is_(None))
    found = (
        _to_span(row)
        for some in _chunks(subjects, ASKED)
        for row in connection.execute(lasting.where(status_interval.c.subject.in_(some)))
    )
    return {(span.subject, span.axis): span for span in found}


def _close(connection: Connection, closed: Sequence[Span]) -> None:
    if not closed:
        return
    key = (status_interval.c.log_id, status_interval.c.src_seq)
    if connection.dialect.name == "postgresql":
        given = columns_of(status_interval, ["log_id", "src_seq", "t_to"]).subquery("given")
        mine = and_(key[0] == given.c.log_id, key[1] == given.c.src_seq)
        rows = [{"log_id": span.source[0], "src_seq": span.source[1], "t_to": span.t_to} for span in closed]
        connection.execute(update(status_interval).where(mine).values(t_to=given.c.t_to), as_columns(rows))
        return
    statement = update(status_interval).where(key[0] == bindparam("log"), key[1] == bindparam("seq"))
    ends = [{"log": span.source[0], "seq": span.source[1], "ends": span.t_to} for span in closed]
    connection.execute(statement.values(t_to=bindparam("ends")), ends)


def entries(
    connection: Connection, *, subjects: Sequence[str], since: int | None, until: int
) -> dict[Subject, tuple[list[Entry], frozenset[LogId]]]:
    """What each of `subjects` was between `since` (None: ever) and `until`, in order, and which logs told of it.

    A change that may have happened before `until` is one of them, even if it was seen only afterwards.
    """
    column = status_interval.c
    asked = select(
        column.subject, column.axis, column.state, column.cause, column.t_from, column.err_ms, column.log_id
    ).where(column.subject.in_(subjects), column.t_from - column.err_ms < until)
    if since is not None:
        asked = asked.where(or_(column.t_to.is_(None), column.t_to >= since))
    rows = connection.execute(
        asked.order_by(
            column.subject, column.axis, column.t_from, column.t_to.is_(None), column.t_to, column.src_seq
        )
    )
    found: dict[Subject, tuple[list[Entry], set[LogId]]] = defaultdict(lambda: ([], set()))
    told: list[Entry] = []
    logs: set[LogId] = set()
    present = ("", "")
    for subject, axis, state, cause, t_from, err_ms, log in rows:
        if (subject, axis) != present:
            present = (subject, axis)
            told, logs = found[subject, Axis(axis)]
        told.append(Entry(state, _CAUSES[cause], t_from - err_ms, t_from))
        logs.add(log)
    return {key: (told, frozenset(logs)) for key, (told, logs) in found.items()}


def backed(connection: Connection) -> dict[DeviceCode, EpochMs]:
    """The devices that are backed by their counters now, and since when."""
    column = status_interval.c
    rows = connection.execute(
        select(column.subject, column.t_from).where(
            column.axis == Axis.CONTINUITY, column.state == Continuity.BACKED, column.t_to.is_(None)
        )
    )
    return {DeviceCode(row.subject): EpochMs(row.t_from) for row in rows}


def differences(connection: Connection, *, limit: int) -> list[Difference]:
    """Where the stored projection is not what the transitions say: at most `limit` of it."""
    found: list[Difference] = []
    for subjects in _chunks(_subjects(connection)):
        found += _compare(wanted(connection, subjects), _stored(connection, subjects))
        if len(found) >= limit:
            return found[:limit]
    return found


def repair(connection: Connection) -> int:
    """Make the stored projection what the transitions say; how many spans were not."""
    repaired = 0
    for subjects in _chunks(_subjects(connection)):
        found = _compare(wanted(connection, subjects), _stored(connection, subjects))
        _remove(connection, [item.found.source for item in found if item.found is not None])
        missing = [_values(item.wanted) for item in found if item.wanted is not None]
        if missing:
            add(connection, status_interval, missing)
        repaired += len(found)
    return repaired


def is_unmade(connection: Connection) -> bool:
    """There are transitions and no projection at all: the database comes from a release that had none."""
    return bool(
        connection.scalar(
            select(exists(select(transition.c.seq)) & ~exists(select(status_interval.c.src_seq)))
        )
    )


def wanted(connection: Connection, subjects: Sequence[str]) -> dict[Source, Span]:
    """What the transitions of `subjects` say, by the transition that began each span."""
    rows = connection.execute(
        select(transition)
        .where(transition.c.subject.in_(subjects))
        .order_by(transition.c.log_id, transition.c.seq)
    )
    logs: dict[Subject, dict[LogId, list[StoredTransition]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        item = to_stored(row)
        logs[item.transition.subject, item.transition.axis][item.log].append(item)
    spans = (span for by_log in logs.values() for span in _chain(_in_order(by_log.values())))
    return {span.source: span for span in spans}


def _in_order(logs: Iterable[Sequence[StoredTransition]]) -> Iterator[StoredTransition]:
    """Transitions of one subject and axis from several logs, each in its own order, as they were committed.

    Logs are joined by when they recorded; within a log a clock that was set back changes nothing.
    """

    def timed(log: Sequence[StoredTransition]) -> Iterator[tuple[int, StoredTransition]]:
        return zip(accumulate((item.transition.recorded_at for item in log), max), log, strict=True)

    return (item for _, item in merge(*(timed(log) for log in logs), key=itemgetter(0)))


def _chain(transitions: Iterable[StoredTransition]) -> Iterator[Span]:
    last: Span | None = None
    for item in transitions:
        before, last = follow(last, item)
        if before is not None:
            yield before
    if last is not None:
        yield last


def _stored(connection: Connection, subjects: Sequence[str]) -> dict[Source, Span]:
    rows = connection.execute(select(status_interval).where(status_interval.c.subject.in_(subjects)))
    return {span.source: span for span in map(_to_span, rows)}


def _compare(right: Mapping[Source, Span], found: Mapping[Source, Span]) -> list[Difference]:
    sources = sorted(right.keys() | found.keys())
    return [
        Difference(right.get(source), found.get(source))
        for source in sources
        if right.get(source) != found.get(source)
    ]


def _remove(connection: Connection, sources: Sequence[Source]) -> None:
    key = tuple_(status_interval.c.log_id, status_interval.c.src_seq)
    for some in _chunks(sources):
        connection.execute(delete(status_interval).where(key.in_(some)))


def _subjects(connection: Connection) -> list[str]:
    told = select(transition.c.subject).union(select(status_interval.c.subject))
    return sorted(connection.scalars(told))


def _chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _values(span: Span) -> Values:
    return {
        "log_id": span.source[0],
        "src_seq": span.source[1],
        "subject": span.subject,
        "axis": span.axis,
        "state": span.state,
        "cause": span.cause,
        "t_from": span.t_from,
        "t_to": span.t_to,
        "err_ms": span.err_ms,
    }


def _to_span(row: Row[*tuple[object, ...]]) -> Span:
    return Span(
        row.subject,
        Axis(row.axis),
        row.state,
        Cause(row.cause),
        row.t_from,
        row.t_to,
        row.err_ms,
        (LogId(row.log_id), row.src_seq),
    )
