"""The roster as CSV files, which any spreadsheet can keep: teams, shifts, rotations, holidays.

A file says what it is by its head row. UTF-8, with a byte order mark or without; comma or semicolon. Times are of
Viet Nam: `2026-11-22 07:30`. Lists stand in one cell, divided by blanks.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from channelwatch.app.files import read_at_most
from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.errors import InputError
from channelwatch.base.ids import ContactCode, UnitCode
from channelwatch.base.intervals import Interval
from channelwatch.incidents.escalation import DUTY
from channelwatch.incidents.oncall import Roster, Rotation, Shift, Team, without
from channelwatch.incidents.worktime import Holiday
from channelwatch.inventory.model import Bloc, Category, Inventory, Role

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)
Row = Mapping[str, str]
MAX_OCTETS = 8 * 1024 * 1024
MAX_ROWS = 100_000


class Sheet(StrEnum):
    """What a file holds."""

    TEAMS = "teams"
    SHIFTS = "shifts"
    ROTATIONS = "rotations"
    HOLIDAYS = "holidays"


HEADS: Mapping[Sheet, tuple[str, ...]] = {
    Sheet.TEAMS: ("team", "name", "role", "bloc", "category", "units", "members"),
    Sheet.SHIFTS: ("team", "contact", "from", "to"),
    Sheet.ROTATIONS: ("team", "contacts", "from", "to", "turn_h"),
    Sheet.HOLIDAYS: ("day", "name", "worked"),
}


@dataclass(frozen=True, slots=True)
class _Read:
    path: Path
    sheet: Sheet
    rows: tuple[tuple[int, Row], ...]


def take_in(paths: Iterable[Path], roster: Roster, inventory: Inventory) -> tuple[Roster, list[str]]:
    """`roster` with what the files say, and a line for each file. InputError with every problem.

    Teams, rotations and holidays take the place of those before. Shifts take the place of those shifts of the same
    teams that begin between the file's first beginning and last end.
    """
    lines: list[str] = []
    problems: list[str] = []
    files = sorted((_read(path) for path in paths), key=lambda item: list(Sheet).index(item.sheet))
    for file in files:
        roster = _taken(file, roster, problems)
        lines.append(f"{file.path}: {len(file.rows)} {file.sheet}")
    problems += _contradictions(roster, inventory)
    if problems:
        raise InputError(problems)
    return roster, lines


def given_out(roster: Roster, sheet: Sheet) -> str:
    """A sheet of `roster` as CSV; taken in again it is the same."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADS[sheet])
    writer.writerows(_rows(roster, sheet))
    return out.getvalue()


def local_minute(at: int) -> str:
    """`2026-11-22 07:30`, Viet Nam; with seconds where there are any."""
    local = datetime.fromtimestamp(at / 1000, LOCAL_ZONE)
    return local.strftime("%Y-%m-%d %H:%M" if not local.second else "%Y-%m-%d %H:%M:%S")


def _rows(roster: Roster, sheet: Sheet) -> list[tuple[object, ...]]:
    match sheet:
        case Sheet.TEAMS:
            return [
                (
                    item.code, item.name, item.role, item.bloc or "", item.category or "",
                    " ".join(sorted(item.units)), " ".join(item.members),
                )
                for item in roster.teams
            ]  # fmt: skip
        case Sheet.SHIFTS:
            return [
                (item.team, item.contact, local_minute(item.start), local_minute(item.end))
                for item in roster.shifts
            ]
        case Sheet.ROTATIONS:
            return [
                (
                    item.team, " ".join(item.contacts), local_minute(item.start),
                    "" if item.end is None else local_minute(item.end), item.turn_h,
                )
                for item in roster.rotations
            ]  # fmt: skip
        case Sheet.HOLIDAYS:
            return [(item.day, item.name, "yes" if item.is_worked else "no") for item in roster.holidays]


def _read(path: Path) -> _Read:
    try:
        text = read_at_most(path, MAX_OCTETS).decode("utf-8-sig")
    except OSError as error:
        raise InputError([f"{path}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise InputError([f"{path}: is not UTF-8 text"]) from None
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",")
    try:
        reader.fieldnames = head = [name.strip() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise InputError([f"{path}:1: {error}"]) from None
    sheet = next((item for item, names in HEADS.items() if set(names) == set(head)), None)
    if sheet is None:
        known = "; ".join(",".join(names) for names in HEADS.values())
        raise InputError([f"{path}:1: the head row must be one of {known}"])
    return _Read(path, sheet, tuple(_lines(path, reader, HEADS[sheet])))


def _lines(path: Path, reader: csv.DictReader[str], names: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Each row with its line. InputError for what would otherwise be lost or garbled without a word."""
    try:
        for count, row in enumerate(reader):
            values = {name: (row[name] or "").strip() for name in names}
            wrong = ""
            if count == MAX_ROWS:
                wrong = f"more than {MAX_ROWS} rows"
            elif None in row:
                wrong = "more columns than the head row names"
            elif not all(value.isprintable() for value in values.values()):
                wrong = "a control character"
            if wrong:
                raise InputError([f"{path}:{reader.line_num}: {wrong}"])
            yield reader.line_num, values
    except csv.Error as error:
        raise InputError([f"{path}:{reader.line_num + 1}: {error}"]) from None


def _taken(file: _Read, roster: Roster, problems: list[str]) -> Roster:
    match file.sheet:
        case Sheet.TEAMS:
            return replace(roster, teams=tuple(_each(file, _team, problems)))
        case Sheet.ROTATIONS:
            return replace(roster, rotations=tuple(_each(file, _rotation, problems)))
        case Sheet.HOLIDAYS:
            return replace(roster, holidays=tuple(_each(file, _holiday, problems)))
        case Sheet.SHIFTS:
            shifts = _each(file, _shift, problems)
            kept = list(roster.shifts)
            for team in dict.fromkeys(item.team for item in shifts):
                own = [item for item in shifts if item.team == team]
                kept = without(
                    kept, team, Interval(min(item.start for item in own), max(item.end for item in own))
                )
            ordered = sorted({*kept, *shifts}, key=lambda item: (item.start, item.team, item.contact))
            return replace(roster, shifts=tuple(ordered))


def _each(file: _Read, make: Callable[[Row], T], problems: list[str]) -> list[T]:
    found = []
    for number, row in file.rows:
        try:
            found.append(make(row))
        except ValueError as error:
            problems.append(f"{file.path}:{number}: {error}")
    return found


def _team(row: Row) -> Team:
    role = _word(Role, row, "role")
    if role not in DUTY:
        raise ValueError(f"role {role} is never paged")
    if not row["team"] or not row["members"]:
        raise ValueError("a team has a code and members")
    return Team(
        code=row["team"],
        name=row["name"] or row["team"],
        role=role,
        members=_contacts(row["members"]),
        bloc=_word(Bloc, row, "bloc") if row["bloc"] else None,
        category=_word(Category, row, "category") if row["category"] else None,
        units=frozenset(UnitCode(code) for code in row["units"].split()),
    )


def _shift(row: Row) -> Shift:
    start, end = _instant(row, "from"), _instant(row, "to")
    if start >= end:
        raise ValueError("from must be before to")
    return Shift(row["team"], ContactCode(row["contact"]), start, end)


def _rotation(row: Row) -> Rotation:
    start, end = _instant(row, "from"), _instant(row, "to") if row["to"] else None
    turn_h, contacts = _hours(row["turn_h"]), _contacts(row["contacts"])
    if not 1 <= turn_h <= 24 * 366 or not contacts or (end is not None and start >= end):
        raise ValueError("a rotation has contacts, from before to, and a turn of 1 to 8784 hours")
    return Rotation(row["team"], contacts, start, turn_h, end)


def _holiday(row: Row) -> Holiday:
    if row["worked"] not in ("yes", "no", ""):
        raise ValueError("worked must be yes or no")
    return Holiday(_day(row["day"]), row["name"], row["worked"] == "yes")


def _contacts(text: str) -> tuple[ContactCode, ...]:
    return tuple(ContactCode(code) for code in text.split())


def _word(words: type[W], row: Row, name: str) -> W:
    try:
        return words(row[name])
    except ValueError:
        raise ValueError(f"{name}: must be one of {', '.join(words)}") from None


def _hours(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"day: there is no day {text!r}; write it as 2027-02-09") from None


def _instant(row: Row, name: str) -> EpochMs:
    try:
        at = datetime.fromisoformat(row[name])
    except ValueError:
        raise ValueError(f"{name}: there is no time {row[name]!r}; write it as 2026-11-23 07:30") from None
    return EpochMs(round((at if at.tzinfo else at.replace(tzinfo=LOCAL_ZONE)).timestamp() * 1000))


def _contradictions(roster: Roster, inventory: Inventory) -> list[str]:
    """What names a team or a contact that is not there."""
    contacts = {item.code for item in inventory.contacts}
    codes = [item.code for item in roster.teams]
    found = [f"team {code!r} stands twice" for code, count in Counter(codes).items() if count > 1]
    days = Counter(item.day for item in roster.holidays)
    found += [f"day {day} stands twice" for day, count in days.items() if count > 1]
    named = [
        *((f"team {item.code}", item.members) for item in roster.teams),
        *((f"shifts of {item.team}", (item.contact,)) for item in roster.shifts),
        *((f"rotation of {item.team}", item.contacts) for item in roster.rotations),
    ]
    used = [*(item.team for item in roster.shifts), *(item.team for item in roster.rotations)]
    found += [f"no team {code!r}" for code in dict.fromkeys(used) if code not in codes]
    strangers = {(place, code): None for place, members in named for code in members if code not in contacts}
    return found + [f"{place}: the inventory has no contact {code!r}" for place, code in strangers]
