"""Values as they came on the wire, read by the type rules that a profile may name (facts on MIBs, rules 1 to 3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address

from channelwatch.status.signals import Scalar
from channelwatch_collector.profiles.expression import Absent, Unusable, leading_number
from channelwatch_collector.snmp.port import SnmpType, Value

MAX_TEXT = 255
"""Longest text that is kept of a device's answer, in characters."""


MAX_TEXTS = 4096
"""How many texts are remembered as they were read: a device gives the same names in every answer."""

MAX_DOTTED = 16_384
"""How many object identifiers and indices are remembered as text."""


class TypeRule(StrEnum):
    """How an object is read. `AUTO` goes by the type on the wire."""

    AUTO = "auto"
    TEXT = "text"
    NUMBER = "number"
    HEX = "hex"
    IP = "ip"
    DATE = "date"


def read(value: Value, rule: TypeRule, zone: tzinfo) -> Scalar:
    """`value` by `rule`; dates as epoch ms, `zone` standing in where the device names none.

    Raises Absent where the agent has no such value (also a date of zeros, "never"), Unusable where the rule
    cannot read what came.
    """
    if not value.exists or value.value is None:
        raise Absent
    match rule:
        case TypeRule.AUTO:
            return _auto(value)
        case TypeRule.TEXT:
            return text(value.value) if isinstance(value.value, bytes) else str(_auto(value))
        case TypeRule.NUMBER:
            return _number(value)
        case TypeRule.HEX:
            return _octets(value).hex()
        case TypeRule.IP:
            return _address(value)
        case TypeRule.DATE:
            return date_ms(_octets(value), zone)


def width(value: Value) -> int:
    """The bits after which a counter of this wire type wraps; 0 where a fall can only be a reset."""
    return _WIDTH.get(value.type, 0)


_WIDTH = {SnmpType.COUNTER32: 32, SnmpType.COUNTER64: 64, SnmpType.OPAQUE_COUNTER64: 64}


@lru_cache(maxsize=MAX_TEXTS)
def text(octets: bytes) -> str:
    """UTF-8 if it is printable, else hex; without padding and control characters, at most MAX_TEXT characters."""
    try:
        plain = octets.decode("utf-8").rstrip("\x00").strip()
    except UnicodeDecodeError:
        return octets[: MAX_TEXT // 2].hex()
    plain = re.sub(r"[\r\n\t]+", " ", plain)
    return plain[:MAX_TEXT] if plain.isprintable() else octets[: MAX_TEXT // 2].hex()


@lru_cache(maxsize=MAX_DOTTED)
def dotted(oid: tuple[int, ...]) -> str:
    """`1.3.6` from its numbers."""
    return ".".join(map(str, oid))


@lru_cache(maxsize=MAX_DOTTED)
def joined(column: str, index: str) -> str:
    """A column's text and an index as one: a single text for all devices that have this instance."""
    return column + index


def _auto(value: Value) -> Scalar:
    inner = value.value
    if isinstance(inner, bytes):
        if value.type not in (SnmpType.OCTET_STRING, SnmpType.OPAQUE):
            raise Unusable
        return text(inner)
    if isinstance(inner, tuple):
        return dotted(inner)
    return inner


def _number(value: Value) -> int | float:
    found = _auto(value)
    if isinstance(found, str):
        return leading_number(found)
    assert found is not None, "absent values were sorted out before"
    return found


def _octets(value: Value) -> bytes:
    if not isinstance(value.value, bytes):
        raise Unusable
    return value.value


def _address(value: Value) -> str:
    """Four or sixteen raw octets, or an IpAddress, as text."""
    if isinstance(value.value, str):
        return value.value
    octets = _octets(value)
    if len(octets) in (4, 16):
        return str(ip_address(octets))
    return text(octets)


def date_ms(octets: bytes, zone: tzinfo) -> int:
    """DateAndTime (RFC 2579) in 8 or 11 octets, or the same as text, in epoch ms. Raises Absent for all zeros."""
    if not octets or not any(octets):
        raise Absent
    try:
        return _binary_date(octets, zone) if len(octets) in (8, 11) else _text_date(octets, zone)
    except (ValueError, OverflowError):
        raise Unusable from None


def _binary_date(octets: bytes, zone: tzinfo) -> int:
    year, (month, day, hour, minute, second, decisecond) = int.from_bytes(octets[:2], "big"), octets[2:8]
    offset = zone
    if len(octets) == 11:
        ahead = timedelta(hours=octets[9], minutes=octets[10])
        offset = timezone(-ahead if octets[8:9] == b"-" else ahead)
    # A leap second (60) is the next minute's first.
    at = datetime(year, month, day, hour, minute, min(second, 59), decisecond * 100_000, tzinfo=offset)
    return round(at.timestamp() * 1000) + max(0, second - 59) * 1000


_TEXT_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[,T ]\s*(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?"
    r"(?:,?\s*(?:(Z)|([+-])(\d{1,2}):?(\d{2}|\d)))?"
)


def _text_date(octets: bytes, zone: tzinfo) -> int:
    found = _TEXT_DATE.fullmatch(octets.decode("ascii", "replace").strip("\x00 "))
    if found is None:
        raise ValueError
    offset: tzinfo = zone
    if found[8]:
        offset = UTC
    elif found[9]:
        ahead = timedelta(hours=int(found[10]), minutes=int(found[11]))
        offset = timezone(-ahead if found[9] == "-" else ahead)
    year, month, day, hour, minute, second = (int(found[group]) for group in range(1, 7))
    micro = int((found[7] or "0").ljust(6, "0"))
    return round(datetime(year, month, day, hour, minute, second, micro, tzinfo=offset).timestamp() * 1000)
