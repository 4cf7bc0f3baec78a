"""Each shortcut of the hot path gives exactly what the thorough way gives."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from itertools import product

import pytest
from channelwatch_collector.syslog.parse.canonical import read_canonical
from channelwatch_collector.syslog.parse.header import DEFAULT_ZONE, parse_header
from channelwatch_collector.syslog.parse.message import decode
from channelwatch_collector.syslog.parse.redact import (
    Redacted,
    redact,
    redact_value,
    refuse,
    refuse_octets,
    search_thoroughly,
    shows_no_sign,
)
from channelwatch_collector.syslog.parse.rfc3164 import parse_rfc3164
from channelwatch_collector.syslog.parse.rfc5424 import find_fault, looks_like_rfc5424, parse_rfc5424
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs

AT = EpochMs(1_795_318_923_000)
NEW_YEAR, JULY = EpochMs(1_798_736_405_000), EpochMs(1_814_400_000_000)
WEST = timezone(timedelta(hours=-9, minutes=-30))

STAMPS = ["Nov 22 10:42:03", "Nov  7 00:00:00", "Dec 31 23:59:58", "Feb 29 10:00:00", "Jan  1 00:00:05",
          "Nov 31 10:00:00", "Nov 22 24:00:00", "nov 22 10:42:03", "Abc 22 10:42:03", "Nov 22 10:42:60"]  # fmt: skip
HOSTS = ["gw-01", "2024", "1999", "2024a", "192.0.2.9", "2001:db8::5", "UTC", "GMT", "UTC:", "-", "a_b.c", "+0700", "Z",
         "gw:", "%ASA", "77", "h[1]", "é", ""]  # fmt: skip
TAGS = ["sshd[1]: ", "sshd: ", "a/b[c-d]:\t", "%SYS-5-X: ", "77: ", "7 : ", "date=x ", "sshd[1] ", "su(pam)[2]: ", ": ",
        "x:y: ", "x:", "_a:  ", "a" * 49 + ": ", "a[" + "b" * 129 + "]: ", "1a: ", ""]  # fmt: skip
TEXTS = ["x", "%SYS-5-CONFIG_I: x", "UI_COMMIT: é", " \\ "]


@pytest.mark.parametrize("zone", [DEFAULT_ZONE, UTC, WEST])
@pytest.mark.parametrize("priority", ["<0>", "<191>", "<192>", "<013>"])
def test_a_canonical_line_is_read_as_the_lenient_reader_reads_it(priority: str, zone: timezone) -> None:
    number, taken = int(priority.strip("<>")), 0
    for stamp, host, tag, text, at in product(STAMPS, HOSTS, TAGS, TEXTS, (AT, NEW_YEAR, JULY)):
        body = f"{stamp} {host} {tag}{text}".encode()
        quick = read_canonical(priority.encode() + body, at, zone)
        if quick is not None:
            taken += 1
            thorough = parse_rfc3164(
                body, facility=number // 8, severity=number % 8, received_at=at, zone=zone
            )
            assert quick == thorough, body
            assert quick == parse_header(priority.encode() + body, received_at=at, zone=zone)
    assert (taken > 1_000) == (priority in ("<0>", "<191>"))


SEQUENCES = ["", "7: ", "521: gw1: ", "521: Nov: ", "521: gw1: gw2: ", "gw1: ", "0: ", "12345678901: "]
CISCO_STAMPS = ["Nov 22 10:42:03", "*Nov 22 10:42:03.1", ".Nov  7 2026 10:42:03.123456", "Feb 29 10:42:03",
                "Nov 22 2025 10:42:03", "Nov 31 2026 10:42:03", "Nov 22 24:42:03.5", "Nov 22 10:42:03.1234567",
                "2026 Nov 22 10:42:03"]  # fmt: skip
CISCO_HOSTS = [": ", " fw-01 : ", " fw-01: ", " UTC: ", " utc : ", " UTC : ", " 2024 : ", " z : ", " est-1 : ",
               " ict : ", " gmt: ", ":", " : ", " est : ", " a b : "]  # fmt: skip
CISCO_TEXTS = ["%ASA-5-750006: x", "%SYS-5-CONFIG_I: é", "%x", "x", "%%01IF/4/UP:x"]


@pytest.mark.parametrize("zone", [DEFAULT_ZONE, UTC, WEST])
def test_a_cisco_line_is_read_as_the_lenient_reader_reads_it(zone: timezone) -> None:
    taken = 0
    cases = product(SEQUENCES, CISCO_STAMPS, CISCO_HOSTS, CISCO_TEXTS, (AT, NEW_YEAR, JULY))
    for sequence, stamp, host, text, at in cases:
        body = f"{sequence}{stamp}{host}{text}".encode()
        quick = read_canonical(b"<189>" + body, at, zone)
        if quick is not None:
            taken += 1
            assert quick == parse_rfc3164(body, facility=23, severity=5, received_at=at, zone=zone), body
    assert taken > 900


DATES = ["2026-11-22", "2026-02-29", "0000-01-01", "2026-Nov-22", "2026-11-2"]
CLOCKS = ["10:42:03", "24:00:00", "10:42", "10:42:03.5"]
REST = ["", 'tz="+0700" ', "tz=-0930 ", 'tz="+2900" ', "tz=7 ", 'xtz="+0100" ', 'devname="fg-01" ', "devname=é ",
        'devname="a" tz="+0000" devname="b" ', "%SYS-5-X: "]  # fmt: skip


@pytest.mark.parametrize("zone", [DEFAULT_ZONE, WEST])
def test_a_fortigate_line_is_read_as_the_lenient_reader_reads_it(zone: timezone) -> None:
    taken = 0
    for date, clock, first, second in product(DATES, CLOCKS, REST, REST):
        body = f"date={date} time={clock} {first}{second}msg=x".encode()
        quick = read_canonical(b"<189>" + body, AT, zone)
        if quick is not None:
            taken += 1
            assert quick == parse_rfc3164(body, facility=23, severity=5, received_at=AT, zone=zone), body
    assert taken == 3 * 2 * len(REST) ** 2


HUAWEI_STAMPS = [
    "Nov 22 2026 10:42:03",
    "Nov  7 2026 10:42:03",
    "Feb 29 2026 10:42:03",
    "nov 22 2026 10:42:03",
]
OFFSETS = ["", "+07:00", "-09:30", "+0700", "+29:00", " +07:00", "Z", ".5+07:00"]
HUAWEI_TEXTS = ["%%01IFNET/4/LINK_STATE(l)[5]:x", "%%01ifnet/4/x:", "%% x", "%SYS-5-X: x"]


@pytest.mark.parametrize("zone", [DEFAULT_ZONE, WEST])
def test_a_huawei_line_is_read_as_the_lenient_reader_reads_it(zone: timezone) -> None:
    taken = 0
    for stamp, offset, host, text in product(HUAWEI_STAMPS, OFFSETS, HOSTS, HUAWEI_TEXTS):
        body = f"{stamp}{offset} {host} {text}".encode()
        quick = read_canonical(b"<188>" + body, AT, zone)
        if quick is not None:
            taken += 1
            assert quick == parse_rfc3164(body, facility=23, severity=4, received_at=AT, zone=zone), body
    assert taken > 200


STAMPS_5424 = ["2026-11-22T10:42:03.123456+07:00", "-", "2026-11-22T10:42:03Z", "2026-11-22T10:42:60Z",
               "2026-02-30T10:42:03Z", "2026-11-22T10:42:03.1234567Z", "2026-11-22T10:42:03+24:00",
               "0000-01-01T00:00:00Z", "2026-11-22"]  # fmt: skip
FIELDS = ["gw-01", "-", "", "é", "a" * 32, "a" * 33, "a" * 49, "a" * 129, "a" * 256, "\x7f"]
DATA = ["-", "- ", "[a]", '[a b="c"][d e="f"] ', '[a b="c"][a d="e"] ', '[b@1 c="d\\"e\\]" f="\\n\\\\"] ', '[a b="',
        '[timeQuality isSynced="0"] x', '[a b="é"] ', '[a b="c"]x', "x", "", "-x"]  # fmt: skip


def test_a_faultless_message_is_read_as_the_fault_finder_reads_it() -> None:
    names = [[field if place == at else "x" for at in range(4)] for place in range(4) for field in FIELDS]
    for stamp, fields, data, encoding in product(STAMPS_5424, names, DATA, ("utf-8", "latin-1")):
        body = f"1 {stamp} {' '.join(fields)} {data}text é".encode(encoding)
        if looks_like_rfc5424(body):
            quick = parse_rfc5424(body, facility=1, severity=5)
            assert quick == find_fault(body, facility=1, severity=5), body


HEX = st.integers(1, 20).flatmap(
    lambda size: st.builds(
        lambda sep, groups: sep.join(groups),
        st.sampled_from([" ", ":", "-", ".", "", ", "]),
        st.lists(
            st.sampled_from(["00", "aabb", "0123", "deadbeef", "1", "zz"]), min_size=size, max_size=size
        ),
    )
)
SIGNS = st.sampled_from(
    ["key", "=", " is ", "SPI 0xdeadbeef", "://a:b@c", "12345678_i", "$1$abcdefgh", "Bearer abcdefgh", "SHA256:",
     "auth sha x", "secret", "[masked]", "\n", "_", "\x85", "0x"]
)  # fmt: skip
PLAIN = st.text(alphabet="abXY019 :.-_=/+", max_size=24)
SCRAPS = st.lists(st.one_of(PLAIN, HEX, SIGNS, PLAIN), min_size=1, max_size=3).map("".join)


@settings(max_examples=500)
@given(SCRAPS)
@example("aabbccdd-" * 8)
@example("00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f")
@example("0a0b 0c0d 0e0f 0a0b 0c0d 0e0f 0a0b 0c0d")
@example("a" * 15 + "1")
@example("Pass=x")
@example("1234abcd_i")
def test_a_text_that_shows_no_sign_is_one_that_redaction_leaves_alone(text: str) -> None:
    assert redact(text) == search_thoroughly(text)
    if shows_no_sign(text):
        assert search_thoroughly(text) == Redacted(text, 0)
        assert search_thoroughly(f'="{text}"').masked == 0
        assert redact_value("", text) == text


def test_ordinary_values_show_no_sign() -> None:
    for value in ("root", "192.0.2.7", "2001:db8::7", "51-D-T0001-A", "peer is dead", "eth0_1"):
        assert shows_no_sign(value)


STAMPED = ["mat", "MAT", "Mat", "TOI ", "TỐI MẬT", "mật", "do ", ": ", "[", "\\u1eac", "M", "T", "format", "-----",
           "-----BEGIN KEY-----", "A" * 128, "/+" * 64, " "]  # fmt: skip


def test_octets_are_refused_exactly_when_their_text_is() -> None:
    refused = 0
    for pieces in product(STAMPED, repeat=3):
        line = "".join(pieces).encode()
        assert refuse_octets(line) is refuse(decode(line)[0]), line
        refused += refuse_octets(line) is not None
    assert refused > 1_000


@given(st.binary(max_size=400))
def test_any_octets_are_refused_exactly_when_their_text_is(line: bytes) -> None:
    assert refuse_octets(line) is refuse(decode(line)[0])
