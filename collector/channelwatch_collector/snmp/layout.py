"""Reading the answers to one question again and again: where every octet was last time, it may be so again.

Between two polls most of an answer stays: names, tags and lengths always do, until a value needs an octet more or
fewer, and most values do as well. A layout holds all that as one large number, so one comparison checks it, and the
values that move are then taken from known places. An answer that differs anywhere else is read in full.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from functools import partial
from operator import itemgetter, sub
from typing import NamedTuple
from weakref import WeakSet

from channelwatch_collector.snmp import ber, bindings
from channelwatch_collector.snmp.bindings import Bindings
from channelwatch_collector.snmp.port import Oid, SnmpType, Value

MIN_BINDINGS = 2
"""Fewer are read in full just as fast."""
_FAIR_TRIAL = 6
_WELL_PROVEN = 32
_PAUSE = 16
"""Answers. Layouts may miss as often as a fair trial and a third of their hits; then they go. What was well proven is
replaced at once, anything else after a pause: an agent whose lengths change all the time is read in full."""
_BETWEEN_LAYOUTS = 16
"""Hits, before another layout is learnt beside the first."""
_FIRST_SORTING = 3
_SORT_AGAIN = 4
"""After three answers in which a value moved, and four times as many each time, the moving ones are told apart."""

_SIGNED_FORMATS = {1: "b", 2: "h", 4: "i", 8: "q"}
_WORD_OCTETS = 8
_make_bindings = partial(tuple.__new__, Bindings)
_from_octets = int.from_bytes


class Place(NamedTuple):
    """Where a message has its request id, its list from `at` to `end`, and octets that somebody else checks."""

    id_span: tuple[int, int]
    at: int
    end: int
    unchecked: tuple[int, int] = (0, 0)


class _Fields:
    """Contents of one sort at fixed places of a message."""

    def __init__(self) -> None:
        self.format = ">"
        self.at = 0

    def add(self, code: str, start: int, stop: int) -> None:
        self.format += f"{start - self.at}x{code}"
        self.at = stop


class Layout:
    """Where everything is in a message whose VariableBindingList has short lengths.

    `_fixed` are the octets that never change while this layout fits, `_usual` those and the values that keep still,
    as they were last. Numbers that move are read as whole words, the octets before a shorter one included; since these
    are known, subtracting them leaves the number. A value that keeps still is decoded when it differs after all.
    """

    __slots__ = (
        "__weakref__",
        "_absent",
        "_excess",
        "_fixed_mask",
        "_id",
        "_kinds",
        "_list",
        "_moved",
        "_moving",
        "_names",
        "_numbers",
        "_order",
        "_size",
        "_sort_at",
        "_still",
        "_still_values",
        "_tags",
        "_turns",
        "_usual",
        "_usual_mask",
    )

    def __init__(self, data: bytes, place: Place, read: Bindings) -> None:
        self._size = len(data)
        self._id = slice(*place.id_span)
        self._list = (place.at, place.end)
        self._names, self._absent = read.names, read.absent
        mask = bytearray(b"\xff" * len(data))
        for start, stop in (place.id_span, place.unchecked):
            mask[start:stop] = bytes(stop - start)
        self._turns, self._sort_at = 0, _FIRST_SORTING
        self._moved: set[int] = set()
        self._usual = 0
        self._sort(data, mask, read.values, moving=())

    def read(self, data: bytes, message_id: bytes) -> Bindings | None:
        """The list in `data`, which must carry `message_id`; None if it is laid out in another way."""
        if len(data) != self._size:
            return None
        whole = _from_octets(data, "big")
        if whole & self._usual_mask != self._usual and not self._follow(data, whole):
            return None
        if data[self._id] != message_id:
            return None
        numbers = map(sub, self._numbers.unpack_from(data), self._excess)
        moving = map(bindings.make_value, zip(self._kinds, numbers))  # noqa: B905 - `strict` costs a third of this
        return _make_bindings((self._names, self._order([*moving, *self._still_values]), self._absent))

    def _follow(self, data: bytes, whole: int) -> bool:
        """Take the values that kept still until now from `data`; False if more than values differs."""
        if (whole ^ self._usual) & self._fixed_mask:
            return False
        before = self._still.unpack_from(self._usual.to_bytes(self._size, "big"))
        values = self._still_values
        for at, (old, new) in enumerate(zip(before, self._still.unpack_from(data), strict=True)):
            if old != new:
                values[at] = ber.decode_body(self._tags[at], new)
                self._moved.add(at)
        self._usual = whole & self._usual_mask
        self._turns += 1
        if self._turns >= self._sort_at:
            self._sort_at *= _SORT_AGAIN
            self._sort_again(data)
        return True

    def _sort_again(self, data: bytes) -> None:
        places = self._places()
        still_places = places[len(self._kinds) :]
        moving = {*places[: len(self._kinds)], *(still_places[at] for at in self._moved)}
        mask = bytearray(self._fixed_mask.to_bytes(self._size, "big"))
        self._moved.clear()
        self._sort(data, mask, bindings.read(data, *self._list).values, moving)

    def _places(self) -> list[int]:
        """The positions in the list of what moves and then of what keeps still."""
        count = len(self._names.oids)
        places = [0] * count
        for position, found in enumerate(self._order(range(count))):
            places[found] = position
        return places

    def _sort(self, data: bytes, mask: bytearray, values: Sequence[Value], moving: Collection[int]) -> None:
        """Prepare to read the numbers among `moving` each time, and all other values when they differ."""
        apart = bindings.take_apart(data, *self._list)
        assert apart is not None, "learnt from a list that can be taken apart"
        numbers, still, usual_mask = _Fields(), _Fields(), bytearray(mask)
        kinds: list[SnmpType] = []
        excess: list[int] = []
        tags, moving_places, still_places = bytearray(), [], []
        at = self._list[0]
        for place, (name, element) in enumerate(zip(*apart, strict=True)):
            begin, start, size = at, at + 4 + len(name), len(element) - 2
            at = stop = start + size
            mask[start:stop] = bytes(size)
            kind = values[place].type
            code, word = _number_format(kind, size, stop - begin) if place in moving else ("", 0)
            if not code:
                usual_mask[start:stop] = b"\xff" * size
                still.add(f"{size}s", start, stop)
                tags.append(element[0])
                still_places.append(place)
                continue
            usual_mask[start:stop] = bytes(size)
            numbers.add(code, stop - word, stop)
            excess.append(_from_octets(data[stop - word : start], "big") << 8 * size)
            kinds.append(kind)
            moving_places.append(place)
        places = [*moving_places, *still_places]
        self._numbers, self._still = struct.Struct(numbers.format), struct.Struct(still.format)
        self._kinds, self._excess, self._tags = tuple(kinds), tuple(excess), bytes(tags)
        self._order = itemgetter(*sorted(range(len(places)), key=places.__getitem__))
        self._still_values = [values[place] for place in still_places]
        self._fixed_mask, self._usual_mask = _from_octets(mask, "big"), _from_octets(usual_mask, "big")
        self._usual = _from_octets(data, "big") & self._usual_mask


def _number_format(kind: SnmpType, size: int, room: int) -> tuple[str, int]:
    """The format of a number of `size` octets and the octets that it takes; none if it has to be decoded.

    `room` is what the whole binding has.
    """
    if kind is SnmpType.INTEGER:
        return _SIGNED_FORMATS.get(size, ""), size
    if kind in bindings.UNSIGNED and size <= _WORD_OCTETS <= room:
        return "Q", _WORD_OCTETS
    return "", 0


class Layouts:
    """The layouts of all readers, at most `limit`: whoever comes later reads in full."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._alive: WeakSet[Layout] = WeakSet()

    @property
    def have_room(self) -> bool:
        """Whether another layout may be learnt."""
        return len(self._alive) < self._limit

    def reader(self, wanted: tuple[Oid, ...] | None = None) -> AnswerReader:
        """A reader that has not read anything; `wanted` are the names that each answer must carry, None for any."""
        return AnswerReader(self, wanted)

    def learn(self, data: bytes, place: Place, read: Bindings) -> Layout | None:
        """The layout of `data`, if it is worth one and there is room."""
        if len(read.values) < MIN_BINDINGS or not self.have_room:
            return None
        if bindings.take_apart(data, place.at, place.end) is None:
            return None
        layout = Layout(data, place, read)
        self._alive.add(layout)
        return layout


class AnswerReader:
    """Reads the answers to one question of one agent.

    Two layouts are kept, as a value may waver between two lengths.
    """

    __slots__ = ("_hits", "_layout", "_layouts", "_learnt_at", "_misses", "_pause", "_spare", "_wanted")

    def __init__(self, layouts: Layouts, wanted: tuple[Oid, ...] | None) -> None:
        self._layouts = layouts
        self._wanted = wanted
        self._layout: Layout | None = None
        self._spare: Layout | None = None
        self._hits = self._misses = self._learnt_at = self._pause = 0

    def again(self, data: bytes, message_id: bytes) -> Bindings | None:
        """The list in `data`, if all around it is as in an answer without error that was read before."""
        layout = self._layout
        if layout is None:
            return None
        found = layout.read(data, message_id)
        if found is None:
            found = self._from_spare(data, message_id)
            if found is None:
                self._miss()
                return None
        self._hits += 1
        return found

    def read(self, data: bytes, place: Place, *, without_error: bool) -> Bindings:
        """The list at `place` of `data`, read in full; `without_error` is what the answer says of itself.

        Raises:
            BerError: as `bindings.read`.
        """
        read = bindings.read(data, place.at, place.end)
        if self._pause:
            self._pause -= 1
        elif without_error and (self._wanted is None or read.names.oids == self._wanted):
            self._learn(data, place, read)
        return read

    def _learn(self, data: bytes, place: Place, read: Bindings) -> None:
        if self._layout is not None and self._hits < self._learnt_at + _BETWEEN_LAYOUTS:
            return
        learnt = self._layouts.learn(data, place, read)
        if learnt is not None:
            self._spare, self._layout, self._learnt_at = self._layout, learnt, self._hits

    def _from_spare(self, data: bytes, message_id: bytes) -> Bindings | None:
        if self._spare is None:
            return None
        found = self._spare.read(data, message_id)
        if found is not None:
            self._layout, self._spare = self._spare, self._layout
        return found

    def _miss(self) -> None:
        self._misses += 1
        if self._misses > _FAIR_TRIAL + self._hits // 3:
            self._pause = 0 if self._hits >= _WELL_PROVEN else _PAUSE
            self._layout = self._spare = None
            self._hits = self._misses = self._learnt_at = 0


IN_FULL = AnswerReader(Layouts(0), None)
"""A reader that never learns."""
