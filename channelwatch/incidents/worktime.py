"""When people are at work: hours, weekdays and the holidays of a table. Pure.

Days off are decided anew each year and Tết moves with the moon, so the table is data: `channelwatch oncall import` adds
to what is known here. A day may also be worked that is no weekday, in exchange for another (làm bù).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from channelwatch.base.clock import LOCAL_ZONE, EpochMs

HORIZON_DAYS = 400
"""A table that has no working day for longer than this is not believed."""

TET = {
    2026: date(2026, 2, 17),
    2027: date(2027, 2, 6),
    2028: date(2028, 1, 26),
    2029: date(2029, 2, 13),
    2030: date(2030, 2, 2),
    2031: date(2031, 1, 23),
    2032: date(2032, 2, 11),
    2033: date(2033, 1, 31),
    2034: date(2034, 2, 19),
    2035: date(2035, 2, 8),
}
"""The first day of the lunar year (Mùng 1 Tết) by the calendar of Viet Nam."""

HUNG_KINGS_DAY = {
    2026: date(2026, 4, 26),
    2027: date(2027, 4, 16),
    2028: date(2028, 4, 4),
    2029: date(2029, 4, 23),
    2030: date(2030, 4, 12),
    2031: date(2031, 4, 1),
    2032: date(2032, 4, 19),
    2033: date(2033, 4, 9),
    2034: date(2034, 4, 28),
    2035: date(2035, 4, 17),
}
"""The tenth day of the third lunar month (Giỗ Tổ Hùng Vương) by the calendar of Viet Nam."""

_FIXED = ((1, 1), (4, 30), (5, 1), (9, 2))


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day off or, with `is_worked`, one that is worked although it would be free."""

    day: date
    name: str
    is_worked: bool = False


def known_holidays() -> tuple[Holiday, ...]:
    """What is certain beforehand: the fixed days, Tết from its eve to the third day, and the Hùng Kings' day."""
    names = {
        (1, 1): "Tết Dương lịch",
        (4, 30): "Giải phóng miền Nam",
        (5, 1): "Quốc tế Lao động",
        (9, 2): "Quốc khánh",
    }
    found = [Holiday(date(year, *day), names[day]) for year in TET for day in _FIXED]
    for first in TET.values():
        found += [Holiday(first + timedelta(days=offset), "Tết Nguyên đán") for offset in range(-1, 3)]
    found += [Holiday(day, "Giỗ Tổ Hùng Vương") for day in HUNG_KINGS_DAY.values()]
    return tuple(sorted(found, key=lambda item: item.day))


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """Working hours of a weekday (Monday to Friday), and what the table says of single days."""

    begins: time = time(7, 30)
    ends: time = time(17, 0)
    days_off: frozenset[date] = frozenset()
    days_worked: frozenset[date] = frozenset()

    def with_days(self, holidays: tuple[Holiday, ...]) -> WorkCalendar:
        """The same hours with this table; the later entry of a day counts."""
        last = {item.day: item.is_worked for item in holidays}
        return WorkCalendar(
            self.begins,
            self.ends,
            frozenset(day for day, is_worked in last.items() if not is_worked),
            frozenset(day for day, is_worked in last.items() if is_worked),
        )

    def is_workday(self, day: date) -> bool:
        """Is `day` worked?"""
        return day in self.days_worked or (day.weekday() < 5 and day not in self.days_off)

    def in_hours(self, at: EpochMs) -> bool:
        """Are people at work at `at`?"""
        local = _local(at)
        return self.is_workday(local.date()) and self.begins <= local.time() < self.ends

    def next_day(self, at: EpochMs) -> EpochMs:
        """When the first working day after the day of `at` begins."""
        return next(self._days_after(at), EpochMs(at + HORIZON_DAYS * 86_400_000))

    def begun(self, since: EpochMs, until: EpochMs) -> int:
        """How many working days after the day of `since` have begun by `until`."""
        count = 0
        for begin in self._days_after(since):
            if begin > until:
                break
            count += 1
        return count

    def hours(self, since: EpochMs, until: EpochMs) -> Iterator[tuple[EpochMs, EpochMs]]:
        """The working hours that touch [since, until), each as (begin, end)."""
        day = _local(since).date()
        while (begin := _at(day, self.begins)) < until:
            if self.is_workday(day):
                yield begin, _at(day, self.ends)
            day += timedelta(days=1)

    def _days_after(self, at: EpochMs) -> Iterator[EpochMs]:
        first = _local(at).date()
        for offset in range(1, HORIZON_DAYS):
            day = first + timedelta(days=offset)
            if self.is_workday(day):
                yield _at(day, self.begins)


def _local(at: EpochMs) -> datetime:
    return datetime.fromtimestamp(at / 1000, LOCAL_ZONE)


def _at(day: date, clock: time) -> EpochMs:
    return EpochMs(int(datetime.combine(day, clock, LOCAL_ZONE).timestamp() * 1000))


ORDINARY = WorkCalendar().with_days(known_holidays())
"""The hours of the domain model (section 3.4) and the days off that are known beforehand."""
