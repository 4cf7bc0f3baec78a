"""Drills: who asked for which fault, who agreed, and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.inventory.maintenance import same_person
from channelwatch.inventory.model import Bloc, Inventory

MAX_MINUTES = 240
CUT_PERCENT = 30
"""Part of a bloc's communes that a cut takes."""


class Scenario(StrEnum):
    """Which fault is played."""

    TUNNEL_DOWN = "tunnel-down"
    DEVICE_SILENT = "device-silent"
    TAMPER = "tamper"
    HUB_LOST = "hub-lost"
    COMMUNES_CUT = "communes-cut"


class DrillEnd(StrEnum):
    """Why a drill ended."""

    STOPPED = "stopped"
    TIME_OVER = "time_over"
    REAL_P1 = "real_p1"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill. Instants are epoch ms. `code` is a device, a group or a bloc, as the scenario wants it."""

    number: int
    scenario: Scenario
    code: str
    requested_by: str
    approved_by: str
    requested_at: EpochMs
    ends_at: EpochMs
    begun_at: EpochMs | None = None
    stop_asked_at: EpochMs | None = None
    ended_at: EpochMs | None = None
    end: DrillEnd | None = None


@dataclass(frozen=True, slots=True)
class People:
    """Who may ask for a drill and who may agree to it: names of posts and accounts, as they are written down."""

    chiefs: frozenset[str]
    owners: frozenset[str]


def problems(drill: Drill, inventory: Inventory, people: People) -> Iterator[str]:
    """Why this drill cannot be held."""
    if not _is_among(drill.requested_by, people.chiefs):
        yield f"no contact or account of the role chief is called {drill.requested_by!r}"
    if not _is_among(drill.approved_by, people.owners):
        yield f"no contact or account of the role owner is called {drill.approved_by!r}"
    if same_person(drill.requested_by, drill.approved_by):
        yield "a drill is approved by another person than the one who asks for it"
    if not 0 < drill.ends_at - drill.requested_at <= MAX_MINUTES * 60_000:
        yield f"a drill lasts at most {MAX_MINUTES} minutes"
    if not devices_of(drill, inventory):
        yield f"{drill.scenario} plays on nothing in service called {drill.code!r}"


def devices_of(drill: Drill, inventory: Inventory) -> tuple[DeviceCode, ...]:
    """The devices on which the fault is played, all of them in service."""
    match drill.scenario:
        case Scenario.TUNNEL_DOWN | Scenario.DEVICE_SILENT | Scenario.TAMPER:
            found: tuple[DeviceCode, ...] = (DeviceCode(drill.code),)
        case Scenario.HUB_LOST:
            found = inventory.members.get(GroupCode(drill.code), ())
            if not found and drill.code in inventory.children:
                found = (DeviceCode(drill.code),)
        case Scenario.COMMUNES_CUT:
            spokes = sorted(code for code in inventory.parent if _in_bloc(inventory, code, drill.code))
            found = tuple(spokes[: -(-len(spokes) * CUT_PERCENT // 100)])
    known = inventory.device
    return tuple(code for code in found if code in known and known[code].in_service)


def _is_among(name: str, known: frozenset[str]) -> bool:
    return any(same_person(name, other) for other in known)


def _in_bloc(inventory: Inventory, code: DeviceCode, bloc: str) -> bool:
    return code in inventory.device and bloc in set(Bloc) and inventory.bloc_of(code) == bloc
