"""Where the bench keeps its data, and how it gets there quickly."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
_TOLD = (
    "CREATE UNLOGGED TABLE told (log_id text, src_seq bigint, subject text, axis text, state text,"
    " cause text, t_from bigint, t_to bigint, err_ms bigint)"
)
_NAMES = (
    "INSERT INTO series (subject, axis) SELECT DISTINCT subject, axis FROM told",
    "INSERT INTO status_kind (log_id, state, cause) SELECT DISTINCT log_id, state, cause FROM told",
    "ANALYZE series, status_kind, told",
)
_INTERVALS = (
    "INSERT INTO status_interval (t_from, t_to, err_ms, src_seq, series, kind)"
    " SELECT t_from, t_to, err_ms, src_seq, series.id, status_kind.id FROM told"
    " JOIN series USING (subject, axis) JOIN status_kind USING (log_id, state, cause)"
    " WHERE series.id %% %s = %s ORDER BY t_from"
)
_WRITERS = 2
"""Side by side, each with series of its own: the constraint against overlaps is what takes the time."""


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
    """Bring a year of `estate` into the PostgreSQL store, in the order of time and past every guard but the
    constraints; how many intervals."""
    store.apply_inventory(estate.inventory, [], by="bench", at=province.applied_at())
    store.heartbeat(province.LOG, since=EpochMs(province.YEAR.start), until=EpochMs(province.YEAR.end))
    rows = 0
    with _cursor(store) as cursor:
        cursor.execute(_TOLD)
        with cursor.copy(f"COPY told ({COLUMNS}) FROM STDIN") as copy:
            for row in province.intervals(estate):
                copy.write_row(row)
                rows += 1
        for statement in _NAMES:
            cursor.execute(statement)
    with ThreadPoolExecutor(_WRITERS) as writers:
        list(writers.map(lambda number: _fill_share(store, number), range(_WRITERS)))
    with store.engine.begin() as session:
        session.execute(text("DROP TABLE told"))
        session.execute(text("ANALYZE"))
    return rows


def _fill_share(store: SqlStore, number: int) -> None:
    with _cursor(store) as cursor:
        cursor.execute(_INTERVALS, (_WRITERS, number))


@contextmanager
def _cursor(store: SqlStore) -> Iterator[Any]:
    """One of the driver's own, for COPY, that takes the time it takes; committed at the end."""
    connection = store.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield cursor
        connection.commit()
    finally:
        connection.close()
