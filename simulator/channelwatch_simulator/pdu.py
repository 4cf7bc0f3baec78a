"""Requests as an agent reads them and replies as it writes them (RFC 3416 sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from channelwatch_simulator import ber
from channelwatch_simulator.ber import BerError, Oid, Reader


class PduKind(IntEnum):
    """Context tags of the PDUs."""

    GET = 0xA0
    GET_NEXT = 0xA1
    RESPONSE = 0xA2
    SET = 0xA3
    GET_BULK = 0xA5
    INFORM = 0xA6
    TRAP = 0xA7
    REPORT = 0xA8


class ErrorStatus(IntEnum):
    """The error-status values that this agent uses."""

    NO_ERROR = 0
    TOO_BIG = 1
    NO_ACCESS = 6
    AUTHORIZATION_ERROR = 16


@dataclass(frozen=True, slots=True)
class Request:
    """A request: `first` and `second` are non-repeaters and max-repetitions of a GetBulk, else unused."""

    kind: PduKind
    request_id: int
    first: int
    second: int
    names: tuple[Oid, ...]


def parse_request(reader: Reader) -> Request:
    """The PDU that comes next. Values are skipped: an agent that is never written needs only the names.

    Raises BerError for anything that is no PDU.
    """
    tag = reader.peek()
    if tag not in frozenset(PduKind):
        raise BerError(f"unknown PDU {tag:#04x}")
    body = reader.enter(tag)
    request_id, first, second = body.integer(), body.integer(), body.integer()
    names: list[Oid] = []
    binds = body.enter(ber.SEQUENCE)
    while binds:
        bind = binds.enter(ber.SEQUENCE)
        names.append(bind.oid())
        bind.take(bind.peek())
    return Request(PduKind(tag), request_id, first, second, tuple(names))


def bind(name: Oid, value: bytes) -> bytes:
    """One variable binding; `value` is already encoded."""
    return ber.sequence(ber.oid(name), value)


def build(
    kind: PduKind,
    request_id: int,
    binds: Sequence[bytes],
    *,
    status: ErrorStatus = ErrorStatus.NO_ERROR,
    index: int = 0,
) -> bytes:
    """A PDU of variable bindings that are already encoded."""
    return ber.tlv(
        kind,
        ber.integer(request_id) + ber.integer(status) + ber.integer(index) + ber.sequence(*binds),
    )
