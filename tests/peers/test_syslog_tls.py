"""Mutual TLS: only senders that prove themselves are heard, and they are told apart by their certificates."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.directory import Directory
from channelwatch_collector.syslog.intake import ReceivedLine
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.parse.header import DEFAULT_ZONE
from channelwatch_collector.syslog.receiver import Endpoints
from channelwatch_collector.syslog.stream import HANDSHAKE_FAILED
from channelwatch_collector.syslog.tls import server_context

from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import InputError
from channelwatch.base.ids import DeviceCode, SiteCode
from channelwatch.inventory.model import Device
from channelwatch.status.events import EventKind, Transport
from tests.support import eventually, syslog
from tests.support.certificates import Authority, Issued

LINE = b'<165>1 - gw encryptor - tunnel-up [enc@99999 tunnel="t" peer="hub"] up'
CODE = DeviceCode("51-D-21548-1")


@dataclass
class Room:
    """A TLS receiver, the authority that it trusts, and what it heard."""

    authority: Authority
    own: Issued
    heard: syslog.Room
    directory: Directory

    @property
    def lines(self) -> list[ReceivedLine]:
        return [line for line in self.heard.lines if line.transport is Transport.SYSLOG_TLS]

    @property
    def alarms(self) -> list[ReceivedLine]:
        return [line for line in self.heard.lines if line.transport is Transport.COLLECTOR]

    @property
    def address(self) -> tuple[str, int]:
        return self.heard.receiver.tls_address

    def tls_failures(self) -> int:
        return self.heard.total(Count.TLS_FAILED)

    def client(self, issued: Issued | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if issued is not None:
            context.load_cert_chain(issued.certificate, issued.key)
        return context

    async def send(self, issued: Issued | None, data: bytes) -> None:
        _, writer = await asyncio.open_connection(*self.address, ssl=self.client(issued))
        writer.write(data)
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()


@asynccontextmanager
async def open_room(
    folder: Path, limits: Limits | None = None, *, host: str = "127.0.0.1", only_tls13: bool = False
) -> AsyncIterator[Room]:
    authority = Authority(folder, "authority")
    own = authority.issue("collector", address=host)
    context = server_context(own.certificate, own.key, clients=authority.certificate, only_tls13=only_tls13)
    directory = Directory(zone=DEFAULT_ZONE)
    directory.set_devices([Device(CODE, SiteCode("s"), host, "c")])
    heard = syslog.Room(
        endpoints=Endpoints(tls=(host, 0), tls_context=context),
        limits=limits,
        speaker_of=directory.speaker_of,
        clock=SystemClock(),
    )
    async with syslog.open_room(heard):
        yield Room(authority, own, heard, directory)


async def test_a_sender_with_a_certificate_is_authenticated(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        device = room.authority.issue(CODE)
        await room.send(device, b"%d %s" % (len(LINE), LINE) * 50)
        await eventually(lambda: len(room.lines) == 50)
    assert {line.certificate for line in room.lines} == {device.fingerprint}
    assert all(line.trusted and line.device == CODE for line in room.lines)
    assert room.tls_failures() == 0


async def test_a_line_sent_in_the_same_breath_as_the_handshake_is_kept(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        device = room.authority.issue(CODE)
        for number in range(1, 21):
            await asyncio.to_thread(_blurt, room.client(device), room.address)
            await eventually(lambda number=number: len(room.lines) == number)


async def test_many_records_in_one_segment_are_all_read(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        device = room.authority.issue(CODE)
        lines = [LINE + b" %d" % number for number in range(100)]
        await asyncio.to_thread(_blurt, room.client(device), room.address, *lines)
        await eventually(lambda: len(room.lines) == 100)
        assert room.heard.texts == [f"up {number}" for number in range(100)]


def _blurt(context: ssl.SSLContext, address: tuple[str, int], *lines: bytes) -> None:
    """Finish the handshake and write in one segment, by hand, as a fast sender's kernel may do."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with socket.create_connection(address, timeout=30) as wire:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                wire.sendall(outgoing.read())
                incoming.write(wire.recv(65536))
        for line in lines or (LINE,):
            tls.write(b"%d %s" % (len(line), line))
        wire.sendall(outgoing.read())


async def test_a_sender_without_a_certificate_is_not_heard(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await room.send(None, LINE + b"\n")
        await eventually(lambda: room.tls_failures() == 1)
        assert room.heard.count(Count.TLS_FAILED, "peer_did_not_return_a_certificate") == 1
        assert room.lines == []


async def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with open_room(tmp_path) as room:
        stranger = Authority(other, "other").issue("gw-01")
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await room.send(stranger, LINE + b"\n")
        await eventually(lambda: room.tls_failures() == 1)
        assert room.heard.count(Count.TLS_FAILED, "unable_to_get_local_issuer_certificate") == 1
        assert room.lines == []


async def test_an_expired_certificate_is_refused_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_room(tmp_path) as room:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await room.send(room.authority.issue(CODE, days=-1), LINE + b"\n")
        await eventually(lambda: room.tls_failures() == 1)
        assert room.heard.count(Count.TLS_FAILED, "certificate_has_expired") == 1
        assert room.lines == []
        (told,) = [record for record in caplog.records if record.msg == HANDSHAKE_FAILED]
        assert (told.levelname, vars(told)["source"], vars(told)["reason"]) == (
            "WARNING", "127.0.0.1", "certificate_has_expired",
        )  # fmt: skip


async def test_a_client_that_does_not_shake_hands_gives_its_place_back(tmp_path: Path) -> None:
    limits = Limits(handshake_timeout_s=1.0, max_connections_per_source=1)
    async with open_room(tmp_path, limits) as room:
        _, mute = await asyncio.open_connection(*room.address)
        await eventually(lambda: room.heard.count(Count.TLS_FAILED, "no_handshake") == 1)
        mute.close()
        await room.send(room.authority.issue(CODE), LINE + b"\n")
        await eventually(lambda: len(room.lines) == 1)


async def test_closing_ends_handshakes_under_way(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        _, mute = await asyncio.open_connection(*room.address)
        await eventually(lambda: room.heard.total(Count.CONNECTION) == 1)
    mute.close()


def test_missing_files_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    own = authority.issue("collector")
    with pytest.raises(InputError, match=r"absent\.key"):
        server_context(own.certificate, tmp_path / "absent.key", clients=authority.certificate)
    with pytest.raises(InputError, match=r"absent\.pem"):
        server_context(own.certificate, own.key, clients=tmp_path / "absent.pem")


async def test_ipv6_senders_are_authenticated_too(tmp_path: Path) -> None:
    async with open_room(tmp_path, host="::1") as room:
        await room.send(room.authority.issue("gw-01", address="::1"), LINE + b"\n")
        await eventually(lambda: len(room.lines) == 1)
    assert room.lines[0].trusted


async def test_a_pinned_certificate_is_the_only_one_that_speaks_for_its_device(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        pinned, other = room.authority.issue("pinned"), room.authority.issue(CODE)
        room.directory.set_devices(
            [Device(CODE, SiteCode("s"), "127.0.0.1", "c", certificate=pinned.fingerprint)]
        )
        await room.send(pinned, LINE + b"\n")
        await eventually(lambda: len(room.lines) == 1)
        assert room.lines[0].trusted and not room.alarms
        await room.send(other, LINE + b"\n")
        await eventually(lambda: len(room.lines) == 2)
        assert not room.lines[1].trusted


async def test_a_certificate_from_another_devices_address_raises_a_grave_event_once_an_hour(
    tmp_path: Path,
) -> None:
    async with open_room(tmp_path) as room:
        owner = room.authority.issue("51-D-00009-1", address="127.0.0.9")
        room.directory.set_devices(
            [
                Device(CODE, SiteCode("s"), "127.0.0.1", "c"),
                Device(DeviceCode("51-D-00009-1"), SiteCode("s"), "127.0.0.9", "c"),
            ]
        )
        for number in (1, 2):
            await room.send(owner, LINE + b"\n")
            await eventually(lambda number=number: len(room.lines) == number)
        (alarm,) = room.alarms
        assert alarm.device == "51-D-00009-1"
        assert alarm.classified is not None
        assert (alarm.classified.kind, alarm.classified.severity) == (EventKind.AUTH_FAILURE, 1)
        assert dict(alarm.classified.fields) == {"reason": "other_address", "source": "127.0.0.1"}
        assert not any(line.trusted for line in room.lines)
        assert room.heard.count(Count.MISMATCH, "other_address") == 2


async def test_the_newest_version_is_spoken_and_old_ones_are_not(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        client = room.client(room.authority.issue(CODE))
        _, writer = await asyncio.open_connection(*room.address, ssl=client)
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        writer.transport.abort()
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        _, writer = await asyncio.open_connection(*room.address, ssl=client)
        assert writer.get_extra_info("cipher")[0].startswith("ECDHE-")
        writer.transport.abort()
    stricter = tmp_path / "stricter"
    stricter.mkdir()
    async with open_room(stricter, only_tls13=True) as room:
        client = room.client(room.authority.issue(CODE))
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(*room.address, ssl=client)


async def test_a_key_with_a_pass_phrase_is_refused_and_not_asked_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    locked = authority.issue("locked", pass_phrase=b"nobody is there to type it")
    with pytest.raises(InputError, match="locked"):
        server_context(locked.certificate, locked.key, clients=authority.certificate)
