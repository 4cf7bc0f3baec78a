"""Is a database whole? Questions that cost a full reading of it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, inspect, select, text

from channelwatch.store import intervals
from channelwatch.store.schema import configuration
from channelwatch.store.tables import log_head, transition

SHOWN = 5
"""Faults of one kind that are named."""


class Schema(StrEnum):
    """How the schema of a database compares with this program's."""

    NONE = "none"
    """It holds no channelwatch store."""
    OLDER = "older"
    SAME = "same"
    NEWER = "newer"


def schema_of(connection: Connection) -> tuple[Schema, str]:
    """How the database's schema compares, and its version (empty for none)."""
    if not inspect(connection).has_table("alembic_version"):
        return Schema.NONE, ""
    script = ScriptDirectory.from_config(configuration())
    version = MigrationContext.configure(connection).get_current_revision() or ""
    known = {revision.revision for revision in script.walk_revisions()}
    if version == script.get_current_head():
        return Schema.SAME, version
    return (Schema.OLDER if version in known else Schema.NEWER), version


def problems(connection: Connection) -> list[str]:
    """What is wrong with the database, in plain sentences; nothing when it is whole. Its schema may be older."""
    found = list(_damage(connection)) if connection.dialect.name == "sqlite" else []
    if found:
        return found
    schema, version = schema_of(connection)
    match schema:
        case Schema.NONE:
            return ["it holds no channelwatch store"]
        case Schema.NEWER:
            return [f"its schema, {version}, is of a later release"]
        case Schema.OLDER:
            return list(_gaps(connection))
        case Schema.SAME:
            return [*_gaps(connection), *_projection(connection)]


def _damage(connection: Connection) -> Iterator[str]:
    for row in connection.execute(text(f"PRAGMA integrity_check({SHOWN})")):
        if row[0] != "ok":
            yield f"SQLite finds: {row[0]}"
    for row in connection.execute(text("PRAGMA foreign_key_check")).fetchmany(SHOWN):
        yield f"{row[0]}: row {row[1]} refers to nothing in {row[2]}"


def _gaps(connection: Connection) -> Iterator[str]:
    """Logs whose entries are not numbered from 1 to the last without a gap."""
    counted = select(
        transition.c.log_id,
        func.count().label("number"),
        func.min(transition.c.seq).label("first"),
        func.max(transition.c.seq).label("last"),
    ).group_by(transition.c.log_id)
    found = {row.log_id: (row.number, row.first, row.last) for row in connection.execute(counted)}
    heads = {row.log_id: row.next_seq - 1 for row in connection.execute(select(log_head))}
    for log in sorted(found.keys() | heads.keys()):
        last = heads.get(log, 0)
        if found.get(log, (0, 1, 0)) != (last, 1, last):
            number, first, newest = found.get(log, (0, 0, 0))
            yield f"log {log}: {number} entries from {first} to {newest}, expected 1 to {last}"


def _projection(connection: Connection) -> Iterator[str]:
    found = intervals.differences(connection, limit=SHOWN)
    if found:
        yield f"status intervals differ from the transitions ({found[0]}): run `channelwatch rebuild`"
