"""RFC 5424 headers, structured data and text."""

from __future__ import annotations

import pytest
from channelwatch_collector.syslog.parse.header import parse_header
from channelwatch_collector.syslog.parse.message import Format, Message, RawReason, SdElement

from channelwatch.base.clock import EpochMs

AT = EpochMs(1_795_318_923_000)  # 2026-11-22T03:42:03Z


def parse(line: str | bytes) -> Message:
    return parse_header(line.encode() if isinstance(line, str) else line, received_at=AT)


def test_every_field_of_a_full_message_is_read() -> None:
    message = parse(
        '<165>1 2026-11-22T01:02:03.123456Z gw-01.example.test charon 733 ID47 [ex@32473 a="1" b="2"][meta x="y"] hi'
    )
    assert message.fmt is Format.RFC5424
    assert (message.facility, message.severity) == (20, 5)
    assert message.device_time == 1_795_309_323_123
    assert (message.hostname, message.app_name) == ("gw-01.example.test", "charon")
    assert (message.procid, message.msgid) == ("733", "ID47")
    assert message.structured_data == (
        SdElement("ex@32473", (("a", "1"), ("b", "2"))),
        SdElement("meta", (("x", "y"),)),
    )
    assert message.text == "hi"
    assert message.reason is None


def test_nil_values_are_none_and_the_text_may_be_missing() -> None:
    message = parse("<0>1 - - - - - -")
    assert message.fmt is Format.RFC5424
    assert message.device_time is None
    assert (message.hostname, message.app_name, message.procid, message.msgid) == (None,) * 4
    assert (message.structured_data, message.text) == ((), "")


@pytest.mark.parametrize(
    ("stamp", "ms"),
    [
        ("2026-11-22T08:02:03+07:00", 1_795_309_323_000),
        ("2026-11-22T01:02:03.1Z", 1_795_309_323_100),
        ("2026-11-21T19:32:03.000003-05:30", 1_795_309_323_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
    ],
)
def test_timestamps_with_offsets_are_instants(stamp: str, ms: int) -> None:
    assert parse(f"<13>1 {stamp} h a - - - x").device_time == ms


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-22T01:02:03",  # no offset
        "2026-11-22t01:02:03Z",
        "2026-11-22T01:02:03z",
        "2026-11-22T01:02:60Z",  # leap second
        "2026-11-22T01:02:03.1234567Z",
        "2026-02-29T01:02:03Z",
        "2026-11-22T01:02:03+24:00",
        "2026-11-22T24:00:00Z",
        "0000-11-22T01:02:03Z",
    ],
)
def test_a_timestamp_outside_the_grammar_makes_the_line_raw(stamp: str) -> None:
    message = parse(f"<11>1 {stamp} host app - - - text")
    assert message.fmt is Format.RAW
    assert message.reason is RawReason.BAD_TIMESTAMP
    assert message.device_time is None
    assert message.severity == 3, "a valid PRI is kept"
    assert "host app" in message.text, "nothing of the line is lost"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("<13>1 - " + "h" * 256 + " a - - - x", RawReason.BAD_HOSTNAME),
        ("<13>1 - h " + "a" * 49 + " - - - x", RawReason.BAD_APP_NAME),
        ("<13>1 - h a " + "p" * 129 + " - - x", RawReason.BAD_PROCID),
        ("<13>1 - h a - " + "m" * 33 + " - x", RawReason.BAD_MSGID),
        ("<13>1 - h\u00e9 a - - - x", RawReason.BAD_HOSTNAME),
        ("<13>1 - h a - -", RawReason.BAD_STRUCTURED_DATA),
        ("<13>1 - h a - - []", RawReason.BAD_STRUCTURED_DATA),
        ("<13>1 - h a - - [a b]", RawReason.BAD_STRUCTURED_DATA),
        ('<13>1 - h a - - [a b="]"]', RawReason.BAD_STRUCTURED_DATA),
        ('<13>1 - h a - - [a b="1"]x', RawReason.BAD_STRUCTURED_DATA),
        ('<13>1 - h a - - [a b="1" text', RawReason.BAD_STRUCTURED_DATA),
        ("<13>1 - h a - - [" + "a" * 33 + "] x", RawReason.BAD_STRUCTURED_DATA),
        ("<13>1 - h a - - -x", RawReason.BAD_STRUCTURED_DATA),
        ('<13>1 - h a - - [a b="1"][a c="2"] x', RawReason.REPEATED_SD_ID),
    ],
)
def test_a_header_fault_names_the_field(line: str, reason: RawReason) -> None:
    message = parse(line)
    assert (message.fmt, message.reason) == (Format.RAW, reason)


def test_fields_before_the_fault_are_kept() -> None:
    message = parse('<131>1 2026-11-22T01:02:03Z gw-01 CheckPoint 99 - [action:"Accept"; x] t')
    assert message.reason is RawReason.BAD_STRUCTURED_DATA
    assert (message.hostname, message.app_name, message.procid) == ("gw-01", "CheckPoint", "99")
    assert message.device_time == 1_795_309_323_000
    assert message.text == '[action:"Accept"; x] t'


@pytest.mark.parametrize(
    ("escaped", "value"),
    [(r"a\"b", 'a"b'), (r"a\\b", r"a\b"), (r"a\]b", "a]b"), (r"a\nb", r"a\nb"), (r"\\\"", r"\"")],
)
def test_only_three_escapes_are_undone_in_parameter_values(escaped: str, value: str) -> None:
    (element,) = parse(f'<13>1 - h a - - [x k="{escaped}"] t').structured_data
    assert element.get("k") == value


def test_a_parameter_name_may_repeat_in_one_element() -> None:
    (element,) = parse('<13>1 - h a - - [origin ip="192.0.2.1" ip="192.0.2.2"] t').structured_data
    assert element.params == (("ip", "192.0.2.1"), ("ip", "192.0.2.2"))
    assert element.get("ip") == "192.0.2.1"
    assert element.get("absent") is None


def test_the_byte_order_mark_is_not_part_of_the_text() -> None:
    message = parse(b"<13>1 - h a - - - " + b"\xef\xbb\xbf" + "mất kênh".encode())
    assert message.text == "mất kênh"
    assert not message.invalid_utf8


def test_octets_that_are_not_utf8_are_kept_as_escapes() -> None:
    message = parse(b'<13>1 - h a - - [x k="\xff"] caf\xe9')
    assert message.text == "caf\\xe9"
    assert message.structured_data[0].get("k") == "\\xff"
    assert message.invalid_utf8


@pytest.mark.parametrize(("synced", "expected"), [("0", False), ("1", True), ("2", None)])
def test_time_quality_tells_whether_the_clock_is_synced(synced: str, expected: bool | None) -> None:
    message = parse(f'<13>1 - h a - - [timeQuality tzKnown="1" isSynced="{synced}"] t')
    assert message.clock_synced is expected


def test_a_long_message_is_cut_and_marked() -> None:
    message = parse_header(b"<13>1 - h a - - - " + b"x" * 9000, received_at=AT)
    assert message.truncated
    assert len(message.text) == 8192 - len("<13>1 - h a - - - ")


def test_newlines_inside_the_text_are_kept() -> None:
    assert parse("<13>1 - h a - - - one\ntwo\n\0").text == "one\ntwo"
