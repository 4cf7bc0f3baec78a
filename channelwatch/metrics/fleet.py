"""The fleet's series as Prometheus text.

The lines of a device are kept and made anew only when the device's state object is another one than before:
rendering a national fleet through client objects at each scrape takes seconds, joining kept text does not. The lines
are kept by family, so that one call joins a family; state sets are put together from prepared parts instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import attrgetter
from threading import Lock

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode, DeviceCode, GroupCode
from channelwatch.incidents.model import Incident
from channelwatch.inventory.model import Bloc, Inventory, Province
from channelwatch.metrics import events, incidents, rollup
from channelwatch.metrics.device import (
    CAUSE,
    FLAG,
    HEALTH,
    IN_SERVICE,
    MISSES,
    NEW,
    PROTECTION,
    SEVERITY,
    SIGNALS,
    STATES,
    Look,
    base_labels,
    device_lines,
    look,
)
from channelwatch.metrics.readings import (
    NO_READINGS,
    OMITTED,
    SIGNAL_STATE,
    SIGNAL_WORD,
    Shape,
    numbers,
    shape,
)
from channelwatch.metrics.rollup import Place, Posts, Rollup
from channelwatch.metrics.signals import DEVICE_LABELS
from channelwatch.metrics.text import END, Family, StateSet, around, labels, sample
from channelwatch.pipeline.world import EventCount, World
from channelwatch.status.device import DeviceState
from channelwatch.status.states import PairState
from channelwatch.status.topology import PairView

_PAIR_LABELS = {"group": "code of the HA group", "bloc": DEVICE_LABELS["bloc"], "unit": DEVICE_LABELS["unit"]}
PAIR = StateSet(
    Family(
        "channelwatch_pair_state",
        "State of an HA group; 1 for the present state.",
        labels={
            **_PAIR_LABELS,
            "state": "`redundant`, `switched`, `no_redundancy`, `split`, `lost`, `unknown`",
        },
    ),
    PairState,
)
PAIR_SINCE = Family(
    "channelwatch_pair_state_since_timestamp_seconds",
    "Since when an HA group is in its state, Unix time.",
    labels=_PAIR_LABELS,
)
CIRCUIT = Family(
    "channelwatch_circuit_lost",
    "1 while all devices in service over a clear circuit are cut off together and their hub is not lost.",
    labels={"circuit": "the circuit's code in the inventory", "bloc": DEVICE_LABELS["bloc"]},
    optional=True,
)
WITHOUT_SIGNALS: tuple[Family, ...] = (
    *rollup.FAMILIES,
    *incidents.FAMILIES,
    *events.FAMILIES,
    *STATES,
    PAIR.family,
    PAIR_SINCE,
    CIRCUIT,
)
FAMILIES: tuple[Family, ...] = (*WITHOUT_SIGNALS, *SIGNALS)


@dataclass(frozen=True, slots=True)
class FleetView:
    """The fleet at one moment. Nothing in it changes, so that another thread may read it."""

    inventory: Inventory
    devices: Mapping[DeviceCode, DeviceState]
    pairs: Mapping[GroupCode, PairView]
    incidents: Sequence[Incident]
    posts: Posts
    now: EpochMs
    circuits: Mapping[CircuitCode, tuple[Bloc, bool]] = field(default_factory=dict)
    """The bloc of each circuit that carries several devices, and whether it is lost."""
    events: Mapping[EventCount, int] = field(default_factory=dict)
    """How many events of the kinds that rules count have come."""

    @classmethod
    def of(cls, world: World, posts: Posts, now: EpochMs) -> FleetView:
        """As `world` is now."""
        live = [item for item in world.incidents.values() if not item.state.is_over]
        circuits = {
            name: (world.inventory.bloc_of(codes[0]), world.circuit_views[name].lost)
            for name, codes in world.circuits.items()
        }
        devices, pairs, counts = dict(world.devices), dict(world.pairs), dict(world.event_counts)
        return cls(world.inventory, devices, pairs, live, posts, now, circuits, counts)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the fleet is asked for; without `signals` the readings of the devices are left out."""

    blocs: Collection[Bloc]
    unit: str | None = None
    signals: bool = True


class _Block:
    """Where a device is kept, and the state it is kept in."""

    __slots__ = ("at", "part", "state")

    def __init__(self, part: _Part, at: int) -> None:
        self.part = part
        self.at = at
        self.state: DeviceState | None = None


class _Part:
    """The devices of one bloc: of each, in their order, its labels and what is told around or beside them."""

    __slots__ = ("bases", "lines", "looks", "misses", "places", "serving", "shapes")

    def __init__(self) -> None:
        self.bases: list[bytes] = []
        self.places: list[Place] = []
        self.serving: list[bool] = []
        self.looks: list[Look] = []
        self.shapes: list[Shape] = []
        self.misses: list[int] = []
        self.lines: dict[str, list[bytes]] = {}
        """Lines of a device's own, by family; nothing for a device without any."""

    def enter(self, base: bytes, place: Place, *, in_service: bool) -> _Block:
        """A place for a device, the last one."""
        self.bases.append(base)
        self.places.append(place)
        self.serving.append(in_service)
        self.looks.append(NEW)
        self.shapes.append(NO_READINGS)
        self.misses.append(0)
        for column in self.lines.values():
            column.append(b"")
        return _Block(self, len(self.bases) - 1)

    def put(self, at: int, lines: Iterable[tuple[str, bytes]]) -> None:
        """Take lines of a device in place of those before."""
        for name, text in lines:
            column = self.lines.get(name)
            if column is None:
                column = self.lines[name] = [b""] * len(self.bases)
            column[at] = text


class FleetText:
    """The cache of one process. One thread renders at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inventory: Inventory | None = None
        self._rollup = Rollup(Inventory(Province("", "")))
        self._blocks: dict[DeviceCode, _Block] = {}
        self._parts: dict[Bloc, _Part] = {}

    def page(self, view: FleetView, selection: Selection, *, openmetrics: bool = False) -> bytes:
        """The exposition of what is selected: each family once, with HELP and TYPE; in OpenMetrics with its end."""
        return b"".join(self.pieces(view, selection, openmetrics=openmetrics))

    def pieces(self, view: FleetView, selection: Selection, *, openmetrics: bool = False) -> list[bytes]:
        """The page in pieces, so that whoever sends it need not copy it first."""
        with self._lock:
            self._refresh(view)
            pieces = list(self._pieces(view, selection, openmetrics=openmetrics))
        if openmetrics:
            pieces.append(END)
        return pieces

    def _refresh(self, view: FleetView) -> None:
        if view.inventory is not self._inventory:
            self._inventory, self._blocks = view.inventory, {}
            self._parts = {bloc: _Part() for bloc in Bloc}
            self._rollup = Rollup(view.inventory)
        known = self._blocks.get
        stale = [
            state
            for code, state in view.devices.items()
            if (block := known(code)) is None or block.state is not state
        ]
        for state in stale:
            if state.device in view.inventory.device:
                self._renew(view.inventory, state)

    def _renew(self, inventory: Inventory, state: DeviceState) -> None:
        """Make anew what is not as it was of one device."""
        block = self._blocks.get(state.device)
        if block is None:
            block = self._blocks[state.device] = self._enter(inventory, state)
        part, at, was = block.part, block.at, block.state
        base, before = part.bases[at], part.shapes[at]
        block.state = state
        part.looks[at] = look(state)
        part.misses[at] = state.misses
        lines = device_lines(inventory, state, base, was)
        now = shape(state, before)
        if now is not before:
            part.shapes[at] = now
            lines += [(name, b"") for name in before.numbers]
        lines += numbers(now, state, base, was if now is before else None)
        part.put(at, lines)

    def _enter(self, inventory: Inventory, state: DeviceState) -> _Block:
        device = inventory.device[state.device]
        site = inventory.site[device.site]
        base = base_labels(site, device.code).encode()
        return self._parts[site.bloc].enter(base, (site.bloc, site.unit), in_service=device.in_service)

    def _pieces(self, view: FleetView, selection: Selection, *, openmetrics: bool) -> Iterator[bytes]:
        parts = [part for bloc, part in self._parts.items() if bloc in selection.blocs]
        if selection.unit is not None:
            parts = [_only(part, selection.unit) for part in parts]
        standing = (
            (place, seen.grade)
            for part in parts
            for place, seen in compress(zip(part.places, part.looks, strict=True), part.serving)
        )
        others = self._rollup.lines(standing, view.posts, blocs=selection.blocs, whole=selection.unit is None)
        others |= _pair_lines(view, selection)
        others |= events.event_lines(view.events, view.inventory, blocs=selection.blocs, unit=selection.unit)
        if selection.unit is None:
            others |= incidents.incident_lines(view.incidents, blocs=selection.blocs, now=view.now)
        for family in FAMILIES if selection.signals else WITHOUT_SIGNALS:
            told = others.get(family.name)
            found = [told] if told else [text for part in parts if (text := _column(part, family.name))]
            if found:
                yield family.head(openmetrics=openmetrics)
                yield from found


def _only(part: _Part, unit: str) -> _Part:
    """The devices of one unit."""
    chosen = [place[1] == unit for place in part.places]
    found = _Part()
    found.bases = list(compress(part.bases, chosen))
    found.places = list(compress(part.places, chosen))
    found.serving = list(compress(part.serving, chosen))
    found.looks = list(compress(part.looks, chosen))
    found.shapes = list(compress(part.shapes, chosen))
    found.misses = list(compress(part.misses, chosen))
    found.lines = {name: list(compress(column, chosen)) for name, column in part.lines.items()}
    return found


Told = Callable[[_Part], Iterable[tuple[bytes, ...]]]
_AROUND: Mapping[str, Told] = {
    HEALTH.family.name: lambda part: map(attrgetter("health"), part.looks),
    PROTECTION.family.name: lambda part: map(attrgetter("protection"), part.looks),
    IN_SERVICE.family.name: lambda part: map(IN_SERVICE.parts, part.serving),
    SEVERITY.family.name: lambda part: map(attrgetter("severity"), part.looks),
    CAUSE.family.name: lambda part: map(attrgetter("cause"), part.looks),
    FLAG.name: lambda part: map(attrgetter("flags"), part.looks),
    MISSES.family.name: lambda part: map(MISSES.parts, part.misses),
    OMITTED.name: lambda part: map(attrgetter("omitted"), part.shapes),
    SIGNAL_STATE.name: lambda part: map(attrgetter("states"), part.shapes),
    SIGNAL_WORD.name: lambda part: map(attrgetter("words"), part.shapes),
}
"""Families of which only what surrounds the labels of a device is kept."""


def _column(part: _Part, name: str) -> bytes:
    """The samples of one family."""
    told = _AROUND.get(name)
    return b"".join(part.lines.get(name, ())) if told is None else around(part.bases, told(part))


def _pair_lines(view: FleetView, selection: Selection) -> dict[str, bytes]:
    inventory = view.inventory
    bases: list[bytes] = []
    states: list[tuple[bytes, ...]] = []
    since: list[str] = []
    for group, pair in view.pairs.items():
        members = inventory.members.get(group, ())
        if not members:
            continue
        site = inventory.site[inventory.device[members[0]].site]
        if site.bloc in selection.blocs and selection.unit in (None, site.unit):
            base = labels({"group": group, "bloc": site.bloc, "unit": site.unit})
            bases.append(base.encode())
            states.append(PAIR.parts(pair.state))
            since.append(sample(PAIR_SINCE.name, base, pair.since / 1000))
    lost = [
        sample(CIRCUIT.name, labels({"circuit": name, "bloc": bloc}), int(is_lost))
        for name, (bloc, is_lost) in view.circuits.items()
        if bloc in selection.blocs and selection.unit is None
    ]
    return {
        PAIR.family.name: around(bases, states),
        PAIR_SINCE.name: "".join(since).encode(),
        CIRCUIT.name: "".join(lost).encode(),
    }
