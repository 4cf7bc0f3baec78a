"""PDUs and community messages."""

from __future__ import annotations

import pytest
from channelwatch_collector.snmp import ber, pdu
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.pdu import Pdu, PduType, TrapV1, Version
from channelwatch_collector.snmp.port import SnmpType, Value
from hypothesis import given
from hypothesis import strategies as st

NAME = (1, 3, 6, 1, 2, 1, 1, 5, 0)
TRAP = TrapV1((1, 3, 6, 1, 4, 1, 9), "127.0.0.9", 6, 17, 55, [(NAME, Value(SnmpType.INTEGER, 7))])


def read_message(datagram: bytes) -> tuple[bytes, Pdu]:
    message = pdu.read_community_message(datagram)
    return message.community, pdu.read_pdu(datagram, message.pdu_at, message.end)


@given(st.integers(pdu.MIN_ID, 2**pdu.ID_BITS - 1))
def test_a_prepared_question_differs_from_a_written_one_only_in_speed(request_id: int) -> None:
    names = (NAME, (1, 3, 6, 1, 4, 1, 99_999, 300))
    filled = pdu.community_question(b"hush", pdu.question(PduType.GET, names)).fill(request_id)
    empty = Value(SnmpType.NULL, None)
    written = pdu.encode_pdu(Pdu(PduType.GET, request_id, 0, 0, [(name, empty) for name in names]))
    assert filled == pdu.encode_community_message(Version.V2C, b"hush", written)


def test_a_bulk_question_carries_its_repetitions() -> None:
    filled = pdu.community_question(b"x", pdu.question(PduType.GET_BULK, (NAME,), max_repetitions=25)).fill(
        pdu.MIN_ID
    )
    community, read = read_message(filled)
    assert community == b"x"
    assert (read.type, read.error_status, read.error_index) == (PduType.GET_BULK, 0, 25)


def test_octets_behind_a_message_are_ignored() -> None:
    filled = pdu.community_question(b"x", pdu.question(PduType.GET, (NAME,))).fill(pdu.MIN_ID)
    assert read_message(filled + b"\0\0\0") == read_message(filled)


@pytest.mark.parametrize("tag", [0xA3, 0xA4, 0xA9, 0x30])
def test_set_and_unknown_pdus_have_no_place(tag: int) -> None:
    body = pdu.encode_pdu(Pdu(PduType.GET, 1, 0, 0, []))
    with pytest.raises(BerError):
        pdu.read_pdu(bytes((tag,)) + body[1:], 0, len(body))


def test_a_v1_trap_is_read_back() -> None:
    encoded = pdu.encode_trap_v1(TRAP)
    assert pdu.read_trap_v1(encoded, 0, len(encoded)) == TRAP


@given(st.data())
def test_a_cut_v1_trap_is_refused(data: st.DataObject) -> None:
    encoded = pdu.encode_trap_v1(TRAP)
    cut = encoded[: data.draw(st.integers(0, len(encoded) - 1))]
    with pytest.raises(BerError):
        pdu.read_trap_v1(cut, 0, len(cut))


@pytest.mark.parametrize("version", [2, 3, -1])
def test_other_versions_are_no_community_messages(version: int) -> None:
    datagram = ber.tlv(ber.SEQUENCE, ber.encode_int(version) + b"\x04\x01x")
    with pytest.raises(BerError):
        pdu.read_community_message(datagram)
