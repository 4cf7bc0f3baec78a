"""Debian's rsyslog and util-linux's logger as senders."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.intake import ReceivedLine
from channelwatch_collector.syslog.parse.message import Format
from channelwatch_collector.syslog.receiver import Endpoints
from channelwatch_collector.syslog.tls import server_context

from channelwatch.base.clock import SystemClock
from channelwatch.status.events import EventKind, Transport
from tests.support import eventually, require_binary
from tests.support.certificates import Authority, Issued
from tests.support.rsyslog import Rsyslog, over_relp, over_tcp, over_udp, require_module
from tests.support.syslog import BOTH, Room, open_room


def room(endpoints: Endpoints = BOTH) -> Room:
    return Room(endpoints=endpoints, clock=SystemClock())


def line(number: int) -> bytes:
    return (
        b"<131>1 2026-11-22T01:02:03.456Z 51-D-21548-1 encryptor 812 tunnel-down "
        b'[enc@99999 tunnel="hub-a" peer="hub"] down %d' % number
    )


def downs(lines: list[ReceivedLine]) -> list[ReceivedLine]:
    return [item for item in lines if item.classified and item.classified.kind is EventKind.TUNNEL_DOWN]


def texts(lines: list[ReceivedLine], transport: Transport) -> list[str]:
    return [item.message.text for item in lines if item.message and item.transport is transport]


async def run(*argv: str | Path) -> None:
    zone = {**os.environ, "TZ": "Asia/Ho_Chi_Minh"}
    await asyncio.to_thread(subprocess.run, argv, check=True, timeout=60, env=zone)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("options", [["--rfc5424"], ["--rfc3164"], ["--rfc5424", "--octet-count"]])
async def test_logger_is_understood(transport: str, options: list[str]) -> None:
    logger = require_binary("logger", package="bsdutils")
    async with open_room(room()) as heard:
        host, port = heard.receiver.udp_address if transport == "udp" else heard.receiver.tcp_address
        if transport == "udp":
            options = [option for option in options if option != "--octet-count"]
        await run(
            logger, f"--{transport}", "--server", host, "--port", str(port), *options,
            "--tag", "sshd", "--id=77", "--priority", "auth.info",
            "Failed password for root from 192.0.2.7 port 5 ssh2",
        )  # fmt: skip
        (told,) = await heard.lines_come(1)
    (message,) = heard.messages
    assert message.fmt is (Format.RFC3164 if "--rfc3164" in options else Format.RFC5424)
    assert (message.app_name, message.procid) == ("sshd", "77")
    assert (message.facility, message.severity) == (4, 6)
    assert told.device_time is not None
    assert told.classified is not None
    assert told.classified.kind is EventKind.LOGIN_FAIL


@pytest.mark.parametrize("framing", ["traditional", "octet-counted"])
async def test_rsyslog_forwards_over_udp_and_tcp(tmp_path: Path, framing: str) -> None:
    async with open_room(room()) as heard:
        receiver = heard.receiver
        udp, tcp = over_udp(receiver.udp_address[1]), over_tcp(receiver.tcp_address[1], framing=framing)
        relay = Rsyslog(tmp_path, udp, tcp)
        with relay.running():
            relay.feed(*map(line, range(20)))
            await eventually(lambda: len(downs(heard.lines)) >= 40, what="20 lines over each transport")
        for transport in (Transport.SYSLOG_UDP, Transport.SYSLOG_TCP):
            assert texts(heard.lines, transport) == [f"down {number}" for number in range(20)]
        assert all(item.classified and item.classified.component == "hub" for item in downs(heard.lines))


def tls_relay(folder: Path, authority: Path, shown: Issued | None, port: int) -> Rsyslog:
    files = f'defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{authority}"'
    if shown is not None:
        files += f' defaultNetstreamDriverCertFile="{shown.certificate}" defaultNetstreamDriverKeyFile="{shown.key}"'
    driver = 'StreamDriver="gtls" StreamDriverMode="1"'
    driver += ' StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="collector"'
    action = over_tcp(port, framing="octet-counted", more=driver)
    return Rsyslog(folder, action, global_options=files)


@pytest.mark.parametrize("shown", ["good", "wrong_authority", "expired", "none"])
async def test_rsyslog_is_heard_over_tls_with_a_good_certificate_only(tmp_path: Path, shown: str) -> None:
    require_module("lmnsd_gtls", package="rsyslog-gnutls")
    authority = Authority(tmp_path, "authority")
    own = authority.issue("collector")
    device = {
        "good": lambda: authority.issue("gw-01"),
        "wrong_authority": lambda: Authority(tmp_path, "other").issue("gw-01"),
        "expired": lambda: authority.issue("gw-01", days=-1),
        "none": lambda: None,
    }[shown]()
    context = server_context(own.certificate, own.key, clients=authority.certificate)
    async with open_room(room(Endpoints(tls=("127.0.0.1", 0), tls_context=context))) as heard:
        relay = tls_relay(tmp_path / "relay", authority.certificate, device, heard.receiver.tls_address[1])
        with relay.running():
            relay.feed(*map(line, range(10)))
            if shown == "good":
                await eventually(lambda: len(downs(heard.lines)) == 10)
            else:
                await eventually(lambda: heard.total(Count.TLS_FAILED) > 0)
        if device is not None and shown == "good":
            assert {item.certificate for item in downs(heard.lines)} == {device.fingerprint}
            assert all(item.trusted for item in downs(heard.lines))
        else:
            assert heard.lines == []


@pytest.mark.parametrize("encrypted", [False, True])
async def test_rsyslog_delivers_over_relp(tmp_path: Path, encrypted: bool) -> None:
    require_module("omrelp", package="rsyslog-relp")
    authority = Authority(tmp_path, "authority")
    own, device = authority.issue("collector"), authority.issue("gw-01")
    context = server_context(own.certificate, own.key, clients=authority.certificate) if encrypted else None
    more = (
        f'tls="on" tls.authMode="name" tls.permittedPeer=["collector"] tls.caCert="{authority.certificate}"'
        f' tls.myCert="{device.certificate}" tls.myPrivKey="{device.key}"'
    )
    async with open_room(room(Endpoints(relp=("127.0.0.1", 0), relp_tls=context))) as heard:
        action = over_relp(heard.receiver.relp_address[1], more if encrypted else "")
        relay = Rsyslog(tmp_path / "relay", action, modules='module(load="omrelp")')
        with relay.running():
            relay.feed(*map(line, range(300)))
            await eventually(lambda: len(downs(heard.lines)) >= 300)
        assert texts(heard.lines, Transport.SYSLOG_RELP) == [f"down {number}" for number in range(300)]
        assert all(item.trusted is encrypted for item in downs(heard.lines))
