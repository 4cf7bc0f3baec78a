"""`channelwatch syslog parse`: what the product makes of lines, as people see it."""

from __future__ import annotations

import argparse
import io
import json

import pytest
from channelwatch_collector.syslog import cli

from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.base.errors import InputError

AT = EpochMs(1_795_318_923_000)


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
