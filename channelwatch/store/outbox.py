"""Alerts on their way: written with what they tell of, claimed by one sender at a time, settled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import assert_never

from pydantic import TypeAdapter
from sqlalchemy import (
    Connection,
    Executable,
    Integer,
    Row,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug
from channelwatch.base.ids import ContactCode, IncidentId
from channelwatch.incidents.model import Page, PageKind
from channelwatch.pipeline.endings import Overtaken, Waiting, ends_among, overtaken, told_at_once
from channelwatch.pipeline.ports import (
    Alert,
    Claim,
    Dead,
    Fate,
    Lanes,
    OutboxCounts,
    OutboxRow,
    OutboxState,
    Retry,
    Sent,
    Spared,
    StoredPage,
    Unsure,
)
from channelwatch.store.sql import Insert, Values, add
from channelwatch.store.tables import incident, outbox

LONGEST_WAIT_MS = 900_000
"""No alert is put off for longer. What is due later than that was put off by a clock that has been set back since."""

INCIDENTS = 500
"""Incidents, or rows, of one statement."""

PRUNE_ROWS = 5_000
"""Rows deleted in one transaction."""

_LANES = frozenset({"well", "full_channels", "full_destinations"})
"""Lists that a claim is given, which no statement takes empty."""

_ALERT = TypeAdapter(Alert)
_DONE = [OutboxState.SENT, OutboxState.DEAD, OutboxState.SPARED]
_UNSENT = outbox.c.state.in_([OutboxState.PENDING, OutboxState.CLAIMED])
_SENDABLE = outbox.c.state.in_([OutboxState.PENDING, OutboxState.CLAIMED, OutboxState.STANDBY])


def write(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Add rows; a page whose key is there already, sent or not, is not added again.

    What the end of an incident overtakes is spared, and its end tells that it began.
    """
    ended = ends_among(rows)
    if ended:
        found = _overtaken(connection, sorted(ended), rows)
        rows = [told_at_once(row, found) for row in rows]
    add(connection, outbox, [_values(row) for row in rows], conflict=_leave)


def _leave(statement: Insert) -> Executable:
    return statement.on_conflict_do_nothing(index_elements=["page_key"])


def _overtaken(connection: Connection, ended: Sequence[int], rows: Sequence[OutboxRow]) -> Overtaken:
    found: list[Waiting] = []
    for first in range(0, len(ended), INCIDENTS):
        some = outbox.c.incident.in_(ended[first : first + INCIDENTS])
        told = outbox.c.state != OutboxState.SPARED
        stored = connection.execute(select(outbox).where(some, told).with_for_update())
        found += (Waiting(row.id, page_of(row), OutboxState(row.state)) for row in stored)
    gone = overtaken(found, rows)
    for first in range(0, len(gone.rows), INCIDENTS):
        spared = outbox.c.id.in_(sorted(gone.rows)[first : first + INCIDENTS])
        connection.execute(update(outbox).where(spared).values(state=OutboxState.SPARED))
    return gone


def prune(connection: Connection, before: EpochMs) -> int:
    """Delete at most PRUNE_ROWS rows from before `before` that nobody will send any more; how many.

    Those of an incident that is not over stay: what was told of it is still needed.
    """
    over = exists().where(
        incident.c.id == outbox.c.incident,
        incident.c.restored_at.is_not(None) | incident.c.closed_at.is_not(None),
    )
    oldest = select(outbox.c.id).where(outbox.c.created_at < before, outbox.c.state.in_(_DONE), over)
    return connection.execute(delete(outbox).where(outbox.c.id.in_(oldest.limit(PRUNE_ROWS)))).rowcount


def claim(
    connection: Connection, *, now: EpochMs, limit: int, lease_ms: int, epoch: int, lanes: Lanes
) -> list[Claim]:
    """Claim due rows that `lanes` have room for until `now + lease_ms`, the oldest first.

    A claimed row is due again when its lease ends, or at once when it was claimed under another epoch: that process
    has lost the right to write, most often by its own end. A row waits while an older one of the same incident to the
    same destination is unsent, so that nobody reads of the end before the beginning.
    """
    given = {
        "now": now,
        "latest": now + LONGEST_WAIT_MS,
        "lease_until": now + lease_ms,
        "this_epoch": epoch,
        "each": lanes.each,
        "most": limit,
        "soon": now + lanes.well_ms,
        "well": sorted(lanes.well_destinations),
        "full_channels": sorted(lanes.full_channels),
        "full_destinations": sorted(lanes.full_destinations),
    }
    lists = frozenset(name for name in _LANES if given[name])
    claimed = connection.execute(
        _claiming(lists), {name: value for name, value in given.items() if name not in _LANES - lists}
    )
    return [
        Claim(row.id, row.attempts, row.channel, row.destination, _ALERT.validate_json(row.alert))
        for row in sorted(claimed, key=lambda row: row.id)
    ]


@cache
def _claiming(lists: frozenset[str]) -> Executable:
    """The statement that claims, with those of `_LANES` that hold anything. Made once: to build it takes longer than
    to run it, and it is run several times a second."""
    older = outbox.alias("older")
    blocked = exists().where(
        older.c.incident == outbox.c.incident,
        older.c.channel == outbox.c.channel,
        older.c.destination == outbox.c.destination,
        older.c.id < outbox.c.id,
        older.c.state.in_([OutboxState.PENDING, OutboxState.CLAIMED]),
    )
    orphaned = and_(outbox.c.state == OutboxState.CLAIMED, outbox.c.epoch != bindparam("this_epoch"))
    stray = outbox.c.due_at > bindparam("latest")
    way = (outbox.c.channel, outbox.c.destination)
    times = [outbox.c.due_at <= bindparam("now"), stray, orphaned]
    if "well" in lists:
        near = and_(outbox.c.state == OutboxState.PENDING, outbox.c.due_at <= bindparam("soon"))
        times.append(and_(near, tuple_(*way).in_(bindparam("well", expanding=True))))
    ripe = and_(_SENDABLE, or_(*times))
    place = func.row_number().over(partition_by=way, order_by=outbox.c.id).label("place")
    due = select(outbox.c.id, place).where(ripe, ~blocked)
    if "full_channels" in lists:
        due = due.where(outbox.c.channel.not_in(bindparam("full_channels", expanding=True)))
    if "full_destinations" in lists:
        due = due.where(tuple_(*way).not_in(bindparam("full_destinations", expanding=True)))
    found = due.subquery("due")
    chosen = (
        select(found.c.id)
        .where(found.c.place <= bindparam("each"))
        .order_by(found.c.id)
        .limit(bindparam("most", type_=Integer))
    )
    locked = (
        select(outbox.c.id)
        # The condition is repeated: another process may have claimed between the two readings.
        .where(outbox.c.id.in_(chosen), ripe)
        .order_by(outbox.c.id)
        # An UPDATE locks rows in whatever order its plan meets them: two that differ would wait for each other.
        .with_for_update(skip_locked=True)
        .cte("locked")
    )
    return (
        update(outbox)
        .where(outbox.c.id.in_(select(locked.c.id)))
        .values(
            state=OutboxState.CLAIMED,
            due_at=bindparam("lease_until"),
            attempts=outbox.c.attempts + 1,
            epoch=bindparam("this_epoch"),
        )
        .returning(outbox.c.id, outbox.c.attempts, outbox.c.channel, outbox.c.destination, outbox.c.alert)
    )


def settle(
    connection: Connection, claim: Claim, outcome: Fate, *, now: EpochMs, not_before: EpochMs | None
) -> None:
    """Record an outcome. What was settled already stays so, except that a late `Sent` ends a retry.

    Who claimed a row has lost it once it was claimed again: only that the message was sent still counts, for it was.

    The further ways of the same chain are spared once one has arrived; the next is due when one is refused for good.
    """
    row = outbox.c.id == claim.row_id
    expected = and_(row, outbox.c.state == OutboxState.CLAIMED, outbox.c.attempts == claim.attempts)
    match outcome:
        case Sent():
            expected = and_(row, _UNSENT)
            values: dict[str, object] = {"state": OutboxState.SENT, "sent_at": now}
        case Retry(reason=reason) | Unsure(reason=reason):
            due = now if not_before is None else not_before
            values = {"state": OutboxState.PENDING, "due_at": due, "last_error": reason}
        case Dead(reason=reason):
            values = {"state": OutboxState.DEAD, "last_error": reason}
        case Spared():
            values = {"state": OutboxState.SPARED}
        case _:
            assert_never(outcome)
    changed = connection.execute(
        update(outbox).where(expected).values(values).returning(outbox.c.incident, outbox.c.chain)
    ).first()
    if changed is None:
        if connection.scalar(select(outbox.c.id).where(row)) is None:
            raise Bug("no such row", operation="settle outbox", subject=str(claim.row_id))
    elif changed.chain and not isinstance(outcome, Retry | Unsure):
        _follow(connection, changed.incident, changed.chain, due=now if isinstance(outcome, Dead) else None)


def _follow(connection: Connection, incident: int, chain: str, *, due: int | None) -> None:
    """The next way of a chain goes out at `due`; without it, none of the others goes out any more."""
    waiting = and_(
        outbox.c.incident == incident, outbox.c.chain == chain, outbox.c.state == OutboxState.STANDBY
    )
    if due is None:
        connection.execute(update(outbox).where(waiting).values(state=OutboxState.SPARED))
    else:
        following = select(func.min(outbox.c.id)).where(waiting).scalar_subquery()
        connection.execute(update(outbox).where(outbox.c.id == following).values(due_at=due))


def counts(connection: Connection, now: EpochMs) -> OutboxCounts:
    """Rows by state; the age of the oldest unsent one counts from when it was to go out."""
    rows = connection.execute(select(outbox.c.state, func.count().label("number")).group_by(outbox.c.state))
    number = {row.state: row.number for row in rows}
    wanted = case((outbox.c.not_before > outbox.c.created_at, outbox.c.not_before), else_=outbox.c.created_at)
    oldest = connection.scalar(select(func.min(wanted)).where(_UNSENT))
    return OutboxCounts(
        pending=number.get(OutboxState.PENDING, 0),
        claimed=number.get(OutboxState.CLAIMED, 0),
        sent=number.get(OutboxState.SENT, 0),
        dead=number.get(OutboxState.DEAD, 0),
        oldest_unsent_ms=0 if oldest is None else max(0, now - oldest),
    )


def pages(connection: Connection, incident: int) -> list[StoredPage]:
    """All pages of one incident, the oldest first."""
    rows = connection.execute(select(outbox).where(outbox.c.incident == incident).order_by(outbox.c.id))
    return [_to_stored(row) for row in rows]


def _values(row: OutboxRow) -> Values:
    page = row.page
    return {
        "page_key": page.key,
        "incident": page.incident,
        "kind": page.kind,
        "contact": page.contact,
        "channel": page.channel,
        "destination": page.destination,
        "step": page.step,
        "not_before": page.not_before,
        "alert": _ALERT.dump_json(row.alert).decode(),
        "created_at": row.alert.created_at,
        "state": OutboxState.STANDBY if page.is_spare else OutboxState.PENDING,
        "chain": page.chain,
        "due_at": page.not_before,
        "attempts": 0,
    }


def page_of(row: Row[*tuple[object, ...]]) -> Page:
    """A row of the table as the page that it is."""
    return Page(
        incident=IncidentId(row.incident),
        kind=PageKind(row.kind),
        contact=ContactCode(row.contact),
        channel=row.channel,
        destination=row.destination,
        key=row.page_key,
        not_before=EpochMs(row.not_before),
        step=row.step,
        chain=row.chain,
    )


def _to_stored(row: Row[*tuple[object, ...]]) -> StoredPage:
    return StoredPage(
        page=page_of(row),
        state=OutboxState(row.state),
        attempts=row.attempts,
        created_at=EpochMs(row.created_at),
        sent_at=row.sent_at,
        last_error=row.last_error,
    )
