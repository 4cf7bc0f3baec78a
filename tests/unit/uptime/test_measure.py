"""Which time counts."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from channelwatch.base.intervals import Interval
from channelwatch.uptime import period
from channelwatch.uptime.measure import Maintenance, Scope, Slot, breakdown, measure
from channelwatch.uptime.timeline import (
    Change,
    DownCause,
    Segment,
    State,
    Timeline,
    UnknownCause,
    from_changes,
)
from tests.support.timelines import DAY, HOUR, TARGET, scope, seen_down


def test_time_to_come_and_time_before_commissioning_do_not_count() -> None:
    timeline = seen_down([], 100)
    found = measure(timeline, Scope(Interval(0, 100), 60, (Interval(20, 30), Interval(50, 200))), TARGET)
    assert (found.sums.total_ms, found.sums.up_ms) == (20, 20)


def test_nothing_recorded_is_blind_time_not_up_time() -> None:
    found = measure(Timeline(()), scope(100), TARGET)
    assert (found.sums.blind_ms, found.sums.base_ms) == (100, 100)
    after_the_last_sample = measure(seen_down([], 70), scope(100), TARGET)
    assert (after_the_last_sample.sums.up_ms, after_the_last_sample.sums.blind_ms) == (70, 30)


def test_a_device_never_commissioned_has_no_data() -> None:
    found = measure(seen_down([], 100), Scope(Interval(0, 100), 100, ()), TARGET)
    assert found.verdict == "no_data"


def test_overlapping_maintenance_is_a_union() -> None:
    windows = (Maintenance(10, 30, 5), Maintenance(20, 40, 5), Maintenance(90, 120, 5))
    found = measure(seen_down([(15, 25)], 100), scope(100, maintenance=windows), TARGET)
    assert found.sums.maintenance_ms == 40
    assert found.sums.down_lo_ms == 0
    assert found.figures.a_lo == 1
    assert found.without_exclusion.a_lo is not None
    assert found.without_exclusion.a_lo * 100 == 90


@pytest.mark.parametrize(("approved_at", "excluded"), [(9, 20), (10, 0), (11, 0), (None, 0)])
def test_maintenance_counts_only_when_approved_before_it_starts(
    approved_at: int | None, excluded: int
) -> None:
    of = scope(100, maintenance=(Maintenance(10, 30, approved_at),))
    assert measure(seen_down([], 100), of, TARGET).sums.maintenance_ms == excluded


def test_a_later_attestation_turns_unknown_time_into_backed_up_time() -> None:
    changes = [Change(0, 0, State.UP), Change(10, 10, State.UNKNOWN), Change(40, 40, State.DOWN)]
    timeline = from_changes(changes, until=50)
    sums = measure(timeline.attest((Interval(5, 30),)), scope(50), TARGET).sums
    assert (sums.up_ms, sums.unknown_ms, sums.down_lo_ms, sums.attested_ms) == (30, 10, 10, 25)


def test_every_state_and_cause_has_its_slot() -> None:
    changes = [
        Change(0, 0, State.UP),
        Change(1, 1, State.DEGRADED),
        Change(3, 6, State.DOWN),
        Change(10, 10, State.UNKNOWN, UnknownCause.SILENT),
        Change(15, 15, State.DOWN, DownCause.LINK),
        Change(21, 21, State.DOWN, DownCause.UPSTREAM),
        Change(28, 28, State.UNKNOWN, UnknownCause.PATH),
        Change(36, 36, State.SPLIT),
    ]
    found = breakdown(from_changes(changes, until=45), scope(50, now=46))
    lengths = {slot: sum(part.length for part in parts) for slot, parts in found.items() if parts}
    assert lengths == {
        Slot.UP: 1,
        Slot.DEGRADED: 2,
        Slot.EDGE: 3,
        Slot.DOWN_SELF: 4,
        Slot.SILENT: 5,
        Slot.DOWN_LINK: 6,
        Slot.DOWN_UPSTREAM: 7,
        Slot.PATH: 8,
        Slot.SPLIT: 9,
        Slot.BLIND: 1,
        Slot.FUTURE: 4,
    }


def test_beside_unknown_time_there_is_no_edge() -> None:
    changes = [Change(0, 0, State.UP), Change(10, 20, State.UNKNOWN), Change(30, 40, State.DOWN)]
    found = from_changes(changes, until=50)
    assert found.segments[1:] == (Segment(10, 40, State.UNKNOWN), Segment(40, 50, State.DOWN))


@pytest.mark.parametrize(
    "changes",
    [
        [Change(5, 4, State.UP)],
        [Change(0, 0, State.EDGE)],
        [Change(0, 5, State.UP), Change(4, 6, State.DOWN)],
        [Change(99, 99, State.UP)],
    ],
)
def test_changes_that_contradict_one_another_are_refused(changes: list[Change]) -> None:
    with pytest.raises(ValueError, match="change"):
        from_changes(changes, until=50)


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]


def test_months_begin_at_local_midnight() -> None:
    assert period.month(2026, 12) == Interval(at(2026, 11, 30, 17), at(2026, 12, 31, 17))
    assert period.year(2026) == Interval(at(2025, 12, 31, 17), at(2026, 12, 31, 17))
    assert period.day(date(2026, 7, 1)) == Interval(at(2026, 6, 30, 17), at(2026, 7, 1, 17))
    yearly_report = period.days(date(2025, 12, 15), date(2026, 12, 14))
    assert yearly_report == Interval(at(2025, 12, 14, 17), at(2026, 12, 14, 17))


def test_a_day_is_as_long_as_the_zone_says() -> None:
    # On 13 June 1975 the zone went from UTC+8 to UTC+7 at midnight.
    assert period.day(date(1975, 6, 12)).length == DAY + HOUR


def test_a_reversed_period_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot end on"):
        period.days(date(2026, 2, 1), date(2026, 1, 31))
