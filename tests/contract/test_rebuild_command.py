"""What differs from the record is found, made right in one piece, written down, and no longer shown as a fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from channelwatch.app.cli import main
from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import Permanent
from channelwatch.store import rebuilds
from channelwatch.store.desk import Act
from channelwatch.store.moving import content
from channelwatch.store.sqlstore import SqlStore, open_store
from channelwatch.store.tables import transition
from tests.contract.test_history_commands import FIRST
from tests.support.postgres import Postgres, running_postgres
from tests.support.province import START, spoke
from tests.support.recorded import CONFIG, Recorder, silent

MINUTE = 60_000
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """A store with two outages, named by the configuration file beside it."""
    url, config = "sqlite:///store.db", CONFIG
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        server.execute("CREATE DATABASE rebuilt")
        url = server.url("rebuilt")
        lines = CONFIG.splitlines()
        lines[1] = f'store: {{url: "{url}"}}'
        config = "\n".join(lines)
    (tmp_path / "channelwatch.yaml").write_text(config, encoding="utf-8")
    store = open_store(url, tmp_path)
    store.upgrade()
    recorder = Recorder(store, START)
    recorder.live(3 * MINUTE)
    recorder.live(3 * MINUTE, talk={FIRST: silent, spoke(2): silent})
    recorder.live(3 * MINUTE)
    yield store
    store.close()
    if request.param == "postgresql":
        server.execute("DROP DATABASE rebuilt WITH (FORCE)")


def rebuild(place: Path, *words: str) -> int:
    return main(["rebuild", "-c", str(place / "channelwatch.yaml"), *words])


def plant(store: SqlStore) -> int:
    """Lose spans that last, and end others too early; how many differences that makes."""
    with store.engine.begin() as connection:
        newest = "(SELECT max(t_from) FROM status_interval WHERE t_to IS NULL)"
        connection.execute(text(f"DELETE FROM status_interval WHERE t_to IS NULL AND t_from = {newest}"))
        oldest = "(SELECT min(t_from) FROM status_interval WHERE t_to IS NULL)"
        connection.execute(
            text(f"UPDATE status_interval SET t_to = t_from + 5 WHERE t_to IS NULL AND t_from = {oldest}")
        )
    return len(store.differences())


def recorded(store: SqlStore) -> str:
    with store.engine.begin() as connection:
        assert connection.execute(select(transition)).first() is not None
        return content(connection, transition).digest


def test_a_planted_difference_is_found_repaired_and_written_down(
    store: SqlStore, tmp_path: Path, capsys: Capture
) -> None:
    before, planted = recorded(store), plant(store)
    assert planted >= 2
    assert rebuild(tmp_path, "--check") == 1
    assert f"{planted} status intervals differ" in capsys.readouterr().out
    assert rebuild(tmp_path, "--by", "truong-ca") == 0
    assert f"{planted} status intervals repaired" in capsys.readouterr().out
    assert rebuild(tmp_path, "--check") == 0
    assert store.differences() == []
    assert recorded(store) == before, "what was recorded is only read"
    (done,) = store.rebuilds(9)
    assert (done.by, done.differences, len(done.examples)) == ("truong-ca", planted, planted)
    capsys.readouterr()
    assert rebuild(tmp_path, "--log") == 0
    told = capsys.readouterr().out
    assert f"by truong-ca: {planted} status intervals repaired" in told
    assert done.examples[0] in told


def test_a_repair_that_breaks_off_leaves_everything_as_it_was(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = plant(store)
    found = store.differences()
    epoch = store.take_lease("engine", "test", now=SystemClock().now(), ttl_ms=60_000)
    assert epoch is not None

    def breaks_off(*_: object) -> None:
        raise Permanent("the log cannot be written", operation="note")

    monkeypatch.setattr(rebuilds, "note", breaks_off)
    with pytest.raises(Permanent, match="cannot be written"):
        store.repair(Act("truong-ca", SystemClock().now(), "root"), epoch=epoch)
    monkeypatch.undo()
    assert store.differences() == found and len(found) == planted
    assert store.rebuilds(9) == []


def test_a_rebuild_that_finds_nothing_is_written_down_too(
    store: SqlStore, tmp_path: Path, capsys: Capture
) -> None:
    assert rebuild(tmp_path, "--log") == 0
    assert "nothing was rebuilt yet" in capsys.readouterr().out
    assert rebuild(tmp_path) == 0
    (done,) = store.rebuilds(9)
    assert (done.differences, done.examples) == (0, ())
