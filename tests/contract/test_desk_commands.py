"""Maintenance and corrections from the command line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from channelwatch.app.cli import main
from channelwatch.app.desk import commands
from channelwatch.base.clock import LOCAL_ZONE, EpochMs, ManualClock, SystemClock
from channelwatch.store.sqlstore import SqlStore, open_store
from tests.contract.test_history_commands import FIRST, FROM, MINUTE, TO
from tests.support.province import START, small_inventory
from tests.support.recorded import CONFIG, Recorder, silent

Capture = pytest.CaptureFixture[str]


def soon(**later: int) -> str:
    return (datetime.now(LOCAL_ZONE) + timedelta(**later)).isoformat(timespec="seconds")


@pytest.fixture
def place(config: Path) -> Path:
    return config


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


@pytest.mark.parametrize("nobody", ["", "  ", "\t", "\x00"])
def test_nobody_approves_nothing(place: Path, store: SqlStore, capsys: Capture, nobody: str) -> None:
    for words in (["--approved-by", nobody], ["--by", nobody]):
        with pytest.raises(SystemExit) as refused:
            planned(place, *words)
        assert refused.value.code == 2
    assert "must be somebody's name" in capsys.readouterr().err
    assert store.windows() == ()


@pytest.mark.parametrize("number", ["0", "-1", "x", "", "1.5", "9223372036854775808", "9" * 5000])
def test_a_number_that_no_entry_can_have_is_refused(
    place: Path, store: SqlStore, capsys: Capture, number: str
) -> None:
    for act in (maintenance, correct):
        with pytest.raises(SystemExit) as refused:
            act(place, "approve", "--by", "truong-ca", "--", number)
        assert refused.value.code == 2
        assert "is no number of an entry" in capsys.readouterr().err


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
    assert (window.approved_by, window.again_until is not None) == ("chi-huy", True)


def test_a_window_that_has_begun_or_is_about_nothing_is_refused(
    place: Path, store: SqlStore, capsys: Capture
) -> None:
    assert planned(place, first=soon(hours=-1)) == 2
    assert "is a correction" in capsys.readouterr().err
    assert planned(place, "--scope", "site:nowhere") == 2
    assert "not in the inventory" in capsys.readouterr().err
    assert planned(place, "--scope", "rack:7") == 2
    assert "--scope" in capsys.readouterr().err


def test_a_late_approval_says_what_it_does_not_do(
    place: Path, store: SqlStore, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert planned(place, first=soon(hours=1), last=soon(hours=4)) == 0
    later = ManualClock(SystemClock().now() + 2 * 3600_000)
    monkeypatch.setattr(commands, "SystemClock", lambda: later)
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


def test_what_was_taken_off_the_list_since_can_still_be_corrected(
    place: Path, outage: Recorder, capsys: Capture
) -> None:
    inventory = outage.inventory
    devices = tuple(item for item in inventory.devices if item.code != FIRST)
    channels = tuple(line for line in inventory.channels if line.spoke != FIRST)
    outage.apply(replace(inventory, devices=devices, channels=channels))
    about = (
        "--scope",
        f"device:{FIRST}",
        "--to",
        TO,
        "--reason",
        "7/BB",
        "--state",
        "up",
        "--by",
        "truong-ca",
    )
    assert correct(place, "request", *about, "--from", FROM) == 0
    long_after = ("--from", "2026-09-23T08:00", "--to", "2026-09-23T09:00")
    assert correct(place, "request", *about, *long_after) == 2
    assert "not in the inventory" in capsys.readouterr().err


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


def key_pair(folder: Path, name: str) -> str:
    """A person's key pair in PEM files; the reference to the private one."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pem").write_bytes(private)
    (folder / f"{name}.pub").write_bytes(public)
    return f"file:{folder / name}.pem"


@pytest.fixture
def keys(place: Path) -> dict[str, str]:
    """Two people's keys, whose signatures the configuration asks for."""
    people = {name: key_pair(place.parent, name) for name in ("truong-ca", "chi-huy")}
    known = ", ".join(f"{name}: {name}.pub" for name in people)
    place.write_text(f"{CONFIG}signers: {{{known}}}\n", encoding="utf-8")
    return people


ABOUT = (
    "--scope",
    f"device:{FIRST}",
    "--from",
    FROM,
    "--to",
    TO,
    "--reason",
    "biên bản 7/BB",
    "--state",
    "up",
)


def corrected_rows(place: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> list[str]:
    capsysbinary.readouterr()
    main(["uptime", "-c", str(place), "--scope", f"device:{FIRST}", "--from", FROM, "--to", TO, "--json"])
    return [row["corrections"] for row in json.loads(capsysbinary.readouterr().out)["rows"]]


def test_a_correction_that_two_people_signed_counts(
    place: Path, outage: Recorder, keys: dict[str, str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert correct(place, "request", *ABOUT, "--by", "truong-ca", "--key", keys["truong-ca"]) == 0
    assert correct(place, "approve", "1", "--by", "Chi-huy ", "--key", keys["chi-huy"]) == 0
    assert "1" in corrected_rows(place, capsysbinary)
    assert correct(place, "list") == 0
    assert b"SIGNATURE" not in capsysbinary.readouterr().out


@pytest.mark.parametrize("key", [None, "truong-ca", "stranger"])
def test_without_the_right_persons_key_nothing_is_decided(
    place: Path, outage: Recorder, keys: dict[str, str], capsys: Capture, key: str | None
) -> None:
    assert correct(place, "request", *ABOUT, "--by", "truong-ca", "--key", keys["truong-ca"]) == 0
    keys["stranger"] = key_pair(place.parent, "stranger")
    own = () if key is None else ("--key", keys[key])
    assert correct(place, "approve", "1", "--by", "chi-huy", *own) == 2
    assert "--key" in capsys.readouterr().err
    assert correct(place, "approve", "1", "--by", "chi-huy", "--key", keys["chi-huy"]) == 0


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE correction SET t_to = t_to + 60000",
        "UPDATE correction SET reason = 'khác'",
        "UPDATE correction_step SET actor = 'truong-ca'",
        "UPDATE correction_step SET signature = ''",
        "UPDATE correction_step SET happened_at = happened_at - 1",
    ],
)
def test_a_correction_that_was_changed_in_the_database_counts_for_nothing(
    place: Path,
    outage: Recorder,
    keys: dict[str, str],
    capsysbinary: pytest.CaptureFixture[bytes],
    forgery: str,
) -> None:
    correct(place, "request", *ABOUT, "--by", "truong-ca", "--key", keys["truong-ca"])
    correct(place, "approve", "1", "--by", "chi-huy", "--key", keys["chi-huy"])
    with closing(sqlite3.connect(place.parent / "store.db")) as database:
        for table in ("correction", "correction_step"):
            database.execute(f"DROP TRIGGER {table}_no_update")
        database.execute(forgery)
        database.commit()
    assert corrected_rows(place, capsysbinary) == ["", ""]
    correct(place, "list")
    assert b"SIGNATURE MISSING OR WRONG" in capsysbinary.readouterr().out


def test_a_file_that_is_no_ed25519_key_is_wrong_input(place: Path, store: SqlStore, capsys: Capture) -> None:
    (place.parent / "no.pem").write_text("not a key but long enough", encoding="utf-8")
    assert correct(place, "request", *ABOUT, "--by", "truong-ca", "--key", f"file:{place.parent}/no.pem") == 2
    assert "--key: is not a private key" in capsys.readouterr().err
    place.write_text(f"{CONFIG}signers: {{a: no.pem, b: none.pem}}\n", encoding="utf-8")
    assert correct(place, "list") == 2
    assert "signers.a" in capsys.readouterr().err


def test_a_window_that_comes_again_names_the_days_on_which_it_does_not(
    place: Path, store: SqlStore, capsys: Capture
) -> None:
    first = datetime.now(LOCAL_ZONE).replace(hour=22, minute=0, second=0) + timedelta(days=1)
    left_out = (first + timedelta(days=7)).date().isoformat()
    ever = ("--daily-until", (first + timedelta(days=800)).date().isoformat())
    span = {"first": first.isoformat(), "last": (first + timedelta(hours=1)).isoformat()}
    assert planned(place, *ever, "--except", f"holidays,{left_out}", **span) == 0
    (window,) = store.windows()
    days = {day.isoformat() for day in window.except_days}
    fixed = {day for day in days if day.endswith(("-09-02", "-05-01", "-04-30", "-01-01"))}
    assert left_out in days
    assert len(fixed) >= 8, "two years hold each of the four fixed holidays twice"
    assert f"left out on {len(days)} days: " in capsys.readouterr().out
    assert maintenance(place, "list") == 0
    assert f" except {min(days)}, " in capsys.readouterr().out


def test_days_off_that_were_imported_are_holidays(place: Path, store: SqlStore, tmp_path: Path) -> None:
    first = datetime.now(LOCAL_ZONE).replace(hour=22, minute=0, second=0) + timedelta(days=1)
    own = (first + timedelta(days=3)).date().isoformat()
    holidays = tmp_path / "holidays.csv"
    holidays.write_text(f"day,name,worked\n{own},Ngày truyền thống,no\n", encoding="utf-8")
    assert main(["oncall", "import", "-c", str(place), str(holidays), "--by", "truong-ca"]) == 0
    ever = ("--daily-until", (first + timedelta(days=6)).date().isoformat())
    span = {"first": first.isoformat(), "last": (first + timedelta(hours=1)).isoformat()}
    assert planned(place, *ever, "--except", "holidays", **span) == 0
    (window,) = store.windows()
    assert own in {day.isoformat() for day in window.except_days}


def test_a_wrong_exception_is_named_and_nothing_is_planned(
    place: Path, store: SqlStore, capsys: Capture
) -> None:
    weekly = ("--weekly-until", soon(days=60))
    assert planned(place, *weekly, "--except", "2027-02-30") == 2
    assert "--except '2027-02-30': must be such as 2027-02-09" in capsys.readouterr().err
    assert planned(place, *weekly, "--except", "1999-01-01") == 2
    assert "it does not take place then anyway" in capsys.readouterr().err
    assert planned(place, "--except", "holidays") == 2
    assert "only a window that comes again" in capsys.readouterr().err
    assert store.windows() == ()
