"""The codec and any octets: what is written is read back, and what is broken is refused and nothing worse."""

from __future__ import annotations

import contextlib

import pytest
from channelwatch_collector.snmp import ber
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.port import SnmpType, Value, VarBind
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.snmp.test_ber import read_list

SUB_ID = st.integers(0, 2**32 - 1)
OIDS = st.one_of(st.tuples(st.integers(0, 1), st.integers(0, 39)), st.tuples(st.just(2), SUB_ID)).flatmap(
    lambda root: st.lists(SUB_ID, max_size=20).map(lambda rest: (*root, *rest))
)

UNSIGNED_32 = (SnmpType.COUNTER32, SnmpType.GAUGE32, SnmpType.TIME_TICKS)
ABSENT = (SnmpType.NULL, SnmpType.NO_SUCH_OBJECT, SnmpType.NO_SUCH_INSTANCE, SnmpType.END_OF_MIB_VIEW)
VALUES = st.one_of(
    st.integers(-(2**31), 2**31 - 1).map(lambda number: Value(SnmpType.INTEGER, number)),
    st.binary(max_size=300).map(lambda octets: Value(SnmpType.OCTET_STRING, octets)),
    OIDS.map(lambda oid: Value(SnmpType.OBJECT_IDENTIFIER, oid)),
    st.builds(Value, st.sampled_from(UNSIGNED_32), st.integers(0, 2**32 - 1)),
    st.integers(0, 2**64 - 1).map(lambda number: Value(SnmpType.COUNTER64, number)),
    st.ip_addresses(v=4).map(lambda address: Value(SnmpType.IP_ADDRESS, str(address))),
    st.floats(width=32, allow_nan=False).map(lambda number: Value(SnmpType.OPAQUE_FLOAT, number)),
    st.floats(allow_nan=False).map(lambda number: Value(SnmpType.OPAQUE_DOUBLE, number)),
    st.builds(Value, st.sampled_from(ABSENT), st.none()),
)
VARBINDS = st.lists(st.tuples(OIDS, VALUES), max_size=12)


@given(VARBINDS)
def test_what_is_written_is_read_back(varbinds: list[VarBind]) -> None:
    assert read_list(ber.encode_varbinds(varbinds)) == varbinds


@given(VARBINDS, st.data())
def test_a_cut_list_is_refused_and_nothing_else_is_raised(
    varbinds: list[VarBind], data: st.DataObject
) -> None:
    encoded = ber.encode_varbinds(varbinds)
    cut = encoded[: data.draw(st.integers(0, len(encoded) - 1))]
    with pytest.raises(BerError):
        read_list(cut)


@given(VARBINDS, st.data())
def test_flipped_octets_are_read_or_refused(varbinds: list[VarBind], data: st.DataObject) -> None:
    encoded = bytearray(ber.encode_varbinds(varbinds))
    for _ in range(data.draw(st.integers(1, 5))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_list(bytes(encoded))
    except BerError:
        return
    again = ber.encode_varbinds(found)
    assert ber.encode_varbinds(read_list(again)) == again, "an inform is acknowledged with what it said"


@given(st.binary(max_size=200))
def test_noise_is_read_or_refused(noise: bytes) -> None:
    with contextlib.suppress(BerError):
        ber.read_varbinds(noise, 0, len(noise))
