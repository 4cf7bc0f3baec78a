"""The codec: what is written is read back, what is broken is refused, what is odd is kept."""

from __future__ import annotations

import math

import pytest
from channelwatch_collector.snmp import ber
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.port import Oid, SnmpType, Value, VarBind

NAME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)


def read_list(encoded: bytes) -> list[VarBind]:
    start, stop = ber.expect(encoded, 0, len(encoded), ber.SEQUENCE)
    return ber.read_varbinds(encoded, start, stop)


def read_value(element: bytes) -> Value:
    """`element` between two good neighbours, which must survive it."""
    good = (NAME, Value(SnmpType.INTEGER, 1))
    item = ber.tlv(ber.SEQUENCE, ber.encode_oid(NAME) + element)
    neighbour = ber.tlv(ber.SEQUENCE, ber.encode_oid(NAME) + ber.encode_value(good[1]))
    before, (_, value), after = read_list(ber.tlv(ber.SEQUENCE, neighbour + item + neighbour))
    assert before == after == good
    return value


@pytest.mark.parametrize(
    ("number", "octets"),
    [
        (0, "020100"),
        (127, "02017f"),
        (128, "02020080"),
        (-1, "0201ff"),
        (-128, "020180"),
        (-129, "0202ff7f"),
        (-(2**31), "020480000000"),
        (2**31 - 1, "02047fffffff"),
    ],
)
def test_integers_take_the_fewest_octets(number: int, octets: str) -> None:
    assert ber.encode_int(number).hex() == octets
    assert read_value(bytes.fromhex(octets)) == Value(SnmpType.INTEGER, number)


@pytest.mark.parametrize(
    ("oid", "octets"),
    [
        ((0, 0), "00"),
        ((1, 3, 6, 1), "2b0601"),
        ((2, 999, 3), "883703"),
        ((1, 3, 127, 128, 16_383, 16_384, 2**32 - 1), "2b7f8100ff7f818000" + "8fffffff7f"),
    ],
)
def test_object_identifiers_as_x690_section_8_19_writes_them(oid: Oid, octets: str) -> None:
    assert ber.oid_body(oid).hex() == octets
    assert ber.decode_oid(bytes.fromhex(octets)) == oid


@pytest.mark.parametrize(
    ("octets", "kind", "number"),
    [
        ("4608ffffffffffffffff", SnmpType.COUNTER64, 2**64 - 1),
        ("460900ffffffffffffffff", SnmpType.COUNTER64, 2**64 - 1),
        ("4204ffffffff", SnmpType.GAUGE32, 2**32 - 1),
        ("4201c8", SnmpType.GAUGE32, 200),
        ("410480000000", SnmpType.COUNTER32, 2**31),
    ],
)
def test_a_counter_without_its_leading_zero_octet_stays_positive(
    octets: str, kind: SnmpType, number: int
) -> None:
    assert read_value(bytes.fromhex(octets)) == Value(kind, number)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("44079f780441200000", Value(SnmpType.OPAQUE_FLOAT, 10.0)),
        ("440b9f79084024000000000000", Value(SnmpType.OPAQUE_DOUBLE, 10.0)),
        ("440b9f7608ffffffffffffffff", Value(SnmpType.OPAQUE_COUNTER64, 2**64 - 1)),
        ("44049f7a01ff", Value(SnmpType.OPAQUE_INTEGER64, -1)),
        ("44049f7b01ff", Value(SnmpType.OPAQUE_UNSIGNED64, 255)),
        ("4403010203", Value(SnmpType.OPAQUE, b"\x01\x02\x03")),
        ("44069f7803412000", Value(SnmpType.OPAQUE, bytes.fromhex("9f7803412000"))),
        ("4400", Value(SnmpType.OPAQUE, b"")),
    ],
)
def test_opaque_values_are_unwrapped_where_their_inside_is_known(octets: str, expected: Value) -> None:
    assert read_value(bytes.fromhex(octets)) == expected


def test_an_opaque_nan_is_a_nan() -> None:
    value = read_value(bytes.fromhex("44079f78047fc00000")).value
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize(
    "octets",
    [
        "45020a0b",  # NsapAddress, obsolete
        "30030201ff",  # constructed
        "1f8101020102",  # tag number above 30
        "0200",  # INTEGER without contents
        "4100",
        "460a00000000000000000000",
        "060180",  # truncated object identifier
        "40037f0000",  # IpAddress of three octets
    ],
)
def test_a_value_of_unknown_kind_is_kept_whole_and_spares_its_neighbours(octets: str) -> None:
    assert read_value(bytes.fromhex(octets)) == Value(SnmpType.UNKNOWN, bytes.fromhex(octets))


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "30",
        "3082",
        "3080",  # indefinite length
        "308500000000ff",  # length of five octets
        "3003020101",  # no name
        "300506012b020101",  # inner lengths disagree
        "3006060180" + "0500",  # name that does not end
        "3009060488808080" + "00" + "0500",  # length field shorter than its parts
    ],
)
def test_broken_structure_is_refused(octets: str) -> None:
    encoded = bytes.fromhex(octets)
    with pytest.raises(BerError):
        ber.read_varbinds(encoded, 0, max(len(encoded), 1))


def test_sub_identifiers_above_32_bits_are_refused() -> None:
    with pytest.raises(BerError):
        ber.decode_oid(bytes.fromhex("2b9080808000"))
    with pytest.raises(ValueError, match="sub-identifier"):
        ber.oid_body((1, 3, 2**33))


def test_long_lengths_are_read_in_any_definite_form() -> None:
    body = bytes(200)
    minimal, padded = b"\x04\x81\xc8" + body, b"\x04\x84\x00\x00\x00\xc8" + body
    assert read_value(minimal) == read_value(padded) == Value(SnmpType.OCTET_STRING, body)
