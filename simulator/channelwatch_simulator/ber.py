"""The part of ASN.1 BER (X.690) that SNMP uses (RFC 3417 section 8), for the side of an agent.

Written apart from the collector's codec on purpose: each is the other's oracle.
"""

from __future__ import annotations

from typing import TypeAlias

Oid: TypeAlias = tuple[int, ...]

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
IP_ADDRESS, COUNTER32, GAUGE32, TIME_TICKS, COUNTER64 = 0x40, 0x41, 0x42, 0x43, 0x46

MAX_OID_ARCS = 128
"""RFC 2578 section 3.5."""

NULL_VALUE = b"\x05\x00"
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW = b"\x80\x00", b"\x81\x00", b"\x82\x00"


class BerError(ValueError):
    """The octets are not the BER that was expected here."""


def tlv(tag: int, body: bytes) -> bytes:
    """Tag, definite length, contents."""
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    width = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | width)) + size.to_bytes(width, "big") + body


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A signed or unsigned number in the fewest octets, two's complement."""
    magnitude = value if value >= 0 else ~value
    return tlv(tag, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def counter32(value: int) -> bytes:
    """Counter32: wraps at 2^32."""
    return integer(value & 0xFFFFFFFF, COUNTER32)


def counter64(value: int) -> bytes:
    """Counter64: wraps at 2^64."""
    return integer(value & 0xFFFFFFFFFFFFFFFF, COUNTER64)


def gauge32(value: int) -> bytes:
    """Gauge32 and Unsigned32: sticks at 2^32-1."""
    return integer(min(max(value, 0), 0xFFFFFFFF), GAUGE32)


def time_ticks(value: int) -> bytes:
    """TimeTicks: hundredths of a second, wraps at 2^32."""
    return integer(value & 0xFFFFFFFF, TIME_TICKS)


def octets(value: bytes) -> bytes:
    """OCTET STRING."""
    return tlv(OCTETS, value)


def text(value: str) -> bytes:
    """DisplayString; everything that is not ASCII becomes a question mark."""
    return tlv(OCTETS, value.encode("ascii", "replace"))


def oid(value: Oid) -> bytes:
    """OBJECT IDENTIFIER of at least two arcs."""
    body = bytearray()
    for arc in (value[0] * 40 + value[1], *value[2:]):
        chunk = [arc & 0x7F]
        while arc := arc >> 7:
            chunk.append(0x80 | (arc & 0x7F))
        body += bytes(reversed(chunk))
    return tlv(OID, bytes(body))


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of parts that are already encoded."""
    return tlv(SEQUENCE, b"".join(parts))


class Reader:
    """Reads values one after another from `data[start:end]`; positions are absolute in `data`."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = start
        self.end = len(data) if end is None else end

    def __bool__(self) -> bool:
        return self.position < self.end

    def peek(self) -> int:
        """The tag of the next value."""
        if self.position >= self.end:
            raise BerError("ends early")
        return self.data[self.position]

    def enter(self, tag: int) -> Reader:
        """The contents of the next value, which must have `tag`, as a reader of its own."""
        if self.peek() != tag:
            raise BerError(f"tag {self.peek():#04x} where {tag:#04x} was expected")
        size, start = self._length(self.position + 1)
        if start + size > self.end:
            raise BerError("longer than what holds it")
        self.position = start + size
        return Reader(self.data, start, start + size)

    def take(self, tag: int) -> bytes:
        """The contents of the next value, which must have `tag`."""
        part = self.enter(tag)
        return self.data[part.position : part.end]

    def integer(self) -> int:
        """An INTEGER of at most 8 octets."""
        body = self.take(INTEGER)
        if not 0 < len(body) <= 8:
            raise BerError("INTEGER of a wrong size")
        return int.from_bytes(body, "big", signed=True)

    def oid(self) -> Oid:
        """An OBJECT IDENTIFIER."""
        arcs: list[int] = []
        arc = 0
        body = self.take(OID)
        if not body or body[-1] & 0x80:
            raise BerError("OBJECT IDENTIFIER ends early")
        for octet in body:
            arc = arc << 7 | (octet & 0x7F)
            if not octet & 0x80:
                arcs.append(arc)
                arc = 0
        if len(arcs) >= MAX_OID_ARCS or max(arcs) > 0xFFFFFFFF:
            raise BerError("OBJECT IDENTIFIER over its limits")
        top = min(arcs[0] // 40, 2)
        return (top, arcs[0] - 40 * top, *arcs[1:])

    def _length(self, at: int) -> tuple[int, int]:
        """The length that starts at `at`, and where its contents start."""
        if at >= self.end:
            raise BerError("ends early")
        first = self.data[at]
        if first < 0x80:
            return first, at + 1
        width = first & 0x7F
        if not 0 < width <= 4 or at + 1 + width > self.end:
            raise BerError("length of a wrong form")
        return int.from_bytes(self.data[at + 1 : at + 1 + width], "big"), at + 1 + width
