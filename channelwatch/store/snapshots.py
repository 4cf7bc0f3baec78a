"""Months that were measured once: sums that a report adds up instead of reading the history again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    cast,
    delete,
    func,
    or_,
    select,
    text,
    update,
)

from channelwatch.base.intervals import Interval
from channelwatch.pipeline.availability import ALL
from channelwatch.pipeline.snapshots import Ground, StoredMonth
from channelwatch.status.states import Axis
from channelwatch.store import desk, history
from channelwatch.store.sql import Values, add, put
from channelwatch.store.tables import inventory_version, month_share, month_snapshot
from channelwatch.uptime.figures import Sums
from channelwatch.uptime.ledger import ScopeKind
from channelwatch.uptime.shares import Share

ROWS = 1_000
"""Shares written at a time."""
_ONE = month_share.c
_SUMS = [_ONE[name] for name in Sums._fields]
_HOW_MANY = len(_SUMS)
_in_order: Callable[[object], tuple[int, ...]] = attrgetter(*Sums._fields)
_BLACKOUT = (_ONE.blackout_lo_ms, _ONE.blackout_hi_ms)
_SCOPES = {kind.value: kind for kind in ScopeKind}
_AXES = {axis.value: axis for axis in Axis}


def ground(connection: Connection) -> Ground:
    """What every month rests on besides the history of states, and the months themselves."""
    versions = connection.execute(
        select(inventory_version.c.version, inventory_version.c.applied_at).order_by(
            inventory_version.c.version
        )
    )
    return Ground(
        alive=history.alive(connection),
        versions=[(row.version, row.applied_at) for row in versions],
        windows=tuple(desk.windows(connection)),
        corrections=tuple(desk.corrections(connection)),
        months=_months(connection),
    )


def _months(connection: Connection) -> list[StoredMonth]:
    rows = connection.execute(select(month_snapshot).order_by(month_snapshot.c.t_from, month_snapshot.c.t_to))
    return [StoredMonth(Interval(row.t_from, row.t_to), row.ground, row.late) for row in rows]


def begin(connection: Connection, span: Interval) -> None:
    """Begin to count what is recorded late of `span`."""
    if connection.dialect.name == "postgresql":
        # Whoever is writing now may not have seen the month yet, nor can what he writes be read yet.
        connection.execute(text("LOCK TABLE status_interval IN SHARE MODE"))
    for table in (month_share, month_snapshot):
        within = and_(table.c.t_from <= span.start, table.c.t_to >= span.end)
        connection.execute(delete(table).where(within))
    put(connection, month_snapshot, [{"t_from": span.start, "t_to": span.end, "ground": "", "late": 0}])


def keep(connection: Connection, span: Interval, found: str, shares: Iterable[Share]) -> bool:
    """Keep `shares` as those of `span`; False, and nothing is kept, when something was recorded late meanwhile."""
    begun = and_(_is(month_snapshot, span), month_snapshot.c.late == 0)
    if not connection.execute(update(month_snapshot).where(begun).values(ground=found)).rowcount:
        return False
    connection.execute(delete(month_share).where(_is(month_share, span)))
    rows = (_values(span, one) for one in shares)
    while some := list(islice(rows, ROWS)):
        add(connection, month_share, some)
    return True


def _is(table: Table, span: Interval) -> ColumnElement[bool]:
    return and_(table.c.t_from == span.start, table.c.t_to == span.end)


def note_late(connection: Connection, since: int) -> None:
    """Something was recorded of the time since `since` (epoch ms): months that reach into it are not right any more."""
    later = month_snapshot.c.t_to > since
    connection.execute(update(month_snapshot).where(later).values(late=month_snapshot.c.late + 1))


def stored(connection: Connection, span: Interval) -> Iterator[Share]:
    """The shares of one stretch."""
    for row in connection.execute(select(month_share).where(_is(month_share, span))):
        sums = Sums(*_in_order(row))
        unexcluded = Sums(*row.unexcluded) if row.unexcluded else sums
        yield _to_share(row, row.basis, sums, unexcluded)._replace(firm=bool(row.firm))


def added_up(
    connection: Connection, wanted: Sequence[Interval], kinds: Collection[ScopeKind], code: str
) -> list[Share]:
    """The shares of all, or of `code` (also of a bloc's channels), over `wanted`; without a basis where they do not
    add up."""
    asked = and_(or_(*(_is(month_share, span) for span in wanted)), _ONE.kind.in_(kinds))
    if code != ALL:
        below = or_(_ONE.code == code, _ONE.bloc == code) if ScopeKind.BLOC in kinds else _ONE.code == code
        asked = and_(asked, below)
    key = (_ONE.kind, _ONE.code, _ONE.axis)
    summed = [*_SUMS, *(_BLACKOUT if ScopeKind.BLOC in kinds else ())]
    if len(wanted) == 1:
        asking = select(
            *key, _ONE.basis, _ONE.bloc, _ONE.firm == 1, _ONE.unexcluded.is_not(None), *summed
        ).where(asked)
    else:
        asking = _adding(key, summed, len(wanted)).where(asked)
    found, is_planned = [], False
    for kind, code, axis, basis, bloc, is_same, planned, *numbers in connection.execute(asking):
        sums = Sums(*numbers[:_HOW_MANY])
        usable = basis if is_same else ""
        blackout = numbers[_HOW_MANY:]
        found.append(Share(_SCOPES[kind], code, _AXES[axis], sums, sums, usable, bloc, True, *blackout))
        is_planned = is_planned or bool(planned)
    # Few estates have maintenance in what is asked: looking for it takes half as long as adding up.
    return _with_planned(found, _planned(connection, asked)) if is_planned else found


def _adding(key: Sequence[Column[Any]], summed: Sequence[Column[Any]], stretches: int) -> Select[Any]:
    same = and_(
        func.count() == stretches,
        # Whose basis is the same is of the same bloc.
        func.min(_ONE.basis) == func.max(_ONE.basis),
        func.min(_ONE.firm) == 1,
    )
    return select(
        *key,
        func.min(_ONE.basis),
        func.min(_ONE.bloc),
        same,
        func.count(_ONE.unexcluded),
        *(cast(func.sum(column), BigInteger) for column in summed),
    ).group_by(*key)


def _with_planned(found: Iterable[Share], planned: Mapping[tuple[str, str, str], Sums]) -> list[Share]:
    return [
        one._replace(unexcluded=one.sums + planned.get((one.kind, one.code, one.axis), Sums()))
        for one in found
    ]


def _planned(connection: Connection, asked: ColumnElement[bool]) -> dict[tuple[str, str, str], Sums]:
    """By figure, by how much the sums differ when maintenance counts as whatever it was; nothing where it does not."""
    differs: dict[tuple[str, str, str], Sums] = {}
    rows = connection.execute(select(month_share).where(asked, _ONE.unexcluded.is_not(None)))
    for row in rows:
        key = (row.kind, row.code, row.axis)
        more = Sums(
            *(with_it - without for with_it, without in zip(row.unexcluded, _in_order(row), strict=True))
        )
        differs[key] = differs.get(key, Sums()) + more
    return differs


def _to_share(row: Row[Any], basis: str, sums: Sums, unexcluded: Sums) -> Share:
    return Share(
        kind=ScopeKind(row.kind),
        code=row.code,
        axis=Axis(row.axis),
        sums=sums,
        unexcluded=unexcluded,
        basis=basis,
        bloc=row.bloc,
        blackout_lo_ms=row.blackout_lo_ms,
        blackout_hi_ms=row.blackout_hi_ms,
    )


def _values(span: Interval, one: Share) -> Values:
    return {
        "t_from": span.start,
        "t_to": span.end,
        "kind": one.kind,
        "code": one.code,
        "axis": one.axis,
        "basis": one.basis,
        "firm": int(one.firm),
        "bloc": one.bloc,
        "blackout_lo_ms": one.blackout_lo_ms,
        "blackout_hi_ms": one.blackout_hi_ms,
        **one.sums._asdict(),
        "unexcluded": None if one.unexcluded == one.sums else one.unexcluded,
    }
