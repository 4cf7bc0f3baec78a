"""Engines as processes over one store: one works at a time, and a death at any moment loses nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import LogId
from channelwatch.incidents.model import Incident
from channelwatch.pipeline.ports import OutboxState, StoredPage
from channelwatch.store.sqlstore import SqlStore, open_store
from tests.support import Process, wait_until
from tests.support.house import one_way
from tests.support.peers import ROOT
from tests.support.province import small_inventory
from tests.support.receivers import WebSink, web_sink

DEVICES = 60
KILLS = 6
TTL_S = 6.0
"""How long a lease lasts where two compete: longer than any disk stalls, or the first loses it by itself."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with the province applied."""
    found = f"sqlite:///{tmp_path}/store.db"
    store = open_store(found, tmp_path)
    store.upgrade()
    store.apply_inventory(one_way(small_inventory(DEVICES)), [], by="test", at=SystemClock().now())
    store.close()
    return found


def engine(url: str, hook: WebSink, folder: Path, name: str, ttl_s: float = TTL_S) -> Process:
    argv = [
        sys.executable, "-W", "error", "-m", "tests.contract.engine_program",
        url, hook.url, str(DEVICES), str(int(ttl_s * 1000)),
    ]  # fmt: skip
    return Process(argv, folder=folder, name=name, env={"PYTHONPATH": str(ROOT)})


def working(process: Process) -> bool:
    return "working" in process.log()


def told(store: SqlStore) -> tuple[list[Incident], list[StoredPage]]:
    snapshot = store.load(LogId("col-1"), now=SystemClock().now())
    pages = [page for incident in snapshot.incidents for page in store.pages(incident.id)]
    return list(snapshot.incidents), pages


def keys(hook: WebSink) -> Counter[str]:
    return Counter(request.headers["idempotency-key"] for request in hook.requests)


def test_deaths_at_any_moment_lose_nothing_and_repeat_only_under_the_same_key(
    url: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("CHANNELWATCH_TEST_SEED", "20261122"))
    chance = random.Random(seed)
    with web_sink() as hook:
        for number in range(KILLS):
            with engine(url, hook, tmp_path, f"killed-{number}", ttl_s=1) as process:
                wait_until(lambda process=process: working(process), 30, what="the engine")  # type: ignore[misc]
                time.sleep(chance.uniform(0.0, 0.25))
                process.kill()
        with engine(url, hook, tmp_path, "last", ttl_s=1) as process:
            wait_until(lambda: "done" in process.log(), 30, what="every incident")
            store = open_store(url, tmp_path)
            wait_until(
                lambda: all(page.state is OutboxState.SENT for page in told(store)[1]), 30, what="every alert"
            )
            incidents, pages = told(store)
            store.close()
            assert process.stop() == 0
    print(f"seed {seed}")
    assert len({item.subject for item in incidents}) == len(incidents) == DEVICES
    assert Counter(item.round for item in incidents) == {0: DEVICES}
    heard = keys(hook)
    assert heard.keys() == {page.page.key for page in pages}
    assert sum(heard.values()) - len(heard) <= KILLS * 8, "only what was under way at a death is repeated"


def test_the_second_waits_and_takes_over_when_the_first_is_killed(url: str, tmp_path: Path) -> None:
    with web_sink() as hook, engine(url, hook, tmp_path, "first") as first:
        wait_until(lambda: working(first), 30, what="the first")
        with engine(url, hook, tmp_path, "second") as second:
            wait_until(lambda: "lease held by another process" in second.log(), 30, what="the second to wait")
            assert not working(second)
            first.kill()
            wait_until(lambda: working(second), 3 * TTL_S, what="the second to work")
            wait_until(lambda: "done" in second.log(), 30, what="the rest of the work")
            wait_until(lambda: len(keys(hook)) == DEVICES, 30, what="every alert")
            assert second.stop() == 0


def hang(process: Process, url: str) -> None:
    """Stop it between two of its transactions: within one it would keep the database from everybody else."""

    def is_between() -> bool:
        os.kill(process.pid, signal.SIGSTOP)
        stat = Path(f"/proc/{process.pid}/stat")
        wait_until(lambda: stat.read_text(encoding="utf-8").rpartition(") ")[2][0] == "T", what="it to stop")
        try:
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0)) as database:
                database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.kill(process.pid, signal.SIGCONT)
            return False
        return True

    wait_until(is_between, what="a moment at which it writes nothing")


def test_one_that_hung_and_woke_up_finds_that_it_was_replaced_and_ends(url: str, tmp_path: Path) -> None:
    with web_sink() as hook, engine(url, hook, tmp_path, "first") as first:
        wait_until(lambda: working(first), 30, what="the first")
        with engine(url, hook, tmp_path, "second") as second:
            wait_until(lambda: "lease held by another process" in second.log(), 30, what="the second to wait")
            hang(first, url)
            wait_until(lambda: working(second), 3 * TTL_S, what="the second to work")
            os.kill(first.pid, signal.SIGCONT)
            assert first.wait(30) == 1
            assert '"event": "loop ended"' in first.log()
            assert "ended: " in first.log()
            wait_until(lambda: "done" in second.log(), 30, what="the rest of the work")
            wait_until(lambda: len(keys(hook)) == DEVICES, 30, what="every alert")
            assert second.stop() == 0
    store = open_store(url, tmp_path)
    incidents, pages = told(store)
    store.close()
    assert len({item.subject for item in incidents}) == len(incidents) == DEVICES
    assert {page.page.key for page in pages} == set(keys(hook))
