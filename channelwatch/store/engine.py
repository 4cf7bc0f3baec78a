"""Connections: how each database is opened so that what it acknowledges is on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from channelwatch.store.errors import StorePermanent, StoreReason, file_trouble

BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another process's write before it is told that the store is busy."""
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 60_000
POOL_SIZE = 4
"""Connections kept; as many again may be open for a moment."""
WAL_LIMIT_BYTES = 64 * 1024 * 1024
"""To what size SQLite cuts its write-ahead log back after a checkpoint."""
CACHE_KIB = 8 * 1024
"""Pages that a connection keeps at most: the ends of the events of 1,500 devices, each of which has its own page."""

WRITES = "channelwatch_writes"
"""The execution option of connections that begin their transactions as the one writer."""

_LIBPQ: dict[str, str | int] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "channelwatch",
    "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={BUSY_TIMEOUT_MS}",
}


def open_engine(url: str, folder: Path) -> Engine:
    """An engine for `url`; a relative SQLite path counts from `folder`. Nothing is made before its first use.

    What the URL's query sets (`timeout` for SQLite, any libpq parameter for PostgreSQL) goes before our defaults.
    StorePermanent: `bad_url`, `no_driver` (psycopg is an optional extra); at the first use `cannot_open`.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # The text of an unreadable URL may hold a password: it is not repeated.
        raise StorePermanent(StoreReason.BAD_URL, "not a database URL", operation="open") from error
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed, folder)
        case "postgresql":
            return _postgresql(parsed)
        case other:
            raise StorePermanent(StoreReason.BAD_URL, f"{other} is not supported", operation="open")


def _create(url: URL, **options: Any) -> Engine:
    try:
        return create_engine(
            url,
            hide_parameters=True,
            pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE,
            pool_timeout=BUSY_TIMEOUT_MS / 1000,
            # What another connection writes makes SQLite forget the pages it has: the writer stays with the one it had.
            pool_use_lifo=True,
            **options,
        )
    except ModuleNotFoundError as error:
        advice = "psycopg is missing: pip install 'channelwatch[postgresql]'"
        raise StorePermanent(StoreReason.NO_DRIVER, advice, operation="open") from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StorePermanent(StoreReason.BAD_URL, "unknown driver or option", operation="open") from error


def _sqlite(url: URL, folder: Path) -> Engine:
    if url.drivername not in ("sqlite", "sqlite+pysqlite") or not url.database or ":memory:" in url.database:
        raise StorePermanent(StoreReason.BAD_URL, "SQLite needs a file: sqlite:///PATH", operation="open")
    path = folder / url.database
    given: dict[str, Any] = {"isolation_level": None, "check_same_thread": False}
    if "timeout" not in url.query:
        given["timeout"] = BUSY_TIMEOUT_MS / 1000
    engine = _create(url.set(database=str(path)), connect_args=given)

    def prepare(*_: object) -> None:
        _make_file(path)

    event.listen(engine, "do_connect", prepare)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        # Addresses of encryptors are nobody else's business; SQLite gives its WAL file the same mode.
        path.touch(mode=0o600)
    except FileExistsError as error:
        text = f"{error.filename}: no folder"
        raise StorePermanent(StoreReason.CANNOT_OPEN, text, operation="open") from error
    except OSError as error:
        raise file_trouble(error, "open", path) from error


def _set_pragmas(connection: Any, entry: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # Without it INSERT OR REPLACE deletes a row unseen by the trigger that refuses to let it go.
    connection.execute("PRAGMA recursive_triggers = ON")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")


def _begin(connection: Connection) -> None:
    # A deferred transaction that turns to writing later fails at once if another has written meanwhile.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        text = f"{url.drivername} is not supported: write postgresql+psycopg://"
        raise StorePermanent(StoreReason.BAD_URL, text, operation="open")
    given = {name: value for name, value in _LIBPQ.items() if name not in url.query}
    return _create(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args=given)
