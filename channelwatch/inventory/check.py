"""What must hold across an inventory, whatever file it came from. Pure: returns problems, raises nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.inventory.model import Bloc, Category, Channel, Device, Inventory, UnitKind

DEVICE_CODE = re.compile(r"^(?P<province>\d{2})-(?P<bloc>[DCQM])-(?P<unit>[A-Z0-9]{5})-(?P<role>[A-Z0-9])$")


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: `section` and `index` say which entry, `field` which key of it."""

    section: str
    index: int
    field: str
    message: str


def check(inventory: Inventory, blocs: frozenset[Bloc], credentials: frozenset[str]) -> list[Problem]:
    """Every rule that `inventory` breaks on an instance that may hold `blocs` and knows `credentials`."""
    return [
        *_duplicates(inventory),
        *_references(inventory),
        *_blocs(inventory, blocs),
        *_devices(inventory, credentials),
        *_groups(inventory),
        *_channels(inventory),
    ]


def _duplicates(inventory: Inventory) -> Iterator[Problem]:
    sections: dict[str, Iterable[str]] = {
        "owners": (item.code for item in inventory.owners),
        "units": (item.code for item in inventory.units),
        "sites": (item.code for item in inventory.sites),
        "ha_groups": (item.code for item in inventory.ha_groups),
        "devices": (item.code for item in inventory.devices),
        "channels": (item.code for item in inventory.channels),
        "contacts": (item.code for item in inventory.contacts),
    }
    for section, codes in sections.items():
        yield from _repeated(section, "code", list(codes))
    yield from _repeated("devices", "address", [f"{item.address}:{item.port}" for item in inventory.devices])
    yield from _repeated("devices", "certificate", [item.certificate or "" for item in inventory.devices])
    yield from _repeated("channels", "from", [item.spoke for item in inventory.channels])


def _repeated(section: str, field: str, values: list[str]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, value in enumerate(values):
        first = seen.setdefault(value, index)
        if value and index != first:
            yield Problem(section, index, field, f"duplicate {value!r}, first used by {section}[{first}]")


def _references(inventory: Inventory) -> Iterator[Problem]:
    owners = {item.code for item in inventory.owners}
    for index, unit in enumerate(inventory.units):
        if (unit.kind is UnitKind.COMMUNE) != (unit.commune_kind is not None):
            yield Problem(
                "units", index, "commune_kind", "belongs to units of kind commune, and to each of them"
            )
    for index, site in enumerate(inventory.sites):
        if site.unit not in inventory.unit:
            yield Problem("sites", index, "unit", f"unknown unit {site.unit!r}")
        if site.owner is not None and site.owner not in owners:
            yield Problem("sites", index, "owner", f"unknown owner {site.owner!r}")
    groups = {item.code for item in inventory.ha_groups}
    for index, device in enumerate(inventory.devices):
        if device.site not in inventory.site:
            yield Problem("devices", index, "site", f"unknown site {device.site!r}")
        if device.ha_group is not None and device.ha_group not in groups:
            yield Problem("devices", index, "ha_group", f"unknown HA group {device.ha_group!r}")


def _blocs(inventory: Inventory, blocs: frozenset[Bloc]) -> Iterator[Problem]:
    held = ", ".join(sorted(blocs))
    for index, device in enumerate(inventory.devices):
        site = inventory.site.get(device.site)
        if site is None:
            continue
        if site.bloc not in blocs:
            yield Problem(
                "devices", index, "site", f"bloc {site.bloc} is not held here (this instance holds: {held})"
            )
        code = DEVICE_CODE.match(device.code)
        if code is None:
            yield Problem("devices", index, "code", f"{device.code!r} is not of the form PP-B-UUUUU-R")
        elif code["bloc"] != site.bloc.letter:
            yield Problem(
                "devices", index, "code", f"letter {code['bloc']} does not match bloc {site.bloc} of its site"
            )
        elif code["province"] != inventory.province.code:
            yield Problem(
                "devices", index, "code", f"province {code['province']} is not {inventory.province.code}"
            )


def _devices(inventory: Inventory, credentials: frozenset[str]) -> Iterator[Problem]:
    for index, device in enumerate(inventory.devices):
        if device.credential not in credentials:
            yield Problem("devices", index, "credential", f"unknown credential {device.credential!r}")
        for field, message in _gates(device):
            yield Problem("devices", index, field, message)


def _gates(device: Device) -> Iterator[tuple[str, str]]:
    """What must be on file before a device is `in_service` (requirements R17 and R34 of the domain brief)."""
    if not device.in_service:
        return
    if device.inspection is None:
        yield "inspection", "in_service needs an inspection record"
    if device.handover is None:
        yield "handover", "in_service needs a hand-over record"
    if device.level is None:
        yield "level", "in_service needs an approved level"
    if device.category is Category.UNSET:
        yield "category", "in_service needs a category"


def _groups(inventory: Inventory) -> Iterator[Problem]:
    for index, group in enumerate(inventory.ha_groups):
        if DeviceCode(group.code) in inventory.device:
            yield Problem("ha_groups", index, "code", f"{group.code!r} is a device's code")
        members = inventory.members[group.code]
        if len(members) != 2:
            yield Problem(
                "ha_groups", index, "code", f"an HA group has two members, {group.code} has {len(members)}"
            )
            continue
        roles = sorted(inventory.device[code].ha_member or "" for code in members)
        if roles != ["A", "B"]:
            yield Problem(
                "ha_groups", index, "code", f"the members of {group.code} must be ha_member A and B"
            )
        if not _same_bloc(inventory, inventory.device[members[0]], [inventory.device[members[1]]]):
            yield Problem("ha_groups", index, "code", f"the members of {group.code} are of two blocs")


def _channels(inventory: Inventory) -> Iterator[Problem]:
    for index, channel in enumerate(inventory.channels):
        spoke = inventory.device.get(channel.spoke)
        if spoke is None:
            yield Problem("channels", index, "from", f"unknown device {channel.spoke!r}")
        hubs = _hub_devices(inventory, channel.hub)
        if not hubs:
            yield Problem("channels", index, "to", f"unknown HA group or device {channel.hub!r}")
        elif spoke is not None and not _same_bloc(inventory, spoke, hubs):
            yield Problem("channels", index, "to", "a channel does not cross blocs")
        elif _leads_back(inventory, channel):
            yield Problem("channels", index, "to", "leads back to the device that it comes from")


def _leads_back(inventory: Inventory, channel: Channel) -> bool:
    """Does the way up from a channel's hub, from hub to hub, come back to its spoke?"""
    start, at = _node(inventory, channel.spoke), _node(inventory, channel.hub)
    seen: set[str] = set()
    while at != start:
        if at in seen:
            return False
        seen.add(at)
        above = [inventory.parent[code] for code in _members(inventory, at) if code in inventory.parent]
        if not above:
            return False
        at = _node(inventory, above[0])
    return True


def _node(inventory: Inventory, code: str) -> str:
    """The HA group of a device that has one, otherwise what `code` names itself."""
    device = inventory.device.get(DeviceCode(code))
    return code if device is None or device.ha_group is None else device.ha_group


def _members(inventory: Inventory, hub: str) -> tuple[DeviceCode, ...]:
    return inventory.members.get(GroupCode(hub), (DeviceCode(hub),))


def _hub_devices(inventory: Inventory, hub: str) -> list[Device]:
    return [inventory.device[code] for code in _members(inventory, hub) if code in inventory.device]


def _same_bloc(inventory: Inventory, spoke: Device, hubs: list[Device]) -> bool:
    sites = [inventory.site.get(device.site) for device in (spoke, *hubs)]
    return len({site.bloc for site in sites if site is not None}) <= 1
