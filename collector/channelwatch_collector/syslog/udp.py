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
        listener = self._socket
        if listener is None:
            return
        try:
            self._receive_first(listener)
            for _ in range(self._limits.datagrams_per_turn):
                size, sender = listener.recvfrom_into(self._buffer)
                self._take(size, sender[0])
        except BlockingIOError:
            return
        except OSError:
            # An ICMP error of an earlier send, or the interface went away; the reader is called again.
            self._intake.counters.add(Count.SOCKET_ERROR, Transport.SYSLOG_UDP)

    def _receive_first(self, listener: socket.socket) -> None:
        """The first datagram of a turn, with the kernel's count of drops, which costs more to ask for."""
        size, ancillary, _, sender = listener.recvmsg_into([self._buffer], socket.CMSG_SPACE(4))
        for level, kind, octets in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_RXQ_OVFL and len(octets) >= 4:
                (dropped,) = struct.unpack_from("=I", octets)
                self._intake.counters.add(
                    Count.KERNEL_DROPPED, Transport.SYSLOG_UDP, (dropped - self._kernel_dropped) % 2**32
                )
                self._kernel_dropped = dropped
        self._take(size, sender[0])

    def _take(self, size: int, host: str) -> None:
        if size == 0:
            self._intake.counters.add(Count.EMPTY, Transport.SYSLOG_UDP)
            return
        self._intake.take(bytes(self._buffer[:size]), Peer(plain_address(host), Transport.SYSLOG_UDP))


def plain_address(host: str) -> str:
    """An address as the inventory writes it: no scope, and IPv4 not mapped into IPv6."""
    host = host.partition("%")[0]
    return host.removeprefix("::ffff:") if "." in host else host
