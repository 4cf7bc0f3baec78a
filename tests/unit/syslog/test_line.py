"""From octets to what may be kept."""

from __future__ import annotations

import pytest
from channelwatch_collector.syslog.line import Line, read_line
from channelwatch_collector.syslog.parse.redact import Refusal

from channelwatch.base.clock import EpochMs
from channelwatch.status.events import EventKind
from tests.support.packs import packs

AT = EpochMs(1_795_318_923_000)
KEY = "00112233445566778899aabbccddeeff"


def read(raw: bytes) -> Line:
    return read_line(raw, received_at=AT, classifier=packs())


def test_a_known_line_is_classified_and_its_text_redacted() -> None:
    line = read(
        b'<131>1 2026-11-22T03:42:03Z gw encryptor - tunnel-down [enc@99999 tunnel="hub-a" peer="p"] SPI 0xdeadbeef'
    )
    assert line.classified is not None
    assert line.classified.kind is EventKind.TUNNEL_DOWN
    assert line.message.text == "SPI [masked]"
    assert line.masked == 1


@pytest.mark.parametrize(
    "raw",
    [
        f'<13>1 - h a - - [x psk="hunter2hunter2" b="{KEY}"] t'.encode(),
        f"<13>1 - {KEY} {KEY} {KEY} {KEY} - password=hunter2hunter2".encode(),
        f"<13>Nov 22 10:42:03 {KEY} {KEY}[{KEY}]: password=hunter2hunter2".encode(),
        f"<13>1 bad {KEY} password=hunter2hunter2".encode(),
    ],
)
def test_no_part_of_a_line_keeps_a_secret(raw: bytes) -> None:
    line = read(raw)
    assert KEY not in repr(line)
    assert "hunter2" not in repr(line)


def test_nothing_but_time_and_priority_is_kept_of_a_refused_line() -> None:
    line = read('<131>1 2026-11-22T03:42:03Z host app p m [x k="v"] TỐI MẬT'.encode())
    assert line.refused is Refusal.SECRECY_STAMP
    assert line.classified is None
    message = line.message
    assert (message.severity, message.device_time) == (3, AT)
    assert not any((message.text, message.hostname, message.app_name, message.msgid, message.structured_data))
