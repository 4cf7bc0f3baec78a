"""The receivers against senders that behave, and senders that do not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.directory import Peer, Speaker
from channelwatch_collector.syslog.intake import Handed, ReceivedLine
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.parse.header import DEFAULT_ZONE
from channelwatch_collector.syslog.receiver import Endpoints
from channelwatch_collector.syslog.udp import REST_S

from channelwatch.base.clock import iso_utc
from channelwatch.status.events import EventKind, Transport
from tests.support import eventually
from tests.support.syslog import DEVICE, Room, open_room

LINE = b"<86>Nov 22 10:42:03 gw sshd[1]: Failed password for root from 192.0.2.7 port 5 ssh2"


async def test_a_datagram_becomes_a_classified_line() -> None:
    async with open_room() as room:
        room.send_udp(LINE)
        (line,) = await room.lines_come(1)
    assert line.classified is not None
    assert line.classified.kind is EventKind.LOGIN_FAIL
    assert (line.device, line.source_address, line.trusted) == (DEVICE, "127.0.0.1", False)
    assert line.transport is Transport.SYSLOG_UDP
    assert iso_utc(line.received_at) == "2026-11-22T03:42:03.000Z"
    assert room.count(Count.MATCHED, "linux/ssh-login-fail") == 1


async def test_after_a_datagram_the_next_are_awaited_for_a_moment_before_the_receiver_asks_to_be_woken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    asked: list[float] = []
    add_reader = loop.add_reader

    def note(number: int, call: Callable[..., object]) -> None:
        asked.append(loop.time())
        add_reader(number, call)

    async with open_room() as room:
        monkeypatch.setattr(loop, "add_reader", note)
        sent = loop.time()
        room.send_udp(LINE)
        await eventually(lambda: bool(asked))
        assert len(room.lines) == 1
        assert asked[0] - sent >= REST_S


async def test_ipv6_datagrams_are_received() -> None:
    async with open_room(Room(endpoints=Endpoints(udp=("::1", 0)))) as room:
        room.send_udp(b"<13>Nov 22 10:42:03 gw a: six")
        (line,) = await room.lines_come(1)
    assert (line.source_address, room.texts) == ("::1", ["six"])


async def test_ipv6_streams_are_received() -> None:
    async with open_room(Room(endpoints=Endpoints(tcp=("::1", 0)))) as room:
        _, writer = await asyncio.open_connection(*room.receiver.tcp_address)
        writer.write(b"<13>Nov 22 10:42:03 gw a: six\n")
        (line,) = await room.lines_come(1)
        writer.close()
    assert line.source_address == "::1"


async def test_the_unspecified_ipv6_address_takes_ipv4_too() -> None:
    async with open_room(Room(endpoints=Endpoints(udp=("::", 0), tcp=("::", 0)))) as room:
        for host in ("127.0.0.1", "::1"):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"<13>x: udp", (host, room.receiver.udp_address[1]))
            _, writer = await asyncio.open_connection(host, room.receiver.tcp_address[1])
            writer.write(b"<13>x: tcp\n")
            await writer.drain()
            writer.close()
        lines = await room.lines_come(4)
    assert sorted(line.source_address for line in lines) == ["127.0.0.1"] * 2 + ["::1"] * 2


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
        await room.lines_come(1)
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()
        assert "odd" in room.texts[0]
        assert room.count(Count.FRAME_ERROR, "bad_length") == 1


async def test_a_frame_that_never_ends_is_given_up() -> None:
    async with open_room(limits=Limits(frame_timeout_s=0.2)) as room:
        _, writer = await room.connect()
        writer.write(b"<13>Nov 22 10:42:03 gw a: slow")
        await room.lines_come(1)
        assert room.texts == ["slow"]
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
        await room.lines_come(2)
    assert [message.truncated for message in room.messages] == [True, False]
    assert room.texts[1] == "next"
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


async def test_repetitions_over_the_rate_are_told_once_with_their_number() -> None:
    async with open_room(limits=Limits(rate_per_s=1, burst=5)) as room:
        room.send_udp(*[b"<14>Nov 22 10:42:%02d gw a: info" % second for second in range(20)])
        await eventually(lambda: room.total(Count.RECEIVED) == 20)
        assert room.count(Count.REPEATED, "6") == 14
        assert room.texts.count("info") == 6, "five within the rate, and the first over it"
        floods = [line for line in room.lines if line.classified and line.classified.kind is EventKind.FLOOD]
        assert [(flood.transport, flood.device) for flood in floods] == [(Transport.COLLECTOR, DEVICE)]
        room.clock.advance(10_000)
        await eventually(lambda: room.texts.count("info") == 7)
        assert [line.again for line in room.lines if line.again] == [14]
        assert not room.total(Count.SHED)


async def test_however_many_repetitions_are_told_none_is_left_out() -> None:
    async with open_room(limits=Limits(rate_per_s=0.001, burst=1, repeats_per_source=100)) as room:
        lines = [b"<14>Nov 22 10:42:03 gw a: info %d" % number for number in range(80)]
        room.send_udp(*lines, *lines)
        await eventually(lambda: room.total(Count.RECEIVED) == 160)
        assert len(room.texts) == 80 + 1, "all once, and a second time the one that was within the rate"
        room.clock.advance(10_000)
        await eventually(lambda: sum(bool(line.again) for line in room.lines) == 79, what="the other 79")


async def test_other_lines_over_the_rate_are_taken_until_there_are_too_many_and_errors_always() -> None:
    limits = Limits(rate_per_s=0.001, burst=5, repeats_per_source=3)
    async with open_room(limits=limits) as room:
        room.send_udp(*[b"<14>Nov 22 10:42:03 gw a: info %d" % number for number in range(20)])
        room.send_udp(*[b"<11>Nov 22 10:42:03 gw a: error %d" % number for number in range(20)])
        await eventually(lambda: room.total(Count.RECEIVED) == 40)
        assert sum(text.startswith("info") for text in room.texts) == 5 + 3
        assert room.count(Count.SHED, "6") == 12
        assert sum(text.startswith("error") for text in room.texts) == 20
        assert room.total(Count.SHED) == 12


async def test_floods_are_told_again_after_a_minute_with_their_size() -> None:
    async with open_room(limits=Limits(rate_per_s=1, burst=1, repeats_per_source=0)) as room:
        room.send_udp(*[b"<14>x: info"] * 11)
        await eventually(lambda: room.total(Count.RECEIVED) == 11)
        room.clock.advance(61_000)
        room.send_udp(*[b"<14>x: info"] * 2)
        await eventually(lambda: room.total(Count.RECEIVED) == 13)
        sizes = [line.classified.fields for line in room.lines if line.classified]
    assert sizes == [(("lines", "1"),), (("lines", "10"),)]


async def test_all_sources_together_have_a_rate_too() -> None:
    limits = Limits(total_rate_per_s=1, total_burst=5, repeats_per_source=0)
    async with open_room(limits=limits) as room:
        room.send_udp(*[b"<14>Nov 22 10:42:03 gw a: info"] * 20)
        await eventually(lambda: room.total(Count.RECEIVED) == 20)
        assert room.count(Count.SHED, "6") == 15


async def test_a_relay_is_held_to_the_rate_of_all_only_and_its_lines_name_their_devices() -> None:
    def relay(peer: Peer) -> Speaker:
        return Speaker(peer.address, None, DEFAULT_ZONE, is_relay=True)

    async with open_room(Room(limits=Limits(rate_per_s=1, burst=1), speaker_of=relay)) as room:
        room.send_udp(*[LINE.replace(b" gw ", b" gw-07 ")] * 5, LINE)
        lines = await room.lines_come(6)
        assert [line.device for line in lines] == ["51-D-00007-1"] * 5 + [None]
        assert room.count(Count.UNNAMED, Transport.SYSLOG_UDP) == 1
        assert [rogue.address for rogue in room.rogues] == ["gw by way of 127.0.0.1"]


async def test_a_relayed_line_may_name_its_device_by_the_address_of_its_origin() -> None:
    def relay(peer: Peer) -> Speaker:
        return Speaker(peer.address, None, DEFAULT_ZONE, is_relay=True)

    async with open_room(Room(speaker_of=relay)) as room:
        room.send_udp(
            b'<13>1 - relay app - - [origin ip="gw-07"] up', b'<13>1 - relay app - - [origin ip="x"] up'
        )
        lines = await room.lines_come(2)
        assert [line.device for line in lines] == ["51-D-00007-1", None]


async def test_a_name_in_a_line_is_not_believed_of_one_who_is_no_relay() -> None:
    async with open_room() as room:
        room.send_udp(b'<13>1 - gw-07 app - - [origin ip="gw-07"] up', LINE.replace(b" gw ", b" gw-07 "))
        lines = await room.lines_come(2)
        assert {line.device for line in lines} == {"51-D-21548-1"}


async def test_what_cannot_be_read_is_kept_redacted_with_its_reason_and_within_a_rate() -> None:
    limits = Limits(unread_per_minute=3)
    async with open_room(Room(limits=limits, wants_text=False)) as room:
        room.send_udp(
            *[b"<999>%d password=hunter2" % number for number in range(5)], b"<13>1 2026-13-01T00:00:00Z a"
        )
        lines = await room.lines_come(3)
        told = [line.classified for line in lines]
        assert {(item.kind, item.pack, item.pattern) for item in told if item} == {
            (EventKind.OTHER, "unread", "bad_priority")
        }
        assert dict(told[0].fields if told[0] else ()) == {
            "reason": "bad_priority",
            "text": "<999>0 password=[masked]",
        }
        await eventually(lambda: room.total(Count.UNREAD_PASSED_OVER) == 3)
        assert (room.count(Count.RAW, "bad_priority"), room.count(Count.RAW, "bad_timestamp")) == (5, 1)


@pytest.mark.parametrize(
    ("fill", "kept"), [(0.79, range(8)), (0.8, range(6)), (0.9, range(4)), (1.0, range(4))]
)
async def test_as_the_queue_behind_fills_up_light_datagrams_are_shed_and_grave_ones_never(
    fill: float, kept: range
) -> None:
    async with open_room() as room:
        room.receiver.feel(fill)
        room.send_udp(*[b"<%d>x: %d" % (severity, severity) for severity in range(8)])
        await eventually(lambda: room.total(Count.RECEIVED) == 8)
        assert [text for text in room.texts if text.isdecimal()] == [str(severity) for severity in kept]
        assert room.total(Count.SHED) == 8 - len(kept)
        room.receiver.feel(0.4)
        room.send_udp(b"<15>x: again")
        await eventually(lambda: room.texts[-1] == "again")


async def test_an_unknown_source_is_reported_once_and_its_lines_go_nowhere() -> None:
    async with open_room(Room(speaker_of=lambda _: None)) as room:
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
        room.receiver.feel(0.8)
        room.receiver.feel(0.6)
        writer.write(b"<13>x: 1\n")
        _, later = await room.connect()
        later.write(b"<13>x: 1\n")
        await asyncio.sleep(0.1)
        assert room.texts == ["0"], "between half and four fifths nothing changes"
        room.receiver.feel(0.5)
        await room.lines_come(3)
        assert room.total(Count.PAUSED) == 1
        writer.close()
        later.close()


async def test_a_frame_is_not_overdue_while_we_are_the_ones_who_do_not_read() -> None:
    async with open_room(limits=Limits(frame_timeout_s=1.0)) as room:
        _, writer = await room.connect()
        writer.write(b"<13>x: 0\n<13>x: be")
        await room.lines_come(1)
        room.receiver.feel(0.9)
        writer.write(b"gun\n")
        await asyncio.sleep(1.3)
        room.receiver.feel(0.1)
        await room.lines_come(2)
        assert room.texts == ["0", "begun"]
        assert not room.total(Count.FRAME_TIMEOUT)
        writer.close()


async def test_a_port_in_use_is_an_error_and_leaves_nothing_open() -> None:
    async with open_room() as room:
        taken = Endpoints(udp=("127.0.0.1", 0), tcp=room.receiver.tcp_address)
        other = Room(endpoints=taken)
        with pytest.raises(OSError, match="Address already in use"):
            await other.receiver.start()


async def test_a_paced_storm_of_datagrams_is_received_whole() -> None:
    async with open_room(limits=Limits(rate_per_s=1e6, burst=1_000_000)) as room:
        for _ in range(50):
            room.send_udp(*[LINE] * 100)
            await asyncio.sleep(0)
        await room.lines_come(5_000)
        assert room.total(Count.KERNEL_DROPPED) == 0


async def test_what_the_kernel_drops_is_counted() -> None:
    limits = Limits(receive_buffer_octets=4096, rate_per_s=1e6, burst=1_000_000)
    async with open_room(limits=limits) as room:
        room.send_udp(*[LINE] * 1_000)  # the event loop does not read meanwhile
        await eventually(lambda: len(room.lines) > 0)
        received = len(room.lines)
        room.send_udp(LINE)  # a datagram that comes through tells how many did not
        await eventually(lambda: room.total(Count.KERNEL_DROPPED) > 0)
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

        def fail_once(line: ReceivedLine) -> Handed:
            if line.message is not None and line.message.text == "bad":
                raise OSError("the caller's own failure")
            return True

        room.answer = fail_once
        room.send_udp(b"<13>Nov 22 10:42:03 gw a: bad", b"<13>Nov 22 10:42:03 gw a: good")
        await room.lines_come(2)
        assert len(problems) == 1
        assert room.count(Count.SOCKET_ERROR, Transport.SYSLOG_UDP) == 0


async def test_without_a_wish_for_text_only_what_is_understood_is_told_and_no_text_with_it() -> None:
    async with open_room(Room(wants_text=False)) as room:
        room.send_udp(b"<13>Nov 22 10:42:03 gw a: nothing to us", LINE)
        (line,) = await room.lines_come(1)
        assert line.message is None
        assert room.total(Count.UNMATCHED) == 1


async def test_a_line_without_room_is_counted() -> None:
    async with open_room() as room:
        room.answer = lambda _: False
        room.send_udp(LINE)
        await eventually(lambda: room.count(Count.NO_ROOM, Transport.SYSLOG_UDP) == 1)
