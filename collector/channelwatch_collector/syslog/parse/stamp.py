"""Time stamps as devices write them: RFC 3164, its vendors' dialects, and ISO 8601."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from channelwatch.base.clock import EpochMs

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_HALF_YEAR_MS: Final = 182 * 86_400_000
_MONTH_NAMES: Final = b"jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_NAMED_ZONES: Final = {b"UTC": 0, b"GMT": 0, b"ICT": 7 * 60}
"""Minutes east of UTC. Other abbreviations mean several zones each: the device's configured zone decides."""

_CLOCK: Final = rb"(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?"
_OFFSET: Final = rb"(?P<offset>Z| ?[+-]\d{2}:?\d{2})?"
_ZONE_NAMES: Final = rb"UTC|GMT|ICT|[ECMP][SD]T|[CEMW]ES?T|[BIJKM]ST|SGT|HKT|MSK|MYT|PHT|WIB|AE[SD]T"
_ZONE: Final = rb"(?: (?P<zone>" + _ZONE_NAMES + rb")(?= ?:))?"
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
    rb"(?P<unsynced>[*.])?(?P<year>\d{4})[-/](?P<month>\d{2})[-/](?P<day>\d{2})[T ]"
    + _CLOCK
    + _OFFSET
    + _ZONE
)
_RFC5424: Final = re.compile(
    rb"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})T"
    rb"(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6}))?"
    rb"(?P<offset>Z|[+-]\d{2}:\d{2})"
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A stamp found in a line: the instant (None if no such day or hour exists), and where it ends."""

    at: EpochMs | None
    end: int
    synced: bool | None


def read_stamp(line: bytes, start: int, *, received_at: EpochMs, zone: tzinfo) -> Stamp | None:
    """The stamp that begins exactly at `start`, or None.

    Without a year, it gets the one that puts it nearest to `received_at`; without an offset, it is in `zone`.
    """
    for form in (_MONTH_FIRST, _ISO, _YEAR_FIRST):
        found = form.match(line, start)
        if found:
            synced = False if found["unsynced"] else None
            return Stamp(_instant(found, received_at=received_at, zone=zone), found.end(), synced)
    return None


def read_rfc5424_stamp(field: bytes) -> EpochMs | None:
    """The instant of an RFC 5424 TIMESTAMP (section 6.2.3), None if the field breaks its grammar.

    Leap seconds are refused there too.
    """
    found = _RFC5424.fullmatch(field)
    if not found:
        return None
    zone = _offset(found["offset"])
    if zone is None:
        return None
    return _at_year(found, int(found["year"]), zone)


def _instant(found: re.Match[bytes], *, received_at: EpochMs, zone: tzinfo) -> EpochMs | None:
    groups = found.groupdict()
    offset = groups.get("offset")
    named = _NAMED_ZONES.get((groups.get("zone") or b"").upper())
    if offset:
        stated = _offset(offset)
        if stated is None:
            return None
        zone = stated
    elif named is not None:
        zone = timezone(timedelta(minutes=named))
    year = groups.get("year") or groups.get("year_after")
    if year:
        return _at_year(found, int(year), zone)
    return _nearest_year(found, received_at, zone)


def _nearest_year(found: re.Match[bytes], received_at: EpochMs, zone: tzinfo) -> EpochMs | None:
    this_year = (_EPOCH + received_at * _MILLISECOND).astimezone(zone).year
    near = _at_year(found, this_year, zone)
    if near is not None and abs(near - received_at) < _HALF_YEAR_MS:
        return near
    # 29 February exists in one of these years at most, so each is tried by itself.
    candidates = [near, _at_year(found, this_year - 1, zone), _at_year(found, this_year + 1, zone)]
    return min(
        (candidate for candidate in candidates if candidate is not None),
        key=lambda candidate: abs(candidate - received_at),
        default=None,
    )


def _at_year(found: re.Match[bytes], year: int, zone: tzinfo) -> EpochMs | None:
    month = _MONTHS.get(found["month"].lower()) or int(found["month"])
    fraction = (found["fraction"] or b"0").ljust(6, b"0")[:6]
    try:
        moment = datetime(
            year,
            month,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            int(found["second"]),
            int(fraction),
            tzinfo=zone,
        )
        return EpochMs((moment - _EPOCH) // _MILLISECOND)
    except (ValueError, OverflowError):
        return None


def _offset(text: bytes) -> tzinfo | None:
    text = text.strip()
    if text in (b"Z", b"z"):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        return None
    minutes += hours * 60
    return timezone(timedelta(minutes=-minutes if text[:1] == b"-" else minutes))
