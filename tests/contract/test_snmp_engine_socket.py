"""The UDP socket under the engine: a full send buffer, and errors that belong to somebody else."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import Counter
from typing import Any

import pytest
from channelwatch_collector.snmp import udp
from channelwatch_collector.snmp.udp import Address, UdpSocket

from tests.support import eventually, free_port


class Choked:
    """A socket whose send buffer is full until `open` is set."""

    def __init__(self, real: socket.socket) -> None:
        self._real = real
        self.open = False

    def sendto(self, datagram: bytes, peer: Address) -> int:
        if not self.open:
            raise BlockingIOError
        return self._real.sendto(datagram, peer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Collector:
    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.received: list[bytes] = []
        self.refused: list[Address] = []
        self.socket = UdpSocket(
            lambda datagram, sender: self.received.append(datagram),
            lambda peer, error: self.refused.append(peer),
            counters=self.counters,
            local=("127.0.0.1", 0),
        )


@pytest.fixture
async def sender() -> Any:
    made = Collector()
    yield made
    made.socket.close()


@pytest.fixture
async def receiver() -> Any:
    made = Collector()
    yield made
    made.socket.close()


async def test_what_does_not_fit_the_send_buffer_leaves_later_and_in_order(
    sender: Collector, receiver: Collector
) -> None:
    choked = Choked(sender.socket._socket)
    sender.socket._socket = choked  # type: ignore[assignment]
    for number in range(5):
        assert sender.socket.send(b"%d" % number, receiver.socket.local) == 0
    await asyncio.sleep(0.01)
    assert receiver.received == []
    choked.open = True
    await eventually(lambda: receiver.received == [b"0", b"1", b"2", b"3", b"4"], 30)
    sender.socket.send(b"5", receiver.socket.local)
    await eventually(lambda: receiver.received[-1] == b"5", 30)


async def test_a_send_buffer_that_stays_full_drops_and_counts(sender: Collector, receiver: Collector) -> None:
    sender.socket._socket = Choked(sender.socket._socket)  # type: ignore[assignment]
    for _ in range(udp.MAX_UNSENT + 3):
        sender.socket.send(b"x", receiver.socket.local)
    assert sender.counters["unsent_dropped"] == 3


async def test_another_peer_s_icmp_error_does_not_spoil_a_send(
    sender: Collector, receiver: Collector
) -> None:
    """The kernel reports a pending error on the next call, whomever that call is for."""
    closed = ("127.0.0.1", free_port("udp"))
    sent = 0
    for _ in range(20):
        sender.socket.send(b"into the void", closed)
        assert sender.socket.send(b"good", receiver.socket.local) == 0
        sent += 1
    await eventually(lambda: len(receiver.received) == sent, 30)
    await eventually(lambda: len(sender.refused) > 0, 30)
    assert set(sender.refused) == {closed}


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells it on Linux alone")
async def test_what_the_kernel_had_no_room_for_is_counted(sender: Collector) -> None:
    small = UdpSocket(
        lambda datagram, source: None,
        lambda peer, error: None,
        counters=Counter(),
        local=("127.0.0.1", 0),
        receive_buffer=4_096,
    )
    try:
        assert small.kernel_drops() == 0
        for _ in range(200):
            sender.socket.send(bytes(1_000), small.local)
        lost = small.kernel_drops()
        assert 100 < lost <= 200
        small.drain()
    finally:
        small.close()
    assert small.kernel_drops() == lost, "also when the socket is closed"


async def test_a_closed_socket_is_quiet(sender: Collector) -> None:
    sender.socket.close()
    sender.socket.close()
    assert sender.socket.drain()
