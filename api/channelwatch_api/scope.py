"""What an account may see of the world: nothing outside its blocs, as if it were not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from channelwatch.base.ids import DeviceCode, GroupCode, IncidentId, SiteCode
from channelwatch.incidents.drills import Drill
from channelwatch.incidents.model import Incident
from channelwatch.inventory.diff import Change
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.pipeline.world import World
from channelwatch.status.device import DeviceState
from channelwatch.status.topology import PairView


@dataclass(frozen=True, slots=True)
class Scope:
    """A set of blocs, in their fixed order."""

    blocs: tuple[Bloc, ...]

    @classmethod
    def of(cls, blocs: frozenset[Bloc]) -> Scope:
        """The scope of `blocs`; equal sets give equal scopes."""
        return cls(tuple(bloc for bloc in Bloc if bloc in blocs))

    def sees_device(self, inventory: Inventory, code: str) -> bool:
        """Is there a device `code`, and is it in a bloc of this scope?"""
        device = DeviceCode(code)
        return device in inventory.device and inventory.bloc_of(device) in self.blocs

    def sees_group(self, inventory: Inventory, code: str) -> bool:
        """The same for an HA group, by its members."""
        return any(
            self.sees_device(inventory, member) for member in inventory.members.get(GroupCode(code), ())
        )

    def sees_incident(self, incident: Incident) -> bool:
        """An incident of the collector itself concerns everybody."""
        return incident.bloc is None or incident.bloc in self.blocs

    def sees_subject(self, inventory: Inventory, code: str) -> bool:
        """A device or a group."""
        return self.sees_device(inventory, code) or self.sees_group(inventory, code)

    def sees_drill(self, inventory: Inventory, drill: Drill) -> bool:
        """A drill on something in this scope; where that is no longer known, only for whoever sees every bloc."""
        every, code = {site.bloc for site in inventory.sites}, drill.code
        if code in set(Bloc) or code in inventory.device or code in inventory.members:
            return code in self.blocs or self.sees_subject(inventory, code)
        return every <= set(self.blocs)

    def device(self, world: World, code: str) -> DeviceState | None:
        """The device's state, None when it is not there or not to be seen."""
        return world.devices.get(DeviceCode(code)) if self.sees_device(world.inventory, code) else None

    def devices(self, world: World) -> Iterator[DeviceState]:
        """Every device to be seen, in inventory order."""
        return (state for code, state in world.devices.items() if self.sees_device(world.inventory, code))

    def pairs(self, world: World) -> Iterator[tuple[GroupCode, PairView]]:
        """Every HA group to be seen."""
        return ((code, view) for code, view in world.pairs.items() if self.sees_group(world.inventory, code))

    def incident(self, world: World, number: int) -> Incident | None:
        """An incident in memory, None when it is not there or not to be seen."""
        found = world.incidents.get(IncidentId(number))
        return found if found is not None and self.sees_incident(found) else None

    def incidents(self, world: World) -> Iterator[Incident]:
        """Incidents in memory that are to be seen."""
        return (incident for incident in world.incidents.values() if self.sees_incident(incident))

    def sees_change(self, inventory: Inventory, change: Change, every: frozenset[Bloc]) -> bool:
        """May an inventory change be shown? Where its bloc is no longer known, only to whoever sees `every` bloc."""
        if change.section in ("province", "owners", "units"):
            return True
        bloc = _bloc_of_change(inventory, change)
        return bloc in self.blocs if bloc is not None else every <= frozenset(self.blocs)


def _bloc_of_change(inventory: Inventory, change: Change) -> Bloc | None:
    facts = dict(change.before) | dict(change.after)
    match change.section:
        case "sites" if "bloc" in facts:
            return Bloc(facts["bloc"])
        case "sites":
            site = inventory.site.get(SiteCode(change.code))
            return None if site is None else site.bloc
        case "devices":
            device = DeviceCode(change.code)
            return inventory.bloc_of(device) if device in inventory.device else None
        case "ha_groups":
            members = inventory.members.get(GroupCode(change.code), ())
            return inventory.bloc_of(members[0]) if members else None
        case "channels":
            spoke = next((item.spoke for item in inventory.channels if item.code == change.code), None)
            return None if spoke is None else inventory.bloc_of(spoke)
        case _:
            return None
