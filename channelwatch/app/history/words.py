"""What people type about scopes, times and targets. InputError says what was wrong with it."""

from __future__ import annotations

import re
from datetime import date, datetime
from fractions import Fraction

from channelwatch.base.clock import LOCAL_ZONE
from channelwatch.base.errors import InputError
from channelwatch.base.intervals import Interval
from channelwatch.pipeline.availability import Asked, Question
from channelwatch.uptime import period

FIRST_YEAR, LAST_YEAR = 2000, 2199
FORM = re.compile(
    r"\d{4}(?:-\d\d(?:-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)
"""A year, a month, a day, or an instant (RFC 3339, seconds and offset may be left out)."""


def question(text: str) -> Question:
    """`device:CODE`, `pair:CODE`, `channel:CODE`, `commune:UNIT`, `bloc:NAME` (each may be `all`) or `province`."""
    kind, colon, code = text.partition(":")
    if kind == "circuit":
        raise InputError(
            [f"--scope {text!r}: nothing is measured on a circuit: ask for the channels over it"]
        )
    if kind not in list(Asked) or bool(colon and code) == (kind == Asked.PROVINCE):
        expected = (
            "device:, pair:, channel:, commune: and a code, bloc:NAME (`all` for every one) or province"
        )
        raise InputError([f"--scope {text!r}: must be {expected}"])
    return Question(Asked(kind), code)


def span(first: str, last: str | None) -> Interval:
    """From the beginning of what `first` names to the end of what `last` does; that of `first` when it is None."""
    begins = when(first, "--from")
    ends = begins if last is None else when(last, "--to")
    if begins.start >= ends.end:
        raise InputError(
            [f"--from {first}: must be before --to" if last else f"--from {first}: --to is needed"]
        )
    return Interval(begins.start, ends.end)


def when(text: str, option: str) -> Interval:
    """A year, month or day in Viet Nam's time as a whole, or an instant (no length); without an offset it is +07:00."""
    if FORM.fullmatch(text) is None:
        expected = "2026, 2026-11, 2026-11-22 or 2026-11-22T08:00:00+07:00"
        raise InputError([f"{option} {text!r}: must be such as {expected}"])
    if not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise InputError([f"{option} {text!r}: the year must be from {FIRST_YEAR} to {LAST_YEAR}"])
    try:
        return _when(text)
    except ValueError:
        raise InputError([f"{option} {text!r}: there is no such day or time"]) from None


def _when(text: str) -> Interval:
    if len(text) == len("2026"):
        return period.year(int(text))
    if len(text) == len("2026-11"):
        return period.month(int(text[:4]), int(text[5:]))
    if len(text) == len("2026-11-22"):
        return period.day(date.fromisoformat(text))
    at = datetime.fromisoformat(text)
    ms = round((at if at.tzinfo else at.replace(tzinfo=LOCAL_ZONE)).timestamp() * 1000)
    return Interval(ms, ms)


def target(text: str) -> Fraction:
    """A percentage above 0 and at most 100 as a share of 1."""
    found = re.fullmatch(r"(\d{1,3})(?:[.,](\d{1,6}))?\s*%?", text, re.ASCII)
    share = Fraction(f"{found[1]}.{found[2] or 0}") / 100 if found else Fraction(0)
    if not 0 < share <= 1:
        raise InputError([f"--target {text!r}: must be a percentage above 0 and at most 100, such as 99.9"])
    return share
