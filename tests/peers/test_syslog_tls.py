"""Mutual TLS: only senders that prove themselves are heard, and they are told apart by their certificates."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.intake import Callbacks, ReceivedLine
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.packfile import load_packs
from channelwatch_collector.syslog.parse.classify import Classifier
from channelwatch_collector.syslog.receiver import Endpoints, SyslogReceiver
from channelwatch_collector.syslog.tls import server_context
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import InputError
from channelwatch.status.events import Transport
from tests.support import Process, eventually, require_binary, skip_or_fail

LINE = b'<165>1 - gw encryptor - tunnel-up [enc@99999 tunnel="t" peer="hub"] up'


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, in PEM files."""

    certificate: Path
    key: Path
    fingerprint: str


class Authority:
    """A certificate authority for one test."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = folder / f"{name}.pem"
        self._certificate = self._sign(name, self._key.public_key(), authority=True, days=2)
        self.certificate.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, days: int = 2) -> Issued:
        """A certificate for 127.0.0.1; with negative `days` it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key.public_key(), authority=False, days=days)
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        der = certificate.public_bytes(serialization.Encoding.DER)
        return Issued(*files, hashlib.sha256(der).hexdigest())

    def _sign(
        self, name: str, key: ec.EllipticCurvePublicKey, *, authority: bool, days: int
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self._name)])
        ends = datetime.now(UTC) + timedelta(days=days)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(ends - timedelta(days=10))
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName(name)]),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )


class Room:
    """A TLS receiver, the authority it trusts, and what it heard."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.authority = Authority(folder, "authority")
        self.own = self.authority.issue("collector")
        self.lines: list[ReceivedLine] = []
        context = server_context(self.own.certificate, self.own.key, clients=self.authority.certificate)
        self.receiver = SyslogReceiver(
            Endpoints(tls=("127.0.0.1", 0), tls_context=context),
            Classifier(load_packs()),
            callbacks=Callbacks(on_message=self.lines.append),
            clock=SystemClock(),
            limits=limits,
        )

    def tls_failures(self) -> int:
        return self.receiver.counters.total(Count.TLS_FAILED)

    def client(self, issued: Issued | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if issued is not None:
            context.load_cert_chain(issued.certificate, issued.key)
        return context

    async def send(self, issued: Issued | None, data: bytes) -> None:
        _, writer = await asyncio.open_connection(*self.receiver.tls_address, ssl=self.client(issued))
        writer.write(data)
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()


@asynccontextmanager
async def open_room(folder: Path, limits: Limits | None = None) -> AsyncIterator[Room]:
    room = Room(folder, limits or Limits())
    await room.receiver.start()
    try:
        yield room
    finally:
        await room.receiver.close()


async def test_a_sender_with_a_certificate_is_authenticated(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        device = room.authority.issue("gw-01")
        await room.send(device, b"%d %s" % (len(LINE), LINE) * 50)
        await eventually(lambda: len(room.lines) == 50)
    assert {line.certificate for line in room.lines} == {device.fingerprint}
    assert all(line.authenticated and line.transport is Transport.SYSLOG_TLS for line in room.lines)
    assert room.tls_failures() == 0


async def test_a_line_sent_in_the_same_breath_as_the_handshake_is_kept(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        device = room.authority.issue("gw-01")
        for number in range(1, 21):
            await asyncio.to_thread(_blurt, room.client(device), room.receiver.tls_address)
            await eventually(lambda number=number: len(room.lines) == number)


def _blurt(context: ssl.SSLContext, address: tuple[str, int]) -> None:
    """Finish the handshake and write in one segment, by hand, as a fast sender's kernel may do."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with socket.create_connection(address, timeout=5) as wire:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                wire.sendall(outgoing.read())
                incoming.write(wire.recv(65536))
        tls.write(b"%d %s" % (len(LINE), LINE))
        wire.sendall(outgoing.read())


async def test_a_sender_without_a_certificate_is_not_heard(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await room.send(None, LINE + b"\n")
        await eventually(lambda: room.tls_failures() == 1)
        assert room.lines == []


async def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with open_room(tmp_path) as room:
        stranger = Authority(other, "other").issue("gw-01")
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await room.send(stranger, LINE + b"\n")
        await eventually(lambda: room.tls_failures() == 1)
        assert room.lines == []


async def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await room.send(room.authority.issue("gw-01", days=-1), LINE + b"\n")
        await eventually(lambda: room.tls_failures() == 1)
        assert room.lines == []


async def test_a_client_that_does_not_shake_hands_gives_its_place_back(tmp_path: Path) -> None:
    limits = Limits(handshake_timeout_s=0.2, max_connections_per_source=1)
    async with open_room(tmp_path, limits) as room:
        _, mute = await asyncio.open_connection(*room.receiver.tls_address)
        await eventually(lambda: room.receiver.counters.get(Count.TLS_FAILED, "no_handshake") == 1)
        mute.close()
        await room.send(room.authority.issue("gw-01"), LINE + b"\n")
        await eventually(lambda: len(room.lines) == 1)


async def test_closing_ends_handshakes_under_way(tmp_path: Path) -> None:
    async with open_room(tmp_path) as room:
        _, mute = await asyncio.open_connection(*room.receiver.tls_address)
        await eventually(lambda: room.receiver.counters.total(Count.CONNECTION) == 1)
    mute.close()


def test_missing_files_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    own = authority.issue("collector")
    with pytest.raises(InputError, match=r"absent\.key"):
        server_context(own.certificate, tmp_path / "absent.key", clients=authority.certificate)
    with pytest.raises(InputError, match=r"absent\.pem"):
        server_context(own.certificate, own.key, clients=tmp_path / "absent.pem")


def require_tls_driver() -> None:
    if not list(Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so")):
        skip_or_fail("rsyslog's TLS driver is missing: apt install rsyslog-gnutls")


CONFIG = """\
global(workDirectory="{folder}" defaultNetstreamDriver="gtls"
  defaultNetstreamDriverCAFile="{authority}"
  defaultNetstreamDriverCertFile="{certificate}"
  defaultNetstreamDriverKeyFile="{key}")
module(load="imfile" mode="inotify")
input(type="imfile" file="{source}" tag="feed:" ruleset="relay" addMetadata="off")
template(name="untouched" type="string" string="%msg%")
ruleset(name="relay") {{
  action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" template="untouched"
    TCP_Framing="octet-counted" StreamDriver="gtls" StreamDriverMode="1"
    StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="collector")
}}
"""


async def test_rsyslog_forwards_over_mutual_tls(tmp_path: Path) -> None:
    rsyslogd = require_binary("rsyslogd", package="rsyslog")
    require_tls_driver()
    async with open_room(tmp_path) as room:
        device = room.authority.issue("gw-01")
        source, config = tmp_path / "feed.log", tmp_path / "rsyslog.conf"
        source.touch()
        config.write_text(
            CONFIG.format(
                folder=tmp_path,
                authority=room.authority.certificate,
                certificate=device.certificate,
                key=device.key,
                source=source,
                port=room.receiver.tls_address[1],
            ),
            encoding="utf-8",
        )
        with Process([rsyslogd, "-n", "-f", config, "-i", tmp_path / "pid"], folder=tmp_path):
            with source.open("ab") as feed:
                feed.write((LINE + b"\n") * 10)
            await eventually(lambda: len(room.lines) == 10)
    assert {line.certificate for line in room.lines} == {device.fingerprint}
    assert all(line.classified and line.classified.component == "hub" for line in room.lines)
