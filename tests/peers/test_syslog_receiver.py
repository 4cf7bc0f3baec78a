"""The receivers against senders that behave, and senders that do not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.intake import Callbacks, ReceivedLine
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.packfile import load_packs
from channelwatch_collector.syslog.parse.classify import Classifier
from channelwatch_collector.syslog.receiver import Endpoints, SyslogReceiver

from channelwatch.base.clock import ManualClock, iso_utc
from channelwatch.status.events import EventKind, RogueSource, Transport
from tests.support import eventually

NOW = 1_795_318_923_000
BOTH = Endpoints(udp=("127.0.0.1", 0), tcp=("127.0.0.1", 0))
LINE = b"<86>Nov 22 10:42:03 gw sshd[1]: Failed password for root from 192.0.2.7 port 5 ssh2"


class Room:
    """A receiver and what it told."""

    def __init__(
        self,
        *,
        endpoints: Endpoints = BOTH,
        limits: Limits | None = None,
        knows: Callable[[str], bool] | None = None,
    ) -> None:
        self.lines: list[ReceivedLine] = []
        self.rogues: list[RogueSource] = []
        self.on_message: Callable[[ReceivedLine], None] = self.lines.append
        self.clock = ManualClock(NOW)
        self.receiver = SyslogReceiver(
            endpoints,
            Classifier(load_packs()),
            callbacks=Callbacks(
                on_message=self._tell,
                on_rogue=self.rogues.append,
                knows=knows or (lambda _: True),
            ),
            clock=self.clock,
            limits=limits or Limits(),
        )

    def _tell(self, line: ReceivedLine) -> None:
        self.on_message(line)

    @property
    def texts(self) -> list[str]:
        return [line.redacted_text for line in self.lines]

    def count(self, name: Count, label: str = "") -> int:
        return self.receiver.counters.get(name, label)

    async def lines_come(self, number: int) -> list[ReceivedLine]:
        await eventually(lambda: len(self.lines) >= number, what=f"{number} lines, have {len(self.lines)}")
        assert len(self.lines) == number
        return self.lines

    def send_udp(self, *datagrams: bytes) -> None:
        family = socket.AF_INET6 if ":" in self.receiver.udp_address[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, self.receiver.udp_address)

    async def connect(self, host: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.receiver.tcp_address, local_addr=(host, 0))

    async def send_tcp(self, data: bytes) -> None:
        _, writer = await self.connect()
        writer.write(data)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def open_room(
    *,
    endpoints: Endpoints = BOTH,
    limits: Limits | None = None,
    knows: Callable[[str], bool] | None = None,
) -> AsyncIterator[Room]:
    room = Room(endpoints=endpoints, limits=limits, knows=knows)
    await room.receiver.start()
    try:
        yield room
    finally:
        await room.receiver.close()


async def test_a_datagram_becomes_a_classified_line() -> None:
    async with open_room() as room:
        room.send_udp(LINE)
        (line,) = await room.lines_come(1)
    assert line.classified is not None
    assert line.classified.kind is EventKind.LOGIN_FAIL
    assert (line.source_address, line.transport, line.authenticated) == (
        "127.0.0.1",
        Transport.SYSLOG_UDP,
        False,
    )
    assert iso_utc(line.received_at) == "2026-11-22T03:42:03.000Z"
    assert room.count(Count.MATCHED, "linux/ssh-login-fail") == 1


async def test_ipv6_datagrams_are_received() -> None:
    async with open_room(endpoints=Endpoints(udp=("::1", 0))) as room:
        room.send_udp(b"<13>Nov 22 10:42:03 gw a: six")
        (line,) = await room.lines_come(1)
    assert (line.source_address, line.redacted_text) == ("::1", "six")


async def test_empty_datagrams_are_counted_and_nothing_more() -> None:
    async with open_room() as room:
        room.send_udp(b"", b"<13>Nov 22 10:42:03 gw a: x")
        await room.lines_come(1)
        assert room.count(Count.EMPTY, Transport.SYSLOG_UDP) == 1


async def test_a_stream_gives_each_of_its_frames() -> None:
    counted = b"<13>Nov 22 10:42:03 gw a: two"
    async with open_room() as room:
        await room.send_tcp(b"<13>Nov 22 10:42:03 gw a: one\n%d %s<13>x: rest" % (len(counted), counted))
        lines = await room.lines_come(3)
    assert room.texts == ["one", "two", "rest"]
    assert {line.transport for line in lines} == {Transport.SYSLOG_TCP}


async def test_a_broken_frame_is_kept_and_ends_the_connection() -> None:
    async with open_room() as room:
        reader, writer = await room.connect()
        writer.write(b"12x <13>Nov 22 10:42:03 gw a: odd")
        (line,) = await room.lines_come(1)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert "odd" in line.redacted_text
        assert room.count(Count.FRAME_ERROR, "bad_length") == 1


async def test_a_frame_that_never_ends_is_given_up() -> None:
    async with open_room(limits=Limits(frame_timeout_s=0.2)) as room:
        _, writer = await room.connect()
        writer.write(b"<13>Nov 22 10:42:03 gw a: slow")
        (line,) = await room.lines_come(1)
        assert line.redacted_text == "slow"
        assert room.count(Count.FRAME_TIMEOUT, Transport.SYSLOG_TCP) == 1
        writer.close()


async def test_an_idle_connection_between_frames_is_left_alone() -> None:
    async with open_room(limits=Limits(frame_timeout_s=0.1)) as room:
        _, writer = await room.connect()
        writer.write(b"<13>Nov 22 10:42:03 gw a: one\n")
        await room.lines_come(1)
        await asyncio.sleep(0.4)
        writer.write(b"<13>Nov 22 10:42:03 gw a: two\n")
        await room.lines_come(2)
        assert room.count(Count.FRAME_TIMEOUT, Transport.SYSLOG_TCP) == 0
        writer.close()


async def test_a_line_of_ten_megabytes_is_cut_and_the_next_one_read() -> None:
    async with open_room() as room:
        await room.send_tcp(b"<13>Nov 22 10:42:03 gw a: " + b"long " * 2_000_000 + b"\n<13>x: next\n")
        first, second = await room.lines_come(2)
    assert first.message.truncated
    assert second.redacted_text == "next"
    assert room.count(Count.LINE_CUT, Transport.SYSLOG_TCP) == 1


async def test_connections_are_limited_by_source_and_in_total() -> None:
    limits = Limits(max_connections=3, max_connections_per_source=2)
    async with open_room(limits=limits) as room:
        opened = [await room.connect(host) for host in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2")]
        await eventually(lambda: room.count(Count.CONNECTION, Transport.SYSLOG_TCP) == 3)
        opened.append(await room.connect("127.0.0.3"))
        await eventually(lambda: room.count(Count.CONNECTION_REFUSED, "total") == 1)
        assert room.count(Count.CONNECTION_REFUSED, "per_source") == 1
        for _, writer in opened:
            writer.close()
        await eventually(lambda: not room.receiver._tcp._per_source, what="places given back")
        await room.send_tcp(b"<13>x: again\n")
        await room.lines_come(1)


async def test_a_source_over_its_rate_is_shed_but_not_its_errors() -> None:
    async with open_room(limits=Limits(rate_per_s=1, burst=5)) as room:
        room.send_udp(*[b"<14>Nov 22 10:42:03 gw a: info"] * 20, b"<11>Nov 22 10:42:03 gw a: error")
        await eventually(lambda: room.receiver.counters.total(Count.RECEIVED) == 21)
        assert room.count(Count.SHED, "6") == 15
        floods = [line for line in room.lines if line.classified and line.classified.kind is EventKind.FLOOD]
        assert [flood.transport for flood in floods] == [Transport.COLLECTOR]
        assert room.texts.count("info") == 5
        assert room.texts.count("error") == 1
        room.clock.advance(61_000)
        room.send_udp(*[b"<14>Nov 22 10:42:03 gw a: info"] * 6)
        await eventually(lambda: room.receiver.counters.total(Count.SHED) == 16)
        assert dict(room.lines[-1].classified.fields if room.lines[-1].classified else ()) == {"shed": "15"}


async def test_all_sources_together_have_a_rate_too() -> None:
    async with open_room(limits=Limits(total_rate_per_s=1, total_burst=5)) as room:
        room.send_udp(*[b"<14>Nov 22 10:42:03 gw a: info"] * 20)
        await eventually(lambda: room.receiver.counters.total(Count.RECEIVED) == 20)
        assert room.count(Count.SHED, "6") == 15


async def test_an_unknown_source_is_reported_once_and_its_lines_go_nowhere() -> None:
    async with open_room(knows=lambda _: False) as room:
        room.send_udp(*[LINE + b" password=hunter2"] * 10)
        await eventually(lambda: room.count(Count.ROGUE, Transport.SYSLOG_UDP) == 10)
        (rogue,) = room.rogues
        assert (rogue.address, rogue.count) == ("127.0.0.1", 1)
        assert "hunter2" not in rogue.sample
        room.clock.advance(61_000)
        room.send_udp(LINE)
        await eventually(lambda: len(room.rogues) == 2)
        assert room.rogues[-1].count == 10
        assert not room.lines


async def test_a_wrong_clock_is_told_once_an_hour() -> None:
    async with open_room() as room:
        room.send_udp(*[b"<13>Nov 22 09:42:03 gw a: late"] * 3)
        lines = await room.lines_come(4)
        (skew,) = [line for line in lines if line.classified]
        assert skew.classified is not None
        assert skew.classified.kind is EventKind.CLOCK_SKEW
        assert skew.classified.readings[0].value == -3600.0
        room.clock.advance(3_600_000)
        room.send_udp(b"<13>Nov 22 09:42:03 gw a: late")
        await room.lines_come(6)


async def test_paused_senders_wait_and_lose_nothing() -> None:
    async with open_room() as room:
        _, writer = await room.connect()
        writer.write(b"<13>x: 0\n")
        await room.lines_come(1)
        room.receiver.pause()
        writer.write(b"<13>x: 1\n")
        await asyncio.sleep(0.1)
        assert room.texts == ["0"]
        room.receiver.resume()
        await room.lines_come(2)
        writer.close()


async def test_a_port_in_use_is_an_error_and_leaves_nothing_open() -> None:
    async with open_room() as room:
        taken = Endpoints(udp=("127.0.0.1", 0), tcp=room.receiver.tcp_address)
        other = Room(endpoints=taken)
        with pytest.raises(OSError, match="address already in use"):
            await other.receiver.start()


async def test_a_paced_storm_of_datagrams_is_received_whole() -> None:
    async with open_room(limits=Limits(rate_per_s=1e6, burst=1_000_000)) as room:
        for _ in range(50):
            room.send_udp(*[LINE] * 100)
            await asyncio.sleep(0)
        await room.lines_come(5_000)
        assert room.receiver.counters.total(Count.KERNEL_DROPPED) == 0


async def test_what_the_kernel_drops_is_counted() -> None:
    limits = Limits(receive_buffer_octets=4096, rate_per_s=1e6, burst=1_000_000)
    async with open_room(limits=limits) as room:
        room.send_udp(*[LINE] * 1_000)  # the event loop does not read meanwhile
        await eventually(lambda: len(room.lines) > 0)
        received = len(room.lines)
        room.send_udp(LINE)  # a datagram that comes through tells how many did not
        await eventually(lambda: room.receiver.counters.total(Count.KERNEL_DROPPED) > 0)
        assert len(room.lines) == received + 1
        assert room.count(Count.KERNEL_DROPPED, Transport.SYSLOG_UDP) == 1_000 - received


async def test_numbers_missing_between_messages_are_counted() -> None:
    async with open_room() as room:
        room.send_udp(*[b'<13>1 - gw a - - [meta sequenceId="%d"] x' % number for number in (1, 2, 5, 6)])
        await room.lines_come(4)
        assert room.count(Count.SEQUENCE_GAP, Transport.SYSLOG_UDP) == 2


async def test_a_callback_that_fails_does_not_end_the_listener() -> None:
    async with open_room() as room:
        problems: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))

        def fail_once(line: ReceivedLine) -> None:
            room.lines.append(line)
            if line.redacted_text == "bad":
                raise OSError("the caller's own failure")

        room.on_message = fail_once
        room.send_udp(b"<13>Nov 22 10:42:03 gw a: bad", b"<13>Nov 22 10:42:03 gw a: good")
        await room.lines_come(2)
        assert len(problems) == 1
        assert room.count(Count.SOCKET_ERROR, Transport.SYSLOG_UDP) == 0
