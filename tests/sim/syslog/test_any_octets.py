"""Any octets at all: the reader says why it cannot classify them, and never fails."""

from __future__ import annotations

import json
from functools import cache

from channelwatch_collector.syslog.line import Line, parse_line, read_line
from channelwatch_collector.syslog.packfile import load_packs
from channelwatch_collector.syslog.parse.classify import Classifier
from channelwatch_collector.syslog.parse.header import MAX_MESSAGE_OCTETS
from hypothesis import given, settings
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs

AT = EpochMs(1_795_318_923_000)


@cache
def classifier() -> Classifier:
    return Classifier(load_packs())


def read(raw: bytes) -> Line:
    return read_line(raw, received_at=AT, classifier=classifier())


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_no_octets_make_the_reader_fail(raw: bytes) -> None:
    line = read(raw)
    assert (line.classified is None) != (line.why_not is None)
    json.dumps(parse_line(raw, received_at=AT, classifier=classifier()))


_SCRAPS = st.sampled_from(
    [
        *(b"<13>", b"<999>", b"1 ", b"Nov 22 10:42:03 ", b"2026-11-22T03:42:03Z ", b"- ", b'[a b="c"]', b"["),
        *(b"host ", b"app[1]: ", b"%SYS-5-X: ", b"521: ", b"\xff", b"\xef\xbb\xbf", b"key=", b"SPI ", b"::"),
        *(
            b"99999999999",
            b"SSL ",
            b"MAT",
            "MẬT ".encode(),
            b"encryptor ",
            b"tunnel-up ",
            b"*",
            b".",
            b" UTC:",
        ),
        *(b"\0", b"\\]", b"Feb 29 "),
    ]
)


@settings(max_examples=400)
@given(st.lists(_SCRAPS, max_size=24).map(b"".join))
def test_no_arrangement_of_header_parts_makes_the_reader_fail(raw: bytes) -> None:
    line = read(raw)
    assert len(line.message.text) <= MAX_MESSAGE_OCTETS * 4
