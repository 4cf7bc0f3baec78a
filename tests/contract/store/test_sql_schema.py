"""The migrations make what the tables say, whole or not at all, and append-only tables refuse changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug
from channelwatch.base.intervals import Interval
from channelwatch.pipeline.ports import Purge
from channelwatch.store.desk import Act
from channelwatch.store.errors import StorePermanent, StoreReason
from channelwatch.store.schema import configuration
from channelwatch.store.sqlstore import SqlStore, open_store
from channelwatch.store.tables import metadata
from channelwatch.uptime.figures import Sums
from tests.contract.store.examples import full_batch, inventory
from tests.support.postgres import Postgres

POSTGRES_SCHEMA = (
    """SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default
         FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    """SELECT conrelid::regclass::text AS owner, conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2""",
)
SQLITE_SCHEMA = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type <> 'trigger' ORDER BY 1, 2"


def described(connection: Connection) -> list[tuple[object, ...]]:
    """Every table, column, index and constraint, as the database itself tells of them."""
    if connection.dialect.name == "postgresql":
        found = [tuple(row) for query in POSTGRES_SCHEMA for row in connection.execute(text(query))]
    else:
        rows = connection.execute(text(SQLITE_SCHEMA))
        found = [(row.tbl_name, row.name, re.sub(r"\s+", " ", row.sql or "")) for row in rows]
    return [entry for entry in found if entry[0] != "alembic_version"]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    server.execute("CREATE DATABASE empty")
    yield server.url("empty")
    server.execute("DROP DATABASE empty WITH (FORCE)")


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    """A plain engine over the empty database."""
    engine = create_engine(empty_url)
    yield engine
    engine.dispose()


def test_the_migrated_schema_is_that_of_the_tables(empty_url: str, engine: Engine, tmp_path: Path) -> None:
    metadata.create_all(engine)
    with engine.connect() as connection:
        wanted = described(connection)
    metadata.drop_all(engine)
    store = open_store(empty_url, tmp_path)
    store.upgrade()
    store.close()
    with engine.connect() as connection:
        assert described(connection) == wanted
    assert len(wanted) > len(metadata.tables)


def test_upgrading_again_changes_nothing(sql_store: SqlStore) -> None:
    with sql_store.engine.connect() as connection:
        before = described(connection)
    sql_store.upgrade()
    with sql_store.engine.connect() as connection:
        assert described(connection) == before


def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str, engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE outbox (id INTEGER)"))
    store = open_store(empty_url, tmp_path)
    with pytest.raises(Bug):
        store.upgrade()
    store.close()
    assert inspect(engine).get_table_names() == ["outbox"]


EARLIER = (
    "INSERT INTO log_head VALUES ('a', 3, ''), ('b', 2, '')",
    (
        "INSERT INTO transition VALUES ('a', 1, 'x', 'health', 'unknown', 'up', 'none', 'poll', 4, 5, 6, ''),"
        " ('b', 1, 'y', 'health', 'unknown', 'up', 'none', 'poll', 4, 5, 6, ''),"
        " ('a', 2, 'x', 'health', 'up', 'down', 'power', 'poll', 8, 9, 9, '')"
    ),
    (
        "INSERT INTO status_interval VALUES ('a', 1, 'x', 'health', 'up', 'none', 5, 9, 1),"
        " ('b', 1, 'y', 'health', 'up', 'none', 5, NULL, 1), ('a', 2, 'x', 'health', 'down', 'power', 9, NULL, 1)"
    ),
    "INSERT INTO month_snapshot VALUES (1, 9, 'ground', 0)",
    (
        "INSERT INTO month_share VALUES ('device', 'x', 'health', 1, 'party', 'basis', 1,"
        " 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '[7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]')"
    ),
)


def test_intervals_and_months_of_an_earlier_release_are_carried_over(
    empty_url: str, engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0011")
        for statement in EARLIER:
            connection.execute(text(statement))
    store = open_store(empty_url, tmp_path)
    store.upgrade()
    assert store.differences() == []
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM status_interval")) == 3
    (share,) = store.shares_of(Interval(1, 9))
    assert (share.code, share.basis, share.sums) == ("x", "basis", Sums(up_ms=8))
    assert share.unexcluded == Sums(up_ms=7, maintenance_ms=1)
    assert [kept.span for kept in store.ground().months] == [Interval(1, 9)]
    store.close()


def test_a_database_of_a_later_release_is_left_alone(empty_url: str, engine: Engine, tmp_path: Path) -> None:
    store = open_store(empty_url, tmp_path)
    store.upgrade()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorePermanent, match="a newer version of this program has changed it") as refused:
        store.upgrade()
    store.close()
    assert refused.value.reason is StoreReason.SCHEMA_NEWER


@pytest.mark.parametrize("table", ["transition", "incident_step", "inventory_change", "purge", "rebuild"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET kind = 'x'", "DELETE FROM {}", "DELETE FROM {} WHERE 1 = 0"]
)
def test_append_only_tables_refuse_changes(
    sql_store: SqlStore, sql_epoch: int, table: str, change: str
) -> None:
    sql_store.commit(full_batch(), epoch=sql_epoch)
    sql_store.apply_inventory(inventory(), [], by="x", at=full_batch().events[0].received_at)
    sql_store.note_purge(
        Purge("events", full_batch().events[0].received_at, 0, full_batch().events[0].received_at)
    )
    sql_store.repair(Act("x", full_batch().events[0].received_at, "root"), epoch=sql_epoch)
    with sql_store.engine.begin() as connection:
        if table == "inventory_change":
            connection.execute(
                text(
                    "INSERT INTO inventory_change (version, applied_at, applied_by, section, code, kind, old, new)"
                    " VALUES (1, 1, 'x', 'devices', 'x', 'add', '[]', '[]')"
                )
            )
        rows = connection.scalar(text(f"SELECT count(*) FROM {table}"))
    assert rows
    statement = change.format(table)
    statement = statement.replace(
        "kind", {"transition": "axis", "purge": "what", "rebuild": "actor"}.get(table, "kind")
    )
    # SQLite asks its triggers row by row: what touches no row is not refused there, nor does it matter.
    harmless = "1 = 0" in change and sql_store.engine.dialect.name == "sqlite"
    if harmless:
        with sql_store.engine.begin() as connection:
            connection.execute(text(statement))
    else:
        with pytest.raises(DBAPIError, match="append-only"), sql_store.engine.begin() as connection:
            connection.execute(text(statement))
    with sql_store.engine.connect() as connection:
        assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == rows


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE inventory_version SET applied_at = 1",
        "DELETE FROM inventory_version",
        "DELETE FROM collector_alive",
        "UPDATE collector_alive SET t_to = t_to - 1",
        "UPDATE collector_alive SET t_from = t_from - 1",
        "UPDATE collector_alive SET collector = 'other'",
    ],
)
def test_what_availability_rests_on_besides_transitions_only_grows(sql_store: SqlStore, change: str) -> None:
    since = full_batch().events[0].received_at
    sql_store.apply_inventory(inventory(), [], by="x", at=since)
    for seconds in (5, 10):
        sql_store.heartbeat("a", since=since, until=EpochMs(since + seconds * 1000))
    with pytest.raises(DBAPIError, match="append-only"), sql_store.engine.begin() as connection:
        connection.execute(text(change))
    assert sql_store.ground().alive == {"a": (Interval(since, since + 10_000),)}


def test_an_entry_of_the_log_is_not_replaced(sql_store: SqlStore, sql_epoch: int) -> None:
    sql_store.commit(full_batch(), epoch=sql_epoch)
    replacing = {
        "sqlite": "INSERT OR REPLACE INTO transition SELECT * FROM transition",
        "postgresql": "INSERT INTO transition SELECT * FROM transition"
        " ON CONFLICT (log_id, seq) DO UPDATE SET evidence = 'x'",
    }
    with pytest.raises(DBAPIError, match="append-only"), sql_store.engine.begin() as connection:
        connection.execute(text(replacing[sql_store.engine.dialect.name]))
