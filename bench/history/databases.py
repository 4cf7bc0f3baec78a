"""Where the bench keeps its data, and how it gets there quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from channelwatch.base.clock import EpochMs
from channelwatch.store.sqlstore import SqlStore, open_store
from history import province
from history.province import Estate, Row
from tests.support.postgres import running_postgres

SERVER = {
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "maintenance_work_mem": "256MB",
    "work_mem": "64MB",
}
"""A small server's PostgreSQL, with what it acknowledges on the disk."""
COLUMNS = "log_id, src_seq, subject, axis, state, cause, t_from, t_to, err_ms"
BATCH = 50_000

Fill = Callable[[SqlStore, Iterable[Row]], None]


@contextmanager
def sqlite(folder: Path, name: str) -> Iterator[SqlStore]:
    """An empty SQLite store."""
    store = open_store(f"sqlite:///{name}.db", folder)
    store.upgrade()
    try:
        yield store
    finally:
        store.close()


@contextmanager
def postgresql(folder: Path) -> Iterator[SqlStore]:
    """An empty PostgreSQL store, in a server of its own."""
    with running_postgres(**SERVER) as server:
        server.execute("CREATE DATABASE bench")
        store = open_store(server.url("bench"), folder)
        store.upgrade()
        try:
            yield store
        finally:
            store.close()


def fill(store: SqlStore, estate: Estate) -> int:
    """Bring a year of `estate` into the store; how many intervals.

    Loaded in bulk, without the constraint that refuses overlaps and costs much of a bulk load.
    """
    store.apply_inventory(estate.inventory, [], by="bench", at=province.applied_at())
    store.heartbeat(province.LOG, since=EpochMs(province.YEAR.start), until=EpochMs(province.YEAR.end))
    rows = _copy(store, estate) if store.engine.dialect.name == "postgresql" else _insert(store, estate)
    with store.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    return rows


def _insert(store: SqlStore, estate: Estate) -> int:
    connection = store.engine.raw_connection()
    try:
        connection.execute("DROP TRIGGER status_interval_no_overlap")  # type: ignore[attr-defined]
        connection.execute("BEGIN")  # type: ignore[attr-defined]
        cursor = connection.cursor()
        cursor.executemany(
            f"INSERT INTO status_interval ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            province.intervals(estate),
        )
        cursor.execute("COMMIT")
        return int(cursor.execute("SELECT count(*) FROM status_interval").fetchone()[0])
    finally:
        connection.close()


def _copy(store: SqlStore, estate: Estate) -> int:
    connection = store.engine.raw_connection()
    rows = 0
    try:
        cursor = connection.cursor()
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("ALTER TABLE status_interval DROP CONSTRAINT IF EXISTS status_interval_no_overlap")
        with cursor.copy(f"COPY status_interval ({COLUMNS}) FROM STDIN") as copy:  # type: ignore[attr-defined]
            for row in province.intervals(estate):
                copy.write_row(row)
                rows += 1
        connection.commit()
        return rows
    finally:
        connection.close()
