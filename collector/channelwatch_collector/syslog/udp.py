"""Syslog over UDP (RFC 5426): one datagram, one message, no back-pressure and no proof of the sender."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import struct
from typing import Final

from channelwatch.status.events import Transport
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.intake import Intake, Peer
from channelwatch_collector.syslog.limits import Limits

_SO_RXQ_OVFL: Final = 40
"""Linux, asm-generic/socket.h: each datagram then carries how many were dropped before it. Not in `socket`."""

_MAX_DATAGRAM: Final = 65_535


class UdpListener:
    """Reads its socket until the kernel's queue is empty, which keeps up with three times what asyncio's own does."""

    def __init__(self, intake: Intake, limits: Limits) -> None:
        self._intake = intake
        self._limits = limits
        self._socket: socket.socket | None = None
        self._buffer = bytearray(_MAX_DATAGRAM)
        self._kernel_dropped = 0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port in use."""
        assert self._socket is not None, "not started"
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self, host: str, port: int) -> None:
        """Bind to the IP address `host`. OSError when that fails."""
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_DGRAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._limits.receive_buffer_octets)
            with contextlib.suppress(OSError):
                listener.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
            if family is socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.setblocking(False)
            listener.bind((host, port))
        except OSError:
            listener.close()
            raise
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
        for turn in range(self._limits.datagrams_per_turn):
            received = self._receive(count_drops=turn == 0)
            if received is None:
                return
            self._take(*received)

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

    def _take(self, size: int, host: str) -> None:
        if size == 0:
            self._intake.counters.add(Count.EMPTY, Transport.SYSLOG_UDP)
            return
        self._intake.take(bytes(self._buffer[:size]), Peer(plain_address(host), Transport.SYSLOG_UDP))


def plain_address(host: str) -> str:
    """An address as the inventory writes it: no scope, and IPv4 not mapped into IPv6."""
    host = host.partition("%")[0]
    return host.removeprefix("::ffff:") if "." in host else host
