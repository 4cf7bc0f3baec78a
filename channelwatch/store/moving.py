"""A whole store carried over into another, empty database of either kind, and compared row by row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, insert, select, text

from channelwatch.base.errors import Bug
from channelwatch.store.errors import StorePermanent, StoreReason
from channelwatch.store.sql import Values
from channelwatch.store.tables import lease, metadata

ROWS = 1_000
"""Rows written at a time."""

Told = Callable[[str, int], None]
"""Is told of each table, and of its rows, once it is over."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds, whatever the order: its rows, and a sum over them all."""

    rows: int
    digest: str


def carry_over(source: Connection, target: Connection, *, told: Told) -> int:
    """Copy every row; how many. StorePermanent `not_empty` when the target holds any. Bug when they differ then.

    Both run in one transaction of their own. The lease comes over as given up, so that its epochs go on.
    """
    for table in metadata.sorted_tables:
        if target.scalar(select(func.count()).select_from(table)):
            message = f"{table.name} holds rows already: the new database must be empty"
            raise StorePermanent(StoreReason.NOT_EMPTY, message, operation="move")
    moved = 0
    for table in metadata.sorted_tables:
        rows = 0
        for chunk in _read(source, table):
            target.execute(insert(table), chunk)
            rows += len(chunk)
        _go_on_numbering(target, table)
        if content(source, table) != content(target, table):
            raise Bug("the two differ", operation="move", subject=table.name)
        told(table.name, rows)
        moved += rows
    return moved


def content(connection: Connection, table: Table) -> Content:
    """What `table` holds. Two tables with the same rows have the same content in whatever order they give them."""
    rows = total = 0
    for chunk in _read(connection, table):
        for row in chunk:
            canonical = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
            total += int.from_bytes(hashlib.sha256(canonical.encode()).digest())
        rows += len(chunk)
    return Content(rows, f"{total % 2**256:064x}")


def _read(connection: Connection, table: Table) -> Iterator[Sequence[Values]]:
    result = connection.execute(select(table), execution_options={"yield_per": ROWS})
    for chunk in result.mappings().partitions(ROWS):
        yield [_given_up(dict(row)) if table is lease else dict(row) for row in chunk]


def _given_up(row: Values) -> Values:
    return {**row, "holder": None, "until": 0}


def _go_on_numbering(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers."""
    numbered = table.autoincrement_column
    if connection.dialect.name != "postgresql" or numbered is None:
        return
    statement = "SELECT setval(pg_get_serial_sequence(:table, :column), (SELECT max({}) FROM {}))"
    if connection.scalar(select(func.count()).select_from(table)):
        names = {"table": table.name, "column": numbered.name}
        connection.execute(text(statement.format(numbered.name, table.name)), names)
