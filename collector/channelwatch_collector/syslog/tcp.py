"""Syslog over TCP (RFC 6587) and TLS (RFC 5425): bounded connections, frames with a deadline."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections import Counter
from typing import Final

from channelwatch.status.events import Transport
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.intake import Intake, Peer
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.parse.framing import Frame, Framer, Framing
from channelwatch_collector.syslog.udp import plain_address

_SWEEPS_PER_TIMEOUT: Final = 4
_KEEPALIVE_IDLE_S: Final = 60
_KEEPALIVE_EVERY_S: Final = 20
_KEEPALIVE_PROBES: Final = 3


class TcpListener:
    """Accepts connections and reads frames from them; with `tls`, only after a handshake."""

    def __init__(self, intake: Intake, limits: Limits, *, tls: ssl.SSLContext | None = None) -> None:
        self.intake = intake
        self.limits = limits
        self.tls = tls
        self.transport_name = Transport.SYSLOG_TLS if tls else Transport.SYSLOG_TCP
        self.handshakes: set[asyncio.Task[None]] = set()
        self.buffer = bytearray(limits.stream_octets_per_turn)
        """Shared by all connections: each takes its octets out in the same turn in which they came."""
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
        self._server = await loop.create_server(lambda: _Connection(self), host, port)
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
        for connection in list(self._connections):
            connection.give_up()
        await asyncio.gather(*self.handshakes, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def pause(self) -> None:
        """Stop reading from all connections, so that senders wait: for a caller whose queue fills up."""
        self.paused = True
        for connection in self._connections:
            connection.set_reading(False)

    def resume(self) -> None:
        """Read again."""
        self.paused = False
        for connection in self._connections:
            connection.set_reading(True)

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
        if self.paused:
            connection.set_reading(False)
        return True

    def release(self, connection: _Connection, source: str) -> None:
        """Forget an admitted connection."""
        if connection in self._connections:
            self._connections.discard(connection)
            self._per_source[source] -= 1
            if not self._per_source[source]:
                del self._per_source[source]

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

    def __init__(self, listener: TcpListener) -> None:
        self._listener = listener
        self._counters = listener.intake.counters
        self._framer = Framer(max_frame_octets=listener.limits.max_frame_octets)
        self._transport: asyncio.Transport | None = None
        self._peer: Peer | None = None
        self._source = ""
        self._early = bytearray()
        self._began_s: float | None = None
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
            self._peer = Peer(self._source, self._listener.transport_name)
        else:
            transport.pause_reading()
            task = asyncio.get_running_loop().create_task(self._shake_hands(transport, self._listener.tls))
            self._listener.handshakes.add(task)
            task.add_done_callback(self._listener.handshakes.discard)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._listener.buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(memoryview(self._listener.buffer)[:nbytes])
        if self._peer is None:
            self._early += data  # came with the end of the handshake, before its task went on
        elif not self._closed:
            self._read(data)

    def _read(self, data: bytes) -> None:
        for frame in self._framer.feed(data):
            self._began_s = None
            self._take(frame)
        if self._framer.error:
            self._counters.add(Count.FRAME_ERROR, self._framer.error)
            self.give_up()
        elif not self._framer.pending:
            self._began_s = None
        elif self._began_s is None:
            self._began_s = asyncio.get_running_loop().time()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._counters.add(Count.CONNECTION_LOST, self._listener.transport_name)
        self._finish()
        self._listener.release(self, self._source)

    def is_overdue(self, now_s: float) -> bool:
        """Whether a frame began longer ago than it may."""
        return self._began_s is not None and now_s - self._began_s >= self._listener.limits.frame_timeout_s

    def give_up(self) -> None:
        """Keep what was read of an unfinished frame, and close."""
        self._finish()
        if self._transport is not None:
            self._transport.abort()

    def set_reading(self, on: bool) -> None:
        """Let the kernel's buffer fill, or read it again."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if on:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def _finish(self) -> None:
        if self._closed:
            return
        self._closed = True
        rest = self._framer.finish()
        if rest is not None and self._peer is not None:
            self._take(rest)

    def _take(self, frame: Frame) -> None:
        assert self._peer is not None
        if frame.framing is Framing.LINE_CUT:
            self._counters.add(Count.LINE_CUT, self._listener.transport_name)
        self._listener.intake.take(frame.octets, self._peer)

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
            self._counters.add(Count.TLS_FAILED, (error.reason or "ssl_error").lower())
        except OSError:
            self._counters.add(Count.TLS_FAILED, "no_handshake")
        else:
            if encrypted is not None:
                self._begin(encrypted, context)
        finally:
            if self._peer is None:
                transport.abort()
                self._listener.release(self, self._source)

    def _begin(self, encrypted: asyncio.Transport, context: ssl.SSLContext) -> None:
        self._transport = encrypted
        self._peer = _identified(self._source, encrypted, context)
        if self._listener.paused:
            self.set_reading(False)
        early, self._early = bytes(self._early), bytearray()
        if early:
            self._read(early)


def _notice_dead_peers(transport: asyncio.Transport) -> None:
    """A device that lost its power says no goodbye, and would hold its place for ever."""
    link = transport.get_extra_info("socket")
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_EVERY_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_PROBES)


def _identified(source: str, transport: asyncio.Transport, context: ssl.SSLContext) -> Peer:
    tls = transport.get_extra_info("ssl_object")
    octets = tls.getpeercert(binary_form=True) if tls is not None else None
    verified = octets is not None and context.verify_mode is ssl.CERT_REQUIRED
    fingerprint = hashlib.sha256(octets).hexdigest() if octets else None
    return Peer(source, Transport.SYSLOG_TLS, authenticated=verified, certificate=fingerprint)
