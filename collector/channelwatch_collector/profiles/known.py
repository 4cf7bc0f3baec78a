"""What is remembered of a device's last answer so that the next one costs less; it changes no reading. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from channelwatch.status.signals import Reading
from channelwatch_collector.profiles.plan import Cells
from channelwatch_collector.snmp.port import Oid

Readings = tuple[Reading | None, ...]
Looked = tuple[tuple[str, ...], ...]


class KnownRow(NamedTuple):
    """A row as it was last read.

    `moved` are the places that differed from the answer before. `name` is what the row calls itself, None if the table
    leaves it out; `component` what it came to be called. `readings` and the `counters` that each looked at are by
    signal; `told` are those readings that there are.
    """

    cells: Cells
    moved: int
    name: str | None = None
    peers: frozenset[str] = frozenset()
    component: str = ""
    readings: Readings = ()
    counters: Looked = ()
    told: tuple[Reading, ...] = ()


class KnownTable(NamedTuple):
    """The rows of a table by index, read in these `circumstances`: under others they would read differently."""

    circumstances: tuple[object, ...]
    rows: Mapping[Oid, KnownRow]


class Known(NamedTuple):
    """What the last answer of a device came to, read by `profile` at `tick` (monotonic, ms)."""

    profile: object
    tick: int
    own: KnownRow
    tables: Sequence[KnownTable | None]
