"""RELP word by word: what is acknowledged, when, and what a sender gets that comes again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.intake import Handed, ReceivedLine
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.receiver import Endpoints
from channelwatch_collector.syslog.resends import Receipt

from channelwatch.status.events import Transport
from tests.support import eventually
from tests.support.syslog import Room, one_device, open_room

RELP = Endpoints(relp=("127.0.0.1", 0))
OFFERS = b"relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog"
OPEN = b"1 open %d %s\n" % (len(OFFERS), OFFERS)
OK = b"200 OK"


def frame(txnr: int, data: bytes) -> bytes:
    return b"%d syslog %d %s\n" % (txnr, len(data), data)


def line(number: int) -> bytes:
    return b"<86>Nov 22 10:42:03 gw sshd[1]: Failed password for root from 192.0.2.7 port %d ssh2" % number


@dataclass
class Client:
    """A sender that does what it is told."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, data: bytes) -> tuple[bytes, bytes]:
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> tuple[bytes, bytes]:
        async with asyncio.timeout(30):
            head = await self.reader.readuntil(b" ")
            command = await self.reader.readuntil(b" ")
            assert command in (b"rsp ", b"serverclose ")
            return head.strip(), await self._data()

    async def _data(self) -> bytes:
        digits = b""
        while (octet := await self.reader.readexactly(1)).isdigit():
            digits += octet
        if octet == b"\n":
            return b""
        data = await self.reader.readexactly(int(digits))
        assert await self.reader.readexactly(1) == b"\n"
        return data

    async def silence(self) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await self.reader.readexactly(1)

    async def end(self) -> None:
        async with asyncio.timeout(30):
            assert await self.reader.read() == b""


@asynccontextmanager
async def connected(room: Room, *, opened: bool = True) -> AsyncIterator[Client]:
    client = Client(*await asyncio.open_connection(*room.receiver.relp_address))
    if opened:
        _, text = await client.ask(OPEN)
        assert text.startswith(OK)
    try:
        yield client
    finally:
        client.writer.close()
        with contextlib.suppress(ConnectionError):
            await client.writer.wait_closed()


class Ledger:
    """Receipts that a test makes good when it wants."""

    def __init__(self, room: Room) -> None:
        self.receipts: list[Receipt] = []
        room.answer = self.take

    def take(self, _: ReceivedLine) -> Handed:
        self.receipts.append(asyncio.get_running_loop().create_future())
        return self.receipts[-1]


async def test_a_line_is_acknowledged_when_it_is_safe_and_not_before() -> None:
    async with open_room(Room(endpoints=RELP)) as room, connected(room) as client:
        ledger = Ledger(room)
        client.writer.write(frame(2, line(1)) + frame(3, line(2)))
        await eventually(lambda: len(ledger.receipts) == 2)
        await client.silence()
        ledger.receipts[0].set_result(None)
        assert await client.answer() == (b"2", OK)
        await client.silence()
        ledger.receipts[1].set_result(None)
        assert await client.answer() == (b"3", OK)
        assert {item.transport for item in room.lines} == {Transport.SYSLOG_RELP}


async def test_what_is_not_kept_is_acknowledged_in_its_turn() -> None:
    async with open_room(Room(endpoints=RELP, wants_text=False)) as room, connected(room) as client:
        ledger = Ledger(room)
        client.writer.write(frame(2, b"<13>x: nothing to us") + frame(3, line(1)) + frame(4, b"<13>x: again"))
        assert await client.answer() == (b"2", OK)
        await client.silence()
        ledger.receipts[0].set_result(None)
        assert [await client.answer() for _ in range(2)] == [(b"3", OK), (b"4", OK)]


async def test_a_line_sent_again_is_taken_once_and_acknowledged_with_the_first() -> None:
    async with open_room(Room(endpoints=RELP)) as room:
        ledger = Ledger(room)
        async with connected(room) as client:
            client.writer.write(frame(2, line(1)))
            await eventually(lambda: len(ledger.receipts) == 1)
        async with connected(room) as client:
            client.writer.write(frame(2, line(1)) + frame(3, line(2)))
            await eventually(lambda: len(ledger.receipts) == 2)
            await client.silence()
            assert room.count(Count.DUPLICATE, Transport.SYSLOG_RELP) == 1
            for receipt in ledger.receipts:
                receipt.set_result(None)
            assert [await client.answer() for _ in range(2)] == [(b"2", OK), (b"3", OK)]
        async with connected(room) as client:
            assert await client.ask(frame(2, line(1))) == (b"2", OK), "long committed"
        assert len(ledger.receipts) == 2


async def test_equal_lines_of_one_session_are_two() -> None:
    async with open_room(Room(endpoints=RELP)) as room, connected(room) as client:
        for txnr in (2, 3):
            assert await client.ask(frame(txnr, line(1))) == (b"%d" % txnr, OK)
        assert len(room.lines) == 2


async def test_without_room_the_session_ends_and_the_line_stays_with_its_sender() -> None:
    async with open_room(Room(endpoints=RELP)) as room:
        async with connected(room) as client:
            room.answer = lambda _: False
            client.writer.write(frame(2, line(1)) + frame(3, line(2)))
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await client.answer()
            assert len(room.lines) == 1, "what follows a line that was not taken is not taken either"
        room.answer = lambda _: True
        async with connected(room) as client:
            assert await client.ask(frame(2, line(1))) == (b"2", OK)
            assert room.total(Count.DUPLICATE) == 0


async def test_nothing_over_relp_is_shed_by_a_rate() -> None:
    limits = Limits(rate_per_s=0.001, burst=1, total_rate_per_s=0.001, total_burst=1)
    async with open_room(Room(endpoints=RELP, limits=limits)) as room, connected(room) as client:
        for txnr in range(2, 22):
            assert await client.ask(frame(txnr, line(txnr))) == (b"%d" % txnr, OK)
        assert len(room.lines) == 20


async def test_the_version_is_the_highest_that_both_speak() -> None:
    async with open_room(Room(endpoints=RELP)) as room:
        for offered, agreed in ((b"0", b"0"), (b"1", b"1"), (b"7", b"1")):
            async with connected(room, opened=False) as client:
                data = b"relp_version=%s\ncommands=syslog" % offered
                _, text = await client.ask(b"1 open %d %s\n" % (len(data), data))
                assert b"\nrelp_version=%s\n" % agreed in text + b"\n"
                assert text.endswith(b"\ncommands=syslog")


async def test_a_stranger_is_told_so_and_keeps_its_lines() -> None:
    async with open_room(Room(endpoints=RELP, speaker_of=lambda _: None)) as room:
        async with connected(room, opened=False) as client:
            assert (await client.ask(OPEN))[1].startswith(b"500 ")
            assert await client.answer() == (b"0", b"")
            await client.end()
        assert [rogue.address for rogue in room.rogues] == ["127.0.0.1"]


@pytest.mark.parametrize("data", [frame(1, b"<13>x"), b"GET / HTTP/1.1\r\n" * 9, b"1 open 99999999 x"])
async def test_what_is_no_relp_ends_the_connection(data: bytes) -> None:
    async with open_room(Room(endpoints=RELP)) as room, connected(room, opened=False) as client:
        client.writer.write(data)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.answer()
        assert room.total(Count.FRAME_ERROR) == 1
        assert room.lines == []


async def test_other_commands_are_refused_and_close_is_answered() -> None:
    async with open_room(Room(endpoints=RELP)) as room, connected(room) as client:
        assert await client.ask(b"2 starttls 0\n") == (b"2", b"500 unknown command")
        assert await client.ask(b"3 close 0\n") == (b"3", b"")
        assert await client.answer() == (b"0", b"")
        await client.end()


async def test_a_close_is_answered_after_every_line_before_it() -> None:
    async with open_room(Room(endpoints=RELP)) as room, connected(room) as client:
        ledger = Ledger(room)
        client.writer.write(frame(2, line(1)) + b"3 close 0\n")
        await eventually(lambda: len(ledger.receipts) == 1)
        await client.silence()
        ledger.receipts[0].set_result(None)
        assert [await client.answer() for _ in range(3)] == [(b"2", OK), (b"3", b""), (b"0", b"")]
        await client.end()


async def test_a_receipt_after_the_sender_left_disturbs_nobody() -> None:
    async with open_room(Room(endpoints=RELP)) as room:
        ledger = Ledger(room)
        async with connected(room) as client:
            client.writer.write(frame(2, line(1)))
            await eventually(lambda: len(ledger.receipts) == 1)
        await eventually(lambda: not room.receiver._relp._connections)
        ledger.receipts[0].set_result(None)
        await asyncio.sleep(0)


async def test_while_the_queue_behind_is_full_lines_wait_at_the_sender() -> None:
    async with open_room(Room(endpoints=RELP)) as room, connected(room) as client:
        room.receiver.feel(0.8)
        client.writer.write(frame(2, line(1)))
        await client.silence()
        assert room.lines == []
        room.receiver.feel(0.5)
        assert await client.answer() == (b"2", OK)


async def test_a_relay_may_speak_for_many() -> None:
    room = Room(endpoints=RELP, speaker_of=lambda peer: one_device(peer)._replace(device=None, is_relay=True))
    async with open_room(room), connected(room) as client:
        assert await client.ask(frame(2, line(1).replace(b" gw ", b" gw-07 "))) == (b"2", OK)
        assert [item.device for item in room.lines] == ["51-D-00007-1"]


async def test_relp_is_spoken_over_ipv6_too() -> None:
    room = Room(endpoints=Endpoints(relp=("::1", 0)))
    async with open_room(room), connected(room) as client:
        assert await client.ask(frame(2, line(1))) == (b"2", OK)
        assert [item.source_address for item in room.lines] == ["::1"]


async def test_a_sender_that_reads_no_answers_is_not_read() -> None:
    async with open_room(Room(endpoints=RELP)) as room, connected(room) as client:
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                for _ in range(1_000_000):
                    client.writer.write(b"9 syslog 5 <13>x\n" * 200)
                    await client.writer.drain()
        client.writer.transport.abort()
