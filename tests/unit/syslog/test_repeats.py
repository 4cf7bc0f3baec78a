"""Lines over a rate: told once with their number, whatever stamp they bear."""

from __future__ import annotations

import pytest
from channelwatch_collector.syslog.directory import Peer
from channelwatch_collector.syslog.repeats import Repeats, Seen, undated

from channelwatch.status.events import Transport

PEER = Peer("192.0.2.1", Transport.SYSLOG_UDP)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"<13>Nov 22 10:42:03 gw a: x", b"<13>Nov 22 10:42:04 gw a: x"),
        (b"<13>Nov  7 10:42:03.123 gw a: x", b"<13>Nov 22 2026 10:42:04 gw a: x"),
        (b"<13>1 2026-11-22T10:42:03Z gw a - - - x", b"<13>1 - gw a - - - x"),
        (b"<13>521: *Nov 22 10:42:03.1: %A-5-B: x", b"<13>522: Nov 22 10:42:04.2: %A-5-B: x"),
        (b"<13>x", b"<14>x"),
    ],
)
def test_a_stamp_makes_no_difference(one: bytes, other: bytes) -> None:
    assert undated(one) == undated(other)


def test_anything_else_does() -> None:
    lines = [
        b"<13>Nov 22 10:42:03 gw a: x",
        b"<13>Nov 22 10:42:03 gw a: y",
        b"<13>Nov 22 10:42:03 gv a: x",
        b"x",
        b"",
    ]
    assert len({undated(line) for line in lines}) == len(lines)


def test_repetitions_are_told_when_their_interval_is_over() -> None:
    repeats = Repeats(every_s=10, per_source=5, total=10)
    seen = [repeats.count("a", b"<13>Nov 22 10:42:0%d gw a: x" % n, PEER, n * 1000) for n in range(4)]
    assert seen == [Seen.FIRST, Seen.AGAIN, Seen.AGAIN, Seen.AGAIN]
    assert repeats.count("b", b"<13>Nov 22 10:42:00 gw a: x", PEER, 5_000) is Seen.FIRST
    assert repeats.due(9_999, 9) == []
    (group,) = repeats.due(10_000, 9)
    assert (group.raw, group.again, group.peer) == (b"<13>Nov 22 10:42:03 gw a: x", 3, PEER)
    (once,) = repeats.due(20_000, 9)
    assert (once.source, once.again) == ("b", 0)
    assert repeats.count("a", b"<13>Nov 22 10:43:00 gw a: x", PEER, 20_000) is Seen.FIRST


def test_only_so_many_kinds_are_remembered_of_a_source_and_of_all() -> None:
    repeats = Repeats(every_s=10, per_source=2, total=3)
    assert [repeats.count("a", b"%d" % n, PEER, 0) for n in range(3)] == [
        Seen.FIRST,
        Seen.FIRST,
        Seen.TOO_MANY,
    ]
    assert [repeats.count("b", b"%d" % n, PEER, 0) for n in range(2)] == [Seen.FIRST, Seen.TOO_MANY]
    assert repeats.count("a", b"0", PEER, 0) is Seen.AGAIN
    assert [len(repeats.due(10_000, 2)) for _ in range(3)] == [2, 1, 0]
    assert repeats.count("b", b"9", PEER, 10_000) is Seen.FIRST
