"""The inventory file: YAML checked by pydantic and by the inventory's own rules, all problems at once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from channelwatch.app.settings import Settings
from channelwatch.app.yamlfile import YamlFile
from channelwatch.base.errors import InputError
from channelwatch.base.ids import ChannelCode, ContactCode, DeviceCode, GroupCode, SiteCode, UnitCode
from channelwatch.inventory.check import Problem, check
from channelwatch.inventory.model import (
    Bloc,
    Category,
    Channel,
    CommuneKind,
    Contact,
    Device,
    Document,
    HaGroup,
    Inventory,
    LifeCycle,
    Owner,
    Province,
    Role,
    SignalLimit,
    Site,
    Unit,
    UnitKind,
)
from channelwatch.status.signals import Signal

CODE = r"^[A-Za-z0-9][A-Za-z0-9._>-]{0,63}$"
NAME_MAX = 200
MAIL_ADDRESS = re.compile(r"[!-?A-~]{1,64}@[!-?A-~]{1,255}")
"""Printable ASCII without blanks around one @ (RFC 5321): nothing in it can end a line of a mail's header."""


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address") from None


def _destination(value: str) -> str:
    channel, colon, rest = value.partition(":")
    if not (channel and colon and rest):
        raise ValueError("must be CHANNEL:DESTINATION, such as smtp:post@example.test")
    if channel == "smtp" and not MAIL_ADDRESS.fullmatch(rest):
        raise ValueError(f"{rest!r} is not one mail address")
    return value


def _fingerprint(value: str) -> str:
    digits = value.replace(":", "").lower()
    if re.fullmatch("[0-9a-f]{64}", digits) is None:
        raise ValueError("must be a SHA-256 fingerprint: 64 hexadecimal digits, colons between them or not")
    return digits


Code = Annotated[str, Field(pattern=CODE)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
Address = Annotated[str, AfterValidator(_address)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
Destination = Annotated[str, AfterValidator(_destination)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ProvinceFile(_Model):
    code: str = Field(pattern="^[0-9]{2}$")
    name: Name


class OwnerFile(_Model):
    code: Code
    name: Name
    post: Name


class UnitFile(_Model):
    code: Code
    kind: UnitKind
    name: Name
    commune_kind: CommuneKind | None = None


class SiteFile(_Model):
    code: Code
    unit: Code
    bloc: Bloc
    owner: Code | None = None
    own_building: bool = True
    ups: bool = False


class DocumentFile(_Model):
    number: Name
    date: date


class GroupFile(_Model):
    code: Code
    name: Name


class BoundsFile(_Model):
    """Where a signal becomes degraded or failed."""

    degraded: float | None = Field(default=None, allow_inf_nan=False)
    failed: float | None = Field(default=None, allow_inf_nan=False)


class LimitFile(_Model):
    """How one signal of a device is judged in place of its profile's limits."""

    above: BoundsFile | None = None
    at_most: BoundsFile | None = None
    hold: int | None = Field(default=None, ge=1, le=30)
    of: int | None = Field(default=None, ge=1, le=30)
    stays: int | None = Field(default=None, ge=1, le=1000)

    @model_validator(mode="after")
    def _possible(self) -> LimitFile:
        if self.above is not None and self.at_most is not None:
            raise ValueError("has either above or at_most")
        if self.of is not None and (self.hold is None or self.hold > self.of):
            raise ValueError("of is given with hold, and is not smaller")
        return self

    def limit(self, signal: Signal) -> SignalLimit:
        """The domain's limit."""
        bounds = self.above or self.at_most or BoundsFile()
        return SignalLimit(
            signal.value,
            bounds.degraded,
            bounds.failed,
            self.at_most is not None,
            self.hold,
            self.of,
            self.stays,
        )


class DeviceFile(_Model):
    code: Code
    site: Code
    address: Address
    credential: Code
    port: int = Field(default=161, ge=1, le=65535)
    profile: Code | None = None
    category: Category = Category.CIPHER
    level: int | None = Field(default=None, ge=1, le=5)
    level_decision: Name | None = None
    life_cycle: LifeCycle = LifeCycle.REGISTERED
    inspection: DocumentFile | None = None
    handover: DocumentFile | None = None
    ha_group: Code | None = None
    ha_member: Annotated[str, Field(pattern=r"^[AB]$")] | None = None
    poll_s: int | None = Field(default=None, ge=1, le=3600)
    expected_peers: tuple[Name, ...] = ()
    certificate: Fingerprint | None = None
    limits: Mapping[Signal, LimitFile] = {}


class ChannelFile(_Model):
    code: Code
    spoke: Code = Field(alias="from")
    hub: Code = Field(alias="to")
    circuit: Name | None = None


class ContactFile(_Model):
    code: Code
    role: Role
    post: Name
    blocs: tuple[Bloc, ...] = Field(min_length=1)
    deliver: tuple[Destination, ...] = Field(min_length=1, max_length=8)


class InventoryFile(_Model):
    """The file as a whole. Its keys are those of the document; `docs/inventory.md` explains each."""

    version: int = Field(ge=1, le=1)
    province: ProvinceFile
    owners: tuple[OwnerFile, ...] = ()
    units: tuple[UnitFile, ...] = ()
    sites: tuple[SiteFile, ...] = ()
    ha_groups: tuple[GroupFile, ...] = ()
    devices: tuple[DeviceFile, ...] = ()
    channels: tuple[ChannelFile, ...] = ()
    contacts: tuple[ContactFile, ...] = ()

    def inventory(self) -> Inventory:
        """The domain's inventory."""
        return Inventory(
            province=Province(self.province.code, self.province.name),
            owners=tuple(Owner(**dict(item)) for item in self.owners),
            units=tuple(
                Unit(UnitCode(item.code), item.kind, item.name, item.commune_kind) for item in self.units
            ),
            sites=tuple(_site(item) for item in self.sites),
            ha_groups=tuple(HaGroup(GroupCode(item.code), item.name) for item in self.ha_groups),
            devices=tuple(_device(item) for item in self.devices),
            channels=tuple(
                Channel(ChannelCode(item.code), DeviceCode(item.spoke), GroupCode(item.hub), item.circuit)
                for item in self.channels
            ),
            contacts=tuple(
                Contact(ContactCode(item.code), item.role, item.post, item.blocs, item.deliver)
                for item in self.contacts
            ),
        )


def load_inventory(path: Path, settings: Settings) -> Inventory:
    """Read and check `path` for this instance. InputError with every problem, each naming file, line and field."""
    source = YamlFile(path)
    inventory = source.validate(InventoryFile).inventory()
    found = check(inventory, frozenset(settings.instance.blocs), frozenset(settings.credentials))
    problems = [*_located(source, found), *_destinations(source, inventory, settings)]
    if inventory.province.code != settings.instance.province:
        message = f"this instance is of province {settings.instance.province}"
        problems.append(source.problem(("province", "code"), message))
    if problems:
        raise InputError(problems)
    return inventory


def _located(source: YamlFile, found: Iterable[Problem]) -> list[str]:
    return [source.problem((item.section, item.index, item.field), item.message) for item in found]


def _destinations(source: YamlFile, inventory: Inventory, settings: Settings) -> list[str]:
    """A contact may name only ways out that the configuration has."""
    problems = []
    for index, contact in enumerate(inventory.contacts):
        for place, text in enumerate(contact.deliver):
            channel, _, destination = text.partition(":")
            if settings.notify.has(channel, destination):
                continue
            message = f"{text!r}: the configuration's notify section has no such way out"
            problems.append(source.problem(("contacts", index, "deliver", place), message))
    return problems


def _site(item: SiteFile) -> Site:
    return Site(SiteCode(item.code), UnitCode(item.unit), item.bloc, item.owner, item.own_building, item.ups)


def _device(item: DeviceFile) -> Device:
    return Device(
        code=DeviceCode(item.code),
        site=SiteCode(item.site),
        address=item.address,
        credential=item.credential,
        port=item.port,
        profile=item.profile,
        category=item.category,
        level=item.level,
        level_decision=item.level_decision,
        life_cycle=item.life_cycle,
        inspection=_document(item.inspection),
        handover=_document(item.handover),
        ha_group=GroupCode(item.ha_group) if item.ha_group is not None else None,
        ha_member=item.ha_member,
        poll_s=item.poll_s,
        expected_peers=item.expected_peers,
        certificate=item.certificate,
        limits=tuple(entry.limit(signal) for signal, entry in sorted(item.limits.items())),
    )


def _document(item: DocumentFile | None) -> Document | None:
    return None if item is None else Document(item.number, item.date)
