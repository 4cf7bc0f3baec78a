"""Octet counting and lines on one stream."""

from __future__ import annotations

import pytest
from channelwatch_collector.syslog.parse.framing import FrameError, Framer, Framing
from hypothesis import given
from hypothesis import strategies as st


def octets(framer: Framer, data: bytes) -> list[bytes]:
    return [frame.octets for frame in framer.feed(data)]


def test_both_framings_are_told_apart_at_each_frame() -> None:
    framer = Framer()
    frames = framer.feed(b"5 <1>ab<2>line\n6 <3>\nab<4>crlf\r\n\n<5>nul\0")
    assert [frame.octets for frame in frames] == [b"<1>ab", b"<2>line", b"<3>\nab", b"<4>crlf", b"<5>nul"]
    assert frames[0].framing is Framing.OCTET_COUNTING
    assert frames[1].framing is Framing.LINE
    assert not framer.pending


def test_a_frame_may_come_in_pieces() -> None:
    framer = Framer()
    data = b"7 <1>abcd<2>xyz\n"
    got = [frame for i in range(len(data)) for frame in octets(framer, data[i : i + 1])]
    assert got == [b"<1>abcd", b"<2>xyz"]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"12a <1>x", FrameError.BAD_LENGTH),
        (b"123456 <1>x", FrameError.BAD_LENGTH),
        (b"999999", FrameError.BAD_LENGTH),
        (b"101 <1>x", FrameError.LENGTH_OVER_LIMIT),
    ],
)
def test_a_length_that_cannot_be_trusted_ends_the_stream_and_keeps_the_octets(
    data: bytes, error: FrameError
) -> None:
    framer = Framer(max_frame_octets=100)
    assert framer.feed(data) == []
    assert framer.error is error
    rest = framer.finish()
    assert rest is not None
    assert rest.octets == data
    assert framer.feed(b"<1>later\n") == [], "nothing is read after an error"


def test_a_line_over_the_limit_is_cut_and_its_remainder_skipped() -> None:
    framer = Framer(max_frame_octets=10)
    frames = framer.feed(b"<1>" + b"x" * 5_000)
    assert [frame.framing for frame in frames] == [Framing.LINE_CUT]
    assert frames[0].octets == b"<1>xxxxxxx"
    assert framer.pending
    assert framer.feed(b"y" * 5_000) == []
    assert octets(framer, b"end\n<2>next\n") == [b"<2>next"]


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    framer = Framer(max_frame_octets=10)
    (frame,) = framer.feed(b"<1>3456789\n")
    assert (frame.octets, frame.framing) == (b"<1>3456789", Framing.LINE)


def test_an_unfinished_line_is_a_message_when_the_stream_ends() -> None:
    framer = Framer()
    assert octets(framer, b"<1>one\n<2>two") == [b"<1>one"]
    rest = framer.finish()
    assert rest is not None
    assert (rest.octets, rest.framing) == (b"<2>two", Framing.REST)
    assert framer.finish() is None


def test_nothing_is_left_of_a_stream_that_ended_on_a_boundary() -> None:
    framer = Framer()
    framer.feed(b"<1>one\n\r\n")
    assert framer.finish() is None


@given(
    messages=st.lists(st.binary(min_size=1, max_size=60), max_size=12),
    counted=st.lists(st.booleans(), min_size=12, max_size=12),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=40),
)
def test_framed_messages_come_out_as_they_went_in(
    messages: list[bytes], counted: list[bool], cuts: list[int]
) -> None:
    stream, expected = b"", []
    for message, by_count in zip(messages, counted, strict=False):
        body = b"<13>" + message
        if not by_count:
            body = body.replace(b"\n", b"").replace(b"\0", b"").rstrip(b"\r")
            stream += body + b"\n"
        else:
            stream += b"%d %s" % (len(body), body)
        expected.append(body)
    framer, got, at = Framer(), [], 0
    for cut in cuts * (len(stream) // sum(cuts) + 1):
        got += octets(framer, stream[at : at + cut])
        at += cut
    assert got == expected
    assert framer.error is None


@given(st.lists(st.binary(max_size=300), max_size=30))
def test_any_stream_keeps_memory_bounded_and_frames_within_the_limit(chunks: list[bytes]) -> None:
    framer = Framer(max_frame_octets=50)
    for chunk in chunks:
        assert all(0 < len(frame.octets) <= 50 for frame in framer.feed(chunk))
        assert len(framer._buffer) <= 50 + 6 + len(chunk)
    rest = framer.finish()
    assert rest is None or len(rest.octets) <= 50
