"""Who answers for an incident, from what the world knows of its subject."""

from __future__ import annotations

from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.incidents.escalation import Duty
from channelwatch.incidents.model import Incident, SubjectKind
from channelwatch.incidents.oncall import Place
from channelwatch.inventory.model import Inventory
from channelwatch.pipeline.world import World


def duty_for(world: World, incident: Incident) -> Duty:
    """The contacts, the roster and what they have to know of `incident`."""
    return Duty(world.inventory.contacts, world.roster, world.calendar, _place(world.inventory, incident))


def _place(inventory: Inventory, incident: Incident) -> Place:
    subject = DeviceCode(incident.subject)
    if incident.subject_kind is SubjectKind.GROUP:
        subject = next(iter(inventory.members.get(GroupCode(incident.subject), ())), subject)
    device = inventory.device.get(subject)
    if device is None:
        return Place(incident.bloc)
    return Place(incident.bloc, device.category, inventory.site[device.site].unit)
