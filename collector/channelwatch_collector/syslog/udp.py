"""Syslog over UDP (RFC 5426): one datagram, one message, no back-pressure and no proof of the sender."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import Final

from channelwatch.status.events import Transport
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.datagrams import BATCH, Datagrams
from channelwatch_collector.syslog.directory import Peer, plain_address
from channelwatch_collector.syslog.intake import Intake
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.sockets import listening_socket

_MAX_PEERS: Final = 20_000
REST_S: Final = 0.002
"""While datagrams keep coming they are fetched so often: to be woken for every few of them costs more than they do,
and a call that finds nothing costs as much as one that finds some."""


class UdpListener:
    """Reads its socket until the kernel's queue is empty, giving way to other callbacks in between.

    It waits to be woken when nothing comes, and looks by itself, a moment later, when something does.
    """

    def __init__(self, intake: Intake, limits: Limits) -> None:
        self._intake = intake
        self._limits = limits
        self._socket: socket.socket | None = None
        self._datagrams: Datagrams | None = None
        self._read: deque[tuple[bytes, bytes]] = deque()
        self._peers: dict[bytes, Peer] = {}
        self._dropped = 0
        self._next: asyncio.Handle | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port in use."""
        assert self._socket is not None, "not started"
        host, port = self._socket.getsockname()[:2]
        return host, port

    def start(self, host: str, port: int) -> None:
        """Bind to the IP address `host`. OSError when that fails."""
        bound = listening_socket(host, port, socket.SOCK_DGRAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._limits.receive_buffer_octets)
        self._socket, self._datagrams = bound, Datagrams(bound)
        asyncio.get_running_loop().add_reader(bound.fileno(), self._wake)

    def close(self) -> None:
        """Stop reading and give the port back."""
        if self._next is not None:
            self._next.cancel()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = self._datagrams = None

    def _wake(self) -> None:
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._drain()

    def _drain(self) -> None:
        """Take what waits, for one turn, and see to it that the next comes."""
        taken, last = 0, BATCH
        while last == BATCH and taken < self._limits.datagrams_per_turn and self._datagrams is not None:
            last = self._receive(self._datagrams)
            taken += last
            self._take(self._datagrams)
        if self._socket is None:
            return
        loop = asyncio.get_running_loop()
        if not taken:
            self._next = None
            loop.add_reader(self._socket.fileno(), self._wake)
        elif last == BATCH:
            self._next = loop.call_soon(self._drain)
        else:
            self._next = loop.call_later(REST_S, self._drain)

    def _receive(self, datagrams: Datagrams) -> int:
        """Read once more; how many there were."""
        try:
            found = datagrams.receive()
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            # The interface went away, or an ICMP error came back: the next call may succeed.
            self._intake.counters.add(Count.SOCKET_ERROR, Transport.SYSLOG_UDP)
            return 0
        self._read.extend(found)
        if datagrams.dropped != self._dropped:
            lost = (datagrams.dropped - self._dropped) % 2**32
            self._intake.counters.add(Count.KERNEL_DROPPED, Transport.SYSLOG_UDP, lost)
            self._dropped = datagrams.dropped
        return len(found)

    def _take(self, datagrams: Datagrams) -> None:
        """Hand over what was read. A callback that fails costs its own datagram and no other."""
        take, read, peers, arrival = self._intake.take, self._read, self._peers, self._intake.arrival()
        try:
            while read:
                octets, address = read.popleft()
                peer = peers.get(address) or self._peer(datagrams, address)
                if octets:
                    take(octets, peer, arrival)
                else:
                    self._intake.counters.add(Count.EMPTY, Transport.SYSLOG_UDP)
        finally:
            if read:
                asyncio.get_running_loop().call_soon(self._take, datagrams)

    def _peer(self, datagrams: Datagrams, address: bytes) -> Peer:
        if len(self._peers) >= _MAX_PEERS:
            self._peers.clear()
        peer = Peer(plain_address(datagrams.spell(address)), Transport.SYSLOG_UDP)
        return self._peers.setdefault(address, peer)
