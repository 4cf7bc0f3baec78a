"""What reports are made of: the changes of each subject, when collectors were alive, which inventory was in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select

from channelwatch.base.intervals import Interval, Spans, normalise, total, union
from channelwatch.status.states import Axis
from channelwatch.store import intervals
from channelwatch.store.tables import collector_alive, inventory_version
from channelwatch.uptime.ledger import Chapter


def chapters(
    connection: Connection, *, subjects: Sequence[str], since: int | None, until: int
) -> dict[tuple[str, Axis], Chapter]:
    """What `subjects` were between `since` (None: ever) and `until`, and when their collectors were alive.

    Collectors are told of to the present day: whether a pause at `until` was one, what came after it decides.
    """
    awake = alive(connection)
    together = one_after_another(awake.values())
    found = intervals.entries(connection, subjects=subjects, since=since, until=until)
    return {
        key: (
            Chapter(entries, together)
            if together
            else Chapter(entries, union(*(awake.get(log, ()) for log in logs)), ",".join(sorted(logs)))
        )
        for key, (entries, logs) in found.items()
    }


def one_after_another(collectors: Collection[Spans]) -> Spans:
    """All of their time when no two ran at once, and so each took over from the one before; otherwise nothing."""
    joined = union(*collectors)
    return joined if total(joined) == sum(map(total, collectors)) else ()


def alive(connection: Connection) -> dict[str, Spans]:
    """When each collector was alive."""
    rows = connection.execute(
        select(collector_alive).order_by(collector_alive.c.collector, collector_alive.c.t_from)
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
