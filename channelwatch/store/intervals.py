"""The projection of the transitions: each state of each subject from when to when. `transition` alone is the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from heapq import merge
from itertools import accumulate
from operator import itemgetter
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    or_,
    select,
    tuple_,
    update,
)

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, LogId
from channelwatch.pipeline.ports import Effects, StoredTransition
from channelwatch.status.continuity import Continuity
from channelwatch.status.states import Axis, Cause
from channelwatch.store.sql import add, as_columns, columns_of, one_of
from channelwatch.store.status import to_stored
from channelwatch.store.tables import series, status_interval, status_kind, transition
from channelwatch.uptime.history import Entry, settle

CHUNK = 200
"""Subjects that are rebuilt at a time: their whole history is in memory."""
ASKED = 10_000
"""Subjects named in one question: far below what either database takes."""

T = TypeVar("T")
_ROW = status_interval.c
_SPANS = (
    select(
        series.c.subject, series.c.axis, status_kind.c.state, status_kind.c.cause, status_kind.c.log_id,
        _ROW.t_from, _ROW.t_to, _ROW.err_ms, _ROW.src_seq,
    )
    .join_from(status_interval, series, _ROW.series == series.c.id)
    .join(status_kind, _ROW.kind == status_kind.c.id)
)  # fmt: skip
_AXES = {axis.value: axis for axis in Axis}
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
    numbers = _numbers(
        connection, series, [(item.transition.subject, item.transition.axis) for item in transitions]
    )
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
    closed = {numbers[key]: span.t_to for key, span in stored.items() if span.t_to is not None}
    _close(connection, closed)
    _add(connection, list(new.values()), numbers)
    return min(span.t_from - span.err_ms for span in new.values())


def _open(connection: Connection, subjects: Sequence[str]) -> dict[Subject, Span]:
    found = (
        _to_span(row)
        for some in _chunks(subjects, ASKED)
        for row in connection.execute(_open_spans(connection.dialect.name), {"names": some})
    )
    return {(span.subject, span.axis): span for span in found}


def _close(connection: Connection, ends: Mapping[int, int]) -> None:
    """End the open span of each series."""
    if not ends:
        return
    mine = and_(_ROW.series == bindparam("of"), _ROW.t_to.is_(None))
    rows = [{"series": number, "t_to": end} for number, end in ends.items()]
    if connection.dialect.name == "postgresql":
        given = columns_of(status_interval, ["series", "t_to"]).subquery("given")
        mine = and_(_ROW.series == given.c.series, _ROW.t_to.is_(None))
        connection.execute(update(status_interval).where(mine).values(t_to=given.c.t_to), as_columns(rows))
        return
    statement = update(status_interval).where(mine).values(t_to=bindparam("ends"))
    connection.execute(statement, [{"of": number, "ends": end} for number, end in ends.items()])


@cache
def _open_spans(dialect: str) -> Select[Any]:
    return _SPANS.where(_ROW.t_to.is_(None), one_of(dialect, series.c.subject))


def _add(connection: Connection, spans: Sequence[Span], numbers: Mapping[tuple[str, ...], int]) -> None:
    kinds = _numbers(connection, status_kind, [_kind(span) for span in spans])
    rows = [
        {
            "t_from": span.t_from,
            "t_to": span.t_to,
            "err_ms": span.err_ms,
            "src_seq": span.source[1],
            "series": numbers[span.subject, span.axis],
            "kind": kinds[_kind(span)],
        }
        for span in spans
    ]
    add(connection, status_interval, rows)


def _kind(span: Span) -> tuple[str, str, str]:
    return span.source[0], span.state, span.cause


def _numbers(
    connection: Connection, table: Table, wanted: Collection[tuple[str, ...]]
) -> dict[tuple[str, ...], int]:
    """The numbers of `wanted`, rows of `series` or `status_kind`; what has none is given one."""
    firsts = sorted({one[0] for one in wanted})

    def known() -> dict[tuple[str, ...], int]:
        return {
            (*words,): number
            for some in _chunks(firsts, ASKED)
            for number, *words in connection.execute(
                _numbered(connection.dialect.name, table), {"names": some}
            )
        }

    found = known()
    names = [column.name for column in table.columns][1:]
    missing = [dict(zip(names, one, strict=True)) for one in dict.fromkeys(wanted) if one not in found]
    if missing:
        add(connection, table, missing)
        found = known()
    return found


@cache
def _numbered(dialect: str, table: Table) -> Select[Any]:
    return select(table).where(one_of(dialect, list(table.columns)[1]))


def entries(
    connection: Connection, *, subjects: Sequence[str], since: int | None, until: int
) -> dict[Subject, tuple[list[Entry], frozenset[LogId]]]:
    """What each of `subjects` was between `since` (None: ever) and `until`, in order, and which logs told of it.

    A change that may have happened before `until` is one of them, even if it was seen only afterwards.
    """
    mine, given = _numbered(connection.dialect.name, series), {"names": list(subjects)}
    named = {number: (subject, _AXES[axis]) for number, subject, axis in connection.execute(mine, given)}
    kinds = {
        row.id: (row.state, _CAUSES[row.cause], LogId(row.log_id))
        for row in connection.execute(select(status_kind))
    }
    asked = select(_ROW.series, _ROW.kind, _ROW.t_from, _ROW.err_ms).where(
        _ROW.series.in_(mine.with_only_columns(series.c.id)), _ROW.t_from - _ROW.err_ms < until
    )
    if since is not None:
        asked = asked.where(or_(_ROW.t_to.is_(None), _ROW.t_to >= since))
    rows = connection.execute(
        asked.order_by(_ROW.series, _ROW.t_from, _ROW.t_to.is_(None), _ROW.t_to, _ROW.src_seq), given
    )
    found: dict[Subject, tuple[list[Entry], set[LogId]]] = defaultdict(lambda: ([], set()))
    told: list[Entry] = []
    logs: set[LogId] = set()
    present = None
    for number, kind, t_from, err_ms in rows:
        if number != present:
            present = number
            told, logs = found[named[number]]
        state, cause, log = kinds[kind]
        told.append(Entry(state, cause, t_from - err_ms, t_from))
        logs.add(log)
    return {key: (told, frozenset(logs)) for key, (told, logs) in found.items()}


def backed(connection: Connection) -> dict[DeviceCode, EpochMs]:
    """The devices that are backed by their counters now, and since when."""
    rows = connection.execute(
        _SPANS.where(
            series.c.axis == Axis.CONTINUITY, status_kind.c.state == Continuity.BACKED, _ROW.t_to.is_(None)
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
        _remove(connection, [item.found for item in found if item.found is not None])
        missing = [item.wanted for item in found if item.wanted is not None]
        if missing:
            _add(
                connection,
                missing,
                _numbers(connection, series, [(one.subject, one.axis) for one in missing]),
            )
        repaired += len(found)
    return repaired


def is_unmade(connection: Connection) -> bool:
    """There are transitions and no projection at all: the database comes from a release that had none."""
    return bool(connection.scalar(select(exists(select(transition.c.seq)) & ~exists(select(_ROW.series)))))


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
    rows = connection.execute(_SPANS.where(series.c.subject.in_(subjects)))
    return {span.source: span for span in map(_to_span, rows)}


def _compare(right: Mapping[Source, Span], found: Mapping[Source, Span]) -> list[Difference]:
    sources = sorted(right.keys() | found.keys())
    return [
        Difference(right.get(source), found.get(source))
        for source in sources
        if right.get(source) != found.get(source)
    ]


def _remove(connection: Connection, spans: Sequence[Span]) -> None:
    key = tuple_(_ROW.series, _ROW.src_seq, _ROW.kind)
    for some in _chunks(spans):
        numbers = _numbers(connection, series, [(span.subject, span.axis) for span in some])
        kinds = _numbers(connection, status_kind, [_kind(span) for span in some])
        gone = [(numbers[span.subject, span.axis], span.source[1], kinds[_kind(span)]) for span in some]
        connection.execute(delete(status_interval).where(key.in_(gone)))


def _subjects(connection: Connection) -> list[str]:
    told = select(transition.c.subject).union(select(series.c.subject))
    return sorted(connection.scalars(told))


def _chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _to_span(row: Row[*tuple[Any, ...]]) -> Span:
    subject, axis, state, cause, log, t_from, t_to, err_ms, seq = row
    return Span(subject, _AXES[axis], state, _CAUSES[cause], t_from, t_to, err_ms, (log, seq))
