"""What happened lately, for a start that has to know it: events that rules count, and what contacts were told."""

from __future__ import annotations

from sqlalchemy import Connection, and_, func, or_, select

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.incidents.model import Page
from channelwatch.incidents.restraint import WINDOW_MS
from channelwatch.status.events import EventKind, EventReceived, Transport
from channelwatch.store.outbox import page_of
from channelwatch.store.tables import event, outbox

COUNTED_MS = 86_400_000
"""No rule counts events over a longer time."""

NEWEST = 5_000
"""Rows that are looked at of each: a start must not read a storm through."""


def recent_events(connection: Connection, now: EpochMs) -> tuple[EventReceived, ...]:
    """The newest events of the last day, without what they say, the oldest first."""
    newest = select(func.max(event.c.id)).scalar_subquery()
    rows = connection.execute(
        select(event.c.device, event.c.kind, event.c.transport, event.c.received_at, event.c.trusted)
        .where(event.c.id > newest - NEWEST, event.c.received_at > now - COUNTED_MS)
        .order_by(event.c.id)
    )
    return tuple(
        EventReceived(
            DeviceCode(row.device),
            EventKind(row.kind),
            Transport(row.transport),
            EpochMs(row.received_at),
            row.trusted,
        )
        for row in rows
    )


def told(connection: Connection, now: EpochMs) -> tuple[Page, ...]:
    """The first way of each message that was written within the time of a contact's budget, the oldest first."""
    newest = select(func.max(outbox.c.id)).scalar_subquery()
    lately = and_(outbox.c.id > newest - NEWEST, outbox.c.created_at > now - WINDOW_MS)
    rows = connection.execute(
        select(outbox)
        .where(lately, or_(outbox.c.chain == "", outbox.c.chain == outbox.c.page_key))
        .order_by(outbox.c.id)
    )
    return tuple(map(page_of, rows))
