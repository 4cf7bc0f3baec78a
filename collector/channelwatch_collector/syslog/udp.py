"""Syslog over UDP (RFC 5426): one datagram, one message, no back-pressure and no proof of the sender."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Final

from channelwatch.status.events import Transport
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.directory import Peer, plain_address
from channelwatch_collector.syslog.intake import Intake
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.sockets import listening_socket

_SO_RXQ_OVFL: Final = 40
"""Linux, asm-generic/socket.h: each datagram then carries how many were dropped before it. Not in `socket`."""

_MAX_DATAGRAM: Final = 65_535
_MAX_PEERS: Final = 20_000


class UdpListener:
    """Reads its socket until the kernel's queue is empty, which keeps up with three times what asyncio's own does."""

    def __init__(self, intake: Intake, limits: Limits) -> None:
        self._intake = intake
        self._limits = limits
        self._socket: socket.socket | None = None
        self._buffer = memoryview(bytearray(_MAX_DATAGRAM))
        self._peers: dict[str, Peer] = {}
        self._kernel_dropped = 0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port in use."""
        assert self._socket is not None, "not started"
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self, host: str, port: int) -> None:
        """Bind to the IP address `host`. OSError when that fails."""
        listener = listening_socket(host, port, socket.SOCK_DGRAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._limits.receive_buffer_octets)
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        self._socket = listener
        asyncio.get_running_loop().add_reader(listener.fileno(), self._drain)

    def close(self) -> None:
        """Stop reading and give the port back."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _drain(self) -> None:
        """Read what is there, then let other callbacks run; the event loop calls again while more waits."""
        take, arrival, buffer, peers = self._intake.take, self._intake.arrival(), self._buffer, self._peers
        for turn in range(self._limits.datagrams_per_turn):
            received = self._receive(count_drops=turn == 0)
            if received is None:
                return
            size, host = received
            peer = peers.get(host) or self._peer(host)
            if size:
                take(bytes(buffer[:size]), peer, arrival)
            else:
                self._intake.counters.add(Count.EMPTY, Transport.SYSLOG_UDP)

    def _receive(self, *, count_drops: bool) -> tuple[int, str] | None:
        """Size and sender of the next datagram, None if none waits."""
        if self._socket is None:
            return None
        try:
            if not count_drops:
                size, sender = self._socket.recvfrom_into(self._buffer)
                return size, sender[0]
            size, ancillary, _, sender = self._socket.recvmsg_into([self._buffer], socket.CMSG_SPACE(4))
        except BlockingIOError:
            return None
        except OSError:
            # The interface went away, or an ICMP error came back: the next call may succeed.
            self._intake.counters.add(Count.SOCKET_ERROR, Transport.SYSLOG_UDP)
            return None
        self._count_drops(ancillary)
        return size, sender[0]

    def _count_drops(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        """Count what the kernel dropped since it last told; asking costs more, so only one datagram a turn does."""
        for level, kind, octets in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_RXQ_OVFL and len(octets) >= 4:
                (dropped,) = struct.unpack_from("=I", octets)
                self._intake.counters.add(
                    Count.KERNEL_DROPPED, Transport.SYSLOG_UDP, (dropped - self._kernel_dropped) % 2**32
                )
                self._kernel_dropped = dropped

    def _peer(self, host: str) -> Peer:
        if len(self._peers) >= _MAX_PEERS:
            self._peers.clear()
        return self._peers.setdefault(host, Peer(plain_address(host), Transport.SYSLOG_UDP))
