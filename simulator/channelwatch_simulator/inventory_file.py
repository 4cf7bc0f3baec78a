"""A simulated province as `inventory.yaml`, in the format that the product reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TypeAlias

import yaml

from channelwatch.inventory.model import (
    Channel,
    Contact,
    Device,
    Document,
    HaGroup,
    Inventory,
    Owner,
    Site,
    Unit,
)

Value: TypeAlias = str | int | bool | date | list[str] | dict[str, str | date] | None
Entry: TypeAlias = dict[str, Value]

BANNER = "DỮ LIỆU MÔ PHỎNG"


def render_inventory(inventory: Inventory) -> str:
    """The YAML text: one line an entry, ASCII keys, names in Vietnamese."""
    return "\n".join(_lines(inventory)) + "\n"


def _lines(inventory: Inventory) -> Iterator[str]:
    yield f"# {BANNER} - không phải số liệu thực tế (simulated data, fictional except for unit names)"
    yield "version: 1"
    yield f"province: {_flow({'code': inventory.province.code, 'name': inventory.province.name})}"
    sections: dict[str, list[Entry]] = {
        "owners": [_owner(item) for item in inventory.owners],
        "units": [_unit(item) for item in inventory.units],
        "sites": [_site(item) for item in inventory.sites],
        "ha_groups": [_group(item) for item in inventory.ha_groups],
        "devices": [_device(item) for item in inventory.devices],
        "channels": [_channel(item) for item in inventory.channels],
        "contacts": [_contact(item) for item in inventory.contacts],
    }
    for name, entries in sections.items():
        yield f"{name}:"
        for entry in entries:
            yield f"  - {_flow({key: value for key, value in entry.items() if value is not None})}"


def _flow(entry: Entry) -> str:
    text = yaml.safe_dump(
        entry, default_flow_style=True, allow_unicode=True, sort_keys=False, width=float("inf")
    )
    return text.strip()


def _owner(item: Owner) -> Entry:
    return {"code": item.code, "name": item.name, "post": item.post}


def _unit(item: Unit) -> Entry:
    return {
        "code": item.code,
        "kind": str(item.kind),
        "commune_kind": None if item.commune_kind is None else str(item.commune_kind),
        "name": item.name,
    }


def _site(item: Site) -> Entry:
    return {
        "code": item.code,
        "unit": item.unit,
        "bloc": str(item.bloc),
        "owner": item.owner,
        "own_building": item.own_building,
        "ups": item.ups,
    }


def _group(item: HaGroup) -> Entry:
    return {"code": item.code, "name": item.name}


def _device(item: Device) -> Entry:
    return {
        "code": item.code,
        "site": item.site,
        "address": item.address,
        "port": item.port,
        "profile": item.profile,
        "credential": item.credential,
        "category": str(item.category),
        "level": item.level,
        "life_cycle": str(item.life_cycle),
        "level_decision": item.level_decision,
        "inspection": _document(item.inspection),
        "handover": _document(item.handover),
        "ha_group": item.ha_group,
        "ha_member": item.ha_member,
        "poll_s": item.poll_s,
        "expected_peers": list(item.expected_peers) or None,
        "certificate": item.certificate,
    }


def _document(item: Document | None) -> dict[str, str | date] | None:
    return None if item is None else {"number": item.number, "date": item.date}


def _channel(item: Channel) -> Entry:
    return {"code": item.code, "from": item.spoke, "to": item.hub, "circuit": item.circuit}


def _contact(item: Contact) -> Entry:
    return {
        "code": item.code,
        "role": str(item.role),
        "post": item.post,
        "blocs": [str(bloc) for bloc in item.blocs],
        "deliver": list(item.deliver),
    }
