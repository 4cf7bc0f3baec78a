"""What was acknowledged survives the end of the process, whole, and the file is nobody else's."""

from __future__ import annotations

import json
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from channelwatch.pipeline.ports import Claim
from channelwatch.store.errors import StoreTransient
from channelwatch.store.sqlstore import SqlStore, open_store
from channelwatch.store.tables import collector_alive
from tests.contract.store.conftest import lease_of
from tests.contract.store.crash_writer import EVENTS, GROUPS, TRANSITIONS
from tests.contract.store.examples import DEVICE, LOG, T, at, effects, incident, outbox_row
from tests.support import Process, wait_until
from tests.support.peers import ROOT

ACKNOWLEDGED = 30
PAGES = tuple(outbox_row(key=f"k{i}", destination=f"d{i}") for i in range(60))


def test_sqlite_writes_through_to_the_disk(tmp_path: Path) -> None:
    store = open_store("sqlite:///deep/down/store.db", tmp_path)
    assert list(tmp_path.iterdir()) == []
    with store.engine.connect() as connection:
        settings = {
            name: connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5_000}
    assert stat.S_IMODE((tmp_path / "deep" / "down" / "store.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("round_", range(2))
def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(
    sql_url: str, tmp_path: Path, round_: int
) -> None:
    writer = [sys.executable, "-W", "error", "-m", "tests.contract.store.crash_writer", sql_url]
    with Process(writer, folder=tmp_path, name="writer", env={"PYTHONPATH": str(ROOT)}) as process:
        wait_until(lambda: process.log().count("\n") >= ACKNOWLEDGED + round_, 30, what="commits")
        process.kill()
        acknowledged = max(
            json.loads(line) for line in process.log().splitlines(keepends=True) if "\n" in line
        )
    store = open_store(sql_url, tmp_path)
    present = store.load(LOG, now=T)
    batches, rest = divmod(present.next_seq - 1, TRANSITIONS)
    assert rest == 0
    # Of the batch that was under way when the process ended nobody knows, but it is there or not there as a whole.
    assert batches in (acknowledged, acknowledged + 1)
    assert len(store.transitions(subjects=[DEVICE], limit=10**6)) == batches * TRANSITIONS
    assert len(store.events(devices=[DEVICE], limit=10**6)) == batches * EVENTS
    assert len(store.steps(1)) == len(store.pages(1)) == batches
    assert [row.since for row in present.pairs] == [at(batches)] * GROUPS
    store.close()


PLANS = {
    "sqlite": ("", ""),
    "postgresql": ("&options=-c%20enable_hashjoin%3Doff", "&options=-c%20enable_nestloop%3Doff"),
}
"""Two senders for whom PostgreSQL plans the same statement otherwise, and so meets its rows in another order."""


@pytest.mark.parametrize("round_", range(3))
def test_of_two_senders_only_one_gets_each_row(sql_url: str, tmp_path: Path, round_: int) -> None:
    kind = sql_url.partition(":")[0].partition("+")[0]
    stores = [open_store(sql_url + plan, tmp_path) for plan in PLANS[kind]]
    epoch = lease_of(stores[0])
    stores[0].commit(effects(incidents=(incident(),), outbox=PAGES), epoch=epoch)

    def drain(store: SqlStore) -> list[Claim]:
        claims: list[Claim] = []
        turns = len(PAGES)
        while turns:
            # On a slow disk SQLite may let one of two that never rest wait for longer than it allows.
            with suppress(StoreTransient):
                claims += store.claim_outbox(now=at(99), limit=3 + round_, lease_ms=1_000, epoch=epoch)
                turns -= 1
        return claims

    with ThreadPoolExecutor(2) as pool:
        claimed = [item.alert.key for claims in pool.map(drain, stores) for item in claims]
    for store in stores:
        store.close()
    assert sorted(claimed) == sorted(row.page.key for row in PAGES)


@pytest.mark.parametrize("sql_url", ["postgresql"], indirect=True)
def test_no_sender_waits_for_rows_that_another_is_just_claiming(
    sql_store: SqlStore, sql_epoch: int, sql_url: str
) -> None:
    sql_store.commit(effects(incidents=(incident(),), outbox=PAGES[:3]), epoch=sql_epoch)
    other = create_engine(sql_url)
    with other.begin() as holder:
        holder.execute(text("SELECT id FROM outbox WHERE page_key = 'k1' FOR UPDATE"))
        claims = sql_store.claim_outbox(now=at(99), limit=9, lease_ms=1_000, epoch=sql_epoch)
    other.dispose()
    assert [item.alert.key for item in claims] == ["k0", "k2"]
    claims = sql_store.claim_outbox(now=at(99), limit=9, lease_ms=1_000, epoch=sql_epoch)
    assert [item.alert.key for item in claims] == ["k1"]


def test_heartbeats_are_folded_into_intervals(sql_store: SqlStore) -> None:
    beats = [
        (0, 5_000),
        (5_000, 10_000),
        (10_900, 15_000),
        (15_000, 15_000),
        (3_000, 9_000),
        (16_001, 20_000),
    ]
    for since, until in beats:
        sql_store.heartbeat("col-1", since=at(since), until=at(until))
    sql_store.heartbeat("col-2", since=at(7), until=at(8))
    with sql_store.engine.connect() as connection:
        rows = connection.execute(collector_alive.select().order_by(collector_alive.c.collector)).all()
    assert [(row.collector, row.t_from - T, row.t_to - T) for row in rows] == [
        ("col-1", 0, 15_000),
        ("col-1", 16_001, 20_000),
        ("col-2", 7, 8),
    ]
