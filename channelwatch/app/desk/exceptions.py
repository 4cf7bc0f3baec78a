"""What people type about the days on which a window that comes again does not take place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from channelwatch.base.errors import InputError
from channelwatch.inventory.maintenance import MAX_EXCEPTIONS, Window

HOLIDAYS = "holidays"


def left_out(window: Window, texts: Sequence[str], holidays: Iterable[date]) -> Window:
    """`window` without the days that `texts` name: days, spans of days, or all of `holidays`.

    InputError names each day that cannot be read, or on which the window would not take place anyway: most likely a
    slip.
    """
    named, problems = set[date](), list[str]()
    parts = [part.strip() for whole in texts for part in whole.split(",")]
    for text in parts:
        if text == HOLIDAYS:
            continue
        try:
            days = set(_days(text))
        except ValueError:
            expected = f"2027-02-09, 2027-02-05..2027-02-11 ({MAX_EXCEPTIONS} days at most) or holidays"
            problems.append(f"--except {text!r}: must be such as {expected}")
            continue
        if days.isdisjoint(window.without(days).except_days):
            problems.append(f"--except {text!r}: it does not take place then anyway")
        named |= days
    if problems:
        raise InputError(problems)
    return window.without(named.union(holidays) if HOLIDAYS in parts else named)


def _days(text: str) -> Iterator[date]:
    first, _, last = text.partition("..")
    day, end = date.fromisoformat(first), date.fromisoformat(last or first)
    if not day <= end < day + timedelta(days=MAX_EXCEPTIONS):
        raise ValueError("backward, or too long")
    while day <= end:
        yield day
        day += timedelta(days=1)
