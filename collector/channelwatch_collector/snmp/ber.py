"""The part of BER (ITU-T X.690) that SNMP uses: RFC 2578, RFC 3417 section 8.

Lengths are taken strictly: nothing may reach outside what contains it. Values are taken kindly,
because agents in the field are wrong in known ways: a value that cannot be read becomes `UNKNOWN`
and leaves its neighbours alone.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from functools import lru_cache

from channelwatch.base.errors import Permanent
from channelwatch_collector.snmp.port import Oid, SnmpType, Value, VarBind

SEQUENCE = 0x30
INTEGER = 0x02
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06

MAX_LENGTH_OCTETS = 4
MAX_INT_OCTETS = 9
MAX_SUB_ID = 2**32 - 1
_IPV4_OCTETS = 4
MAX_OID_OCTETS = 128 * 5
"""RFC 2578 section 3.5 allows 128 sub-identifiers."""
_CACHED_OIDS = 4_096


class BerError(Permanent):
    """Octets that are not the BER which they claim to be."""


# ---------------------------------------------------------------- writing


def encode_length(length: int) -> bytes:
    """The definite form of `length`, in the fewest octets."""
    if length < 0x80:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def tlv(tag: int, body: bytes) -> bytes:
    """One element with a one-octet tag."""
    length = len(body)
    if length < 0x80:
        return bytes((tag, length)) + body
    return bytes((tag,)) + encode_length(length) + body


def int_body(number: int) -> bytes:
    """Two's complement in the fewest octets."""
    return number.to_bytes(((number if number >= 0 else ~number).bit_length() + 8) // 8, "big", signed=True)


def encode_int(number: int) -> bytes:
    """`number` as an INTEGER element."""
    return tlv(INTEGER, int_body(number))


@lru_cache(_CACHED_OIDS)
def oid_body(oid: Oid) -> bytes:
    """The contents octets of an object identifier; empty for `()`.

    Raises:
        ValueError: fewer than two numbers, or numbers out of range.
    """
    if not oid:
        return b""
    if len(oid) < 2 or oid[0] > 2 or (oid[0] < 2 and oid[1] > 39):
        raise ValueError("an object identifier starts with 0..2 and, below 2, with 0..39 after it")
    out = bytearray()
    for number in (oid[0] * 40 + oid[1], *oid[2:]):
        if not 0 <= number <= MAX_SUB_ID + 80:
            raise ValueError("a sub-identifier is within 0..2^32-1")
        shift = max(number.bit_length() - 1, 0) // 7 * 7
        while shift:
            out.append(0x80 | (number >> shift) & 0x7F)
            shift -= 7
        out.append(number & 0x7F)
    return bytes(out)


def encode_oid(oid: Oid) -> bytes:
    """`oid` as an OBJECT IDENTIFIER element."""
    return tlv(OBJECT_IDENTIFIER, oid_body(oid))


_OPAQUE_PACK = {
    SnmpType.OPAQUE_FLOAT: struct.Struct(">f"),
    SnmpType.OPAQUE_DOUBLE: struct.Struct(">d"),
    SnmpType.OPAQUE_COUNTER64: struct.Struct(">Q"),
    SnmpType.OPAQUE_INTEGER64: struct.Struct(">q"),
    SnmpType.OPAQUE_UNSIGNED64: struct.Struct(">Q"),
}


def encode_value(item: Value) -> bytes:
    """`item` as one element; an UNKNOWN is written back as it came.

    Raises:
        ValueError: the content does not fit the type.
    """
    kind, content = item
    if kind is SnmpType.IP_ADDRESS and isinstance(content, str):
        return tlv(kind, bytes(int(part) for part in content.split(".")))
    if isinstance(content, str):
        raise ValueError(f"{kind.name} does not hold text")
    if content is None:
        return bytes((kind, 0))
    if isinstance(content, bytes):
        return content if kind is SnmpType.UNKNOWN else tlv(kind, content)
    if isinstance(content, tuple):
        return tlv(kind, oid_body(content))
    packer = _OPAQUE_PACK.get(kind)
    if packer is not None:
        inner = packer.pack(content)
        return tlv(SnmpType.OPAQUE, kind.to_bytes(2, "big") + bytes((len(inner),)) + inner)
    return tlv(kind, int_body(int(content)))


def encode_varbinds(varbinds: Iterable[VarBind]) -> bytes:
    """A VarBindList, its own header included."""
    return tlv(
        SEQUENCE, b"".join(tlv(SEQUENCE, encode_oid(name) + encode_value(item)) for name, item in varbinds)
    )


def encode_names(names: Iterable[Oid]) -> bytes:
    """A VarBindList of `names` with the unSpecified value, as a question carries it."""
    return tlv(SEQUENCE, b"".join(tlv(SEQUENCE, encode_oid(name) + b"\x05\x00") for name in names))


# ---------------------------------------------------------------- reading


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """Length and start of the contents when the octet at `at` opens the long form."""
    count = data[at] & 0x7F
    if count <= 2 and at + 2 < len(data):  # most of what is long
        if count == 1:
            return data[at + 1], at + 2
        if count == 2:
            return data[at + 1] << 8 | data[at + 2], at + 3
    if not 1 <= count <= MAX_LENGTH_OCTETS:
        raise BerError("indefinite or oversized length")
    start = at + 1 + count
    if start > len(data):
        raise BerError("truncated length")
    return int.from_bytes(data[at + 1 : start], "big"), start


def read_header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start and stop of the element at `at`, which must lie within `end`."""
    start = at + 2
    if start > end:
        raise BerError("truncated element")
    length = data[at + 1]
    if length >= 0x80:
        length, start = _long_length(data, at + 1)
    if start + length > end:
        raise BerError("element reaches outside its container")
    return data[at], start, start + length


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Start and stop of the contents of the element at `at`, which must carry `tag`."""
    found, start, stop = read_header(data, at, end)
    if found != tag:
        raise BerError(f"tag {found:#04x} where {tag:#04x} belongs")
    return start, stop


def spans(data: bytes, at: int, end: int, tags: bytes) -> list[tuple[int, int]]:
    """Start and stop of the contents of the elements from `at` on, which must carry `tags` in this order.

    The same as `expect` for each, without its calls: this is done for every datagram.
    """
    found = []
    for tag in tags:
        start = at + 2
        if start > end:
            raise BerError("truncated element")
        length = data[at + 1]
        if length >= 0x80:
            length, start = _long_length(data, at + 1)
        if data[at] != tag:
            raise BerError(f"tag {data[at]:#04x} where {tag:#04x} belongs")
        at = start + length
        if at > end:
            raise BerError("element reaches outside its container")
        found.append((start, at))
    return found


def to_int(data: bytes, span: tuple[int, int]) -> int:
    """The value of an INTEGER from the place of its contents."""
    start, stop = span
    if not 1 <= stop - start <= MAX_INT_OCTETS:
        raise BerError("an INTEGER has 1 to 9 octets here")
    return int.from_bytes(data[start:stop], "big", signed=True)


SHORTEST_LENGTH = rb"(\x82[\1-\xff].|\x81[\x80-\xff]|[\0-\x7f])"
"""A pattern for a length in the fewest octets, up to what a datagram can have."""


def of_length(lengths: Iterable[int]) -> bytes:
    """A pattern for a length octet and as many octets, tried in the order of `lengths`."""
    return b"(?:" + b"|".join(b"\\x%02x.{%d}" % (length, length) for length in lengths) + b")"


def length_of(octets: bytes) -> int:
    """What a length says that `SHORTEST_LENGTH` has found."""
    return octets[0] if len(octets) == 1 else int.from_bytes(octets[1:], "big")


def read_octets(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """The OCTET STRING at `at` and the position after it."""
    start, stop = expect(data, at, end, OCTET_STRING)
    return data[start:stop], stop


@lru_cache(_CACHED_OIDS)
def decode_oid(body: bytes) -> Oid:
    """The numbers of an object identifier from its contents octets.

    Raises:
        BerError: truncated, too long, or a number above 2^32-1.
    """
    if not body:
        return ()
    if body[-1] & 0x80 or len(body) > MAX_OID_OCTETS:
        raise BerError("truncated or endless object identifier")
    numbers = []
    number = 0
    for octet in body:
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    first = numbers[0]
    root = min(first // 40, 2)
    numbers[0:1] = (root, first - 40 * root)
    if max(numbers) > MAX_SUB_ID:
        raise BerError("sub-identifier above 2^32-1")
    return tuple(numbers)


Reader = Callable[[bytes], Value | None]


def _signed(body: bytes) -> Value | None:
    if not 1 <= len(body) <= MAX_INT_OCTETS:
        return None
    return Value(SnmpType.INTEGER, int.from_bytes(body, "big", signed=True))


def _unsigned(kind: SnmpType) -> Reader:
    def read(body: bytes) -> Value | None:
        # Many agents leave out the leading zero octet; a counter is never negative, so the top bit is data.
        return Value(kind, int.from_bytes(body, "big")) if 1 <= len(body) <= MAX_INT_OCTETS else None

    return read


def _octets(body: bytes) -> Value | None:
    return Value(SnmpType.OCTET_STRING, body)


def _empty(kind: SnmpType) -> Reader:
    absent = Value(kind, None)
    return lambda body: absent


def _oid(body: bytes) -> Value | None:
    try:
        return Value(SnmpType.OBJECT_IDENTIFIER, decode_oid(body))
    except BerError:
        return None


def _ip_address(body: bytes) -> Value | None:
    return Value(SnmpType.IP_ADDRESS, ".".join(map(str, body))) if len(body) == _IPV4_OCTETS else None


def _opaque(body: bytes) -> Value | None:
    if len(body) < 3 or body[0] != 0x9F or body[2] != len(body) - 3:
        return Value(SnmpType.OPAQUE, body)
    kind = _OPAQUE_KINDS.get(body[1])
    if kind is None:
        return Value(SnmpType.OPAQUE, body)
    inner = body[3:]
    packer = _OPAQUE_PACK[kind]
    if len(inner) == packer.size:
        return Value(kind, packer.unpack(inner)[0])
    if kind in (SnmpType.OPAQUE_FLOAT, SnmpType.OPAQUE_DOUBLE) or not 1 <= len(inner) <= MAX_INT_OCTETS:
        return Value(SnmpType.OPAQUE, body)
    return Value(kind, int.from_bytes(inner, "big", signed=kind is SnmpType.OPAQUE_INTEGER64))


_OPAQUE_KINDS = {kind & 0xFF: kind for kind in _OPAQUE_PACK}

_READERS: dict[int, Reader] = {
    SnmpType.INTEGER: _signed,
    SnmpType.OCTET_STRING: _octets,
    SnmpType.OBJECT_IDENTIFIER: _oid,
    SnmpType.IP_ADDRESS: _ip_address,
    SnmpType.OPAQUE: _opaque,
    **{
        kind: _unsigned(kind)
        for kind in (SnmpType.COUNTER32, SnmpType.GAUGE32, SnmpType.TIME_TICKS, SnmpType.COUNTER64)
    },
    **{
        kind: _empty(kind)
        for kind in (
            SnmpType.NULL,
            SnmpType.NO_SUCH_OBJECT,
            SnmpType.NO_SUCH_INSTANCE,
            SnmpType.END_OF_MIB_VIEW,
        )
    },
}


def _read_strange(data: bytes, at: int, stop: int) -> Value:
    """An element of a tag that has no reader; its length still has to agree with its container."""
    after_tag = at + 1
    if data[at] & 0x1F == 0x1F:
        while data[after_tag] & 0x80:
            after_tag += 1
        after_tag += 1
    length, start = data[after_tag], after_tag + 1
    if length >= 0x80:
        length, start = _long_length(data, after_tag)
    if start + length != stop:
        raise BerError("value does not fill its variable binding")
    return Value(SnmpType.UNKNOWN, data[at:stop])


def decode_body(tag: int, body: bytes) -> Value:
    """The value of a one-octet `tag` from its contents octets."""
    reader = _READERS.get(tag)
    found = reader(body) if reader is not None else None
    return found or Value(SnmpType.UNKNOWN, tlv(tag, body))


def _read_value(data: bytes, at: int, stop: int) -> Value:
    reader = _READERS.get(data[at])
    if reader is None:
        return _read_strange(data, at, stop)
    length, start = data[at + 1], at + 2
    if length >= 0x80:
        length, start = _long_length(data, at + 1)
    if start + length != stop:
        raise BerError("value does not fill its variable binding")
    return reader(data[start:stop]) or Value(SnmpType.UNKNOWN, data[at:stop])


def _read_varbind(data: bytes, at: int, end: int) -> tuple[VarBind, int]:
    """The variable binding at `at` in any definite form of its lengths, and the position after it."""
    at, stop = expect(data, at, end, SEQUENCE)
    start, value_at = expect(data, at, stop, OBJECT_IDENTIFIER)
    if value_at + 2 > stop:
        raise BerError("truncated variable binding")
    return (decode_oid(data[start:value_at]), _read_value(data, value_at, stop)), stop


def read_varbinds(data: bytes, at: int, end: int) -> list[VarBind]:
    """Every variable binding between `at` and `end`, in any definite form (`bindings.read` is the fast way)."""
    found: list[VarBind] = []
    try:
        while at < end:
            binding, at = _read_varbind(data, at, end)
            found.append(binding)
    except IndexError:
        raise BerError("truncated variable binding") from None
    return found
