from __future__ import annotations

import pytest
from channelwatch_simulator import ber
from channelwatch_simulator.ber import BerError, Reader
from hypothesis import given
from hypothesis import strategies as st

ARCS = st.lists(st.integers(0, 2**32 - 1), max_size=40)


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (0, "020100"), (127, "02017f"), (128, "02020080"), (-1, "0201ff"), (-128, "020180"), (-129, "0202ff7f"),
        (2**31 - 1, "02047fffffff"),
    ],
)  # fmt: skip
def test_integers_take_the_fewest_octets(value: int, octets: str) -> None:
    assert ber.integer(value).hex() == octets


@pytest.mark.parametrize(
    ("encoded", "octets"),
    [
        (ber.counter32(2**32 + 5), "410105"),
        (ber.counter32(2**32 - 1), "410500ffffffff"),
        (ber.counter64(2**64 - 1), "460900ffffffffffffffff"),
        (ber.gauge32(2**40), "420500ffffffff"),
        (ber.time_ticks(2**32 + 1), "430101"),
        (ber.oid((1, 3, 6, 1, 4, 1, 99999)), "06082b06010401868d1f"),
        (ber.text("Sở 1"), "04045 3 3f2031".replace(" ", "")),
    ],
)
def test_values_are_encoded_as_their_types_say(encoded: bytes, octets: str) -> None:
    assert encoded.hex() == octets


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_reads_as_it_was_written(value: int) -> None:
    assert Reader(ber.integer(value)).integer() == value


@given(st.sampled_from([(0, 0), (1, 3), (2, 999)]), ARCS)
def test_an_object_identifier_reads_as_it_was_written(top: tuple[int, int], rest: list[int]) -> None:
    assert Reader(ber.oid((*top, *rest))).oid() == (*top, *rest)


@given(st.binary(max_size=70_000))
def test_long_contents_have_a_long_length(content: bytes) -> None:
    assert Reader(ber.octets(content)).take(ber.OCTETS) == content


@pytest.mark.parametrize(
    "octets",
    ["", "30", "3005", "30820000", "308001", "3085000000000100", "0400", "02", "0200", "0209" + "00" * 9],
)
def test_what_is_no_integer_is_refused(octets: str) -> None:
    with pytest.raises(BerError):
        Reader(bytes.fromhex(octets)).integer()


@pytest.mark.parametrize(
    "octets", ["0600", "06022b86", "060a2b" + "ff" * 8 + "7f", "068201002b" + "01" * 255]
)
def test_what_is_no_object_identifier_is_refused(octets: str) -> None:
    with pytest.raises(BerError):
        Reader(bytes.fromhex(octets)).oid()


def test_a_part_cannot_reach_beyond_what_holds_it() -> None:
    with pytest.raises(BerError):
        Reader(bytes.fromhex("3003040501020304")).enter(ber.SEQUENCE).take(ber.OCTETS)
