"""Values from the wire by the rules that recorded walks taught."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from channelwatch_collector.profiles.expression import Absent, Unusable
from channelwatch_collector.profiles.values import MAX_TEXT, TypeRule, date_ms, read, text, width
from channelwatch_collector.snmp.port import SnmpType, Value
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.clock import LOCAL_ZONE
from tests.unit.profiles.answers import NOW


def octets(body: bytes) -> Value:
    return Value(SnmpType.OCTET_STRING, body)


def binary_date(at: datetime, *, zone: bool = True) -> bytes:
    body = at.year.to_bytes(2, "big") + bytes((at.month, at.day, at.hour, at.minute, at.second))
    body += bytes((at.microsecond // 100_000,))
    if not zone:
        return body
    offset = at.utcoffset() or timedelta()
    ahead = abs(offset) // timedelta(minutes=1)
    return body + (b"-" if offset < timedelta() else b"+") + bytes((ahead // 60, ahead % 60))


@pytest.mark.parametrize("kind", [SnmpType.NO_SUCH_OBJECT, SnmpType.NO_SUCH_INSTANCE, SnmpType.NULL])
def test_what_the_agent_lacks_is_absent_not_zero(kind: SnmpType) -> None:
    with pytest.raises(Absent):
        read(Value(kind, None), TypeRule.AUTO, UTC)


@pytest.mark.parametrize(
    ("given_value", "rule", "expected"),
    [
        (Value(SnmpType.GAUGE32, 3), TypeRule.AUTO, 3),
        (octets(b"Active\x00"), TypeRule.AUTO, "Active"),
        (octets(b"\x00\x1b\x17\x00\x01\x02"), TypeRule.AUTO, "001b17000102"),
        (octets("phòng máy".encode()), TypeRule.AUTO, "phòng máy"),
        (octets("防火墙".encode("gbk")), TypeRule.AUTO, "防火墙".encode("gbk").hex()),
        (Value(SnmpType.OBJECT_IDENTIFIER, (1, 3, 6, 1)), TypeRule.AUTO, "1.3.6.1"),
        (Value(SnmpType.IP_ADDRESS, "192.0.2.7"), TypeRule.AUTO, "192.0.2.7"),
        (octets(bytes((192, 0, 2, 7))), TypeRule.IP, "192.0.2.7"),
        (octets(bytes.fromhex("20010db8000000000000000000000001")), TypeRule.IP, "2001:db8::1"),
        (octets(b"41 C"), TypeRule.NUMBER, 41),
        (octets(b"3.101 V"), TypeRule.NUMBER, 3.101),
        (Value(SnmpType.COUNTER64, 9), TypeRule.NUMBER, 9),
        (octets(b"\x80\x00"), TypeRule.HEX, "8000"),
        (Value(SnmpType.OPAQUE_FLOAT, 1.5), TypeRule.AUTO, 1.5),
    ],
)
def test_each_rule_reads_what_it_is_for(given_value: Value, rule: TypeRule, expected: object) -> None:
    assert read(given_value, rule, UTC) == expected


@pytest.mark.parametrize(
    ("given_value", "rule"),
    [
        (octets(b"n/a"), TypeRule.NUMBER),
        (Value(SnmpType.INTEGER, 5), TypeRule.DATE),
        (octets(b"yesterday"), TypeRule.DATE),
        (Value(SnmpType.UNKNOWN, b"\x30\x00"), TypeRule.AUTO),
    ],
)
def test_what_a_rule_cannot_read_is_unusable(given_value: Value, rule: TypeRule) -> None:
    with pytest.raises(Unusable):
        read(given_value, rule, UTC)


def test_text_is_bounded_and_printable() -> None:
    assert len(text(b"x" * 5000)) == MAX_TEXT
    assert text(b"two\nlines\tof text ") == "two lines of text"
    assert text("\u202eevil".encode()).isprintable()


def test_dates_with_a_zone_are_exact() -> None:
    hanoi = datetime(2026, 11, 22, 9, 0, 0, 300_000, timezone(timedelta(hours=7)))
    assert date_ms(binary_date(hanoi), UTC) == NOW + 300
    west = datetime(2026, 11, 21, 20, 30, tzinfo=timezone(-timedelta(hours=5, minutes=30)))
    assert date_ms(binary_date(west), UTC) == NOW


def test_dates_without_a_zone_are_the_devices_local_time() -> None:
    body = binary_date(datetime(2026, 11, 22, 9, 0), zone=False)
    assert date_ms(body, LOCAL_ZONE) == NOW


@pytest.mark.parametrize(
    "written",
    [
        b"2026-11-22,2:00:00.0,+0:0",
        b"2026-11-22T02:00:00Z",
        b"2026-11-22 09:00:00+07:00",
        b"2026-11-22,9:00:00.0,+7:0",
    ],
)
def test_dates_as_text_are_read_too(written: bytes) -> None:
    assert date_ms(written, UTC) == NOW


@pytest.mark.parametrize("body", [b"", bytes(8), bytes(11)])
def test_a_date_of_zeros_means_never(body: bytes) -> None:
    with pytest.raises(Absent):
        date_ms(body, UTC)


def test_a_leap_second_is_the_next_minutes_first() -> None:
    body = (2016).to_bytes(2, "big") + bytes((12, 31, 23, 59, 60, 0)) + b"+\x00\x00"
    assert date_ms(body, UTC) == 1_483_228_800_000


@given(st.binary(max_size=14))
def test_no_octets_bring_the_date_reader_down(body: bytes) -> None:
    with contextlib.suppress(Absent, Unusable):
        date_ms(body, UTC)


@pytest.mark.parametrize(
    ("kind", "bits"),
    [(SnmpType.COUNTER32, 32), (SnmpType.COUNTER64, 64), (SnmpType.GAUGE32, 0), (SnmpType.OCTET_STRING, 0)],
)
def test_only_counters_wrap(kind: SnmpType, bits: int) -> None:
    assert width(Value(kind, 0)) == bits
