"""One unconnected, non-blocking UDP socket on the event loop, with the kernel's ICMP errors told apart.

A reader callback drains the socket instead of a transport that takes one datagram per turn of the loop.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address

from channelwatch_collector.snmp.port import MAX_DATAGRAM

Address = tuple[str, int]
"""Numeric address as the kernel writes it, and port."""

DATAGRAMS_PER_TURN = 64
"""After so many the loop gets to run other things; the socket stays readable and calls again."""
MAX_UNSENT = 4_096
"""Datagrams kept while the kernel's send buffer is full; beyond it they are dropped and counted."""

# Linux's numbers (linux/in.h, linux/in6.h); the socket module does not name them.
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_MSG_ERRQUEUE = getattr(socket, "MSG_ERRQUEUE", 0)
_EXTENDED_ERROR = struct.Struct("=IBBBBII")
_ERRORS_PER_READ = 64
_SO_MEMINFO = 55
_SO_RCVBUFFORCE = 33
_MEMINFO = struct.Struct("=9I")

_ANY_IPV6 = "::"

OnDatagram = Callable[[bytes, Address], None]
OnRefused = Callable[[Address, int], None]


def one_spelling(address: str) -> str:
    """The compressed form of an IPv6 address; an IPv4 address inside IPv6 is the IPv4 address."""
    if ":" not in address:
        return address
    parsed = IPv6Address(address.partition("%")[0])
    return str(parsed.ipv4_mapped or parsed)


class UdpSocket:
    """Calls `on_datagram(octets, sender)` for each datagram, `on_refused(peer, errno)` for each ICMP error.

    Neither callback may raise. `counters` gains `unsent_dropped`. `receive_buffer` is asked of the kernel,
    which may grant less (net.core.rmem_max). A socket at `::` takes IPv4 too, its senders written inside IPv6.
    """

    def __init__(
        self,
        on_datagram: OnDatagram,
        on_refused: OnRefused,
        *,
        counters: Counter[str],
        local: Address = ("0.0.0.0", 0),
        receive_buffer: int = 4 * 1024 * 1024,
    ) -> None:
        self._on_datagram = on_datagram
        self._on_refused = on_refused
        self._unsent: deque[tuple[bytes, Address]] = deque()
        self._counters = counters
        self._kernel_drops = 0
        self._loop = asyncio.get_running_loop()
        ipv6 = ":" in local[0]
        self._socket = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._ask_for_room(receive_buffer)
            if ipv6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(local[0] != _ANY_IPV6))
            if sys.platform == "linux":
                level, option = (
                    (socket.IPPROTO_IPV6, _IPV6_RECVERR) if ipv6 else (socket.IPPROTO_IP, _IP_RECVERR)
                )
                self._socket.setsockopt(level, option, 1)
            self._socket.bind(local)
        except OSError:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket.fileno(), self.drain)

    def _ask_for_room(self, receive_buffer: int) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if sys.platform == "linux":
            # Beyond net.core.rmem_max, for whoever administers the network.
            with suppress(PermissionError):
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, receive_buffer)

    @property
    def local(self) -> Address:
        """Where this socket is bound."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    def kernel_drops(self) -> int:
        """Datagrams for this socket that the kernel threw away, most of all because the receive buffer was full."""
        if sys.platform == "linux" and self._socket.fileno() >= 0:
            # SK_MEMINFO_DROPS of linux/sock_diag.h: the figure that /proc/net/udp shows.
            memory = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
            self._kernel_drops = _MEMINFO.unpack(memory)[8]
        return self._kernel_drops

    def drain(self) -> bool:
        """Hand over what the kernel holds; False if there may be more.

        Also called before a time-out is believed: a busy loop must not mistake its own lag for silence.
        """
        receive, deliver = self._socket.recvfrom, self._on_datagram
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                octets, sender = receive(MAX_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                if self._socket.fileno() < 0:
                    return True
                self._read_errors()
                continue
            deliver(octets, sender[:2])
        return False

    def send(self, datagram: bytes, peer: Address) -> int:
        """Send now, or queue if the kernel's buffer is full; returns 0 or the errno of a refusal."""
        if not self._unsent:
            try:
                self._socket.sendto(datagram, peer)
            except OSError as problem:
                return self._send_again(datagram, peer, problem)
            return 0
        return self._keep(datagram, peer)

    def close(self) -> None:
        """Release the socket. What is unsent is lost."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()

    def _send_again(self, datagram: bytes, peer: Address, problem: OSError) -> int:
        # The kernel reports an earlier ICMP error of any peer on the next call; that one is not ours.
        for _ in range(_ERRORS_PER_READ):
            if isinstance(problem, BlockingIOError | InterruptedError):
                return self._keep(datagram, peer)
            if not self._read_errors():
                return problem.errno or errno.EIO
            try:
                self._socket.sendto(datagram, peer)
            except OSError as again:
                problem = again
            else:
                return 0
        return errno.EIO

    def _keep(self, datagram: bytes, peer: Address) -> int:
        if len(self._unsent) >= MAX_UNSENT:
            self._counters["unsent_dropped"] += 1
            return 0
        if not self._unsent:
            self._loop.add_writer(self._socket.fileno(), self._flush)
        self._unsent.append((datagram, peer))
        return 0

    def _flush(self) -> None:
        while self._unsent:
            datagram, peer = self._unsent[0]
            try:
                self._socket.sendto(datagram, peer)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._read_errors()
            self._unsent.popleft()
        self._loop.remove_writer(self._socket.fileno())

    def _read_errors(self) -> int:
        """Report what waits on the error queue (ip(7), IP_RECVERR); the number of errors found."""
        if not _MSG_ERRQUEUE:
            return 0
        for count in range(_ERRORS_PER_READ):
            try:
                _, ancillary, _, peer = self._socket.recvmsg(1, 512, _MSG_ERRQUEUE)
            except OSError:
                return count
            for _level, kind, record in ancillary:
                if kind in (_IP_RECVERR, _IPV6_RECVERR) and len(record) >= _EXTENDED_ERROR.size and peer:
                    self._on_refused(peer[:2], _EXTENDED_ERROR.unpack_from(record)[0])
        return _ERRORS_PER_READ
