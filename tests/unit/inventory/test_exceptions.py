"""Days on which work that comes again does not take place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from channelwatch.app.desk.exceptions import left_out
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError
from channelwatch.incidents.worktime import ORDINARY
from channelwatch.inventory.maintenance import Every, Window, problems
from tests.unit.inventory.test_maintenance import HOUR, INVENTORY, ONCE, SATURDAY, WEEK, WEEKLY, local

TET = date(2027, 2, 6)
"""A Saturday."""


def starts(window: Window) -> list[int]:
    return [part.start for part in window.occurrences(window.again_until or 0)]


def without(*texts: str, window: Window = WEEKLY, holidays: Iterable[date] = ORDINARY.days_off) -> Window:
    return left_out(window, texts, holidays)


def test_a_day_that_is_named_is_left_out_and_the_rest_goes_on() -> None:
    found = without("2026-12-05,2026-12-19")
    assert set(starts(WEEKLY)) - set(starts(found)) == {SATURDAY + WEEK, SATURDAY + 3 * WEEK}
    assert not found.is_on(EpochMs(SATURDAY + WEEK + HOUR))
    assert found.is_on(EpochMs(SATURDAY + 2 * WEEK + HOUR))
    assert problems(found, INVENTORY) == []


def test_holidays_are_those_of_the_calendar_that_it_would_touch_and_tet_is_one() -> None:
    found = without("holidays")
    assert found.except_days == {TET, date(2027, 5, 1)}
    assert local(2027, 2, 6, 22) not in starts(found)
    assert len(starts(found)) == len(starts(WEEKLY)) - 2


def test_a_window_over_midnight_is_left_out_if_it_touches_the_day_at_either_end() -> None:
    night = replace(WEEKLY, every=Every.DAY, end=EpochMs(WEEKLY.start + 4 * HOUR))
    found = without("2026-12-10", window=night)
    assert set(starts(night)) - set(starts(found)) == {local(2026, 12, 9, 22), local(2026, 12, 10, 22)}
    until_midnight = replace(night, end=EpochMs(WEEKLY.start + 2 * HOUR))
    found = without("2026-12-10", window=until_midnight)
    assert set(starts(until_midnight)) - set(starts(found)) == {local(2026, 12, 10, 22)}


def test_spans_days_and_holidays_may_be_mixed_and_spaced() -> None:
    found = without("2026-12-01..2026-12-31, holidays", "2027-03-06")
    december = {date(2026, 12, 5) + timedelta(weeks=n) for n in range(4)}
    assert found.except_days == december | {TET, date(2027, 5, 1), date(2027, 3, 6)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2027-13-01", "--except '2027-13-01': must be such as"),
        ("tết", "--except 'tết': must be such as"),
        ("", "--except '': must be such as"),
        ("2027-02-11..2027-02-05", "must be such as"),
        ("2027-02-05..2029-02-05", "200 days at most"),
        ("2026-12-06", "--except '2026-12-06': it does not take place then anyway"),
        ("2025-12-06", "it does not take place then anyway"),
    ],
)
def test_a_slip_is_named(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        without(text)
    assert told in str(caught.value)


def test_every_slip_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        without("x,2026-12-06,2026-12-05")
    assert len(caught.value.problems) == 2


def test_a_window_of_which_nothing_is_left_is_refused() -> None:
    short = replace(WEEKLY, again_until=EpochMs(SATURDAY + 2 * WEEK))
    found = problems(without("2026-11-28,2026-12-05", window=short), INVENTORY)
    assert found == ["nothing is left of it: every time is left out"]


def test_a_single_window_has_no_exceptions() -> None:
    found = problems(replace(ONCE, except_days=frozenset({TET})), INVENTORY)
    assert found == ["only a window that comes again may have days on which it does not take place"]


def test_the_last_end_is_that_of_the_last_one_that_takes_place() -> None:
    daily = replace(WEEKLY, every=Every.DAY, again_until=local(2027, 8, 1))
    found = without("2026-12-10..2027-06-20,2027-06-21..2027-07-31", window=daily)
    assert found.last_end == local(2026, 12, 9, 22) + 2 * HOUR
    assert daily.last_end == local(2027, 7, 31, 22) + 2 * HOUR
