"""Where the bench keeps its data, and how it gets there quickly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from channelwatch.base.clock import EpochMs
from channelwatch.store.sqlstore import SqlStore, open_store
from history import province
from history.province import Estate
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
_FILLING = (
    "SET statement_timeout = 0",
    (
        "CREATE TEMPORARY TABLE told (log_id text, src_seq bigint, subject text, axis text, state text,"
        " cause text, t_from bigint, t_to bigint, err_ms bigint)"
    ),
    "INSERT INTO series (subject, axis) SELECT DISTINCT subject, axis FROM told",
    "INSERT INTO status_kind (log_id, state, cause) SELECT DISTINCT log_id, state, cause FROM told",
    "ANALYZE series, status_kind, told",
    (
        "INSERT INTO status_interval (t_from, t_to, err_ms, src_seq, series, kind)"
        " SELECT t_from, t_to, err_ms, src_seq, series.id, status_kind.id FROM told"
        " JOIN series USING (subject, axis) JOIN status_kind USING (log_id, state, cause) ORDER BY t_from"
    ),
)


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
    """Bring a year of `estate` into the PostgreSQL store, in the order of time and past every guard; how many
    intervals."""
    store.apply_inventory(estate.inventory, [], by="bench", at=province.applied_at())
    store.heartbeat(province.LOG, since=EpochMs(province.YEAR.start), until=EpochMs(province.YEAR.end))
    rows = 0
    connection = store.engine.raw_connection()
    try:
        cursor = connection.cursor()
        for statement in _FILLING[:2]:
            cursor.execute(statement)
        with cursor.copy(f"COPY told ({COLUMNS}) FROM STDIN") as copy:  # type: ignore[attr-defined]
            for row in province.intervals(estate):
                copy.write_row(row)
                rows += 1
        for statement in _FILLING[2:]:
            cursor.execute(statement)
        connection.commit()
    finally:
        connection.close()
    with store.engine.begin() as session:
        session.execute(text("ANALYZE"))
    return rows
