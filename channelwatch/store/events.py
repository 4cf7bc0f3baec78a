"""Events of devices, and what spoke to us without being one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, tuple_
from sqlalchemy.dialects import sqlite

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.pipeline.ports import Purge
from channelwatch.status.events import EventKind, EventReceived, RogueSource, Transport
from channelwatch.store.sql import Insert, add, among, put
from channelwatch.store.tables import event, incident, purge, rogue_source, storable

MAX_TEXT_CHARS = 8192
"""Longer text of an event is cut: no syslog receiver need take more (RFC 5424 section 6.1)."""
MAX_ROGUES = 10_000
"""Unknown sources kept: whoever forges addresses must not fill the disk. The longest silent go first."""
PRUNE_ROWS = 10_000
"""Events deleted in one transaction, so that commits get their turn in between."""

_COLUMNS = tuple(column.name for column in event.columns if not column.primary_key)
_INSERT = str(insert(event).compile(dialect=sqlite.dialect(), column_keys=_COLUMNS))
"""For SQLite; it takes the values in the order of `_COLUMNS`, which is the table's."""
_PLAIN: Mapping[str, str] = {name: name.value for name in (*EventKind, *Transport)}


def write(connection: Connection, events: Sequence[EventReceived], rogues: Sequence[RogueSource]) -> None:
    """Append events, without their readings, and count unknown sources."""
    if events:
        _append(connection, events)
    if rogues:
        _count_rogues(connection, rogues)


def read(connection: Connection, *, devices: Sequence[str], since: int, limit: int) -> list[EventReceived]:
    """Events of `devices` received at `since` or later, the newest first."""
    rows = connection.execute(
        select(event)
        .where(among(event.c.device, devices), event.c.received_at >= since)
        .order_by(event.c.received_at.desc(), event.c.id.desc())
        .limit(limit)
    )
    return [_to_event(row) for row in rows]


def rogues(connection: Connection, limit: int) -> list[RogueSource]:
    """Unknown sources, the latest first, each with everything it ever sent counted together."""
    rows = connection.execute(
        select(rogue_source)
        .order_by(rogue_source.c.last_at.desc(), rogue_source.c.address, rogue_source.c.transport)
        .limit(limit)
    )
    return [
        RogueSource(row.address, Transport(row.transport), EpochMs(row.last_at), row.heard, row.sample)
        for row in rows
    ]


def prune(connection: Connection, before: EpochMs) -> int:
    """Delete at most PRUNE_ROWS events received before `before`; how many.

    Those of a device with a live incident stay.
    """
    live = select(incident.c.subject).where(incident.c.restored_at.is_(None), incident.c.closed_at.is_(None))
    oldest = select(event.c.id).where(event.c.received_at < before, event.c.device.not_in(live))
    return connection.execute(delete(event).where(event.c.id.in_(oldest.limit(PRUNE_ROWS)))).rowcount


def note_purge(connection: Connection, done: Purge) -> None:
    """Record a run of pruning."""
    add(connection, purge, [asdict(done)])


def purges(connection: Connection, limit: int) -> list[Purge]:
    """The runs, the newest first."""
    rows = connection.execute(select(purge).order_by(purge.c.id.desc()).limit(limit))
    return [Purge(row.what, EpochMs(row.before), row.removed, EpochMs(row.happened_at)) for row in rows]


def _append(connection: Connection, events: Sequence[EventReceived]) -> None:
    """SQLite's driver gets the rows as they are: a storm writes most of all, and each value's own handling costs
    twice what the database does."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_INSERT, [_row(item) for item in events])
    else:
        add(connection, event, [dict(zip(_COLUMNS, _row(item), strict=True)) for item in events])


def _count_rogues(connection: Connection, found: Sequence[RogueSource]) -> None:
    rows = [
        {
            "address": item.address,
            "transport": item.transport,
            "first_at": item.received_at,
            "last_at": item.received_at,
            "heard": item.count,
            "sample": item.sample[:MAX_TEXT_CHARS],
        }
        for item in found
    ]
    put(connection, rogue_source, rows, also=_heard_again)
    surplus = connection.scalars(select(func.count()).select_from(rogue_source)).one() - MAX_ROGUES
    if surplus > 0:
        key = tuple_(rogue_source.c.address, rogue_source.c.transport)
        silent = select(rogue_source.c.address, rogue_source.c.transport).order_by(
            rogue_source.c.last_at, rogue_source.c.address
        )
        connection.execute(delete(rogue_source).where(key.in_(silent.limit(surplus))))


def _heard_again(statement: Insert) -> Mapping[str, ColumnElement[Any]]:
    return {
        "first_at": rogue_source.c.first_at,
        "heard": rogue_source.c.heard + statement.excluded.heard,
    }


def _row(item: EventReceived) -> tuple[object, ...]:
    """Values of `_COLUMNS`. Plain ones: SQLite's driver takes a microsecond for each of any other type."""
    device, kind, transport, received_at, trusted, severity, device_time, component, text, source, _ = item
    return (
        device,
        _PLAIN[kind],
        _PLAIN[transport],
        received_at,
        int(trusted),
        severity,
        device_time,
        storable(component[:MAX_TEXT_CHARS]),
        storable(text[:MAX_TEXT_CHARS]),
        storable(source),
    )


def _to_event(row: Row[*tuple[object, ...]]) -> EventReceived:
    return EventReceived(
        device=DeviceCode(row.device),
        kind=EventKind(row.kind),
        transport=Transport(row.transport),
        received_at=EpochMs(row.received_at),
        trusted=row.trusted,
        severity=row.severity,
        device_time=None if row.device_time is None else EpochMs(row.device_time),
        component=row.component,
        text=row.text,
        source=row.source,
    )
