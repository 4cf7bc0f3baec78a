"""RFC 3164 and what devices send in its place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from channelwatch_collector.syslog.parse.header import parse_header, read_severity
from channelwatch_collector.syslog.parse.message import Format, Message, RawReason

from channelwatch.base.clock import EpochMs, iso_utc

AT = EpochMs(1_795_318_923_000)  # 2026-11-22T03:42:03Z, 10:42:03 in Viet Nam


def parse(line: str | bytes, at: EpochMs = AT) -> Message:
    return parse_header(line.encode() if isinstance(line, str) else line, received_at=at)


def instant(text: str) -> EpochMs:
    return EpochMs(int(datetime.fromisoformat(text).timestamp() * 1000))


def test_a_plain_line_is_read_in_vietnamese_time() -> None:
    message = parse("<34>Nov 22 10:42:01 gw-01 sshd[2211]: session closed\n")
    assert message.fmt is Format.RFC3164
    assert (message.facility, message.severity) == (4, 2)
    assert (message.hostname, message.app_name, message.procid) == ("gw-01", "sshd", "2211")
    assert message.device_time == AT - 2000
    assert message.text == "session closed"


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("Nov  7 10:42:01", "2026-11-07T03:42:01.000Z"),
        ("Nov 07 10:42:01", "2026-11-07T03:42:01.000Z"),
        ("Nov 22 10:42:01.250", "2026-11-22T03:42:01.250Z"),
        ("Nov 22 2024 10:42:01", "2024-11-22T03:42:01.000Z"),
        ("Nov 22 10:42:01 2024", "2024-11-22T03:42:01.000Z"),
        ("2024 Nov 22 10:42:01", "2024-11-22T03:42:01.000Z"),
        ("2026-11-22T10:42:01+07:00", "2026-11-22T03:42:01.000Z"),
        ("2026-11-22 10:42:01,5", "2026-11-22T03:42:01.500Z"),
        ("2026-11-22T03:42:01Z", "2026-11-22T03:42:01.000Z"),
        ("2026-1-2 10:42:01", "2026-01-02T03:42:01.000Z"),
        ("2026-11-22 10:42:01.250.1", "2026-11-22T03:42:01.250Z"),
        ("Nov 22 2026 10:42:01+09:00", "2026-11-22T01:42:01.000Z"),
        ("nov 22 10:42:01", "2026-11-22T03:42:01.000Z"),
    ],
)
def test_stamps_of_many_dialects_are_instants(stamp: str, utc: str) -> None:
    message = parse(f"<13>{stamp} gw-01 app: x")
    assert message.device_time is not None
    assert iso_utc(message.device_time) == utc
    assert (message.hostname, message.app_name, message.text) == ("gw-01", "app", "x")


def test_the_zone_of_the_device_is_used_where_the_line_names_none() -> None:
    message = parse_header(b"<13>Nov 22 10:42:03 h a: x", received_at=AT, zone=UTC)
    assert message.device_time == AT + 7 * 3_600_000
    west = parse_header(b"<13>Nov 22 10:42:03 h a: x", received_at=AT, zone=timezone(timedelta(hours=-3)))
    assert west.device_time == AT + 10 * 3_600_000


@pytest.mark.parametrize(
    ("received", "stamp", "expected"),
    [
        ("2027-01-01T00:00:05+07:00", "Dec 31 23:59:58", "2026-12-31T23:59:58+07:00"),
        ("2026-12-31T23:59:58+07:00", "Jan  1 00:00:05", "2027-01-01T00:00:05+07:00"),
        ("2028-03-01T00:00:05+07:00", "Feb 29 23:59:59", "2028-02-29T23:59:59+07:00"),
        ("2027-06-01T00:00:00+07:00", "Feb 29 12:00:00", "2028-02-29T12:00:00+07:00"),
        ("2025-01-02T00:00:00+07:00", "Feb 29 12:00:00", "2024-02-29T12:00:00+07:00"),
    ],
)
def test_a_missing_year_is_the_one_nearest_to_the_receipt(received: str, stamp: str, expected: str) -> None:
    message = parse(f"<13>{stamp} h a: x", at=instant(received))
    assert message.device_time == instant(expected)


def test_a_leap_day_with_no_leap_year_near_has_no_time() -> None:
    message = parse("<13>Feb 29 12:00:00 h a: x", at=instant("2026-06-01T00:00:00+07:00"))
    assert message.device_time is None
    assert message.hostname == "h", "the rest of the header is still read"


@pytest.mark.parametrize("stamp", ["Nov 31 10:00:00", "Nov 22 25:00:00", "2026-13-01T00:00:00Z"])
def test_a_stamp_that_no_calendar_has_gives_no_time(stamp: str) -> None:
    message = parse(f"<13>{stamp} h a: x")
    assert (message.fmt, message.device_time, message.hostname) == (Format.RFC3164, None, "h")


@pytest.mark.parametrize(
    ("line", "host", "app", "msgid", "synced"),
    [
        ("<189>521: *Nov 22 10:42:03.1: %SYS-5-CONFIG_I: Configured", None, None, "SYS-5-CONFIG_I", False),
        ("<189>521: gw1: .Nov 22 10:42:03: %LINK-3-UPDOWN: down", "gw1", None, "LINK-3-UPDOWN", False),
        ("<189>521: gw1: Nov 22 10:42:03 ICT: %LINK-3-UPDOWN: x", "gw1", None, "LINK-3-UPDOWN", None),
        ("<166>Nov 22 2026 10:42:03 fw-01 : %ASA-6-302013: Built", "fw-01", None, "ASA-6-302013", None),
        ("<166>Nov 22 2026 10:42:03: %ASA-6-302013: Built", None, None, "ASA-6-302013", None),
        ("<166>%ASA-6-302013: Built", None, None, "ASA-6-302013", None),
        ("<190>gw1: 2026 Nov 22 03:42:03 UTC: %AUTHPRIV-6-M: x", "gw1", None, "AUTHPRIV-6-M", None),
        (
            "<187>9: gw1 LC/0/2/CPU0:Nov 22 10:42:03.834 : ifmgr[214]: %PKT_INFRA-LINK-3-UPDOWN : x",
            "gw1", "ifmgr", "PKT_INFRA-LINK-3-UPDOWN", None,
        ),
        ("<187>Nov 22 2026 10:42:03 R1 %%01IFNET/4/LINK_STATE(l)[0]:x", "R1", None, "IFNET/4/LINK_STATE", None),
        ("<189>Nov 22 10:42:03 sw1 1234570: %SYS-5-CONFIG_I: x", "sw1", None, "SYS-5-CONFIG_I", None),
        ("<189>Nov 22 11:00:00 sw1 77: *Nov 22 10:42:03.5: %SYS-5-A: x", "sw1", None, "SYS-5-A", False),
        ("<29>Nov 22 10:42:03 s1 mgd[1]: UI_COMMIT: User", "s1", "mgd", "UI_COMMIT", None),
    ],
)  # fmt: skip
def test_vendor_headers_give_host_program_and_mnemonic(
    line: str, host: str | None, app: str | None, msgid: str, synced: bool | None
) -> None:
    message = parse(line)
    assert message.fmt is Format.RFC3164
    assert (message.hostname, message.app_name, message.msgid) == (host, app, msgid)
    assert message.clock_synced is synced


@pytest.mark.parametrize(
    ("line", "host", "app", "text"),
    [
        ("<13>Nov 22 10:42:03 2001:db8::5 app: x", "2001:db8::5", "app", "x"),
        ("<13>Nov 22 10:42:03 2001:db8::5%eth0 app: x", "2001:db8::5%eth0", "app", "x"),
        ("<13>Nov 22 10:42:03 192.0.2.9 text only", "192.0.2.9", None, "text only"),
        ("<13>Nov 22 10:42:03 sshd[12]: x", None, "sshd", "x"),
        ("<13>Nov 22 10:42:03 kernel: x", None, "kernel", "x"),
        ("<13>Nov 22 10:42:03 gw-01", "gw-01", None, ""),
        ("<13>app[3]: x", None, "app", "x"),
        ("<13>just words", None, None, "just words"),
        ("<13>Nov 22 10:42:03 h CEF:0|V|P|1|2|n|3|a=b", "h", None, "CEF:0|V|P|1|2|n|3|a=b"),
        ('<13>Nov 22 10:42:03 h {"a": 1}', "h", None, '{"a": 1}'),
        ("<30>app: 2026-11-22 10:42:03 started", None, "app", "2026-11-22 10:42:03 started"),
        ("<13>Nov 22 10:42:03 h system,info user logged in", "h", None, "system,info user logged in"),
    ],
)
def test_missing_parts_stay_missing(line: str, host: str | None, app: str | None, text: str) -> None:
    message = parse(line)
    assert (message.hostname, message.app_name, message.text) == (host, app, text)


def test_what_a_relay_puts_before_a_cisco_line_does_not_hide_the_device_s_own_clock() -> None:
    message = parse("<189>Nov 22 11:00:00 sw1 77: *Nov 22 10:42:03.500: %SYS-5-A: x")
    assert message.device_time == AT + 500
    assert message.text == "%SYS-5-A: x"


@pytest.mark.parametrize(
    ("line", "host", "ms"),
    [
        ('<189>date=2026-11-22 time=10:42:03 devname="fg-01" tz="+0700" logid="1"', "fg-01", AT),
        ("<189>date=2026-11-22 time=10:42:03 devname=fg-01 logid=1", "fg-01", AT),
        ('<189>date=2026-11-22 time=12:42:03 tz="+0900" logid="1"', None, AT),
        ("<189>date=2026-02-31 time=12:42:03 devname=fg-01 logid=1", "fg-01", None),
    ],
)
def test_fortigate_s_parameters_stand_for_a_header(line: str, host: str | None, ms: int | None) -> None:
    message = parse(line)
    assert (message.hostname, message.device_time) == (host, ms)
    assert message.text.startswith("date=")


@pytest.mark.parametrize(
    ("line", "host", "ms"),
    [
        ('<30>device="SFW" date=2026-11-22 time=10:42:03 timezone="+07" log_id=1', None, AT),
        ('<30>device_name="SFW" timestamp="2026-11-22T10:42:03+0700" device_model="XG1" log_id=1', None, AT),
        ('<134>id=gw-01 sn=0017C5000001 time="2026-11-22 10:42:03" fw=192.0.2.1 pri=6 m=98', None, AT),
        ('<134>id=gw-01 sn=0017C5000001 time="2026-11-22 03:42:03 UTC" fw=192.0.2.1 pri=6 m=98', None, AT),
        ('<189>logver=700 date=2026-11-22 time=10:42:03 devname="fg-01" logid="1"', "fg-01", AT),
    ],
)
def test_the_time_among_a_maker_s_parameters_is_the_device_s(line: str, host: str | None, ms: int) -> None:
    message = parse(line)
    assert (message.hostname, message.device_time) == (host, ms)
    assert message.text == line.partition(">")[2]


@pytest.mark.parametrize(
    ("line", "host", "msgid"),
    [
        ("<189>Nov 22 10:42:03 gw-01: %ASA-5-111008: x", "gw-01", "ASA-5-111008"),
        ("<189>12: gw-01: 14: 2y10w: %SYS-5-A: x", "gw-01", "SYS-5-A"),
        ("<189>gw-01: 00:00:46: %SYS-5-A: x", "gw-01", "SYS-5-A"),
        ("<189>00:00:46: %SYS-5-A: x", None, "SYS-5-A"),
        ("<189>12: *Nov 22 10:42:03KST: %SYS-5-A: x", None, "SYS-5-A"),
        ("<28>Nov 22 10:42:03 gw-01 mib2d[7]: %DAEMON-4-SNMP_TRAP_A: x", "gw-01", "SNMP_TRAP_A"),
        ("<29>2026 Nov 22 10:42:03 gw-01 %DAEMON-3-SYSTEM_MSG: x", "gw-01", "DAEMON-3-SYSTEM_MSG"),
        ("<188>Nov 22 10:42:03 gw-01 %%01IPSEC-VPN/5/A_B(l)[3]:x", "gw-01", "IPSEC-VPN/5/A_B"),
    ],
)
def test_the_name_and_the_message_id_are_found_where_makers_put_them(
    line: str, host: str | None, msgid: str
) -> None:
    message = parse(line)
    assert (message.hostname, message.msgid) == (host, msgid)


def test_the_card_of_a_large_junos_device_stands_before_its_program() -> None:
    message = parse("<29>Nov 22 10:42:03 gw-01 (FPC Slot 5, PIC Slot 2) SPC5_PIC2 kmd[375]: x")
    assert (message.hostname, message.app_name, message.procid, message.text) == ("gw-01", "kmd", "375", "x")


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("Nov 22 10:42:03 gw-01 app: x", "gw-01"),
        ("gw-01: Nov 22 10:42:03: %SYS-5-A: x", "gw-01"),
        ("12: Nov 22 10:42:03: %SYS-5-A: x", None),
        ('date=2026-11-22 time=10:42:03 devname="gw-01" logid="1"', "gw-01"),
    ],
)
def test_a_line_without_priority_that_tells_its_time_is_user_notice(line: str, host: str | None) -> None:
    message = parse(line)
    assert message.fmt is Format.RFC3164
    assert (message.facility, message.severity, message.hostname) == (1, 5, host)
    assert message.device_time == AT


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", RawReason.EMPTY),
        ("  \r\n\0", RawReason.EMPTY),
        ("words", RawReason.NO_PRIORITY),
        ("<192>x", RawReason.BAD_PRIORITY),
        ("<013>x", RawReason.BAD_PRIORITY),
        ("<>x", RawReason.BAD_PRIORITY),
        ("<1", RawReason.BAD_PRIORITY),
    ],
)
def test_a_line_of_no_format_is_raw_with_the_reason(line: str, reason: RawReason) -> None:
    message = parse(line)
    assert (message.fmt, message.reason, message.severity) == (Format.RAW, reason, 5)


@pytest.mark.parametrize(
    ("line", "severity"), [(b"<0>x", 0), (b"<131>1 -", 3), (b"<999>x", 5), (b"x", 5), (b"", 5)]
)
def test_severity_is_read_without_parsing(line: bytes, severity: int) -> None:
    assert read_severity(line) == severity
