"""What each reading of a profile is made from, worked out once: what has not moved need not be read again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from channelwatch.status.signals import Signal
from channelwatch_collector.profiles.expression import Expression
from channelwatch_collector.profiles.model import ObjectSpec, SignalSpec, TableSpec
from channelwatch_collector.profiles.values import dotted
from channelwatch_collector.snmp.port import Oid, Value

Cells = tuple[Value | None, ...]
"""The values of one row, or of all scalars, by place; None where the answer has none."""

EVERY_PLACE = -1
"""All places, as bits."""

MAX_PATTERNS = 1024
"""How many patterns of moved places are remembered of each plan: a kind of device moves in few."""

_ANEW = frozenset({"per_day", "mean", "total", "count", "largest", "skew", "age", "days_until"})
"""Functions that depend on the hour or on a whole column."""


class Needs(NamedTuple):
    """What one reading depends on: bits of places, those of counters among them; `anew` if on more than that."""

    cells: int
    counters: int
    anew: bool


class Column(NamedTuple):
    """Where a name is found: places by preference, each with the text that begins its instances."""

    spec: ObjectSpec
    sources: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows of a table, or all scalars, are laid out and used.

    `oids` are the objects by place. `naming` are the places that decide whether a row counts and what it is called,
    `counters` those of counters, `scalars` the objects outside the rows on which their readings depend. `lasts`: a row
    that has not moved reads the same. Without `remembers`, rows are read in full each time.
    """

    oids: tuple[Oid, ...]
    columns: Mapping[str, Column]
    needs: tuple[Needs, ...]
    scalars: tuple[Oid, ...] = ()
    naming: int = 0
    counters: int = 0
    lasts: bool = True
    remembers: bool = True
    _to_read: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)

    def to_read(self, moved: int, moved_before: int) -> tuple[int, ...]:
        """The readings that cannot be taken over when these places moved now, and those the time before."""
        was = moved_before & self.counters
        found = self._to_read.get((moved, was))
        if found is None:
            found = tuple(
                at
                for at, needs in enumerate(self.needs)
                if needs.anew or needs.cells & moved or needs.counters & was
            )
            if len(self._to_read) < MAX_PATTERNS:
                self._to_read[moved, was] = found
        return found


def plan_of_scalars(scalars: Mapping[str, ObjectSpec], signals: Sequence[SignalSpec]) -> Plan:
    """The scalars of a profile, as one row."""
    oids, columns = _columns({name: spec for name, spec in scalars.items() if not spec.column})
    places = _places(columns)
    needs = tuple(_needs(spec, places, naming=0) for spec in signals)
    return Plan(oids, columns, needs, counters=_counters(needs), lasts=not any(need.anew for need in needs))


def plan_of_table(table: TableSpec, scalars: Mapping[str, ObjectSpec]) -> Plan:
    """The rows of a table that has columns."""
    oids, columns = _columns(table.columns)
    places = _places(columns)
    named_by = [found for found in (table.component, table.where, *table.peers) if found is not None]
    naming = _bits((name for found in named_by for name in found.names), places)
    needs = tuple(_needs(spec, places, naming=naming) for spec in table.signals)
    outside = {name: None for found in table.expressions for name in found.names if name not in places}
    return Plan(
        oids,
        columns,
        needs,
        scalars=tuple(oid for name in outside if name in scalars for oid in scalars[name].oid),
        naming=naming,
        counters=_counters(needs),
        lasts=not any(need.anew for need in needs),
        remembers=not any(_is_anew(found) or found.counters for found in named_by),
    )


def _columns(specs: Mapping[str, ObjectSpec]) -> tuple[tuple[Oid, ...], dict[str, Column]]:
    oids: list[Oid] = []
    columns = {}
    for name, spec in specs.items():
        sources = tuple((place, f"{dotted(oid)}.") for place, oid in enumerate(spec.oid, len(oids)))
        columns[name] = Column(spec, sources)
        oids += spec.oid
    return tuple(oids), columns


def _places(columns: Mapping[str, Column]) -> dict[str, int]:
    return {name: sum(1 << place for place, _ in column.sources) for name, column in columns.items()}


def _bits(names: Iterable[str], places: Mapping[str, int]) -> int:
    found = 0
    for name in names:
        found |= places.get(name, 0)
    return found


def _counters(needs: Iterable[Needs]) -> int:
    found = 0
    for need in needs:
        found |= need.counters
    return found


def _needs(spec: SignalSpec, places: Mapping[str, int], *, naming: int) -> Needs:
    names = {name for found in spec.expressions for name in found.names}
    cells = _bits(names, places) | (naming if "expected" in names else 0)
    anew = (
        not cells
        or spec.signal is Signal.TIME_SKEW
        or any(_is_anew(found) for found in spec.expressions)
        or any(counter not in places for counter in spec.counters)
    )
    return Needs(cells, _bits(spec.counters, places), anew)


def _is_anew(expression: Expression) -> bool:
    return not _ANEW.isdisjoint(expression.functions)
