"""Layouts and any answers: the fast way finds what the plain way does."""

from __future__ import annotations

import pytest
from channelwatch_collector.snmp import ber, bindings
from channelwatch_collector.snmp.layout import Layouts
from channelwatch_collector.snmp.port import SnmpType, Value
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.snmp.test_layout import MIXED, named, octets_of, read, take

NUMBERS = st.one_of(
    st.builds(Value, st.just(SnmpType.COUNTER64), st.integers(0, 2**64 - 1)),
    st.builds(Value, st.just(SnmpType.COUNTER32), st.integers(0, 2**32 - 1)),
    st.builds(Value, st.just(SnmpType.INTEGER), st.integers(-(2**31), 2**31 - 1)),
)
VALUES = st.one_of(NUMBERS, st.sampled_from(MIXED))


@given(st.lists(st.lists(VALUES, min_size=6, max_size=6), min_size=2, max_size=8))
def test_answers_of_any_lengths_are_read_as_they_are(answers: list[list[Value]]) -> None:
    reader = Layouts(1).reader()
    for values in answers:
        for _ in range(2):
            assert read(reader, named(values)) == named(values)


@given(st.data())
def test_any_octet_that_differs_outside_the_values_is_noticed(data: st.DataObject) -> None:
    reader = Layouts(1).reader()
    octets = octets_of(named(MIXED))
    take(reader, octets)
    at = data.draw(st.integers(0, len(octets) - 1))
    other = bytearray(octets)
    other[at] = data.draw(st.integers(0, 255))
    try:
        expected = bindings.read(bytes(other), 0, len(other))
    except ber.BerError:
        with pytest.raises(ber.BerError):
            take(reader, bytes(other))
    else:
        found = take(reader, bytes(other))
        assert (found.names.oids, list(found.values)) == (expected.names.oids, list(expected.values))


@given(
    st.lists(
        st.lists(st.one_of(st.just(7), st.integers(-100, 100)), min_size=4, max_size=4),
        min_size=2,
        max_size=40,
    )
)
def test_values_are_right_whether_they_keep_still_or_move(answers: list[list[int]]) -> None:
    reader = Layouts(1).reader()
    for numbers in answers:
        varbinds = named([Value(SnmpType.INTEGER, number) for number in numbers] + MIXED)
        assert read(reader, varbinds) == varbinds
