"""Protocol data units (RFC 3416, RFC 1157) and the community-based message around them (RFC 1901).

There is no way to write to a device here: SET is neither encoded nor accepted.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache, partial
from typing import NamedTuple

from channelwatch_collector.snmp import ber, bindings
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.bindings import Bindings
from channelwatch_collector.snmp.port import Oid, SnmpType, VarBind

_PREPARED = 4_096
ID_OCTETS = 4
ID_BITS, MIN_ID = 31, 2**24
"""Ids from MIN_ID up to ID_BITS bits take exactly four octets, so a prepared question needs only these patched."""


class PduType(IntEnum):
    """Context tags of RFC 3416 section 3; TRAP_V1 is RFC 1157's."""

    GET = 0xA0
    GET_NEXT = 0xA1
    RESPONSE = 0xA2
    TRAP_V1 = 0xA4
    GET_BULK = 0xA5
    INFORM = 0xA6
    TRAP_V2 = 0xA7
    REPORT = 0xA8


_INTEGER, _SEQUENCE = b"\x02", b"\x30"
_match_version = re.compile(rb"0" + ber.SHORTEST_LENGTH + rb"\x02\x01([\0-\x7f])", re.DOTALL).match
_PDU_FIELDS = b"\x02\x02\x02\x30"
_TRAP_V1_FIELDS = b"\x06\x40\x02\x02\x43\x30"
_PDU_TYPES = {kind.value: kind for kind in PduType}


class ErrorStatus(IntEnum):
    """The error-status values that mean something to a reader (RFC 3416 section 3)."""

    NO_ERROR = 0
    TOO_BIG = 1
    NO_SUCH_NAME = 2
    GEN_ERR = 5
    NO_ACCESS = 6
    AUTHORIZATION_ERROR = 16


class Version(IntEnum):
    """The version number in a message."""

    V1 = 0
    V2C = 1
    V3 = 3


class Pdu(NamedTuple):
    """Any PDU but TRAP_V1. For GET_BULK `error_status` is non-repeaters and `error_index` max-repetitions."""

    type: PduType
    request_id: int
    error_status: int
    error_index: int
    varbinds: list[VarBind]


class Response(NamedTuple):
    """What a response says to a reader."""

    error_status: int
    error_index: int
    bindings: Bindings


class PduHead(NamedTuple):
    """A PDU of which the variable bindings, between `at` and `end`, are still to be read.

    The contents of its request id are at `id_span`.
    """

    type: PduType
    request_id: int
    error_status: int
    error_index: int
    at: int
    end: int
    id_span: tuple[int, int]


_make_head = partial(tuple.__new__, PduHead)
_number = int.from_bytes
# As nearly every agent writes it: an id of up to four octets, small status and index, lengths as short as can be.
_match_head = re.compile(
    rb"([\xa0-\xa2\xa5-\xa8])"
    + ber.SHORTEST_LENGTH
    + rb"\x02(\x04....|\x01.|\x02..|\x03...)\x02\x01([\0-\x7f])\x02\x01([\0-\x7f])0"
    + ber.SHORTEST_LENGTH,
    re.DOTALL,
).match
_LENGTH, _REQUEST_ID = 2, 3


class TrapV1(NamedTuple):
    """RFC 1157 section 4.1.6; `uptime` in hundredths of a second, `agent_address` as dotted text."""

    enterprise: Oid
    agent_address: str
    generic: int
    specific: int
    uptime: int
    varbinds: list[VarBind]


class PduTemplate(NamedTuple):
    """A question that lacks only its id: `head + id + tail`."""

    head: bytes
    tail: bytes

    def fill(self, request_id: int) -> bytes:
        """The PDU with `request_id`, which has at most ID_BITS bits and is at least MIN_ID."""
        return self.head + request_id.to_bytes(ID_OCTETS, "big") + self.tail


@lru_cache(_PREPARED)
def question(kind: PduType, names: tuple[Oid, ...], *, max_repetitions: int = 0) -> PduTemplate:
    """A GET, GET_NEXT or GET_BULK (all names repeating) about `names`."""
    tail = b"\x02\x01\x00" + ber.encode_int(max_repetitions) + ber.encode_names(names)
    head = bytes((kind,)) + ber.encode_length(2 + ID_OCTETS + len(tail)) + b"\x02\x04"
    return PduTemplate(head, tail)


@lru_cache(_PREPARED)
def community_question(community: bytes, template: PduTemplate) -> PduTemplate:
    """`template` inside a v2c message."""
    inner = b"\x02\x01\x01" + ber.tlv(ber.OCTET_STRING, community) + template.head
    length = ber.encode_length(len(inner) + ID_OCTETS + len(template.tail))
    return PduTemplate(b"\x30" + length + inner, template.tail)


def encode_pdu(pdu: Pdu) -> bytes:
    """Any PDU but TRAP_V1, with an id of any size."""
    return ber.tlv(
        pdu.type,
        ber.encode_int(pdu.request_id)
        + ber.encode_int(pdu.error_status)
        + ber.encode_int(pdu.error_index)
        + ber.encode_varbinds(pdu.varbinds),
    )


def encode_trap_v1(trap: TrapV1) -> bytes:
    """RFC 1157 Trap-PDU."""
    address = bytes(int(part) for part in trap.agent_address.split("."))
    return ber.tlv(
        PduType.TRAP_V1,
        ber.encode_oid(trap.enterprise)
        + ber.tlv(SnmpType.IP_ADDRESS, address)
        + ber.encode_int(trap.generic)
        + ber.encode_int(trap.specific)
        + ber.tlv(SnmpType.TIME_TICKS, ber.int_body(trap.uptime))
        + ber.encode_varbinds(trap.varbinds),
    )


def encode_community_message(version: Version, community: bytes, pdu: bytes) -> bytes:
    """A v1 or v2c message around an encoded PDU."""
    return ber.tlv(ber.SEQUENCE, ber.encode_int(version) + ber.tlv(ber.OCTET_STRING, community) + pdu)


class CommunityMessage(NamedTuple):
    """A v1 or v2c message; the PDU lies at `pdu_at` of the datagram and ends at `end`."""

    version: int
    community: bytes
    pdu_at: int
    end: int


def read_version(datagram: bytes) -> tuple[int, int, int]:
    """Version, position after it, and end of the outermost SEQUENCE.

    Octets behind the SEQUENCE are ignored, as RFC 3417 section 8 leaves room for them.
    """
    match = _match_version(datagram)
    if match is not None:
        length, version = match.groups()
        end = match.end(1) + ber.length_of(length)
        if end > len(datagram) or match.end() > end:
            raise BerError("element reaches outside its container")
        return version[0], match.end(), end
    ((start, end),) = ber.spans(datagram, 0, len(datagram), _SEQUENCE)
    (version,) = ber.spans(datagram, start, end, _INTEGER)
    return ber.to_int(datagram, version), version[1], end


def read_community_message(datagram: bytes) -> CommunityMessage:
    """The frame of a v1 or v2c message.

    Raises:
        BerError: not such a message.
    """
    version, at, end = read_version(datagram)
    if version not in (Version.V1, Version.V2C):
        raise BerError("not a community-based message")
    community, at = ber.read_octets(datagram, at, end)
    return CommunityMessage(version, community, at, end)


def read_pdu_head(data: bytes, at: int, end: int) -> PduHead:
    """The PDU at `at`, of any type but TRAP_V1, as far as its variable bindings.

    Raises:
        BerError: broken, of an unknown type, or one that no reader has business with (SET).
    """
    match = _match_head(data, at, end)
    if match is None:
        return _head_in_full(data, at, end)
    tag, length, request_id, status, index, list_length = match.groups()
    start, stop = match.end(), match.end(_LENGTH) + ber.length_of(length)
    list_stop = start + ber.length_of(list_length)
    if stop > end or list_stop > stop:
        raise BerError("element reaches outside its container")
    number = _number(request_id[1:], "big", signed=True)
    span = match.start(_REQUEST_ID) + 1, match.end(_REQUEST_ID)
    return _make_head((_PDU_TYPES[tag[0]], number, status[0], index[0], start, list_stop, span))


def _head_in_full(data: bytes, at: int, end: int) -> PduHead:
    """The same in any definite form of its lengths, with numbers of any size."""
    tag, at, end = ber.read_header(data, at, end)
    kind = _PDU_TYPES.get(tag)
    if kind is None or kind is PduType.TRAP_V1:
        raise BerError(f"PDU type {tag:#04x} has no place here")
    request_id, status, index, (at, stop) = ber.spans(data, at, end, _PDU_FIELDS)
    return PduHead(
        kind,
        ber.to_int(data, request_id),
        ber.to_int(data, status),
        ber.to_int(data, index),
        at,
        stop,
        request_id,
    )


def read_whole(data: bytes, head: PduHead) -> Pdu:
    """`head`, which was found in `data`, with its variable bindings as pairs.

    Raises:
        BerError: broken.
    """
    kind, request_id, status, index, at, end, _ = head
    return Pdu(kind, request_id, status, index, bindings.read_pairs(data, at, end))


def read_pdu(data: bytes, at: int, end: int) -> Pdu:
    """The whole PDU at `at`, of any type but TRAP_V1.

    Raises:
        BerError: as `read_pdu_head`.
    """
    return read_whole(data, read_pdu_head(data, at, end))


def read_trap_v1(data: bytes, at: int, end: int) -> TrapV1:
    """The RFC 1157 Trap-PDU at `at`.

    Raises:
        BerError: broken or not a TRAP_V1.
    """
    at, end = ber.expect(data, at, end, PduType.TRAP_V1)
    enterprise, address, generic, specific, uptime, (at, stop) = ber.spans(data, at, end, _TRAP_V1_FIELDS)
    return TrapV1(
        ber.decode_oid(data[slice(*enterprise)]),
        ".".join(map(str, data[slice(*address)])),
        ber.to_int(data, generic),
        ber.to_int(data, specific),
        int.from_bytes(data[slice(*uptime)], "big"),
        bindings.read_pairs(data, at, stop),
    )
