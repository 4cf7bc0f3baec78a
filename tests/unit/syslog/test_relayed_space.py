"""A relay that turns RFC 3164 into RFC 5424 leaves the space that stood after the tag."""

from __future__ import annotations

from channelwatch_collector.syslog.line import read_line

from channelwatch.base.clock import EpochMs
from channelwatch.status.events import EventKind
from tests.support.packs import packs

LINE = b"<36>1 2026-11-22T02:46:09.682118+00:00 vm sshd - - -  Failed password for invalid user thu from 192.0.2.7"


def test_a_space_before_the_text_does_not_hide_it_from_the_patterns() -> None:
    line = read_line(LINE + b" port 50022 ssh2", received_at=EpochMs(0), classifier=packs())
    assert line.classified is not None
    assert line.classified.kind is EventKind.LOGIN_FAIL
