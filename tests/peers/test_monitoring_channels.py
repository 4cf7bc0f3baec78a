"""Alerts to other monitoring: Debian's Alertmanager, and Debian's rsyslog over TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from channelwatch.app.texts import word
from channelwatch.base.clock import EpochMs, SystemClock
from channelwatch.incidents.model import PageKind
from channelwatch.notify.alertmanager.transport import AlertmanagerChannel, AlertmanagerConfig
from channelwatch.notify.syslog.transport import SyslogChannel, SyslogConfig
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Dead, Outcome, Retry, Sent
from tests.support import eventually
from tests.support.alertmanager import Alertmanager
from tests.support.alerts import ALERT
from tests.support.certificates import Authority, Issued
from tests.support.net import free_port
from tests.support.peers import require_binary
from tests.support.process import Process
from tests.support.receivers import WebSink, web_sink
from tests.support.rsyslog import require_module

VOICE = Voice(partial(word, language="vi"), "vi")


@pytest.fixture
def web() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


async def test_an_alertmanager_holds_the_alert_until_it_hears_that_it_is_over(
    tmp_path: Path, web: WebSink
) -> None:
    peer = Alertmanager(tmp_path / "am", webhook=web.url)
    now = SystemClock().now()
    fresh = replace(ALERT, t0=EpochMs(now - 1000), created_at=now)
    with peer.running():
        channel = AlertmanagerChannel({"noc": AlertmanagerConfig(peer.url, 10.0)}, VOICE, "cw-1")
        assert await channel.send(fresh, "noc") == Sent()
        assert await channel.send(fresh, "noc") == Sent()
        (held,) = peer.alerts()
        assert held["labels"] == {
            "alertname": "channelwatch-plaintext-bypass", "bloc": "party", "incident": "SC-000001",
            "instance": "cw-1", "severity": "p1", "subject": ALERT.subject, "unit": "Đặng Thuỳ Trâm",
        }  # fmt: skip
        assert held["annotations"]["key"] == ALERT.key
        await eventually(lambda: web.requests, 30, what="its own message")
        over = replace(fresh, kind=PageKind.RESTORED, restored_at=now, created_at=now)
        assert await channel.send(over, "noc") == Sent()
        await eventually(lambda: peer.alerts() == [], 30, what="the end of the alert")
        assert await channel.send(fresh, peer.url) == Dead("unknown_destination")
        await channel.close()
    assert web.requests[0].json["alerts"][0]["annotations"]["summary"].startswith("[P1] Đặng")


async def test_what_an_alertmanager_refuses_is_refused_for_good(tmp_path: Path, web: WebSink) -> None:
    channel = AlertmanagerChannel({"noc": AlertmanagerConfig(web.url, 5.0)}, VOICE, "cw-1")
    web.answers.append((400, {}))
    assert await channel.send(ALERT, "noc") == Dead("http_400")
    await channel.close()


RECEIVER = """\
global(workDirectory="{folder}" maxMessageSize="64k" defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="{authority}" defaultNetstreamDriverCertFile="{certificate}"
  defaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name"
  permittedPeer=["sender"])
template(name="facts" type="string"
  string="%syslogfacility-text%.%syslogseverity-text% %timereported:::date-rfc3339% %hostname% %app-name% %msgid% \
%structured-data% %msg%\\n")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="keep")
ruleset(name="keep") {{ action(type="omfile" file="{folder}/kept.log" template="facts") }}
"""


class TlsReceiver:
    """rsyslog that takes syslog over TLS from `sender` alone."""

    def __init__(self, folder: Path, authority: Authority, own: Issued) -> None:
        self.folder = folder
        folder.mkdir()
        self.port = free_port()
        self.kept = folder / "kept.log"
        (folder / "rsyslog.conf").write_text(
            RECEIVER.format(
                folder=folder, port=self.port, authority=authority.certificate, certificate=own.certificate,
                key=own.key,
            )
        )  # fmt: skip

    def running(self) -> Process:
        argv = [
            require_binary("rsyslogd", package="rsyslog"), "-n", "-f", self.folder / "rsyslog.conf", "-i",
            self.folder / "pid",
        ]  # fmt: skip
        return Process(argv, folder=self.folder)

    def lines(self) -> list[str]:
        return self.kept.read_text(encoding="utf-8").splitlines() if self.kept.exists() else []


def sender(port: int, authority: Authority, own: Issued | None, name: str = "127.0.0.1") -> SyslogChannel:
    config = SyslogConfig(
        "127.0.0.1", port, authority.certificate, own and own.certificate, own and own.key, name, 5.0
    )
    return SyslogChannel({"siem": config}, VOICE, "cw-1")


async def test_a_syslog_receiver_gets_the_alert_over_tls(tmp_path: Path) -> None:
    require_module("lmnsd_gtls", package="rsyslog-gnutls")
    authority = Authority(tmp_path, "authority")
    receiver = TlsReceiver(tmp_path / "rsyslog", authority, authority.issue("receiver"))
    channel = sender(receiver.port, authority, authority.issue("sender"))

    async def is_taken() -> bool:
        return await channel.send(replace(ALERT, unit='Xã "A]B\\C"'), "siem") == Sent()

    with receiver.running():
        await eventually(is_taken, 30, what="rsyslog to listen")
        await eventually(receiver.lines, 30, what="the line")
    line = receiver.lines()[0]
    assert line.startswith(
        "local0.alert 2026-09-21T06:00:00.010Z cw-1 channelwatch opened [channelwatch@32473 key="
    )
    assert f'subject="{ALERT.subject}"' in line
    assert line.endswith('[P1] Xã "A]B\\C": Kênh đang truyền rõ')


async def test_a_receiver_whose_certificate_is_wrong_is_told_nothing(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path, "authority"), Authority(tmp_path, "other")
    own = authority.issue("receiver")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    heard: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    outcomes: list[Outcome] = [
        await sender(port, other, None).send(ALERT, "siem"),
        await sender(port, authority, None, "another.example.test").send(ALERT, "siem"),
        await sender(free_port(), authority, None).send(ALERT, "siem"),
        await sender(port, authority, replace(own, certificate=tmp_path / "no")).send(ALERT, "siem"),
    ]
    server.close()
    assert outcomes == [Retry("tls"), Retry("tls"), Retry("connection"), Retry("connection")]
    assert heard == []
