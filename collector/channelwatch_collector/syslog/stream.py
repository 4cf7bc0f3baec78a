"""What syslog over TCP, TLS and RELP share: bounded connections, handshakes, and frames with a deadline."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Final, Protocol

from channelwatch.status.events import Transport
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.directory import Peer, plain_address
from channelwatch_collector.syslog.intake import Arrival, Intake
from channelwatch_collector.syslog.limits import Limits, Reporter
from channelwatch_collector.syslog.sockets import listening_socket

log = logging.getLogger(__name__)

HANDSHAKE_FAILED: Final = "syslog sender without a valid TLS handshake"
_SWEEPS_PER_TIMEOUT: Final = 4
_BACKLOG: Final = 1024
_KEEPALIVE_IDLE_S: Final = 60
_KEEPALIVE_EVERY_S: Final = 20
_KEEPALIVE_PROBES: Final = 3


class Link(Protocol):
    """The way back to the peer."""

    def write(self, data: bytes) -> None:
        """Send when the peer takes it."""
        ...

    def hang_up(self) -> None:
        """Close once everything is sent."""
        ...


class Session(Protocol):
    """What is spoken on one connection."""

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        ...

    @property
    def fault(self) -> str | None:
        """Why the stream cannot be read on, if so."""
        ...

    def feed(self, data: bytes) -> int:
        """Cut `data` into frames, to be taken by `work`; how many it completed."""
        ...

    def work(self, arrival: Arrival, is_paused: Callable[[], bool]) -> bool:
        """Take frames until none is left or the queue behind is full; whether none is left."""
        ...

    def finish(self, arrival: Arrival) -> None:
        """The stream has ended, maybe within a frame, and all whole frames were taken."""
        ...


MakeSession = Callable[[Peer, Link], Session]


class StreamListener:
    """Accepts connections and gives each a session; with `tls`, only after a handshake."""

    def __init__(
        self,
        intake: Intake,
        limits: Limits,
        make_session: MakeSession,
        *,
        transport: Transport,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.intake = intake
        self.limits = limits
        self.make_session = make_session
        self.transport_name = transport
        self.tls = tls
        self.handshakes: set[asyncio.Task[None]] = set()
        self.buffer = memoryview(bytearray(limits.stream_octets_per_turn))
        """Shared by all connections: each takes its octets out in the same turn in which they came.

        A view, since asyncio's TLS writes each further record into a slice of what it is given.
        """
        self._refusals = Reporter(every_s=limits.mismatch_report_s, subjects=limits.sources)
        self._connections: set[_Connection] = set()
        self._per_source: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self.paused = False

    @property
    def address(self) -> tuple[str, int]:
        """Host and port in use."""
        assert self._server is not None, "not started"
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def start(self, host: str, port: int) -> None:
        """Listen on the IP address `host`. OSError when that fails."""
        loop = asyncio.get_running_loop()
        bound = listening_socket(host, port, socket.SOCK_STREAM)
        self._server = await loop.create_server(lambda: _Connection(self), sock=bound, backlog=_BACKLOG)
        self._schedule_sweep()

    async def close(self) -> None:
        """Stop listening; what connections have left unfinished is taken as it is."""
        if self._server is None:
            return
        if self._sweep is not None:
            self._sweep.cancel()
        self._server.close()
        for task in list(self.handshakes):
            task.cancel()
        self.paused = False
        for connection in list(self._connections):
            connection.give_up()
        await asyncio.gather(*self.handshakes, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def pause(self) -> None:
        """Stop reading from all connections, so that senders wait: for a caller whose queue fills up."""
        self.paused = True
        for connection in self._connections:
            connection.set_reading()

    def resume(self) -> None:
        """Read again; first comes what was read and not yet taken."""
        self.paused = False
        for connection in list(self._connections):
            connection.go_on()

    def admit(self, connection: _Connection, source: str) -> bool:
        """Whether one more connection from `source` is within the limits; a refusal is counted."""
        if len(self._connections) >= self.limits.max_connections:
            self.intake.counters.add(Count.CONNECTION_REFUSED, "total")
            return False
        if self._per_source[source] >= self.limits.max_connections_per_source:
            self.intake.counters.add(Count.CONNECTION_REFUSED, "per_source")
            return False
        self.intake.counters.add(Count.CONNECTION, self.transport_name)
        self._connections.add(connection)
        self._per_source[source] += 1
        return True

    def release(self, connection: _Connection, source: str) -> None:
        """Forget an admitted connection."""
        if connection in self._connections:
            self._connections.discard(connection)
            self._per_source[source] -= 1
            if not self._per_source[source]:
                del self._per_source[source]

    def refuse(self, source: str, reason: str) -> None:
        """Count a handshake that came to nothing, and log it once in a while for each source and reason."""
        self.intake.counters.add(Count.TLS_FAILED, reason)
        count = self._refusals.count(f"{source} {reason}", self.intake.arrival().tick)
        if count:
            fields = {"source": source, "reason": reason, "times": count}
            log.warning(HANDSHAKE_FAILED, extra=fields)

    def _schedule_sweep(self) -> None:
        pause_s = self.limits.frame_timeout_s / _SWEEPS_PER_TIMEOUT
        self._sweep = asyncio.get_running_loop().call_later(pause_s, self._give_up_slow)

    def _give_up_slow(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for connection in list(self._connections):
            if connection.is_overdue(now_s):
                self.intake.counters.add(Count.FRAME_TIMEOUT, self.transport_name)
                connection.give_up()
        self._schedule_sweep()


class _Connection(asyncio.BufferedProtocol):
    """One sender's stream."""

    def __init__(self, listener: StreamListener) -> None:
        self._listener = listener
        self._counters = listener.intake.counters
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None
        self._source = ""
        self._early = bytearray()
        self._began_s: float | None = None
        self._choked = False
        self._lost = False
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        _notice_dead_peers(transport)
        name = transport.get_extra_info("peername")
        self._source = plain_address(name[0]) if name else ""
        if not self._listener.admit(self, self._source):
            transport.abort()
        elif self._listener.tls is None:
            self._begin(Peer(self._source, self._listener.transport_name))
        else:
            transport.pause_reading()
            task = asyncio.get_running_loop().create_task(self._shake_hands(transport, self._listener.tls))
            self._listener.handshakes.add(task)
            task.add_done_callback(self._listener.handshakes.discard)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._listener.buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._listener.buffer[:nbytes])
        if self._session is None:
            self._early += data  # came with the end of the handshake, before its task went on
        elif not self._closed:
            self._read(self._session, data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._counters.add(Count.CONNECTION_LOST, self._listener.transport_name)
        self._lost = True
        self._finish()

    def pause_writing(self) -> None:
        self._choked = True  # a peer that does not read its answers is not read either
        self.set_reading()

    def resume_writing(self) -> None:
        self._choked = False
        self.set_reading()

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def is_overdue(self, now_s: float) -> bool:
        """Whether a frame began longer ago than it may, and not for our being slow."""
        if self._began_s is None or not self._is_read:
            self._began_s = now_s if self._began_s is not None else None
            return False
        return now_s - self._began_s >= self._listener.limits.frame_timeout_s

    def give_up(self) -> None:
        """Keep what was read of an unfinished frame, and close."""
        if self._transport is not None:
            self._transport.abort()
        self._finish()

    def go_on(self) -> None:
        """The pause is over."""
        if self._lost:
            self._finish()
        elif self._session is not None and self._work(self._session):
            self.set_reading()

    @property
    def _is_read(self) -> bool:
        return not (self._listener.paused or self._choked)

    def set_reading(self) -> None:
        """Let the kernel's buffer fill, or read it again."""
        transport = self._transport
        if transport is None or self._session is None or transport.is_closing():
            return
        if self._is_read:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def _read(self, session: Session, data: bytes) -> None:
        if session.feed(data):
            self._began_s = None
        if self._work(session):
            if not session.pending:
                self._began_s = None
            elif self._began_s is None:
                self._began_s = asyncio.get_running_loop().time()

    def _work(self, session: Session) -> bool:
        """Take what was read; whether the stream can go on now."""
        listener = self._listener
        if not session.work(listener.intake.arrival(), lambda: listener.paused):
            return False
        if session.fault and not self._closed:
            self._counters.add(Count.FRAME_ERROR, session.fault)
            self.give_up()
        return not self._closed

    def _finish(self) -> None:
        """Take the rest, once there is room for it, and give the place back."""
        if self._session is not None and not self._closed:
            arrival = self._listener.intake.arrival()
            if not self._session.work(arrival, lambda: self._listener.paused):
                return
            self._closed = True
            self._session.finish(arrival)
        self._closed = True
        if self._lost or self._transport is None:
            self._listener.release(self, self._source)

    def _begin(self, peer: Peer) -> None:
        self._listener.intake.greet(peer, self._listener.intake.arrival())
        self._session = self._listener.make_session(peer, self)
        self.set_reading()
        early, self._early = bytes(self._early), bytearray()
        if early:
            self._read(self._session, early)

    async def _shake_hands(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=self._listener.limits.handshake_timeout_s,
            )
        except ssl.SSLError as error:
            self._listener.refuse(self._source, _cause(error))
        except OSError:
            self._listener.refuse(self._source, "no_handshake")
        else:
            if encrypted is not None:
                self._transport = encrypted
                self._begin(_certified(self._source, encrypted, self._listener.transport_name))
        finally:
            if self._session is None:
                transport.abort()
                self._listener.release(self, self._source)


def _cause(error: ssl.SSLError) -> str:
    """What OpenSSL says, in lower case and with underscores: of a certificate, what was wrong with it."""
    said = error.reason or "ssl_error"
    if isinstance(error, ssl.SSLCertVerificationError):
        said = error.verify_message or said
    return re.sub(r"[^a-z0-9]+", "_", said.lower()).strip("_")


def _notice_dead_peers(transport: asyncio.Transport) -> None:
    """A device that lost its power says no goodbye, and would hold its place for ever."""
    link = transport.get_extra_info("socket")
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_EVERY_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_PROBES)


def _certified(source: str, transport: asyncio.Transport, name: Transport) -> Peer:
    """The peer with the certificate that the handshake has verified: the context requires one."""
    tls = transport.get_extra_info("ssl_object")
    octets = tls.getpeercert(binary_form=True)
    if not octets or tls.context.verify_mode is not ssl.CERT_REQUIRED:
        return Peer(source, name)
    names = (tls.getpeercert() or {}).get("subjectAltName", ())
    return Peer(source, name, sha256(octets).hexdigest(), frozenset(_alternative_names(names)))


def _alternative_names(entries: tuple[tuple[str, str], ...]) -> list[str]:
    found = []
    for kind, name in entries:
        if kind == "DNS":
            found.append(name.lower())
        elif kind == "IP Address":
            found.append(str(ipaddress.ip_address(name.strip())))
    return found
