"""The fleet's series as Prometheus text.

The lines of a device are kept and made anew only when the device's state object is another one than before:
rendering a national fleet through client objects at each scrape takes seconds, joining kept text does not. The lines
are kept by family, so that one call joins a family; state sets are put together from prepared parts instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode, DeviceCode, GroupCode
from channelwatch.incidents.model import Incident
from channelwatch.inventory.model import Bloc, Inventory, Province
from channelwatch.metrics import incidents, rollup
from channelwatch.metrics.device import (
    CAUSE,
    DEVICE_LABELS,
    HEALTH,
    IN_SERVICE,
    MISSES,
    PROTECTION,
    SEVERITY,
    SIGNALS,
    STATES,
    base_labels,
    device_lines,
    hanging,
    severity,
)
from channelwatch.metrics.rollup import Place, Posts, Rollup
from channelwatch.metrics.text import END, Family, StateSet, labels, sample
from channelwatch.pipeline.world import World
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

    @classmethod
    def of(cls, world: World, posts: Posts, now: EpochMs) -> FleetView:
        """As `world` is now."""
        live = [item for item in world.incidents.values() if not item.state.is_over]
        circuits = {
            name: (world.inventory.bloc_of(codes[0]), world.circuit_views[name].lost)
            for name, codes in world.circuits.items()
        }
        return cls(world.inventory, dict(world.devices), dict(world.pairs), live, posts, now, circuits)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the fleet is asked for; without `signals` the readings of the devices are left out."""

    blocs: Collection[Bloc]
    unit: str | None = None
    signals: bool = True


class _Block:
    """What is kept of one device beside its lines."""

    __slots__ = ("base", "families", "in_service", "place", "severity", "state")

    def __init__(self, state: DeviceState, place: Place, base: bytes) -> None:
        self.state = state
        self.place = place
        self.base = base
        self.families: tuple[str, ...] = ()
        self.severity = 0
        self.in_service = False


class _Part:
    """The devices of one bloc: their blocks, and their lines by family."""

    __slots__ = ("blocks", "columns")

    def __init__(self) -> None:
        self.blocks: dict[DeviceCode, _Block] = {}
        self.columns: dict[str, dict[DeviceCode, bytes]] = {}

    def put(self, block: _Block, lines: Mapping[str, str], families: tuple[str, ...]) -> None:
        """Take the lines of a device in place of those before."""
        code = block.state.device
        if block.families is not families:
            for name in block.families:
                if name not in lines:
                    del self.columns[name][code]
        for name, text in lines.items():
            column = self.columns.get(name)
            if column is None:
                column = self.columns[name] = {}
            column[code] = text.encode()
        block.families = families
        self.blocks[code] = block


class FleetText:
    """The cache of one process. One thread renders at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inventory: Inventory | None = None
        self._rollup = Rollup(Inventory(Province("", "")))
        self._blocks: dict[DeviceCode, _Block] = {}
        self._parts: dict[Bloc, _Part] = {}
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}

    def page(self, view: FleetView, selection: Selection, *, openmetrics: bool = False) -> bytes:
        """The exposition of what is selected: each family once, with HELP and TYPE; in OpenMetrics with its end."""
        with self._lock:
            self._refresh(view)
            pieces = list(self._pieces(view, selection, openmetrics=openmetrics))
        if openmetrics:
            pieces.append(END)
        return b"".join(pieces)

    def _refresh(self, view: FleetView) -> None:
        if view.inventory is not self._inventory:
            self._inventory, self._blocks, self._shapes = view.inventory, {}, {}
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
        """Make the lines of one device anew."""
        device = inventory.device[state.device]
        block = self._blocks.get(state.device)
        if block is None:
            site = inventory.site[device.site]
            block = self._blocks[state.device] = _Block(
                state, (site.bloc, site.unit), base_labels(site, state).encode()
            )
        block.state = state
        block.severity, block.in_service = severity(state), device.in_service
        lines = device_lines(device, state, block.base.decode(), hanging(inventory, device.code))
        families = tuple(lines)
        # Devices of one kind have the same families: their names are kept once.
        self._parts[block.place[0]].put(block, lines, self._shapes.setdefault(families, families))

    def _pieces(self, view: FleetView, selection: Selection, *, openmetrics: bool) -> Iterator[bytes]:
        parts = [part for bloc, part in self._parts.items() if bloc in selection.blocs]
        blocks = [
            block
            for part in parts
            for block in part.blocks.values()
            if selection.unit is None or block.place[1] == selection.unit
        ]
        standing = ((block.place, block.severity) for block in blocks if block.in_service)
        others = self._rollup.lines(standing, view.posts, blocs=selection.blocs, whole=selection.unit is None)
        others |= _pair_lines(view, selection)
        if selection.unit is None:
            others |= incidents.incident_lines(view.incidents, blocs=selection.blocs, now=view.now)
        others |= _prepared(blocks)
        chosen = None if selection.unit is None else [block.state.device for block in blocks]
        for family in FAMILIES if selection.signals else WITHOUT_SIGNALS:
            found = others.get(family.name) or _lines(family.name, parts, chosen)
            if found:
                yield family.head(openmetrics=openmetrics)
                yield found


def _prepared(blocks: Collection[_Block]) -> dict[str, bytes]:
    """What is put together from prepared parts, by family name."""
    return {
        HEALTH.family.name: HEALTH.join((block.base, block.state.assessment.health) for block in blocks),
        PROTECTION.family.name: PROTECTION.join(
            (block.base, block.state.assessment.protection) for block in blocks
        ),
        IN_SERVICE.family.name: IN_SERVICE.join((block.base, int(block.in_service)) for block in blocks),
        SEVERITY.family.name: SEVERITY.join((block.base, block.severity) for block in blocks),
        CAUSE.family.name: CAUSE.join((block.base, block.state.assessment.cause) for block in blocks),
        MISSES.family.name: MISSES.join((block.base, block.state.misses) for block in blocks),
    }


def _lines(name: str, parts: Iterable[_Part], chosen: Collection[DeviceCode] | None) -> bytes:
    columns = [part.columns[name] for part in parts if name in part.columns]
    if chosen is None:
        return b"".join([b"".join(column.values()) for column in columns])
    return b"".join([column[code] for column in columns for code in chosen if code in column])


def _pair_lines(view: FleetView, selection: Selection) -> dict[str, bytes]:
    inventory = view.inventory
    states: list[tuple[bytes, str]] = []
    since: list[str] = []
    for group, pair in view.pairs.items():
        members = inventory.members.get(group, ())
        if not members:
            continue
        site = inventory.site[inventory.device[members[0]].site]
        if site.bloc in selection.blocs and selection.unit in (None, site.unit):
            base = labels({"group": group, "bloc": site.bloc, "unit": site.unit})
            states.append((base.encode(), pair.state))
            since.append(sample(PAIR_SINCE.name, base, pair.since / 1000))
    lost = [
        sample(CIRCUIT.name, labels({"circuit": name, "bloc": bloc}), int(is_lost))
        for name, (bloc, is_lost) in view.circuits.items()
        if bloc in selection.blocs and selection.unit is None
    ]
    return {
        PAIR.family.name: PAIR.join(states),
        PAIR_SINCE.name: "".join(since).encode(),
        CIRCUIT.name: "".join(lost).encode(),
    }
