"""One device wherever the board shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.status.device import DeviceState
from channelwatch.status.states import Cause, Flag, Health, Protection
from channelwatch_api.board.marks import Mark, mark_of, since_of


@dataclass(frozen=True, slots=True)
class Spot:
    """One device wherever it is shown. `since`: epoch ms, 0 = not known."""

    device: DeviceCode
    unit: str
    unit_name: str
    bloc: Bloc
    mark: Mark
    health: Health
    protection: Protection
    cause: Cause
    flags: tuple[Flag, ...]
    since: EpochMs
    member: str | None = None


def spot(inventory: Inventory, state: DeviceState) -> Spot:
    """One device."""
    device, unit = inventory.device[state.device], inventory.unit_of(state.device)
    mark = mark_of(state, in_service=device.in_service)
    return Spot(
        device=state.device,
        unit=unit.code,
        unit_name=unit.name,
        bloc=inventory.bloc_of(state.device),
        mark=mark,
        health=state.assessment.health,
        protection=state.assessment.protection,
        cause=state.assessment.cause,
        flags=tuple(sorted(state.flags)),
        since=since_of(state, mark),
        member=device.ha_member,
    )
