"""Debian's rsyslog and util-linux's logger as senders."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from channelwatch_collector.syslog.intake import Callbacks, ReceivedLine
from channelwatch_collector.syslog.packfile import load_packs
from channelwatch_collector.syslog.parse.classify import Classifier
from channelwatch_collector.syslog.parse.message import Format
from channelwatch_collector.syslog.receiver import Endpoints, SyslogReceiver

from channelwatch.base.clock import SystemClock
from channelwatch.status.events import EventKind, Transport
from tests.support import Process, eventually, require_binary

BOTH = Endpoints(udp=("127.0.0.1", 0), tcp=("127.0.0.1", 0))
ENCRYPTOR = (
    '<131>1 {stamp} 51-D-21548-1 encryptor 812 tunnel-down [enc@99999 tunnel="hub-a" peer="hub"] down {n}'
)


def receiver_into(lines: list[ReceivedLine]) -> SyslogReceiver:
    return SyslogReceiver(
        BOTH, Classifier(load_packs()), callbacks=Callbacks(on_message=lines.append), clock=SystemClock()
    )


async def run(*argv: str | Path) -> None:
    zone = {**os.environ, "TZ": "Asia/Ho_Chi_Minh"}
    await asyncio.to_thread(subprocess.run, argv, check=True, timeout=20, env=zone)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("options", [["--rfc5424"], ["--rfc3164"], ["--rfc5424", "--octet-count"]])
async def test_logger_is_understood(transport: str, options: list[str]) -> None:
    logger = require_binary("logger", package="bsdutils")
    lines: list[ReceivedLine] = []
    receiver = receiver_into(lines)
    await receiver.start()
    try:
        host, port = receiver.udp_address if transport == "udp" else receiver.tcp_address
        if transport == "udp":
            options = [option for option in options if option != "--octet-count"]
        await run(
            logger, f"--{transport}", "--server", host, "--port", str(port), *options,
            "--tag", "sshd", "--id=77", "--priority", "auth.info",
            "Failed password for root from 192.0.2.7 port 5 ssh2",
        )  # fmt: skip
        await eventually(lambda: lines)
    finally:
        await receiver.close()
    (line,) = lines
    assert line.message.fmt is (Format.RFC3164 if "--rfc3164" in options else Format.RFC5424)
    assert (line.message.app_name, line.message.procid) == ("sshd", "77")
    assert (line.message.facility, line.message.severity) == (4, 6)
    assert line.message.device_time is not None
    assert line.classified is not None
    assert line.classified.kind is EventKind.LOGIN_FAIL


CONFIG = """\
global(workDirectory="{folder}")
module(load="imfile" mode="inotify")
input(type="imfile" file="{source}" tag="feed:" readTimeout="1" ruleset="relay" addMetadata="off")
template(name="untouched" type="string" string="%msg%")
ruleset(name="relay") {{
  action(type="omfwd" target="127.0.0.1" port="{udp}" protocol="udp" template="untouched")
  action(type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" template="untouched"
         TCP_Framing="{framing}")
}}
"""


@pytest.mark.parametrize("framing", ["traditional", "octet-counted"])
async def test_rsyslog_forwards_over_udp_and_tcp(tmp_path: Path, framing: str) -> None:
    rsyslogd = require_binary("rsyslogd", package="rsyslog")
    lines: list[ReceivedLine] = []
    receiver = receiver_into(lines)
    await receiver.start()
    source, config = tmp_path / "feed.log", tmp_path / "rsyslog.conf"
    source.touch()
    config.write_text(
        CONFIG.format(
            folder=tmp_path,
            source=source,
            udp=receiver.udp_address[1],
            tcp=receiver.tcp_address[1],
            framing=framing,
        ),
        encoding="utf-8",
    )
    argv = [rsyslogd, "-n", "-f", config, "-i", tmp_path / "pid"]
    try:
        with Process(argv, folder=tmp_path):
            with source.open("a", encoding="utf-8") as feed:
                for n in range(20):
                    feed.write(ENCRYPTOR.format(stamp="2026-11-22T01:02:03.456Z", n=n) + "\n")
            await eventually(lambda: len(downs(lines)) >= 40, what="20 lines over each transport")
    finally:
        await receiver.close()
    for transport in (Transport.SYSLOG_UDP, Transport.SYSLOG_TCP):
        texts = [line.redacted_text for line in downs(lines) if line.transport is transport]
        assert texts == [f"down {n}" for n in range(20)]
    assert all(line.classified and line.classified.component == "hub" for line in downs(lines))


def downs(lines: list[ReceivedLine]) -> list[ReceivedLine]:
    return [line for line in lines if line.classified and line.classified.kind is EventKind.TUNNEL_DOWN]
