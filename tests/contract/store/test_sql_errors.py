"""What may go wrong with a database, told apart by reason; real failures of real databases."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug
from channelwatch.store import events
from channelwatch.store.archive import MAX_SUBJECTS
from channelwatch.store.errors import StorePermanent, StoreReason, StoreTransient, translated
from channelwatch.store.sql import Lock, take_turns
from channelwatch.store.sqlstore import SqlStore, open_store
from channelwatch.store.tables import rogue_source
from tests.contract.store.conftest import lease_of
from tests.contract.store.examples import DEVICE, LOG, T, at, effects, event, full_batch, inventory, rogue
from tests.contract.store.test_desk import act, plan
from tests.support.postgres import Postgres

SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    "url",
    [
        "not a url",
        f"mysql://user:{SECRET}@127.0.0.1/x",
        f"postgresql+asyncpg://user:{SECRET}@127.0.0.1/x",
        f"postgresql://user:{SECRET}@127.0.0.1:port/x",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+aiosqlite:///x.db",
    ],
)
def test_a_url_that_cannot_work_is_refused_without_repeating_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(StorePermanent) as refused:
        open_store(url, tmp_path)
    assert refused.value.reason is StoreReason.BAD_URL
    assert SECRET not in str(refused.value)


def test_a_missing_psycopg_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorePermanent, match=r"channelwatch\[postgresql\]") as refused:
        open_store("postgresql+psycopg://127.0.0.1/x", tmp_path)
    assert refused.value.reason is StoreReason.NO_DRIVER


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    store = open_store("sqlite:///data/store.db", tmp_path)
    with pytest.raises(StorePermanent, match="data") as refused:
        store.upgrade()
    assert refused.value.reason is StoreReason.CANNOT_OPEN


def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database at all " * 1000)
    store = open_store("sqlite:///store.db", tmp_path)
    with pytest.raises(StorePermanent, match=re.escape(f"upgrade store: {tmp_path}/store.db: ")) as refused:
        store.upgrade()
    store.close()
    assert refused.value.reason is StoreReason.CORRUPT


def test_a_store_without_its_schema_is_a_bug(tmp_path: Path) -> None:
    store = open_store("sqlite:///store.db", tmp_path)
    with pytest.raises(Bug, match="no such table"):
        store.load(LOG, now=T)
    store.close()


def test_a_held_lock_is_transient_and_the_batch_can_be_tried_again(sql_url: str, tmp_path: Path) -> None:
    patience = {"sqlite": "?timeout=0.05", "postgresql": "&options=-c%20lock_timeout%3D50"}
    kind = sql_url.partition(":")[0].partition("+")[0]
    store = open_store(sql_url + patience[kind], tmp_path)
    epoch = lease_of(store)
    other = create_engine(sql_url)
    with other.connect() as holder:
        holder.execute(text("UPDATE lease SET until = until"))
        with pytest.raises(StoreTransient) as refused:
            store.commit(full_batch(), epoch=epoch)
        holder.rollback()
    store.commit(full_batch(), epoch=epoch)
    assert store.load(LOG, now=T).next_seq == 3
    other.dispose()
    store.close()
    assert refused.value.reason is StoreReason.BUSY


@pytest.mark.parametrize(
    ("lock", "act"),
    [
        (Lock.SCHEMA, lambda store: store.upgrade()),
        (Lock.INVENTORY, lambda store: store.apply_inventory(inventory(), [], by="x", at=T)),
        (Lock.DESK, lambda store: store.end_window(plan(store), act())),
        (Lock.LEASE, lambda store: store.take_lease("pipeline", "test", now=T, ttl_ms=1)),
    ],
)
@pytest.mark.parametrize("sql_url", ["postgresql"], indirect=True)
def test_two_processes_take_turns(
    sql_url: str, tmp_path: Path, lock: Lock, act: Callable[[SqlStore], object]
) -> None:
    store = open_store(f"{sql_url}&options=-c%20lock_timeout%3D50", tmp_path)
    other = create_engine(sql_url)
    with other.begin() as holder:
        take_turns(holder, lock)
        with pytest.raises(StoreTransient) as refused:
            act(store)
    act(store)
    other.dispose()
    store.close()
    assert refused.value.reason is StoreReason.BUSY


@pytest.mark.parametrize("sql_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_transient_and_the_batch_can_be_tried_again(
    sql_store: SqlStore, sql_epoch: int
) -> None:
    batch = effects(events=tuple(event(ms=i, text="x" * 4000) for i in range(200)))
    set_page_limit(sql_store, 60)
    with pytest.raises(StoreTransient) as refused:
        sql_store.commit(batch, epoch=sql_epoch)
    assert refused.value.reason is StoreReason.DISK_FULL
    assert sql_store.events(devices=[DEVICE]) == []
    set_page_limit(sql_store, 100_000)
    sql_store.commit(batch, epoch=sql_epoch)
    assert len(sql_store.events(devices=[DEVICE])) == 200


def set_page_limit(store: SqlStore, pages: int) -> None:
    """Make the one pooled connection believe that the disk holds `pages` pages."""
    with store.engine.connect() as connection:
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))


@pytest.mark.parametrize("sql_url", ["sqlite"], indirect=True)
def test_a_store_that_may_not_be_written_is_permanent(sql_store: SqlStore, sql_epoch: int) -> None:
    with sql_store.engine.connect() as connection:
        connection.execute(text("PRAGMA query_only = ON"))
    with pytest.raises(StorePermanent) as refused:
        sql_store.commit(full_batch(), epoch=sql_epoch)
    assert refused.value.reason is StoreReason.READ_ONLY
    file = Path(str(sql_store.engine.url.database))
    assert f"commit store: {file}: " in str(refused.value)
    assert f"must be able to write the file and its folder, {file.parent}" in str(refused.value)


@pytest.mark.parametrize(
    ("state", "kind", "reason"),
    [
        ("53100", StoreTransient, StoreReason.DISK_FULL),
        ("53300", StoreTransient, StoreReason.BUSY),
        ("40001", StoreTransient, StoreReason.BUSY),
        ("40P01", StoreTransient, StoreReason.BUSY),
        ("57014", StoreTransient, StoreReason.BUSY),
        ("58030", StoreTransient, StoreReason.IO_ERROR),
        ("25006", StoreTransient, StoreReason.NOT_PRIMARY),
        ("08006", StoreTransient, StoreReason.CONNECTION_LOST),
        ("28000", StorePermanent, StoreReason.CANNOT_OPEN),
        ("XX001", StorePermanent, StoreReason.CORRUPT),
    ],
)
@pytest.mark.parametrize("sql_url", ["postgresql"], indirect=True)
def test_what_postgresql_reports_keeps_its_reason(
    sql_store: SqlStore, state: str, kind: type[StoreTransient | StorePermanent], reason: StoreReason
) -> None:
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{state}'; END $$"
    failure: pytest.RaisesExc[StoreTransient | StorePermanent] = pytest.raises(kind)
    with failure as refused, translated("test"), sql_store.engine.begin() as connection:
        connection.execute(text(raising))
    assert refused.value.reason is reason


@pytest.mark.parametrize("sql_url", ["postgresql"], indirect=True)
def test_a_lost_connection_is_transient_and_the_next_call_connects_anew(
    sql_store: SqlStore, sql_epoch: int
) -> None:
    with pytest.raises(StoreTransient) as refused, translated("test"), sql_store.engine.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert refused.value.reason is StoreReason.CONNECTION_LOST
    sql_store.commit(full_batch(), epoch=sql_epoch)


@pytest.mark.parametrize("sql_url", ["postgresql"], indirect=True)
def test_connections_that_the_server_closed_while_idle_are_replaced_unnoticed(
    sql_store: SqlStore, sql_epoch: int, postgres: Postgres
) -> None:
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'channelwatch'"
    )
    sql_store.commit(full_batch(), epoch=sql_epoch)


def test_a_server_that_does_not_answer_is_transient(tmp_path: Path) -> None:
    store = open_store(f"postgresql+psycopg://x@/x?host={tmp_path}", tmp_path)
    with pytest.raises(StoreTransient) as refused:
        store.upgrade()
    store.close()
    assert refused.value.reason is StoreReason.CONNECTION_LOST


def test_too_many_subjects_are_refused_and_the_most_are_not(sql_store: SqlStore) -> None:
    most = [f"51-D-{number}" for number in range(MAX_SUBJECTS)]
    assert sql_store.transitions(subjects=most) == []
    assert sql_store.events(devices=most) == []
    with pytest.raises(StorePermanent) as refused:
        sql_store.transitions(subjects=[*most, DEVICE])
    assert refused.value.reason is StoreReason.TOO_MANY


def test_forged_addresses_do_not_fill_the_disk(
    sql_store: SqlStore, sql_epoch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_ROGUES", 5)
    flood = tuple(rogue(f"192.0.2.{number}", ms=number) for number in range(20))
    sql_store.commit(effects(rogues=flood), epoch=sql_epoch)
    assert sql_store.rogues() == list(flood[:-6:-1])
    sql_store.commit(effects(rogues=(rogue("192.0.2.99", ms=99),)), epoch=sql_epoch)
    assert [found.address for found in sql_store.rogues(limit=2)] == ["192.0.2.99", "192.0.2.19"]
    assert len(sql_store.rogues()) == 5


def test_a_stranger_is_known_from_its_first_word_to_its_last(sql_store: SqlStore, sql_epoch: int) -> None:
    sql_store.commit(effects(rogues=(rogue(ms=5), rogue(ms=9))), epoch=sql_epoch)
    with sql_store.engine.connect() as connection:
        (row,) = connection.execute(rogue_source.select())
    assert (row.first_at, row.last_at) == (at(5), at(9))


def test_many_events_are_pruned_a_few_at_a_time(
    sql_store: SqlStore, sql_epoch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PRUNE_ROWS", 4)
    sql_store.commit(effects(events=tuple(event(ms=i) for i in range(12))), epoch=sql_epoch)
    assert [sql_store.prune_events(at(9)) for _ in range(4)] == [4, 4, 1, 0]
    assert sql_store.prune_events(EpochMs(10**13)) == 3
    assert sql_store.events(devices=[DEVICE]) == []


def test_endless_text_is_cut(sql_store: SqlStore, sql_epoch: int) -> None:
    endless = "x" * (events.MAX_TEXT_CHARS + 1)
    spoken = event(text=endless)._replace(component=endless)
    sql_store.commit(effects(events=(spoken,), rogues=(replace(rogue(), sample=endless),)), epoch=sql_epoch)
    (stored,) = sql_store.events(devices=[DEVICE])
    (stranger,) = sql_store.rogues()
    assert stored.text == stored.component == stranger.sample == endless[:-1]
