"""Time stamps as devices write them: RFC 3164, its vendors' dialects, and ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from channelwatch.base.clock import EpochMs

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_HALF_YEAR_MS: Final = 182 * 86_400_000
_QUARTER_MS: Final = 900_000
_MONTH_NAMES: Final = b"jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_NAMED_ZONES: Final = {b"UTC": UTC, b"GMT": UTC, b"ICT": timezone(timedelta(hours=7))}
"""Other abbreviations mean several zones each: the device's configured zone decides."""

_CLOCK: Final = rb"(?P<clock>\d{2}:\d{2}:\d{2})(?:[.,](?P<fraction>\d{1,9}))?"
_OFFSET: Final = rb"(?P<offset>Z| ?[+-]\d{2}:?\d{2})?"
_ZONE_NAMES: Final = rb"UTC|GMT|ICT|[ECMP][SD]T|[CEMW]ES?T|[BIJKM]ST|SGT|HKT|MSK|MYT|PHT|WIB|AE[SD]T"
_ZONE: Final = rb"(?: ?(?P<zone>" + _ZONE_NAMES + rb")(?= ?:))?"
_MONTH: Final = rb"(?P<month>" + b"|".join(_MONTH_NAMES) + rb")"

_MONTH_FIRST: Final = re.compile(
    rb"(?P<unsynced>[*.])?"
    + _MONTH
    + rb" {1,2}0?(?P<day>\d{1,2})(?: (?P<year>\d{4}))? {1,2}"
    + _CLOCK
    + rb"(?: (?P<year_after>(?:19|20)\d{2})(?= ))?"
    + _OFFSET
    + _ZONE,
    re.IGNORECASE,
)
_YEAR_FIRST: Final = re.compile(
    rb"(?P<unsynced>[*.])?(?P<year>\d{4})[ -]" + _MONTH + rb"[ -] ?(?P<day>\d{1,2}) " + _CLOCK + _ZONE,
    re.IGNORECASE,
)
_ISO: Final = re.compile(
    rb"(?P<unsynced>[*.])?(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})[T ]"
    + _CLOCK
    + rb"(?:\.\d(?= ))?"  # a number that Huawei switches set behind the milliseconds
    + _OFFSET
    + _ZONE
)
_RFC5424: Final = re.compile(rb"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:\d{2})")

_FORMS_BY_FIRST: Final = {
    **{b"%d" % digit: (_ISO, _YEAR_FIRST) for digit in range(10)},
    **{name[:1]: (_MONTH_FIRST,) for name in _MONTH_NAMES},
    **dict.fromkeys((b"*", b"."), (_MONTH_FIRST, _ISO, _YEAR_FIRST)),
}
"""By its first octet in lower case; nothing else begins a stamp."""


class Stamp(NamedTuple):
    """A stamp found in a line: the instant (None if no such day or hour exists), and where it ends."""

    at: EpochMs | None
    end: int
    synced: bool | None


def read_stamp(line: bytes, start: int, *, received_at: EpochMs, zone: tzinfo) -> Stamp | None:
    """The stamp that begins exactly at `start`, or None.

    Without a year, it gets the one that puts it nearest to `received_at`; without an offset, it is in `zone`.
    """
    for form in _FORMS_BY_FIRST.get(line[start : start + 1].lower(), ()):
        found = form.match(line, start)
        if found:
            groups = found.groupdict()
            synced = False if groups["unsynced"] else None
            return Stamp(_instant(groups, received_at, zone), found.end(), synced)
    return None


def read_rfc5424_stamp(field: bytes) -> EpochMs | None:
    """The instant of an RFC 5424 TIMESTAMP (section 6.2.3), None if the field breaks its grammar.

    Leap seconds are refused there too.
    """
    found = _RFC5424.fullmatch(field)
    if not found:
        return None
    return rfc5424_instant(*found.groups())


def rfc5424_instant(second: bytes, fraction: bytes | None, offset: bytes) -> EpochMs | None:
    """The instant of the parts of an RFC 5424 TIMESTAMP: `YYYY-MM-DDThh:mm:ss`, its fraction, its offset."""
    return _with_fraction(_instant_of_full(second, offset), fraction)


@lru_cache(maxsize=4096)
def _instant_of_full(second: bytes, offset: bytes) -> EpochMs | None:
    date, clock = second.split(b"T")
    return dated_instant(date, clock, offset, UTC)


def dated_instant(date: bytes, clock: bytes, offset: bytes | None, zone: tzinfo) -> EpochMs | None:
    """The instant of `YYYY-MM-DD`, or `YYYY-Mmm-DD`, at `hh:mm:ss`; in `zone` unless it has an offset."""
    stated = _offset(offset) if offset else zone
    if stated is None:
        return None
    year, month, day = date.split(b"-")
    return _second_of(year, month.lower(), day, clock, stated)


def rfc3164_instant(
    stamp: bytes, year: bytes | None, received_at: EpochMs, zone: tzinfo, fraction: bytes | None = None
) -> EpochMs | None:
    """The instant of `Mmm dd hh:mm:ss` in its plainest form, as `read_stamp` would give it."""
    if year is None:
        second = _instant_of_plain(stamp, received_at // 1000, zone)
    else:
        second = _second_of(year, stamp[:3].lower(), stamp[4:6], stamp[7:], zone)
    return _with_fraction(second, fraction) if fraction else second


@lru_cache(maxsize=4096)
def _instant_of_plain(stamp: bytes, received_s: int, zone: tzinfo) -> EpochMs | None:
    """What comes in the same second mostly has the same stamp."""
    return _nearest_year(stamp[:3].lower(), stamp[4:6], stamp[7:], received_s, zone)


def _instant(groups: dict[str, bytes], received_at: EpochMs, zone: tzinfo) -> EpochMs | None:
    offset, named = groups.get("offset"), groups["zone"]
    if offset:
        stated = _offset(offset)
        if stated is None:
            return None
        zone = stated
    elif named:
        zone = _NAMED_ZONES.get(named.upper(), zone)
    month, day, clock = groups["month"].lower(), groups["day"], groups["clock"]
    year = groups.get("year") or groups.get("year_after")
    if year:
        second = _second_of(year, month, day, clock, zone)
    else:
        second = _nearest_year(month, day, clock, received_at // 1000, zone)
    return _with_fraction(second, groups["fraction"])


def _nearest_year(month: bytes, day: bytes, clock: bytes, received_s: int, zone: tzinfo) -> EpochMs | None:
    received_at = received_s * 1000
    this_year = _year_of(received_at // _QUARTER_MS, zone)
    near = _second_of(b"%d" % this_year, month, day, clock, zone)
    if near is not None and abs(near - received_at) < _HALF_YEAR_MS:
        return near
    # 29 February exists in one of these years at most, so each is tried by itself.
    others = [_second_of(b"%d" % year, month, day, clock, zone) for year in (this_year - 1, this_year + 1)]
    return min(
        (candidate for candidate in (near, *others) if candidate is not None),
        key=lambda candidate: abs(candidate - received_at),
        default=None,
    )


@lru_cache(maxsize=64)
def _year_of(quarter: int, zone: tzinfo) -> int:
    """The local year in a quarter of an hour since 1970: offsets are whole quarters, so none holds two years."""
    return (_EPOCH + quarter * _QUARTER_MS * _MILLISECOND).astimezone(zone).year


def _with_fraction(second: EpochMs | None, fraction: bytes | None) -> EpochMs | None:
    if second is None or not fraction:
        return second
    return EpochMs(second + int(fraction[:3].ljust(3, b"0")))


@lru_cache(maxsize=4096)
def _second_of(year: bytes, month: bytes, day: bytes, clock: bytes, zone: tzinfo) -> EpochMs | None:
    """A whole second. Devices that speak in the same second share it, so that most are looked up."""
    try:
        moment = datetime(
            int(year),
            _MONTHS.get(month) or int(month),
            int(day),
            int(clock[:2]),
            int(clock[3:5]),
            int(clock[6:]),
            tzinfo=zone,
        )
        return EpochMs((moment - _EPOCH) // _MILLISECOND)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=256)
def _offset(text: bytes) -> tzinfo | None:
    text = text.strip()
    if text in (b"Z", b"z"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        return None
    minutes += hours * 60
    return timezone(timedelta(minutes=-minutes if text[:1] == b"-" else minutes))
