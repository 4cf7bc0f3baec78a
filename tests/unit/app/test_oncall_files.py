"""The roster as CSV files."""

from __future__ import annotations

from pathlib import Path

import pytest

from channelwatch.app.oncall.csvfile import Sheet, given_out, take_in
from channelwatch.base.errors import InputError
from channelwatch.incidents.oncall import NO_ROSTER, Roster
from tests.support.province import small_inventory

INVENTORY = small_inventory()
TEAMS = "team,name,role,bloc,category,units,members\nchiefs,Trưởng ca,chief,party,,,chief watch\n"
SHIFTS = "team,contact,from,to\nchiefs,chief,2026-11-23 07:30,2026-11-24 07:30\n"
ROTATIONS = "team,contacts,from,to,turn_h\nchiefs,chief watch,2026-11-01 07:30,,12\n"
HOLIDAYS = "day,name,worked\n2027-02-09,Tết,no\n2027-02-20,Làm bù,yes\n"


def files(folder: Path, *texts: str) -> list[Path]:
    paths = [folder / f"{number}.csv" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def taken(folder: Path, *texts: str, onto: Roster = NO_ROSTER) -> Roster:
    return take_in(files(folder, *texts), onto, INVENTORY)[0]


def test_what_is_given_out_and_taken_in_again_is_the_same(tmp_path: Path) -> None:
    roster = taken(tmp_path, SHIFTS, TEAMS, HOLIDAYS, ROTATIONS)
    assert [len(part) for part in (roster.teams, roster.shifts, roster.rotations, roster.holidays)] == [
        1,
        1,
        1,
        2,
    ]
    again = taken(tmp_path, *(given_out(roster, sheet) for sheet in Sheet))
    assert again == roster


def test_spreadsheets_write_marks_semicolons_and_spaces(tmp_path: Path) -> None:
    text = "\ufeff" + SHIFTS.replace(",", " ;") + "\r\n"
    assert taken(tmp_path, TEAMS, text).shifts == taken(tmp_path, TEAMS, SHIFTS).shifts


def test_a_months_shifts_take_the_place_of_that_months_and_leave_the_others(tmp_path: Path) -> None:
    first = "".join(f"chiefs,chief,2026-11-{day} 07:30,2026-11-{day + 1} 07:30\n" for day in range(10, 13))
    roster = taken(tmp_path, TEAMS, "team,contact,from,to\n" + first)
    corrected = "team,contact,from,to\nchiefs,watch,2026-11-11 07:30,2026-11-13 07:30\n"
    again = taken(tmp_path, corrected, onto=roster)
    assert [(item.contact, (item.end - item.start) // 3600_000) for item in again.shifts] == [
        ("chief", 24),
        ("watch", 48),
    ]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (("a" * 200_000 + ",b\n1,2\n",), "0.csv:1: field larger than field limit"),
        (("a,b\n1,2\n",), "0.csv:1: the head row must be one of"),
        ((TEAMS, SHIFTS.replace("chief,2026", "nobody,2026")), "the inventory has no contact 'nobody'"),
        ((SHIFTS,), "no team 'chiefs'"),
        ((TEAMS + TEAMS.split("\n")[1] + "\n",), "team 'chiefs' stands twice"),
        ((TEAMS.replace("chief,party", "auditor,party"),), "0.csv:2: role auditor is never paged"),
        ((TEAMS, SHIFTS.replace("2026-11-24", "2026-11-22")), "1.csv:2: from must be before to"),
        ((TEAMS, SHIFTS.replace("2026-11-24", "tomorrow")), "1.csv:2: "),
        ((TEAMS, ROTATIONS.replace(",12", ",0")), "a turn of 1 to 8784 hours"),
        (
            (TEAMS, SHIFTS.replace("2026-11-24", "2026-02-30")),
            "1.csv:2: to: there is no time '2026-02-30 07:30'",
        ),
        ((TEAMS, ROTATIONS.replace(",12", ",x")), "a turn of 1 to 8784 hours"),
        ((TEAMS.replace("chief,party", "king,party"),), "0.csv:2: role: must be one of watch, onsite"),
        ((TEAMS.replace("chief watch", "chief,watch"),), "0.csv:2: more columns than the head row names"),
        ((TEAMS.replace("chiefs", "chi\0efs"),), "0.csv:2: a control character"),
        ((TEAMS.replace("ca,chief", "c" * 200_000 + ",chief"),), "0.csv:2: field larger than field limit"),
        ((HOLIDAYS.replace("yes", "maybe"),), "0.csv:3: worked must be yes or no"),
        ((HOLIDAYS.replace("02-20", "02-30"),), "0.csv:3: day: there is no day '2027-02-30'"),
        ((HOLIDAYS.replace("02-20", "02-09"),), "day 2027-02-09 stands twice"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    tmp_path: Path, texts: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(InputError) as refused:
        taken(tmp_path, *texts)
    assert problem in str(refused.value)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    for name, problem in (("x.csv", "is not UTF-8 text"), ("y.csv", "No such file")):
        with pytest.raises(InputError, match=problem):
            take_in([tmp_path / name], NO_ROSTER, INVENTORY)
