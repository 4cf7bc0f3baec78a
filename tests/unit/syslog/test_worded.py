"""Lines of log files that tell facility and level in words."""

from __future__ import annotations

import pytest
from channelwatch_collector.syslog.parse.header import parse_header
from channelwatch_collector.syslog.parse.message import Format
from channelwatch_collector.syslog.parse.worded import as_sent

from channelwatch.base.clock import EpochMs, iso_utc

AT = EpochMs(1_795_318_923_000)


@pytest.mark.parametrize(
    ("line", "priority", "rest"),
    [
        ("Nov 22 10:42:03 gw-01 authpriv.warn pluto[7]: x", 84, "Nov 22 10:42:03 gw-01 pluto[7]: x"),
        ("Sun Nov 22 10:42:03 2026 kern.info kernel: x", 6, "Nov 22 10:42:03 2026 kernel: x"),
        ("Nov  2 10:42:03 gw-01 daemon.crit apcupsd[7]: x", 26, "Nov  2 10:42:03 gw-01 apcupsd[7]: x"),
        ("Nov 22 10:42:03 gw-01 local7.warning x: y", 188, "Nov 22 10:42:03 gw-01 x: y"),
    ],
)
def test_facility_and_level_in_words_make_the_priority(line: str, priority: int, rest: str) -> None:
    assert as_sent(line.encode()) == (priority, rest.encode())


@pytest.mark.parametrize(
    "line",
    [
        "Nov 22 10:42:03 gw-01 pluto[7]: daemon.err x",
        "Nov 22 10:42:03 gw-01 daemon.loud pluto[7]: x",
        "Nov 22 10:42:03 daemonx.err pluto[7]: x",
        "<30>Nov 22 10:42:03 gw-01 daemon.err pluto[7]: x",
        "",
    ],
)
def test_other_lines_have_no_such_words(line: str) -> None:
    assert as_sent(line.encode()) is None


def test_such_a_line_is_read_whole() -> None:
    message = parse_header(b"Sun Nov 22 10:42:03 2026 daemon.crit apcupsd[7]: Power failure.", received_at=AT)
    assert (message.fmt, message.facility, message.severity) == (Format.RFC3164, 3, 2)
    assert (message.hostname, message.app_name, message.text) == (None, "apcupsd", "Power failure.")
    assert message.device_time is not None
    assert iso_utc(message.device_time) == "2026-11-22T03:42:03.000Z"


def test_a_line_of_rfc_5424_that_lost_its_priority_is_read() -> None:
    message = parse_header(b"1 2026-11-22T10:42:03+07:00 gw-01 pluto 7 - - x", received_at=AT)
    assert (message.fmt, message.severity, message.hostname) == (Format.RFC5424, 5, "gw-01")
