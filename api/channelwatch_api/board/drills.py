"""Drills as pages show them: the one that is on, the list, and what came of each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from channelwatch.app.drill.report import Played, times
from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.incidents.drills import Drill, DrillEnd, Scenario
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.pipeline.world import World
from channelwatch_api.board.model import IncidentRow, incident_row, place_of
from channelwatch_api.board.people import Person, person
from channelwatch_api.scope import Scope


@dataclass(frozen=True, slots=True)
class DrillNow:
    """The drill that is on. `place` is empty where it is played on a whole bloc."""

    number: int
    scenario: Scenario
    bloc: Bloc | None
    place: str
    ends_at: EpochMs


@dataclass(frozen=True, slots=True)
class DrillRow:
    """A drill in the list."""

    now: DrillNow
    code: str
    requested_by: Person
    approved_by: Person
    begun_at: EpochMs | None
    stop_asked_at: EpochMs | None
    ended_at: EpochMs | None
    end: DrillEnd | None


@dataclass(frozen=True, slots=True)
class Response:
    """What one post did, in milliseconds since the fault was injected; None: not, so far."""

    who: Person
    told_ms: int | None
    way: str | None
    acknowledged_ms: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one incident of a drill, in milliseconds since the fault was injected."""

    row: IncidentRow
    detected_ms: int
    acknowledged_ms: int | None
    restored_ms: int | None
    people: tuple[Response, ...]


def drill_now(inventory: Inventory, scope: Scope, drill: Drill | None) -> DrillNow | None:
    """The drill that is on, if it is on something in `scope`."""
    if drill is None or not scope.sees_drill(inventory, drill):
        return None
    return _now(inventory, drill)


def drill_row(inventory: Inventory, drill: Drill) -> DrillRow:
    """One drill, whatever became of it."""
    return DrillRow(
        _now(inventory, drill),
        drill.code,
        person(drill.requested_by, inventory),
        person(drill.approved_by, inventory),
        drill.begun_at,
        drill.stop_asked_at,
        drill.ended_at,
        drill.end,
    )


def outcomes(world: World, scope: Scope, drill: Drill, played: Sequence[Played]) -> tuple[Outcome, ...]:
    """What came of a drill that has begun, as far as `scope` reaches."""
    began = drill.begun_at
    if began is None:
        return ()
    return tuple(_outcome(world, scope, item, began) for item in played if scope.sees_incident(item.incident))


def _outcome(world: World, scope: Scope, item: Played, began: EpochMs) -> Outcome:
    found = times(item, began)
    people = tuple(
        Response(person(one.contact, world.inventory), one.told_ms, one.way, one.acknowledged_ms)
        for one in found.people
    )
    row = incident_row(world, item.incident, scope)
    return Outcome(row, found.detected_ms, found.acknowledged_ms, found.restored_ms, people)


def _now(inventory: Inventory, drill: Drill) -> DrillNow:
    blocs = {bloc.value: bloc for bloc in Bloc}
    members = inventory.members.get(GroupCode(drill.code), ())
    device = next(iter(members), DeviceCode(drill.code))
    bloc = inventory.bloc_of(device) if device in inventory.device else blocs.get(drill.code)
    place = "" if drill.code in blocs else place_of(inventory, drill.code) or drill.code
    return DrillNow(drill.number, drill.scenario, bloc, place, drill.ends_at)


@dataclass(frozen=True, slots=True)
class Stages:
    """What a drill may be played on, as far as an account sees: codes with their places' names."""

    blocs: tuple[Bloc, ...]
    hubs: tuple[tuple[str, str], ...]
    devices: tuple[tuple[str, str], ...]


def approvers(inventory: Inventory, scope: Scope, owners: Iterable[str]) -> list[Person]:
    """Those of `owners` who may agree to a drill in `scope`: its posts, and every account."""
    out_of_scope = {item.code for item in inventory.contacts if not set(item.blocs) & set(scope.blocs)}
    return [person(name, inventory) for name in sorted(set(owners) - out_of_scope)]


def stages(inventory: Inventory, scope: Scope) -> Stages:
    """Blocs, hubs, and devices in service."""
    hubs: list[str] = [group.code for group in inventory.ha_groups if scope.sees_group(inventory, group.code)]
    seen = [
        item.code for item in inventory.devices if item.in_service and scope.sees_device(inventory, item.code)
    ]
    hubs += [code for code in seen if code in inventory.children and inventory.device[code].ha_group is None]
    return Stages(
        scope.blocs,
        tuple((code, place_of(inventory, code)) for code in hubs),
        tuple((code, place_of(inventory, code)) for code in seen),
    )
