"""Inventory versions as documents, and the log of who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, func, insert, select

from channelwatch.base.clock import EpochMs
from channelwatch.inventory.diff import Change, ChangeKind
from channelwatch.inventory.model import Inventory
from channelwatch.pipeline.ports import LoggedChange
from channelwatch.store.sql import Lock, take_turns
from channelwatch.store.tables import inventory_change, inventory_version

_INVENTORY = TypeAdapter(Inventory)


def newest(connection: Connection) -> Inventory | None:
    """The newest version, None when there is none."""
    row = connection.execute(
        select(inventory_version.c.version, inventory_version.c.document)
        .order_by(inventory_version.c.version.desc())
        .limit(1)
    ).one_or_none()
    return row and replace(_INVENTORY.validate_json(row.document), version=row.version)


def at_version(connection: Connection, number: int) -> Inventory:
    """The version `number`, which was applied once."""
    document = connection.scalars(
        select(inventory_version.c.document).where(inventory_version.c.version == number)
    ).one()
    return replace(_INVENTORY.validate_json(document), version=number)


def newest_version(connection: Connection) -> int:
    """The number of the newest version, 0 when there is none."""
    return int(connection.scalar(select(func.max(inventory_version.c.version))) or 0)


def apply(
    connection: Connection, wanted: Inventory, changes: Sequence[Change], *, by: str, at: EpochMs
) -> int:
    """Store `wanted` with its changes; the version, which is the present one when nothing differs."""
    take_turns(connection, Lock.INVENTORY)
    current = newest(connection)
    if current is not None and current == wanted:
        return current.version
    version = newest_version(connection) + 1
    document = _INVENTORY.dump_json(wanted, exclude={"version"}).decode()
    applied = {"version": version, "applied_at": at, "applied_by": by}
    connection.execute(insert(inventory_version).values(**applied, document=document))
    if changes:
        entries = [
            {
                **applied,
                "section": item.section,
                "code": item.code,
                "kind": item.kind,
                "old": item.before,
                "new": item.after,
            }
            for item in changes
        ]
        connection.execute(insert(inventory_change), entries)
    return version


def changes(connection: Connection, limit: int) -> list[LoggedChange]:
    """Applied changes, the newest first."""
    rows = connection.execute(select(inventory_change).order_by(inventory_change.c.id.desc()).limit(limit))
    return [_to_change(row) for row in rows]


def _to_change(row: Row[*tuple[object, ...]]) -> LoggedChange:
    change = Change(row.section, row.code, ChangeKind(row.kind), _pairs(row.old), _pairs(row.new))
    return LoggedChange(EpochMs(row.applied_at), row.applied_by, change)


def _pairs(stored: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in stored)
