"""Clear circuits as the board lists them: those that several devices share. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode, DeviceCode, IncidentId
from channelwatch.incidents.model import Incident, SubjectKind
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.world import World
from channelwatch.status.topology import CircuitState, circuit_state
from channelwatch_api.board.marks import Mark
from channelwatch_api.board.spots import Spot, spot
from channelwatch_api.scope import Scope


@dataclass(frozen=True, slots=True)
class CircuitRow:
    """A circuit with the devices over it, the worst first. `since`: lost or back since then (epoch ms), 0 = neither.

    `incident` is the live one about the circuit itself, with its number for people.
    """

    code: CircuitCode
    bloc: Bloc
    hub: str
    hub_name: str
    state: CircuitState
    since: EpochMs
    spots: tuple[Spot, ...]
    incident: tuple[IncidentId, str] | None

    @property
    def worst(self) -> Mark:
        """The gravest of its devices' marks; a lost circuit is down at least."""
        marks = [item.mark for item in self.spots]
        if self.state is CircuitState.LOST:
            marks.append(Mark.DOWN)
        return min(marks, key=lambda mark: mark.gravity)


@dataclass(frozen=True, slots=True)
class CircuitSum:
    """How many circuits a bloc has, how many of them are known to carry, and which are lost."""

    total: int
    carrying: int
    lost: tuple[CircuitCode, ...]


def circuit_sum(world: World, bloc: Bloc) -> CircuitSum:
    """The circuits of one bloc."""
    states = {
        code: circuit_state(world.circuit_views[code], (world.devices[device] for device in devices))
        for code, devices in world.circuits.items()
        if world.inventory.bloc_of(devices[0]) is bloc
    }
    carrying = sum(state in (CircuitState.CARRYING, CircuitState.PARTLY_CUT) for state in states.values())
    lost = sorted(code for code, state in states.items() if state is CircuitState.LOST)
    return CircuitSum(len(states), carrying, tuple(lost))


def circuit_rows(world: World, scope: Scope) -> tuple[CircuitRow, ...]:
    """The circuits of `scope`: what is exposed first, then what is lost, then by state and code."""
    inventory = world.inventory
    own = {
        item.subject: item
        for item in scope.incidents(world)
        if item.subject_kind is SubjectKind.CIRCUIT and not item.state.is_over
    }
    rows = [
        _row(world, code, devices, own.get(code))
        for code, devices in world.circuits.items()
        if inventory.bloc_of(devices[0]) in scope.blocs
    ]
    order = list(CircuitState)
    return tuple(sorted(rows, key=lambda row: (row.worst.gravity, order.index(row.state), row.code)))


def _row(
    world: World, code: CircuitCode, devices: tuple[DeviceCode, ...], incident: Incident | None
) -> CircuitRow:
    inventory, view = world.inventory, world.circuit_views[code]
    states = [world.devices[device] for device in devices]
    hub = inventory.parent[devices[0]]
    group = next((item.name for item in inventory.ha_groups if item.code == hub), "")
    spots = sorted((spot(inventory, state) for state in states), key=lambda item: item.mark.gravity)
    return CircuitRow(
        code=code,
        bloc=inventory.bloc_of(devices[0]),
        hub=hub,
        hub_name=group or inventory.unit_of(DeviceCode(hub)).name,
        state=circuit_state(view, states),
        since=view.since,
        spots=tuple(spots),
        incident=None if incident is None else (incident.id, incident.number),
    )
