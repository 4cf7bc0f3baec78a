"""Recorded walks, in the two forms that are read."""

from __future__ import annotations

import bz2
import struct
from pathlib import Path

import pytest
from channelwatch_collector.profiles.recording import NO_SUCH, Recording, parse, read_recording
from channelwatch_collector.profiles.replay import recorded_at
from channelwatch_collector.snmp.port import PollPlan, SnmpType, Value

from channelwatch.base.errors import InputError
from tests.unit.profiles.answers import oid

SNMPREC = b"""\
1.3.6.1.2.1.1.1.0|4|Box, first of its kind
.1.3.6.1.2.1.1.2.0|6|.1.3.6.1.4.1.99999.7
1.3.6.1.2.1.1.3.0|67|71917850
1.3.6.1.2.1.2.2.1.8.2|2|1
1.3.6.1.2.1.2.2.1.8.10|2|-1
1.3.6.1.2.1.2.2.1.6.2|4x|001517782EED
1.3.6.1.2.1.4.20.1.1.1|64|192.0.2.1
1.3.6.1.2.1.4.20.1.1.2|64x|C0000202
1.3.6.1.2.1.31.1.1.1.6.2|70|18446744073709551615
1.3.6.1.2.1.1.1.0|4|a second answer
"""

WALK = b"""\
.1.3.6.1.2.1.1.1.0 = STRING: "Box, first of
its kind"
.1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.99999.7
.1.3.6.1.2.1.1.3.0 = Timeticks: (71917850) 8 days, 7:46:18.50
.1.3.6.1.2.1.1.5.0 = ""
.1.3.6.1.2.1.2.2.1.8.2 = INTEGER: up(1)
.1.3.6.1.2.1.2.2.1.6.2 = Hex-STRING: 00 15 17 78
2E ED
.1.3.6.1.2.1.4.20.1.1.1 = IpAddress: 192.0.2.1
.1.3.6.1.2.1.31.1.1.1.6.2 = Counter64: 5
.1.3.6.1.2.1.25.3.3.1.2.1 = INTEGER: 7 percent
.1.3.6.1.2.1.25.1.2.0 = No Such Instance currently exists at this OID
"""


def text_of(found: Recording, name: str) -> object:
    return found.objects[oid(name)].value


def test_a_snmprec_keeps_the_types_of_the_wire() -> None:
    found = parse(SNMPREC)
    assert found.unusable == ()
    assert text_of(found, "1.3.6.1.2.1.1.1.0") == b"Box, first of its kind"
    assert text_of(found, "1.3.6.1.2.1.1.2.0") == oid("1.3.6.1.4.1.99999.7")
    assert found.objects[oid("1.3.6.1.2.1.1.3.0")] == Value(SnmpType.TIME_TICKS, 71_917_850)
    assert text_of(found, "1.3.6.1.2.1.2.2.1.8.10") == -1
    assert text_of(found, "1.3.6.1.2.1.2.2.1.6.2") == bytes.fromhex("001517782eed")
    assert text_of(found, "1.3.6.1.2.1.4.20.1.1.1") == "192.0.2.1"
    assert text_of(found, "1.3.6.1.2.1.4.20.1.1.2") == "192.0.2.2"
    assert text_of(found, "1.3.6.1.2.1.31.1.1.1.6.2") == (1 << 64) - 1


def test_the_output_of_snmpwalk_is_read_too() -> None:
    found = parse(WALK)
    assert found.unusable == ()
    assert text_of(found, "1.3.6.1.2.1.1.1.0") == b"Box, first of\nits kind"
    assert text_of(found, "1.3.6.1.2.1.1.2.0") == oid("1.3.6.1.4.1.99999.7")
    assert found.objects[oid("1.3.6.1.2.1.1.3.0")] == Value(SnmpType.TIME_TICKS, 71_917_850)
    assert text_of(found, "1.3.6.1.2.1.1.5.0") == b""
    assert text_of(found, "1.3.6.1.2.1.2.2.1.8.2") == 1
    assert text_of(found, "1.3.6.1.2.1.2.2.1.6.2") == bytes.fromhex("001517782eed")
    assert text_of(found, "1.3.6.1.2.1.25.3.3.1.2.1") == 7
    assert found.objects[oid("1.3.6.1.2.1.31.1.1.1.6.2")].type is SnmpType.COUNTER64
    assert oid("1.3.6.1.2.1.25.1.2.0") not in found.objects


def test_other_options_of_snmpwalk_are_understood() -> None:
    found = parse(
        b"iso.3.6.1.2.1.1.2.0 = OID: iso.3.6.1.4.1.99999.7\n"
        b".1.3.6.1.2.1.1.3.0 = 71917850\n"
        b".1.3.6.1.2.1.1.9.0 = -4\n"
    )
    assert found.unusable == ()
    assert text_of(found, "1.3.6.1.2.1.1.2.0") == oid("1.3.6.1.4.1.99999.7")
    assert found.objects[oid("1.3.6.1.2.1.1.3.0")] == Value(SnmpType.TIME_TICKS, 71_917_850)
    assert found.objects[oid("1.3.6.1.2.1.1.9.0")] == Value(SnmpType.INTEGER, -4)


@pytest.mark.parametrize(
    "line",
    [
        b"1.3.6.1.2.1.1.3.0|67|soon",
        b"1.3.6.1.2.1.1.3.0|65|4294967296",
        b"1.3.6.1.2.1.1.3.0|70|-1",
        b"1.3.6.1.2.1.1.3.0|99|1",
        b"1.3.6.1.2.1.1.3.0|4x|zz",
        b"1.3.6.1.2.1.1.3.0|64|300.1.1.1",
        b".1.3.6.1.2.1.1.3.0 = INTEGER: up",
        b".1.3.6.1.2.1.1.3.0 = Wonder: 5",
        b"a line of prose",
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(line: bytes) -> None:
    found = parse(b"# made by hand\n\n1.3.6.1.2.1.1.5.0|4|name\n" + line + b"\n")
    assert found.unusable == (4,)
    assert len(found.objects) == 1


def test_floating_point_numbers_are_unwrapped() -> None:
    octets = b"\x9f\x78\x04" + struct.pack(">f", 1.5)
    found = parse(b"1.3.6.1.4.1.2021.10.1.6.1|68x|" + octets.hex().encode())
    assert found.objects[oid("1.3.6.1.4.1.2021.10.1.6.1")] == Value(SnmpType.OPAQUE_FLOAT, 1.5)


def test_a_poll_of_it_is_answered_as_by_an_agent() -> None:
    found = parse(SNMPREC)
    plan = PollPlan(
        scalars=(oid("1.3.6.1.2.1.1.3.0"), oid("1.3.6.1.2.1.1.9.0")),
        columns=(oid("1.3.6.1.2.1.2.2.1.8"), oid("1.3.6.1.2.1.2.2.1.7")),
    )
    answer = found.answer(plan)
    assert answer.scalars[oid("1.3.6.1.2.1.1.9.0")] == NO_SUCH
    assert list(answer.columns[oid("1.3.6.1.2.1.2.2.1.8")]) == [(2,), (10,)]
    assert answer.columns[oid("1.3.6.1.2.1.2.2.1.7")] == {}


def test_the_devices_own_clock_tells_when_it_was_made() -> None:
    date = b"1.3.6.1.2.1.25.1.2.0|4x|07EA0B1602000000 2B0000".replace(b" ", b"")
    assert recorded_at(parse(date)) == 1_795_312_800_000
    assert recorded_at(parse(SNMPREC)) is None


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "walk.snmprec.bz2").write_bytes(bz2.compress(SNMPREC))
    assert len(read_recording(tmp_path / "walk.snmprec.bz2").objects) == 9


@pytest.mark.parametrize("octets", [b"", b"not a walk\n"])
def test_a_file_without_any_object_is_refused(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "walk").write_bytes(octets)
    with pytest.raises(InputError, match="walk: no line"):
        read_recording(tmp_path / "walk")
    with pytest.raises(InputError, match="cannot be read"):
        read_recording(tmp_path / "nothing")
