"""The on-call roster from the command line: stored, audited, and in force while the engine runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from channelwatch.app.cli import main
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent
from channelwatch.incidents.oncall import NO_ROSTER
from channelwatch.store.desk import Act
from channelwatch.store.sqlstore import SqlStore, open_store
from tests.support.province import START, small_inventory
from tests.unit.app.test_oncall_files import HOLIDAYS, ROTATIONS, SHIFTS, TEAMS

Capture = pytest.CaptureFixture[str]
ACT = Act("truong-ca", EpochMs(START), "root")


@pytest.fixture
def place(config: Path) -> Path:
    for name, content in (
        ("teams", TEAMS),
        ("shifts", SHIFTS),
        ("rotations", ROTATIONS),
        ("holidays", HOLIDAYS),
    ):
        (config.parent / f"{name}.csv").write_text(content, encoding="utf-8")
    return config


@pytest.fixture
def store(place: Path) -> Iterator[SqlStore]:
    store = open_store("sqlite:///store.db", place.parent)
    store.upgrade()
    store.apply_inventory(small_inventory(), [], by="test", at=EpochMs(START))
    yield store
    store.close()


def oncall(place: Path, act: str, *words: str) -> int:
    return main(["oncall", act, "-c", str(place), *words])


def sheets(place: Path, *names: str) -> list[str]:
    return [str(place.parent / f"{name}.csv") for name in names]


def test_who_is_on_call_follows_the_roster_that_was_taken_in(
    place: Path, store: SqlStore, capsys: Capture
) -> None:
    assert oncall(place, "who") == 0
    assert "no roster: every contact of a role is on call" in capsys.readouterr().out
    assert oncall(place, "import", "--dry-run", *sheets(place, "teams", "shifts")) == 0
    assert store.roster_version() == 0
    assert oncall(place, "import", "--by", "truong-ca", *sheets(place, "teams", "shifts")) == 0
    assert "roster version 1" in capsys.readouterr().out
    assert oncall(place, "who", "--at", "2026-11-23T08:00:00") == 0
    assert "chiefs  chief  Trưởng ca: chief (Trưởng ca)" in capsys.readouterr().out
    assert oncall(place, "who", "--at", "2026-11-25T08:00:00") == 0
    assert "nobody; the whole team is told: chief, watch" in capsys.readouterr().out
    assert oncall(place, "import", *sheets(place, "teams", "shifts")) == 0
    assert "no changes" in capsys.readouterr().out


def test_what_was_taken_in_is_given_out(place: Path, store: SqlStore, capsys: Capture) -> None:
    assert oncall(place, "import", *sheets(place, "teams", "shifts", "rotations", "holidays")) == 0
    capsys.readouterr()
    for name, content in (
        ("teams", TEAMS),
        ("shifts", SHIFTS),
        ("rotations", ROTATIONS),
        ("holidays", HOLIDAYS),
    ):
        assert oncall(place, "export", name) == 0
        assert capsys.readouterr().out == content


def test_gaps_are_shown_and_tell_a_script(place: Path, store: SqlStore, capsys: Capture) -> None:
    assert oncall(place, "import", *sheets(place, "teams")) == 0
    capsys.readouterr()
    assert oncall(place, "gaps") == 1
    assert capsys.readouterr().out.startswith("chiefs  ")
    assert oncall(place, "import", *sheets(place, "rotations")) == 0
    capsys.readouterr()
    assert oncall(place, "gaps") == 0
    assert capsys.readouterr().out == "no gaps in the next 14 days\n"


def test_a_swap_names_who_did_it_and_why(place: Path, store: SqlStore, capsys: Capture) -> None:
    assert oncall(place, "import", *sheets(place, "teams", "shifts")) == 0
    when = ("--from", "2026-11-23T12:00:00", "--to", "2026-11-23T14:00:00")
    change = ("--team", "chiefs", "--out", "chief", "--in", "watch", "--by", "truong-ca")
    assert oncall(place, "swap", *change, *when, "--reason", "đi họp") == 0
    capsys.readouterr()
    assert oncall(place, "who", "--at", "2026-11-23T13:00:00") == 0
    assert "chiefs  chief  Trưởng ca: watch" in capsys.readouterr().out
    assert oncall(place, "log") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "truong-ca: swap chiefs: watch for chief, 2026-11-23 12:00 to 2026-11-23 14:00 (đi họp)" in first
    assert ": import " in second
    wrong = ("--team", "x", "--out", "y", "--in", "watch")
    assert oncall(place, "swap", *wrong, *when) == 2


def test_two_who_change_it_at_once_do_not_overwrite_one_another(store: SqlStore) -> None:
    assert store.change_roster(NO_ROSTER, ACT, what="first", base=0) == 1
    with pytest.raises(Permanent, match="somebody else"):
        store.change_roster(NO_ROSTER, ACT, what="second", base=0)


@pytest.mark.parametrize("change", ["UPDATE roster_version SET actor = 'x'", "DELETE FROM roster_version"])
def test_the_record_of_it_cannot_be_changed(store: SqlStore, change: str) -> None:
    store.change_roster(NO_ROSTER, ACT, what="first", base=0)
    with pytest.raises(DBAPIError, match="append-only"), store.engine.begin() as connection:
        connection.execute(text(change))
