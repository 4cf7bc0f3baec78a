"""Copies, checks and moves of a store that the pipeline filled: what reports say of it must not change."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from channelwatch.app.cli import main
from channelwatch.base.clock import EpochMs, SystemClock, local_text
from channelwatch.pipeline.ports import Purge
from channelwatch.store.schema import configuration
from channelwatch.store.sqlstore import SqlStore, open_store
from tests.contract.store.examples import event
from tests.contract.test_history_commands import FIRST, FROM, TO
from tests.support.peers import ROOT, skip_or_fail
from tests.support.postgres import Postgres, running_postgres
from tests.support.province import START, spoke
from tests.support.recorded import CONFIG, Recorder, silent

MINUTE = 60_000
Bytes = pytest.CaptureFixture[bytes]
Text = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with outages, a dead collector, a planned window and an approved correction."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "channelwatch.yaml").write_text(CONFIG, encoding="utf-8")
    store = open_store("sqlite:///store.db", folder)
    store.upgrade()
    recorder = Recorder(store, START)
    recorder.live(5 * MINUTE)
    recorder.live(3 * MINUTE, talk={FIRST: silent, spoke(2): silent})
    recorder.see([event(FIRST, text="nguồn điện \0 dự phòng")])
    recorder.sleep(4 * MINUTE)
    recorder.live(8 * MINUTE)
    about = [
        "--scope",
        f"device:{FIRST}",
        "--from",
        FROM,
        "--to",
        TO,
        "--reason",
        "bb 7",
        "--by",
        "truong-ca",
    ]
    config = ["-c", str(folder / "channelwatch.yaml")]
    assert main(["correct", "request", *config, *about, "--state", "maintenance"]) == 0
    assert main(["correct", "approve", *config, "1", "--by", "chi-huy"]) == 0
    store.close()
    return folder


@pytest.fixture
def place(history: Path, tmp_path: Path) -> Path:
    """An installation of the test's own with that history."""
    folder = tmp_path / "cw"
    folder.mkdir()
    for name in ("channelwatch.yaml", "store.db"):
        shutil.copy(history / name, folder / name)
    return folder


def run(place: Path, *words: str) -> int:
    """A command with the configuration where its parser wants it."""
    nested = 2 if words[0] == "db" else 1
    return main([*words[:nested], "-c", str(place / "channelwatch.yaml"), *words[nested:]])


def reports(place: Path, capture: Bytes) -> list[object]:
    """Everything that can be asked of the period, without when it was printed."""
    found = []
    for scope in ("device:all", "pair:all", "channel:all", "bloc:all", "province"):
        capture.readouterr()
        assert run(place, "uptime", "--scope", scope, "--from", FROM, "--to", TO, "--json") == 0
        whole = json.loads(capture.readouterr().out)
        found.append((whole["rows"], whole["outages"], whole["data_sha256"]))
    return found


@pytest.fixture
def open_place(place: Path) -> Iterator[SqlStore]:
    store = open_store("sqlite:///store.db", place)
    yield store
    store.close()


def test_a_backup_made_while_it_is_written_to_restores_to_the_same_reports(
    place: Path, open_place: SqlStore, tmp_path: Path, capsysbinary: Bytes
) -> None:
    before = reports(place, capsysbinary)
    stop = threading.Event()
    beats = []

    def write() -> None:
        while not stop.is_set():
            at = EpochMs(START + 3600_000 + 5000 * len(beats))
            open_place.heartbeat("test", since=at, until=EpochMs(at + 5000))
            beats.append(at)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert run(place, "backup", str(tmp_path / "copy.db")) == 0
    finally:
        stop.set()
        writer.join()
    told = capsysbinary.readouterr().out.decode()
    assert beats
    assert "log test: " in told
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    open_place.close()
    (place / "store.db").unlink()
    assert run(place, "restore", str(tmp_path / "copy.db")) == 0
    assert reports(place, capsysbinary) == before
    assert sorted(path.name for path in place.iterdir()) == ["channelwatch.yaml", "store.db"]


def test_a_restore_puts_what_is_there_aside_and_only_when_asked(
    place: Path, tmp_path: Path, capsys: Text
) -> None:
    assert run(place, "backup", str(tmp_path / "copy.db")) == 0
    assert run(place, "restore", str(tmp_path / "copy.db"), "--check") == 0
    assert run(place, "restore", str(tmp_path / "copy.db")) == 2
    assert "--replace puts it aside" in capsys.readouterr().err
    assert run(place, "restore", str(tmp_path / "copy.db"), "--replace") == 0
    (aside,) = place.glob("store.db.before-restore-*")
    assert aside.name in capsys.readouterr().out
    connection = sqlite3.connect(aside)
    assert connection.execute("SELECT count(*) FROM transition").fetchone()[0] > 0
    connection.close()


def test_a_restore_leaves_a_running_service_alone(
    place: Path, open_place: SqlStore, tmp_path: Path, capsys: Text
) -> None:
    assert run(place, "backup", str(tmp_path / "copy.db")) == 0
    assert open_place.take_lease("engine", "running", now=SystemClock().now(), ttl_ms=60_000) is not None
    assert run(place, "restore", str(tmp_path / "copy.db"), "--replace") == 1
    assert "stop it first" in capsys.readouterr().err


def test_a_store_that_cannot_be_read_any_more_is_replaced(place: Path, tmp_path: Path, capsys: Text) -> None:
    assert run(place, "backup", str(tmp_path / "copy.db")) == 0
    (place / "store.db").write_bytes(b"no database at all " * 1000)
    assert run(place, "restore", str(tmp_path / "copy.db"), "--replace") == 0
    assert "cannot be used" in capsys.readouterr().out


def test_a_copy_is_never_written_over_anything(place: Path, tmp_path: Path, capsys: Text) -> None:
    (tmp_path / "copy.db").write_text("precious")
    assert run(place, "backup", str(tmp_path / "copy.db")) == 1
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_of_what_is_not_there_makes_nothing(place: Path, tmp_path: Path, capsys: Text) -> None:
    (place / "store.db").unlink()
    assert run(place, "backup", str(tmp_path / "copy.db")) == 2
    assert "no such store" in capsys.readouterr().err
    assert not (place / "store.db").exists()


def damage(path: Path) -> None:
    """Spoil pages in the middle of a database file, as a dying disk does."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        for offset in range(size // 3, 2 * size // 3, 4096):
            file.seek(offset)
            file.write(b"\xa5" * 512)


def test_a_damaged_store_gives_no_backup(place: Path, tmp_path: Path, capsys: Text) -> None:
    damage(place / "store.db")
    assert run(place, "backup", str(tmp_path / "copy.db")) == 1
    assert "backup" in capsys.readouterr().err
    assert list(tmp_path.glob("copy.db*")) == []


def test_a_damaged_copy_is_not_restored(place: Path, tmp_path: Path, capsys: Text) -> None:
    assert run(place, "backup", str(tmp_path / "copy.db")) == 0
    damage(tmp_path / "copy.db")
    before = (place / "store.db").read_bytes()
    assert run(place, "restore", str(tmp_path / "copy.db"), "--replace") == 1
    assert (place / "store.db").read_bytes() == before


def test_a_copy_in_use_is_not_restored(place: Path, tmp_path: Path, capsys: Text) -> None:
    shutil.copy(place / "store.db", tmp_path / "copy.db")
    (tmp_path / "copy.db-wal").touch()
    assert run(place, "restore", str(tmp_path / "copy.db"), "--check") == 1
    assert "is in use" in capsys.readouterr().err


FULL = """
mount -t tmpfs -o size=64k tmpfs {folder}
{python} -m channelwatch.app backup -c {config} {folder}/copy.db
echo "status $?"; ls -A {folder}
mount -o remount,size=16m,ro {folder}
{python} -m channelwatch.app backup -c {config} {folder}/copy.db
echo "status $?"
mount -o remount,rw {folder}
{python} -m channelwatch.app backup -c {config} {folder}/copy.db
echo "status $?"
"""


def test_a_full_and_a_read_only_disk_are_told_apart(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    unshare = ["unshare", "--map-root-user", "--mount"]
    try:
        subprocess.run([*unshare, "mount", "-t", "tmpfs", "tmpfs", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        skip_or_fail("cannot mount here: run as root, or allow user namespaces")
    script = FULL.format(folder=folder, python=sys.executable, config=place / "channelwatch.yaml")
    argv = [*unshare, "sh", "-c", script]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert [line for line in done.stdout.splitlines() if line.startswith("status")] == [
        "status 1",
        "status 1",
        "status 0",
    ], done.stderr
    full, read_only = done.stderr.splitlines()
    assert "full" in full
    assert "Read-only file system" in read_only


def older(folder: Path) -> Path:
    """A store as the first release made it."""
    folder.mkdir()
    engine = create_engine(f"sqlite:///{folder}/copy.db")
    with engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO log_head VALUES ('test', 2, '')"))
        values = "'test', 1, 'x', 'health', 'unknown', 'up', 'none', 'poll', 5, 5, 6, ''"
        connection.execute(text(f"INSERT INTO transition VALUES ({values})"))
    engine.dispose()
    return folder / "copy.db"


def test_a_copy_of_an_earlier_release_is_brought_up_to_date(
    place: Path, tmp_path: Path, capsys: Text
) -> None:
    copy = older(tmp_path / "old")
    assert run(place, "restore", str(copy), "--replace") == 0
    assert "schema 0001, whole" in capsys.readouterr().out
    assert run(place, "db", "check") == 0
    connection = sqlite3.connect(place / "store.db")
    found = "SELECT state, t_from, t_to FROM status_interval JOIN status_kind ON status_kind.id = kind"
    assert connection.execute(found).fetchall() == [("up", 5, None)]
    connection.close()


def test_a_copy_of_a_later_release_is_refused(place: Path, tmp_path: Path, capsys: Text) -> None:
    assert run(place, "backup", str(tmp_path / "copy.db")) == 0
    connection = sqlite3.connect(tmp_path / "copy.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert run(place, "restore", str(tmp_path / "copy.db"), "--replace") == 1
    assert "later release" in capsys.readouterr().err


def test_check_finds_a_gap_in_a_log_and_a_projection_that_differs(place: Path, capsys: Text) -> None:
    assert run(place, "db", "check") == 0
    assert "whole" in capsys.readouterr().out
    connection = sqlite3.connect(place / "store.db")
    connection.execute("DROP TRIGGER transition_no_delete")
    connection.execute("DELETE FROM transition WHERE seq = 3")
    connection.commit()
    connection.close()
    assert run(place, "db", "check") == 1
    told = capsys.readouterr().out
    assert "log test: " in told
    assert "status intervals differ" in told


def test_upgrade_says_from_what_to_what(place: Path, tmp_path: Path, capsys: Text) -> None:
    shutil.copy(older(tmp_path / "old"), place / "store.db")
    assert run(place, "db", "upgrade") == 0
    assert capsys.readouterr().out.startswith("schema 0001 -> 00")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    postgres.execute("CREATE DATABASE moved")
    yield postgres.url("moved")
    postgres.execute("DROP DATABASE moved WITH (FORCE)")


def name_store(place: Path, url: str) -> None:
    """Let the configuration name another store."""
    path = place / "channelwatch.yaml"
    config = path.read_text(encoding="utf-8").splitlines()
    config[1] = f'store: {{url: "{url}"}}'
    path.write_text("\n".join(config), encoding="utf-8")


def test_a_history_moved_to_postgresql_and_back_keeps_its_reports(
    place: Path, url: str, capsysbinary: Bytes
) -> None:
    before = reports(place, capsysbinary)
    assert run(place, "db", "migrate-to", url) == 0
    assert b"rows moved and compared" in capsysbinary.readouterr().out
    name_store(place, url)
    assert reports(place, capsysbinary) == before
    assert run(place, "db", "check") == 0
    # New rows are numbered after those that came over.
    about = ["--scope", f"device:{FIRST}", "--from", FROM, "--to", TO, "--reason", "x", "--by", "truong-ca"]
    config = ["-c", str(place / "channelwatch.yaml")]
    assert main(["correct", "request", *config, *about, "--state", "up"]) == 0
    assert b"correction 2 asked for" in capsysbinary.readouterr().out
    assert run(place, "db", "migrate-to", "sqlite:///back.db") == 0
    name_store(place, "sqlite:///back.db")
    assert reports(place, capsysbinary) == before


def test_a_moved_store_goes_on_being_written(place: Path, url: str) -> None:
    assert run(place, "db", "migrate-to", url) == 0
    store = open_store(url, place)
    recorder = Recorder(store, START + 60 * MINUTE)
    recorder.live(2 * MINUTE)
    recorder.see([event(FIRST)])
    assert store.differences() == []
    store.close()


def test_a_store_is_moved_only_into_an_empty_one_and_only_when_nobody_writes(
    place: Path, open_place: SqlStore, url: str, capsys: Text
) -> None:
    assert open_place.take_lease("engine", "running", now=SystemClock().now(), ttl_ms=60_000) is not None
    assert run(place, "db", "migrate-to", url) == 1
    assert "stop it first" in capsys.readouterr().err
    open_place.release_lease("engine", "running")
    assert run(place, "db", "migrate-to", url) == 0
    assert run(place, "db", "migrate-to", url) == 1
    assert "must be empty" in capsys.readouterr().err


def test_postgresql_is_backed_up_with_its_own_tools(place: Path, tmp_path: Path, capsys: Text) -> None:
    name_store(place, "postgresql+psycopg://cw:hunter2hunter2@127.0.0.1/cw")
    assert run(place, "backup", str(tmp_path / "copy.db")) == 1
    told = capsys.readouterr().err
    assert "pg_dump --format=custom --file=FILE 'postgresql://cw@127.0.0.1/cw'" in told
    assert "hunter2" not in told


def test_the_runs_of_pruning_are_listed_newest_first_with_what_they_deleted(
    place: Path, open_place: SqlStore, capsys: Text
) -> None:
    assert run(place, "db", "pruned") == 0
    assert capsys.readouterr().out == "nothing was pruned yet: the service does it each night\n"
    day = 86_400_000
    for number, what in enumerate(("events", "messages", "events")):
        at = EpochMs(START + number * day)
        open_place.note_purge(Purge(what, EpochMs(at - 366 * day), number * 7, at))
    assert run(place, "db", "pruned", "--last", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == ["deleted", "14", "7"]
    assert lines[1].split()[2] == "events"
    assert local_text(EpochMs(START + 2 * day)) in lines[1]
    assert local_text(EpochMs(START - 364 * day)) in lines[1]
    with pytest.raises(SystemExit):
        run(place, "db", "pruned", "--last", "0")
    assert "must be from 1 to" in capsys.readouterr().err
