"""The stores under test: the fake, SQLite, and a real PostgreSQL. Each test finds its store empty."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.store.sqlstore import SqlStore, open_store
from channelwatch.store.tables import metadata
from tests.contract.store.examples import FullStore
from tests.support.memory_store import MemoryStore
from tests.support.postgres import Postgres, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """The name of a database with the newest schema."""
    postgres.execute("CREATE DATABASE migrated")
    store = open_store(postgres.url("migrated"), postgres.folder)
    store.upgrade()
    store.close()
    return "migrated"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the newest schema."""
    folder = tmp_path_factory.mktemp("migrated")
    store = open_store("sqlite:///migrated.db", folder)
    store.upgrade()
    store.close()
    return folder / "migrated.db"


def sqlite_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh copy of the empty SQLite store."""
    path = request.getfixturevalue("tmp_path") / "store.db"
    shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
    return f"sqlite:///{path}"


def postgresql_url(request: pytest.FixtureRequest) -> str:
    """The URL of the PostgreSQL store, emptied."""
    server: Postgres = request.getfixturevalue("postgres")
    name: str = request.getfixturevalue("migrated_postgres")
    emptied = "; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))
    # Only a superuser can silence the triggers that guard append-only tables, and far quicker than a new database.
    server.execute(f"SET session_replication_role = replica; {emptied}", database=name)
    return server.url(name)


URLS = {"sqlite": sqlite_url, "postgresql": postgresql_url}


@pytest.fixture(params=list(URLS))
def sql_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store of either database, schema in place."""
    return URLS[request.param](request)


@pytest.fixture
def sql_store(sql_url: str, tmp_path: Path) -> Iterator[SqlStore]:
    """A real store, over either database."""
    store = open_store(sql_url, tmp_path)
    yield store
    store.close()


@pytest.fixture(params=["memory", *URLS])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FullStore]:
    """Every implementation of the two ports."""
    if request.param == "memory":
        yield MemoryStore()
        return
    real = open_store(URLS[request.param](request), tmp_path)
    yield real
    real.close()


def lease_of(store: FullStore) -> int:
    """An epoch under which the caller may write for ever."""
    taken = store.take_lease("pipeline", "test", now=EpochMs(0), ttl_ms=10**12)
    assert taken is not None
    return taken


@pytest.fixture
def epoch(store: FullStore) -> int:
    """The epoch under which this test may write to `store`."""
    return lease_of(store)


@pytest.fixture
def sql_epoch(sql_store: SqlStore) -> int:
    """The epoch under which this test may write to `sql_store`."""
    return lease_of(sql_store)
