"""From octets to what may be kept, and the command that shows it."""

from __future__ import annotations

import argparse
import io
import json

import pytest
from channelwatch_collector.syslog import cli
from channelwatch_collector.syslog.line import Line, read_line
from channelwatch_collector.syslog.parse.redact import Refusal

from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.base.errors import InputError
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


def run_command(
    options: list[str], source: bytes, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    cli.configure(parser)
    status = cli.run(parser.parse_args(["parse", *options]), clock=ManualClock(AT), source=io.BytesIO(source))
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_the_command_shows_each_line_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    source = b"<86>Nov 22 10:42:03 gw sshd[1]: Failed password for root from 192.0.2.7 port 5 ssh2\n\nwords\n"
    status, out, _ = run_command(["--json"], source, capsys)
    first, second = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert first["kind"] == "login_fail"
    assert first["fields"] == {"account": "root", "source": "192.0.2.7", "method": "password"}
    assert first["device_time"] == "2026-11-22T03:42:03.000Z"
    assert (second["kind"], second["reason"]) == (None, "no_pattern")
    assert (second["format"], second["format_reason"]) == ("raw", "no_priority")


def test_the_command_shows_each_line_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    source = b'<131>1 - gw encryptor - bypass-on [enc@99999 account="op"] plain\nwords\n'
    status, out, _ = run_command(["--zone", "UTC"], source, capsys)
    assert status == 0
    assert "bypass_on" in out
    assert "crypto.mode" in out
    assert "- (no_pattern)" in out


def test_the_command_says_why_a_line_states_no_signal(capsys: pytest.CaptureFixture[str]) -> None:
    reasons: dict[bytes, str | None] = {
        b"<162>Nov 22 2026 10:42:03 fw : %ASA-2-321005: System CPU utilization reached 96%": None,
        b"<86>Nov 22 10:42:03 gw sshd[1]: Failed password for root from 192.0.2.7 port 5 ssh2": "pattern_states_none",
        b"<187>7: Nov 22 10:42:03: %REDUNDANCY-3-SWITCHOVER: RP switchover (PEER_DOWN)": "field_missing",
    }
    _, out, _ = run_command(["--json"], b"\n".join(reasons) + b"\n", capsys)
    shown = [json.loads(line) for line in out.splitlines()]
    assert [line["signal_reason"] for line in shown] == list(reasons.values())
    assert [bool(line["readings"]) for line in shown] == [reason is None for reason in reasons.values()]


def test_the_command_names_a_wrong_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="--zone: unknown time zone 'Mars/Base'"):
        run_command(["--zone", "Mars/Base"], b"", capsys)
    with pytest.raises(InputError, match="no such file"):
        run_command(["--pack", "/nonexistent/pack.yaml"], b"", capsys)
