"""Reading the answers to one question again and again: where every octet was last time, it may be so again.

Between two polls most of an answer stays: names, tags and lengths always do, until a value needs an octet more or
fewer. A layout holds those octets as one large number with the contents masked out, so one comparison checks them
all, and the contents are then taken from known places. An answer that differs anywhere else is read in full.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from operator import itemgetter, sub
from weakref import WeakSet

from channelwatch_collector.snmp import ber, bindings
from channelwatch_collector.snmp.bindings import Bindings
from channelwatch_collector.snmp.port import SnmpType, Value

MIN_BINDINGS = 4
"""Fewer are read in full just as fast."""
_FAIR_TRIAL = 6
_WELL_PROVEN = 32
_PAUSE = 16
"""Answers. A layout may miss as often as a fair trial and a third of its hits; then it goes. One that was well proven
is replaced at once, any other after a pause: an agent whose lengths change all the time is read in full."""

_SIGNED_FORMATS = {1: "b", 2: "h", 4: "i", 8: "q"}
_WORD_OCTETS = 8


class _Fields:
    """Contents of one sort at fixed places of a list."""

    def __init__(self) -> None:
        self.format = ">"
        self.at = 0

    def add(self, code: str, start: int, stop: int) -> None:
        self.format += f"{start - self.at}x{code}"
        self.at = stop


class Layout:
    """Where everything is in a VariableBindingList of short lengths.

    Numbers are read as whole words, the octets before a shorter one included; since these are known, subtracting
    them leaves the number. Everything else is only decoded when it differs from the last time.
    """

    __slots__ = (
        "__weakref__",
        "_absent",
        "_excess",
        "_fixed",
        "_kinds",
        "_last",
        "_last_values",
        "_mask",
        "_names",
        "_numbers",
        "_order",
        "_others",
        "_size",
        "_tags",
        "hits",
        "misses",
    )

    def __init__(
        self, octets: bytes, read: Bindings, names: Sequence[bytes], elements: Sequence[bytes]
    ) -> None:
        numbers, others = _Fields(), _Fields()
        mask = bytearray(b"\xff" * len(octets))
        kinds, excess, tags = [], [], []
        number_places, other_places = [], []
        at = 0
        for place, (name, element) in enumerate(zip(names, elements, strict=True)):
            begin, start = at, at + 2 + len(name) + 2
            tag, size = element[0], len(element) - 2
            at = stop = start + size
            mask[start:stop] = bytes(size)
            kind = read.values[place].type
            word = stop - _WORD_OCTETS
            if kind in bindings.UNSIGNED and size <= _WORD_OCTETS and word >= begin:
                numbers.add("Q", word, stop)
                excess.append(int.from_bytes(octets[word:start], "big") << 8 * size)
            elif kind is SnmpType.INTEGER and size in _SIGNED_FORMATS:
                numbers.add(_SIGNED_FORMATS[size], start, stop)
                excess.append(0)
            else:
                others.add(f"{size}s", start, stop)
                tags.append(tag)
                other_places.append(place)
                continue
            kinds.append(kind)
            number_places.append(place)
        places = [*number_places, *other_places]
        self._size = len(octets)
        self._mask = int.from_bytes(mask, "big")
        self._fixed = int.from_bytes(octets, "big") & self._mask
        self._numbers, self._others = struct.Struct(numbers.format), struct.Struct(others.format)
        self._kinds, self._excess, self._tags = tuple(kinds), tuple(excess), tuple(tags)
        self._order = itemgetter(*sorted(range(len(places)), key=places.__getitem__))
        self._names, self._absent = read.names, read.absent
        self._last: tuple[bytes, ...] | None = None
        self._last_values: list[Value] = []
        self.hits = self.misses = 0

    def read(self, data: bytes, at: int, end: int) -> Bindings | None:
        """The list between `at` and `end`; None if it is laid out in another way."""
        if end - at != self._size or int.from_bytes(data[at:end], "big") & self._mask != self._fixed:
            return None
        others = self._others.unpack_from(data, at)
        if others != self._last:
            self._last_values = [
                ber.decode_body(tag, body) for tag, body in zip(self._tags, others, strict=True)
            ]
            self._last = others
        numbers = map(sub, self._numbers.unpack_from(data, at), self._excess)
        values = self._order(
            [*map(bindings.make_value, zip(self._kinds, numbers, strict=True)), *self._last_values]
        )
        return Bindings(self._names, values, self._absent)


class Layouts:
    """The layouts of all readers, at most `limit`: whoever comes later reads in full."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._alive: WeakSet[Layout] = WeakSet()

    def reader(self) -> AnswerReader:
        """A reader that has not read anything."""
        return AnswerReader(self)

    def learn(self, octets: bytes, read: Bindings) -> Layout | None:
        """The layout of the list `octets`, if it is worth one and there is room."""
        if len(read.values) < MIN_BINDINGS or len(self._alive) >= self._limit:
            return None
        apart = bindings.take_apart(octets, 0, len(octets))
        if apart is None:
            return None
        layout = Layout(octets, read, *apart)
        self._alive.add(layout)
        return layout


class AnswerReader:
    """Reads the answers to one question of one agent."""

    __slots__ = ("_layout", "_layouts", "_pause")

    def __init__(self, layouts: Layouts) -> None:
        self._layouts = layouts
        self._layout: Layout | None = None
        self._pause = 0

    def read(self, data: bytes, at: int, end: int) -> Bindings:
        """Every variable binding between `at` and `end`.

        Raises:
            BerError: as `bindings.read`.
        """
        layout = self._layout
        if layout is not None:
            found = layout.read(data, at, end)
            if found is not None:
                layout.hits += 1
                return found
            layout.misses += 1
            if layout.misses > _FAIR_TRIAL + layout.hits // 3:
                self._layout, self._pause = None, 0 if layout.hits >= _WELL_PROVEN else _PAUSE
        read = bindings.read(data, at, end)
        if self._layout is None:
            if self._pause:
                self._pause -= 1
            else:
                self._layout = self._layouts.learn(data[at:end], read)
        return read


IN_FULL = AnswerReader(Layouts(0))
"""A reader that never learns."""
