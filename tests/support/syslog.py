"""A syslog receiver with the shipped packs, and everything that it told."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.directory import Peer, Speaker
from channelwatch_collector.syslog.intake import Callbacks, Handed, ReceivedLine
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.parse.header import DEFAULT_ZONE
from channelwatch_collector.syslog.parse.message import Message
from channelwatch_collector.syslog.receiver import Endpoints, SyslogReceiver

from channelwatch.base.clock import Clock, ManualClock
from channelwatch.base.ids import DeviceCode
from channelwatch.status.events import RogueSource
from tests.support.packs import packs
from tests.support.waiting import eventually

NOW = 1_795_318_923_000
"""2026-11-22T03:42:03Z, 10:42:03 in Viet Nam."""

DEVICE = DeviceCode("51-D-21548-1")
BOTH = Endpoints(udp=("127.0.0.1", 0), tcp=("127.0.0.1", 0))


def one_device(peer: Peer) -> Speaker:
    """Everyone is the same device, and believed with a certificate."""
    return Speaker(DEVICE, DEVICE, DEFAULT_ZONE, trusted=peer.certificate is not None)


class Room:
    """A receiver and what it told. `answer` is what the caller says to each line."""

    def __init__(
        self,
        *,
        endpoints: Endpoints = BOTH,
        limits: Limits | None = None,
        speaker_of: Callable[[Peer], Speaker | None] = one_device,
        clock: Clock | None = None,
        wants_text: bool = True,
    ) -> None:
        self.lines: list[ReceivedLine] = []
        self.rogues: list[RogueSource] = []
        self.answer: Callable[[ReceivedLine], Handed] = lambda _: True
        self.clock = ManualClock(NOW)
        self.receiver = SyslogReceiver(
            endpoints,
            packs(),
            callbacks=Callbacks(
                on_message=self._tell,
                on_rogue=self.rogues.append,
                speaker_of=speaker_of,
                device_named={"gw-07": DeviceCode("51-D-00007-1")}.get,
                wants_text=wants_text,
            ),
            clock=clock or self.clock,
            limits=limits or Limits(),
        )

    def _tell(self, line: ReceivedLine) -> Handed:
        self.lines.append(line)
        return self.answer(line)

    @property
    def messages(self) -> list[Message]:
        return [line.message for line in self.lines if line.message is not None]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    def count(self, name: Count, label: str = "") -> int:
        return self.receiver.counters.get(name, label)

    def total(self, name: Count) -> int:
        return self.receiver.counters.total(name)

    async def lines_come(self, number: int) -> list[ReceivedLine]:
        await eventually(lambda: len(self.lines) >= number, what=f"{number} lines")
        assert len(self.lines) == number
        return self.lines

    def send_udp(self, *datagrams: bytes, source: str | None = None) -> None:
        to = self.receiver.udp_address
        family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            if source is not None:
                sender.bind((source, 0))
            for datagram in datagrams:
                sender.sendto(datagram, to)

    async def connect(self, host: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.receiver.tcp_address, local_addr=(host, 0))

    async def send_tcp(self, data: bytes) -> None:
        _, writer = await self.connect()
        writer.write(data)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def open_room(room: Room | None = None, *, limits: Limits | None = None) -> AsyncIterator[Room]:
    """`room`, or one for UDP and TCP with `limits`, while the block lasts."""
    made = room or Room(limits=limits)
    await made.receiver.start()
    try:
        yield made
    finally:
        await made.receiver.close()
