"""When planned work takes place, and on which devices."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.intervals import Interval
from channelwatch.inventory.maintenance import (
    DAY_MS,
    Every,
    Window,
    WindowScope,
    devices_in,
    problems,
    same_person,
)
from tests.support.province import HUB, HUB_A, HUB_B, small_inventory, spoke

HOUR = 3600_000
WEEK = 7 * DAY_MS
INVENTORY = small_inventory(2)


def local(*parts: int) -> EpochMs:
    return EpochMs(int(datetime(*parts, tzinfo=LOCAL_ZONE).timestamp()) * 1000)  # type: ignore[arg-type, misc]


SATURDAY = local(2026, 11, 28, 22)
ONCE = Window(
    id=1,
    scope=WindowScope.DEVICE,
    code=spoke(1),
    start=SATURDAY,
    end=EpochMs(SATURDAY + 2 * HOUR),
    owner="Phòng Kỹ thuật",
    reason="thay nguồn",
    requested_by="truong-ca",
    requested_at=local(2026, 11, 27),
    approved_by="chi-huy",
    approved_at=local(2026, 11, 27, 9),
)
WEEKLY = replace(ONCE, again_until=local(2027, 6, 1))


def test_a_window_is_on_from_its_start_to_its_end() -> None:
    assert [ONCE.is_on(EpochMs(ONCE.start + at)) for at in (-1, 0, 2 * HOUR - 1, 2 * HOUR, WEEK)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_without_approval_it_is_never_on_and_with_a_late_one_from_then() -> None:
    assert not replace(ONCE, approved_at=None).is_on(SATURDAY)
    late = replace(ONCE, approved_at=EpochMs(SATURDAY + HOUR))
    assert [late.is_on(EpochMs(SATURDAY + at)) for at in (0, HOUR - 1, HOUR)] == [False, False, True]


def test_it_comes_again_every_week_at_the_same_hour() -> None:
    found = list(WEEKLY.occurrences(SATURDAY + 3 * WEEK))
    assert [part.start for part in found] == [SATURDAY, SATURDAY + WEEK, SATURDAY + 2 * WEEK]
    assert all(part.length == 2 * HOUR for part in found)
    assert WEEKLY.is_on(EpochMs(SATURDAY + 20 * WEEK + HOUR))
    assert not WEEKLY.is_on(EpochMs(SATURDAY + 20 * WEEK - 1))
    assert not WEEKLY.is_on(EpochMs(SATURDAY + 40 * WEEK))
    assert WEEKLY.last_end < local(2027, 6, 1)


@pytest.mark.parametrize(
    ("every", "days"),
    [
        (Every.DAY, [(11, 28), (11, 29), (11, 30), (12, 1)]),
        (Every.MONTH, [(11, 28), (12, 28), (1, 28), (2, 28)]),
        (Every.MONTH_WEEKDAY, [(11, 28), (12, 26), (1, 23), (2, 27)]),
    ],
)
def test_it_comes_again_each_day_or_month(every: Every, days: list[tuple[int, int]]) -> None:
    again = replace(WEEKLY, every=every)
    wanted = [local(2027 if month < 11 else 2026, month, day, 22) for month, day in days]
    found = list(again.occurrences(wanted[-1] + 1))
    assert found == [Interval(start, start + 2 * HOUR) for start in wanted]
    assert [again.is_on(EpochMs(start + HOUR)) for start in wanted] == [True] * 4
    assert list(again.occurrences(wanted[-1] + 1, since=wanted[2])) == found[2:]
    every_one = list(again.occurrences(WEEKLY.again_until or 0))
    assert again.last_end == every_one[-1].end


@pytest.mark.parametrize(
    ("every", "first", "days"),
    [
        (Every.MONTH, local(2026, 12, 31), [(12, 31), (1, 31), (3, 31), (5, 31)]),
        (Every.MONTH_WEEKDAY, local(2026, 12, 29), [(12, 29), (3, 30)]),
    ],
)
def test_months_without_the_day_are_left_out(
    every: Every, first: EpochMs, days: list[tuple[int, int]]
) -> None:
    again = replace(WEEKLY, every=every, start=first, end=EpochMs(first + HOUR))
    found = [part.start for part in again.occurrences(local(2027, 6, 1))]
    assert found == [local(2027 if month < 12 else 2026, month, day) for month, day in days]
    assert again.last_end == found[-1] + HOUR


def test_only_what_may_matter_is_listed() -> None:
    since = SATURDAY + 5 * WEEK + HOUR
    assert list(WEEKLY.occurrences(since + WEEK, since=since)) == [
        Interval(SATURDAY + 5 * WEEK, SATURDAY + 5 * WEEK + 2 * HOUR),
        Interval(SATURDAY + 6 * WEEK, SATURDAY + 6 * WEEK + 2 * HOUR),
    ]


def test_ending_it_cuts_the_present_one_and_calls_the_others_off() -> None:
    ended = replace(WEEKLY, ended_at=EpochMs(SATURDAY + WEEK + HOUR), ended_by="truong-ca")
    assert list(ended.occurrences(SATURDAY + 9 * WEEK)) == [
        Interval(SATURDAY, SATURDAY + 2 * HOUR),
        Interval(SATURDAY + WEEK, SATURDAY + WEEK + HOUR),
    ]
    assert not ended.is_on(EpochMs(SATURDAY + WEEK + HOUR))
    assert ended.last_end == SATURDAY + WEEK + HOUR


def test_when_the_newest_that_is_over_began() -> None:
    assert ONCE.began_before(EpochMs(SATURDAY + HOUR)) is None
    assert ONCE.began_before(EpochMs(SATURDAY + 2 * HOUR)) == SATURDAY
    assert WEEKLY.began_before(EpochMs(SATURDAY + 5 * WEEK + 3 * HOUR)) == SATURDAY + 5 * WEEK


@pytest.mark.parametrize(
    ("scope", "code", "found"),
    [
        (WindowScope.DEVICE, spoke(2), {spoke(2)}),
        (WindowScope.SITE, "51-D-T0001", {HUB_A, HUB_B}),
        (WindowScope.PAIR, HUB, {HUB_A, HUB_B}),
        (WindowScope.BLOC, "party", {HUB_A, HUB_B, spoke(1), spoke(2)}),
        (WindowScope.BLOC, "gov", set()),
        (WindowScope.DEVICE, "gone", set()),
    ],
)
def test_a_scope_stands_for_its_devices(scope: WindowScope, code: str, found: set[str]) -> None:
    window = replace(ONCE, scope=scope, code=code)
    assert devices_in([window], INVENTORY, SATURDAY) == found
    assert devices_in([window], INVENTORY, EpochMs(SATURDAY - 1)) == frozenset()


def test_a_sound_window_has_no_problems() -> None:
    assert problems(ONCE, INVENTORY) == problems(WEEKLY, INVENTORY) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"code": "gone"}, "not in the inventory"),
        ({"scope": WindowScope.BLOC, "code": "gov"}, "not in the inventory"),
        ({"start": ONCE.requested_at}, "has begun already"),
        ({"end": ONCE.start}, "must end after it begins"),
        ({"end": EpochMs(ONCE.start + 15 * DAY_MS)}, "within 14 days"),
        ({"again_until": ONCE.start}, "may come again"),
        ({"again_until": EpochMs(ONCE.start + 2000 * DAY_MS)}, "three years"),
        ({"again_until": local(2027, 6, 1), "end": EpochMs(ONCE.start + 8 * DAY_MS)}, "shorter than a week"),
        (
            {"again_until": local(2027, 6, 1), "every": Every.DAY, "end": EpochMs(ONCE.start + 25 * HOUR)},
            "a day",
        ),
        ({"reason": "  "}, "reason: must have"),
        ({"owner": "x" * 501}, "owner: must have"),
        ({"requested_by": ""}, "name: must have"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], problem: str) -> None:
    found = problems(replace(ONCE, **change), INVENTORY)  # type: ignore[arg-type]
    assert any(problem in text for text in found)


def test_one_person_cannot_be_two_by_spelling() -> None:
    assert same_person(" Trưởng-Ca", "trưởng-ca ")
    assert not same_person("truong-ca", "chi-huy")


def test_what_would_begin_when_the_series_ends_is_no_part_of_it() -> None:
    third = EpochMs(ONCE.start + 2 * WEEK)
    ends = {limit: replace(ONCE, again_until=limit) for limit in (third, EpochMs(third + 1))}
    found = [[part.start for part in series.occurrences(third + WEEK)] for series in ends.values()]
    assert found == [[ONCE.start, ONCE.start + WEEK], [ONCE.start, ONCE.start + WEEK, third]]
