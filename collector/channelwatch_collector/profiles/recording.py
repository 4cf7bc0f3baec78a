"""Recorded walks: a device that answers as it did when somebody walked it.

Two forms are read. `.snmprec` has lines of OID|TAG|VALUE, TAG being the ASN.1 tag's number, with `x` after it where
VALUE is hexadecimal. Else the text that net-snmp's `snmpwalk -On` prints:
`.1.3.6.1.2.1.1.3.0 = Timeticks: (100) 0:00:01.00`.
"""

from __future__ import annotations

import bz2
import re
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from channelwatch.app.files import read_at_most
from channelwatch.base.errors import InputError
from channelwatch_collector.snmp.port import Oid, PollAnswer, PollPlan, SnmpType, Value

MAX_OCTETS = 64 * 1024 * 1024
"""The largest recording that is read."""

MAX_ROWS = 10_000
"""Rows of one column that an answer holds, as of an agent's."""

NO_SUCH = Value(SnmpType.NO_SUCH_INSTANCE, None)


@dataclass(frozen=True)
class Recording:
    """The objects of a walk. `unusable` are the numbers of lines that could not be read; the first of two equal
    objects counts."""

    objects: Mapping[Oid, Value]
    unusable: tuple[int, ...] = ()

    @cached_property
    def _order(self) -> list[Oid]:
        return sorted(self.objects)

    def get(self, oid: Oid) -> Value:
        """One instance; NO_SUCH_INSTANCE if the device did not have it."""
        return self.objects.get(oid, NO_SUCH)

    def column(self, root: Oid) -> dict[Oid, Value]:
        """What lies below `root`, by suffix, in the agent's order."""
        rows: dict[Oid, Value] = {}
        for at in range(bisect_left(self._order, root), len(self._order)):
            oid = self._order[at]
            if oid[: len(root)] != root or len(rows) >= MAX_ROWS:
                break
            if len(oid) > len(root):
                rows[oid[len(root) :]] = self.objects[oid]
        return rows

    def answer(self, plan: PollPlan) -> PollAnswer:
        """What a poll of the recorded device brings, under version 2c."""
        return PollAnswer(
            scalars={oid: self.get(oid) for oid in plan.scalars},
            columns={root: self.column(root) for root in plan.columns},
            agent=None,
            rtt_ms=0.0,
        )


def read_recording(path: Path) -> Recording:
    """Read a walk. InputError when it cannot be read, or when nothing in it is an object."""
    try:
        octets = read_at_most(path, MAX_OCTETS)
        if path.suffix == ".bz2":
            octets = bz2.BZ2Decompressor().decompress(octets, MAX_OCTETS)
    except OSError as error:
        raise InputError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    found = parse(octets)
    if not found.objects:
        raise InputError([f"{path}: no line of it is OID|TAG|VALUE, or as `snmpwalk -On` prints"])
    return found


def parse(octets: bytes) -> Recording:
    """A walk from its text, in either form."""
    objects: dict[Oid, Value] = {}
    unusable: list[int] = []
    for number, read in _lines(octets):
        try:
            oid, value = read()
        except (ValueError, KeyError, struct.error):
            unusable.append(number)
            continue
        objects.setdefault(oid, value)
    return Recording(objects, tuple(unusable))


_Line = tuple[int, Callable[[], tuple[Oid, Value]]]


def _lines(octets: bytes) -> Iterator[_Line]:
    """Each object's line number, and how to read it."""
    waiting: tuple[int, bytes] | None = None
    for number, given in enumerate(octets.splitlines(), 1):
        # Without -On and without a MIB, net-snmp spells the first number.
        line = given.replace(b"iso.", b"1.", 1) if given.startswith((b"iso.", b".iso.")) else given
        if re.match(rb"\.?[0-2](\.\d+)+\|", line):
            yield number, lambda line=line: _snmprec(line)  # type: ignore[misc]
        elif re.match(rb"\.?[0-2](\.\d+)+ = No (Such|more)", line):
            continue
        elif re.match(rb"\.?[0-2](\.\d+)+ = ", line):
            if waiting is not None:
                yield _walked(waiting)
            waiting = (number, line)
        elif waiting is not None:
            # A text or hexadecimal value runs on.
            waiting = (waiting[0], waiting[1] + b"\n" + line)
        elif line.strip() and not line.startswith(b"#"):
            yield number, _refuse
    if waiting is not None:
        yield _walked(waiting)


def _refuse() -> tuple[Oid, Value]:
    raise ValueError


def _walked(waiting: tuple[int, bytes]) -> _Line:
    return waiting[0], lambda: _snmpwalk(waiting[1])


def _oid(text: str) -> Oid:
    numbers = re.sub(r"^\.?iso\.", "1.", text.strip()).lstrip(".")
    return tuple(int(part) for part in numbers.split("."))


def _snmprec(line: bytes) -> tuple[Oid, Value]:
    name, tag, raw = line.split(b"|", 2)
    octets = bytes.fromhex(raw.decode("ascii")) if tag.endswith(b"x") else raw
    kind = SnmpType(int(tag.rstrip(b"x")))
    return _oid(name.decode("ascii")), _value(kind, octets, hexadecimal=tag.endswith(b"x"))


def _value(kind: SnmpType, octets: bytes, *, hexadecimal: bool) -> Value:
    match kind:
        case SnmpType.OCTET_STRING:
            return Value(kind, octets)
        case SnmpType.NULL:
            return Value(kind, None)
        case SnmpType.OBJECT_IDENTIFIER:
            return Value(kind, _oid(octets.decode("ascii")))
        case SnmpType.IP_ADDRESS:
            return Value(kind, str(ip_address(octets if hexadecimal else octets.decode("ascii"))))
        case SnmpType.OPAQUE:
            return _opaque(octets)
        case _:
            number = int(octets)
            low, high = _RANGE[kind]
            if not low <= number < high:
                raise ValueError
            return Value(kind, number)


_RANGE = {
    SnmpType.INTEGER: (-(1 << 31), 1 << 32),
    SnmpType.COUNTER32: (0, 1 << 32),
    SnmpType.GAUGE32: (0, 1 << 32),
    SnmpType.TIME_TICKS: (0, 1 << 32),
    SnmpType.COUNTER64: (0, 1 << 64),
}


def _opaque(octets: bytes) -> Value:
    """Of what net-snmp wraps, the floating point numbers."""
    if octets[:3] == b"\x9f\x78\x04" and len(octets) == 7:
        return Value(SnmpType.OPAQUE_FLOAT, struct.unpack(">f", octets[3:])[0])
    if octets[:3] == b"\x9f\x79\x08" and len(octets) == 11:
        return Value(SnmpType.OPAQUE_DOUBLE, struct.unpack(">d", octets[3:])[0])
    return Value(SnmpType.OPAQUE, octets)


_WALKED = {
    "INTEGER": SnmpType.INTEGER,
    "Counter32": SnmpType.COUNTER32,
    "Counter64": SnmpType.COUNTER64,
    "Gauge32": SnmpType.GAUGE32,
    "Unsigned32": SnmpType.GAUGE32,
    "Timeticks": SnmpType.TIME_TICKS,
}


def _snmpwalk(line: bytes) -> tuple[Oid, Value]:
    name, _, rest = line.partition(b" = ")
    oid = _oid(name.decode("ascii"))
    kind, colon, raw = rest.partition(b": ")
    word = kind.decode("ascii", "replace").strip().rstrip(":")
    if not colon and word.startswith('"'):
        return oid, Value(SnmpType.OCTET_STRING, rest.strip().strip(b'"'))
    if word in ("STRING", "Hex-STRING", "BITS"):
        return oid, Value(SnmpType.OCTET_STRING, _octets(word, raw))
    if not colon and re.fullmatch(r"-?\d+", word):
        # With -Ot, TimeTicks are a bare number.
        kind_of_number = SnmpType.INTEGER if word.startswith("-") else SnmpType.TIME_TICKS
        return oid, _value(kind_of_number, word.encode(), hexadecimal=False)
    text = raw.decode("ascii", "replace").strip()
    if word == "OID":
        return oid, Value(SnmpType.OBJECT_IDENTIFIER, _oid(text))
    if word in ("IpAddress", "Network Address"):
        return oid, Value(SnmpType.IP_ADDRESS, str(ip_address(text)))
    if word == "Opaque":
        return oid, Value(SnmpType.OPAQUE_FLOAT, float(text.rpartition(":")[2]))
    # `up(1)`, `(12345) 0:02:03.45`, `5 seconds`, `5`
    number = re.search(r"\((-?\d+)\)", text) or re.match(r"(-?\d+)", text)
    if number is None:
        raise ValueError
    return oid, _value(_WALKED[word], number[1].encode(), hexadecimal=False)


def _octets(word: str, raw: bytes) -> bytes:
    if word == "STRING":
        text = raw.strip()
        quoted = text[:1] == text[-1:] == b'"' and len(text) > 1
        return text[1:-1].replace(b'\\"', b'"') if quoted else text
    # What follows the octets in square brackets is their reading by a MIB.
    return bytes.fromhex(raw.partition(b"[")[0].decode("ascii", "replace"))
