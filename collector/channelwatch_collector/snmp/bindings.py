"""Variable bindings by the dozen: a poller spends most of its time here.

One regular expression takes a whole VariableBindingList of short lengths apart, and its lengths are checked
all together. Names come again and again, so a list of names is decoded once and shared; counters and gauges
are decoded each time; other values are looked up by their octets. A list that holds anything else, such as a
long text or a value of unknown kind, is read element by element.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from operator import add
from typing import NamedTuple

from channelwatch_collector.snmp import ber
from channelwatch_collector.snmp.port import Oid, PollFailure, SnmpType, Value, VarBind

_CACHED_VALUES = 32_768
"""Of at most 125 octets each."""
_CACHED_NAMES = 512
_MAX_CACHED_OCTETS = 2_048
_LONGEST = 123
"""Octets of a name or a value: with more, the binding's own length would need a second octet."""


class Part(NamedTuple):
    """What one answer brought of one column: whole suffixes, the last name below the root, whether it ends here."""

    suffixes: tuple[Oid, ...]
    last: Oid
    ends: bool
    failure: PollFailure | None


class Page(NamedTuple):
    """How the names of one answer belong to the columns `asked` from `lasts` on.

    `ends`: all end here without a failure. `longest`: rows of the longest.
    """

    asked: tuple[Oid, ...]
    lasts: tuple[Oid, ...]
    absent: tuple[int, ...]
    parts: tuple[Part, ...]
    ends: bool
    longest: int


class Names:
    """The names of a VariableBindingList, shared by all lists that hold the same: equal only to itself.

    `page` is what a walk last made of them.
    """

    __slots__ = ("oids", "page")

    def __init__(self, oids: tuple[Oid, ...]) -> None:
        self.oids = oids
        self.page: Page | None = None


class Bindings(NamedTuple):
    """A VariableBindingList. `absent` are the positions of the three exceptions of RFC 3416 section 3."""

    names: Names
    values: Sequence[Value]
    absent: tuple[int, ...] = ()


_COMMON, _LONG, _TINY = range(8, 20), range(20, _LONGEST), range(8)
_BINDING = re.compile(
    rb"0([\0-\x7f])(\x06" + ber.of_length((*_COMMON, *_TINY, *_LONG)) + rb")"
    rb"([\x41-\x43\x46]" + ber.of_length(range(1, 10)) + rb"|"
    rb"[\x02\x04-\x06\x40\x44]" + ber.of_length(range(_LONGEST)) + rb"|[\x80-\x82]\x00)",
    re.DOTALL,
)
_NAME = re.compile(rb"\x06" + ber.of_length(range(_LONGEST)), re.DOTALL)
UNSIGNED = frozenset({SnmpType.COUNTER32, SnmpType.GAUGE32, SnmpType.TIME_TICKS, SnmpType.COUNTER64})
_unsigned = {int(kind): kind for kind in UNSIGNED}.get
_number = int.from_bytes
_EXCEPTIONS = (SnmpType.END_OF_MIB_VIEW, SnmpType.NO_SUCH_INSTANCE, SnmpType.NO_SUCH_OBJECT)
_ABSENT = tuple([bytes((kind, 0)) for kind in _EXCEPTIONS])
# What the generated constructor of a named tuple does, without its call.
make_value = partial(tuple.__new__, Value)


def take_apart(data: bytes, at: int, end: int) -> tuple[tuple[bytes, ...], tuple[bytes, ...]] | None:
    """Names and values between `at` and `end`, each a whole element; None if any has another form than `_BINDING`."""
    found = _BINDING.findall(data, at, end)
    if not found:
        return None
    sizes, names, elements = zip(*found, strict=True)
    lengths = b"".join(sizes)
    # All of it is matched, and each binding is as long as it says.
    if sum(lengths) + 2 * len(lengths) != end - at:
        return None
    if lengths != bytes(map(add, map(len, names), map(len, elements))):
        return None
    return names, elements


def read(data: bytes, at: int, end: int) -> Bindings:
    """Every variable binding between `at` and `end`.

    Raises:
        BerError: broken, or elements that do not fill what contains them.
    """
    apart = take_apart(data, at, end)
    if apart is None:
        return of(ber.read_varbinds(data, at, end))
    names, elements = apart
    values = _values_of(elements)
    return Bindings(_names_of_octets(b"".join(names)), values, _absent(data, at, end, values))


def read_pairs(data: bytes, at: int, end: int) -> list[VarBind]:
    """The same, each name with its value: for lists that are few or small.

    Raises:
        BerError: as `read`.
    """
    apart = take_apart(data, at, end)
    if apart is None:
        return ber.read_varbinds(data, at, end)
    names, elements = apart
    return list(zip(map(_oid_of, names), _values_of(elements), strict=True))


def of(varbinds: Sequence[VarBind]) -> Bindings:
    """`varbinds` with names and values apart."""
    values = [value for _, value in varbinds]
    return Bindings(names_of(tuple([name for name, _ in varbinds])), values, _positions(values))


@lru_cache(_CACHED_NAMES)
def names_of(oids: tuple[Oid, ...]) -> Names:
    """The shared names that are `oids`."""
    return Names(oids)


def _names_of_octets(octets: bytes) -> Names:
    return _known_names(octets) if len(octets) <= _MAX_CACHED_OCTETS else _decode_names(octets)


def _decode_names(octets: bytes) -> Names:
    return Names(tuple(map(_oid_of, _NAME.findall(octets))))


_known_names = lru_cache(_CACHED_NAMES)(_decode_names)


def _values_of(elements: Iterable[bytes]) -> list[Value]:
    return [
        make_value((kind, _number(element[2:], "big")))
        if (kind := _unsigned(element[0])) is not None
        else _value_of(element)
        for element in elements
    ]


@lru_cache(_CACHED_VALUES)
def _oid_of(name: bytes) -> Oid:
    return ber.decode_oid(name[2:])


@lru_cache(_CACHED_VALUES)
def _value_of(element: bytes) -> Value:
    return ber.decode_body(element[0], element[2:])


def _absent(data: bytes, at: int, end: int, values: Sequence[Value]) -> tuple[int, ...]:
    # Nearly always there is none, and then its octets are nowhere.
    for octets in _ABSENT:
        if data.find(octets, at, end) >= 0:
            return _positions(values)
    return ()


def _positions(values: Sequence[Value]) -> tuple[int, ...]:
    return tuple([position for position, value in enumerate(values) if value.type in _EXCEPTIONS])
