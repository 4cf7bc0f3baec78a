"""Maintenance and corrections from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from channelwatch.app.cli import main
from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.store.sqlstore import SqlStore, open_store
from tests.contract.test_history_commands import CONFIG, FIRST, FROM, MINUTE, TO
from tests.support.province import START, small_inventory
from tests.support.recorded import Recorder, silent

Capture = pytest.CaptureFixture[str]


def soon(**later: int) -> str:
    return (datetime.now(LOCAL_ZONE) + timedelta(**later)).isoformat(timespec="seconds")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "channelwatch.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def store(place: Path) -> Iterator[SqlStore]:
    store = open_store("sqlite:///store.db", place.parent)
    store.upgrade()
    store.apply_inventory(small_inventory(), [], by="test", at=EpochMs(START))
    yield store
    store.close()


def maintenance(place: Path, *words: str) -> int:
    return main(["maintenance", words[0], "-c", str(place), *words[1:]])


def correct(place: Path, *words: str) -> int:
    return main(["correct", words[0], "-c", str(place), *words[1:]])


def planned(place: Path, *more: str, first: str | None = None, last: str | None = None) -> int:
    when = ("--from", first or soon(hours=1), "--to", last or soon(hours=2))
    about = ("--scope", f"device:{FIRST}", "--reason", "thay nguồn", "--owner", "Phòng Kỹ thuật")
    return maintenance(place, "add", *when, *about, "--by", "truong-ca", *more)


def test_a_window_is_asked_for_approved_listed_and_ended(
    place: Path, store: SqlStore, capsys: Capture
) -> None:
    assert planned(place) == 0
    assert "counts for nothing until somebody else approves it" in capsys.readouterr().out
    assert maintenance(place, "approve", "1", "--by", "Truong-Ca") == 1
    assert "cannot approve" in capsys.readouterr().err
    assert maintenance(place, "approve", "1", "--by", "chi-huy") == 0
    assert maintenance(place, "list") == 0
    told = capsys.readouterr().out
    assert f"approved      device:{FIRST}" in told
    assert "asked for by truong-ca, approved by chi-huy, owner Phòng Kỹ thuật: thay nguồn" in told
    assert maintenance(place, "end", "1", "--by", "chi-huy", "--reason", "hoãn") == 0
    assert maintenance(place, "list") == 0
    assert "ended by chi-huy" in capsys.readouterr().out
    assert maintenance(place, "list", "--all") == 0
    assert "ended         device" in capsys.readouterr().out


def test_approval_may_come_with_the_request_but_not_from_the_same_person(
    place: Path, store: SqlStore, capsys: Capture
) -> None:
    assert planned(place, "--approved-by", "truong-ca") == 2
    assert "whoever asks for it cannot approve it" in capsys.readouterr().err
    assert store.windows() == ()
    assert planned(place, "--approved-by", "chi-huy", "--weekly-until", soon(days=60)) == 0
    assert "weekly" not in capsys.readouterr().out
    (window,) = store.windows()
    assert (window.approved_by, window.weekly_until is not None) == ("chi-huy", True)


def test_a_window_that_has_begun_or_is_about_nothing_is_refused(
    place: Path, store: SqlStore, capsys: Capture
) -> None:
    assert planned(place, first=soon(hours=-1)) == 2
    assert "is a correction" in capsys.readouterr().err
    assert planned(place, "--scope", "site:nowhere") == 2
    assert "not in the inventory" in capsys.readouterr().err
    assert planned(place, "--scope", "rack:7") == 2
    assert "--scope" in capsys.readouterr().err


def test_a_late_approval_says_what_it_does_not_do(place: Path, store: SqlStore, capsys: Capture) -> None:
    recent = datetime.now(LOCAL_ZONE) + timedelta(seconds=1)
    assert planned(place, first=recent.isoformat(), last=soon(hours=2)) == 0
    while datetime.now(LOCAL_ZONE) <= recent:
        pass
    assert maintenance(place, "approve", "1", "--by", "chi-huy") == 0
    assert "not left out of the availability" in capsys.readouterr().out


@pytest.fixture
def outage(store: SqlStore) -> Recorder:
    recorder = Recorder(store, START)
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    recorder.live(5 * MINUTE)
    return recorder


def test_a_correction_leaves_both_figures_visible(
    place: Path, outage: Recorder, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    about = ("--scope", f"device:{FIRST}", "--from", FROM, "--to", TO, "--reason", "biên bản 7/BB")
    assert correct(place, "request", *about, "--state", "up", "--by", "truong-ca") == 0
    assert correct(place, "approve", "1", "--by", "truong-ca") == 1
    uptime = ["uptime", "-c", str(place), "--scope", f"device:{FIRST}", "--from", FROM, "--to", TO, "--json"]
    capsysbinary.readouterr()
    assert main(uptime) == 0
    before = json.loads(capsysbinary.readouterr().out)["rows"]
    assert correct(place, "approve", "1", "--by", "chi-huy") == 0
    assert correct(place, "list") == 0
    assert b"approved by chi-huy: bi" in capsysbinary.readouterr().out
    assert main(uptime) == 0
    after = json.loads(capsysbinary.readouterr().out)["rows"]
    assert [row for row in after if row["corrections"] == ""] == before
    (restated,) = (row for row in after if row["corrections"] == "1")
    assert (restated["down_lo_ms"], restated["a_lo_ppm"]) == (0, 1_000_000)


def test_a_correction_of_the_future_or_of_a_blocs_state_is_refused(
    place: Path, store: SqlStore, capsys: Capture
) -> None:
    about = ("--from", soon(hours=-1), "--to", soon(hours=1), "--reason", "x", "--state", "up")
    assert correct(place, "request", "--scope", "bloc:party", *about) == 2
    told = capsys.readouterr().err
    assert "only the past" in told
    assert "one device or one pair" in told


def test_a_refused_correction_stays_refused(place: Path, store: SqlStore, capsys: Capture) -> None:
    about = ("--scope", "bloc:party", "--from", soon(hours=-2), "--to", soon(hours=-1), "--reason", "x")
    assert correct(place, "request", *about, "--state", "maintenance", "--by", "truong-ca") == 0
    assert correct(place, "refuse", "1", "--by", "chi-huy", "--reason", "không có biên bản") == 0
    assert correct(place, "approve", "1", "--by", "chu-quan") == 1
    assert "chi-huy has refused it already" in capsys.readouterr().err
