"""RELP frames out of a stream."""

from __future__ import annotations

import pytest
from channelwatch_collector.syslog.parse.relp import RelpFault, RelpFrame, RelpFramer, answer, offers
from hypothesis import given
from hypothesis import strategies as st


def test_frames_with_and_without_data() -> None:
    framer = RelpFramer(max_octets=100)
    assert framer.feed(b"1 open 9 a=b\nc=d\ne\n2 syslog 3 x\ny\n3 close 0\n") == [
        RelpFrame(b"1", b"open", b"a=b\nc=d\ne"),
        RelpFrame(b"2", b"syslog", b"x\ny"),
        RelpFrame(b"3", b"close", b""),
    ]
    assert not framer.pending


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"x", None),
        (b"<13>Nov 22 10:42:03 gw a: this is syslog and no RELP at all, really", RelpFault.BAD_HEADER),
        (b"1 syslog 101 ", RelpFault.LENGTH_OVER_LIMIT),
        (b"1 syslog 3 abcd\n", RelpFault.BAD_TRAILER),
        (b"1 syslog 3\n", RelpFault.BAD_HEADER),
        (b"1234567890 syslog 3 abc\n" + b" " * 54, RelpFault.BAD_HEADER),
    ],
)
def test_what_is_no_relp_ends_the_stream(data: bytes, fault: RelpFault | None) -> None:
    framer = RelpFramer(max_octets=100)
    assert framer.feed(data) == []
    assert framer.fault is fault
    if fault:
        assert framer.feed(b"1 close 0\n") == [], "nothing is read after a fault"


@given(
    st.lists(st.tuples(st.integers(0, 999_999_999), st.binary(max_size=60)), max_size=10),
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_frames_come_out_as_they_went_in(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(
        b"%d syslog %d%s\n" % (txnr, len(data), b" " + data if data else b"") for txnr, data in sent
    )
    framer, got, at = RelpFramer(max_octets=60), [], 0
    for cut in cuts * (len(stream) // sum(cuts) + 1):
        got += framer.feed(stream[at : at + cut])
        at += cut
    assert [(int(frame.txnr), frame.data) for frame in got] == sent
    assert not framer.pending


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_any_stream_keeps_memory_bounded(chunks: list[bytes]) -> None:
    framer = RelpFramer(max_octets=50)
    for chunk in chunks:
        framer.feed(chunk)
        if framer.fault is None:
            assert len(framer._buffer) <= 54 + 50


def test_answers_and_offers() -> None:
    assert answer(b"7", b"200 OK") == b"7 rsp 6 200 OK\n"
    assert answer(b"7", b"") == b"7 rsp 0\n"
    assert offers(b"relp_version=1\ncommands=syslog\nodd") == {
        "relp_version": "1", "commands": "syslog", "odd": "",
    }  # fmt: skip
