"""Which months, quarters and years a period has."""

from __future__ import annotations

from channelwatch.base.intervals import Interval
from channelwatch.uptime.period import month
from channelwatch.uptime.shares import longer_than_months, months_within


def test_quarters_and_years_count_only_with_all_their_months() -> None:
    period = Interval(month(2025, 11).start, month(2027, 2).end)
    months = months_within(period, period.end)
    quarters = [[month(2026, first + more) for more in range(3)] for first in (1, 4, 7, 10)]
    year = [month(2026, number) for number in range(1, 13)]
    found = [list(parts) for parts in longer_than_months(months)]
    assert found == [*quarters, year]
    without = [one for one in reversed(months) if one != month(2026, 5)]
    assert [list(parts) for parts in longer_than_months(without)] == [quarters[0], *quarters[2:]]
