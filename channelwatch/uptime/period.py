"""Periods whose edges are midnights in local time. A day is not assumed to have 86,400 seconds."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from channelwatch.base.clock import LOCAL_ZONE
from channelwatch.base.intervals import Interval


def days(first: date, last: date, zone: ZoneInfo = LOCAL_ZONE) -> Interval:
    """From the start of `first` to the end of `last`, both local days. ValueError when reversed."""
    if last < first:
        raise ValueError(f"a period cannot end on {last} and begin on {first}")
    return Interval(_midnight(first, zone), _midnight(last + timedelta(days=1), zone))


def day(of: date, zone: ZoneInfo = LOCAL_ZONE) -> Interval:
    """One local day."""
    return days(of, of, zone)


def month(year: int, month_number: int, zone: ZoneInfo = LOCAL_ZONE) -> Interval:
    """One local calendar month, `month_number` 1-12."""
    first = date(year, month_number, 1)
    return days(first, _month_after(first) - timedelta(days=1), zone)


def year(number: int, zone: ZoneInfo = LOCAL_ZONE) -> Interval:
    """One local calendar year."""
    return days(date(number, 1, 1), date(number, 12, 31), zone)


def _month_after(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _midnight(of: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(of, time.min, zone).timestamp()) * 1000
