"""What reports are made of: the changes of each subject, when collectors were alive, which inventory was in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from channelwatch.base.ids import LogId
from channelwatch.base.intervals import Interval, Spans, normalise, union
from channelwatch.status.states import Axis, Transition
from channelwatch.store.sql import among
from channelwatch.store.status import to_stored
from channelwatch.store.tables import collector_alive, inventory_version, transition
from channelwatch.uptime.history import in_order, settled
from channelwatch.uptime.ledger import Chapter

Subject = tuple[str, Axis]


def chapters(connection: Connection, *, subjects: Sequence[str], until: int) -> dict[Subject, Chapter]:
    """Everything recorded of `subjects` that happened before `until`, and when its collectors were alive."""
    by_log = _transitions(connection, subjects, until)
    awake = alive(connection, until=until)
    return {
        key: Chapter(
            tuple(settled(in_order(logs.values()))), union(*(awake.get(log, ()) for log in sorted(logs)))
        )
        for key, logs in by_log.items()
    }


def _transitions(
    connection: Connection, subjects: Sequence[str], until: int
) -> dict[Subject, dict[LogId, list[Transition]]]:
    rows = connection.execute(
        select(transition)
        .where(among(transition.c.subject, subjects), transition.c.t_hi < until)
        .order_by(transition.c.log_id, transition.c.seq)
    )
    found: dict[Subject, dict[LogId, list[Transition]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        stored = to_stored(row)
        found[stored.transition.subject, stored.transition.axis][stored.log].append(stored.transition)
    return found


def alive(connection: Connection, *, until: int) -> dict[str, Spans]:
    """When each collector was alive, spans that began before `until`."""
    rows = connection.execute(
        select(collector_alive)
        .where(collector_alive.c.t_from < until)
        .order_by(collector_alive.c.collector, collector_alive.c.t_from)
    )
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        spans[row.collector].append((row.t_from, row.t_to))
    return {name: normalise(own) for name, own in spans.items()}


def versions_in_force(connection: Connection, period: Interval) -> list[tuple[int, int]]:
    """The numbers of the inventory versions in force at any time of `period`, and since when, oldest first."""
    version = inventory_version.c
    first = select(func.max(version.version)).where(version.applied_at <= period.start).scalar_subquery()
    rows = connection.execute(
        select(version.version, version.applied_at)
        .where(version.version >= func.coalesce(first, 0), version.applied_at < period.end)
        .order_by(version.version)
    )
    return [(row.version, row.applied_at) for row in rows]
