"""The entities of the province (domain model, section 3.1) as frozen values."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from channelwatch.base.ids import ChannelCode, ContactCode, DeviceCode, GroupCode, SiteCode, UnitCode


class Bloc(StrEnum):
    """The four physically separate networks (khối)."""

    PARTY = "party"
    GOV = "gov"
    NA = "na"
    FRONT = "front"

    @property
    def letter(self) -> str:
        """The letter that a device code carries: D, C, Q or M."""
        return _LETTER[self]


_LETTER = {Bloc.PARTY: "D", Bloc.GOV: "C", Bloc.NA: "Q", Bloc.FRONT: "M"}


class UnitKind(StrEnum):
    """Where a unit stands in the two-tier province."""

    CENTRAL = "central"
    PROVINCE_OFFICE = "province_office"
    AGENCY = "agency"
    COMMUNE = "commune"


class CommuneKind(StrEnum):
    """The three kinds of commune-level unit."""

    XA = "xa"
    PHUONG = "phuong"
    DAC_KHU = "dac_khu"


class Category(StrEnum):
    """What law a system falls under, most restrictive last but one; `unset` is the most restrictive of all."""

    GENERAL = "general"
    STATE_SECRET = "state_secret"
    CIPHER = "cipher"
    DEFENCE = "defence"
    MILITARY = "military"
    UNSET = "unset"


class LifeCycle(StrEnum):
    """Vòng đời: only `in_service` counts for availability and opens incidents."""

    REGISTERED = "registered"
    RECEIVED = "received"
    INSPECTED = "inspected"
    IN_SERVICE = "in_service"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


class Role(StrEnum):
    """What an account or a contact may do (domain model, section 3.5)."""

    WATCH = "watch"
    ONSITE = "onsite"
    RESPONDER = "responder"
    CHIEF = "chief"
    OWNER = "owner"
    ASSESSOR = "assessor"
    AUDITOR = "auditor"
    SHARE_OFFICER = "share_officer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Province:
    """A province or centrally run city; `code` is the two-digit statistics code."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The legally responsible body (chủ quản); `post` is the accountable post, never a person."""

    code: str
    name: str
    post: str


@dataclass(frozen=True, slots=True)
class Unit:
    """An office, agency or commune; a commune's `code` is its five-digit statistics code."""

    code: UnitCode
    kind: UnitKind
    name: str
    commune_kind: CommuneKind | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """Where devices of one bloc stand in one unit."""

    code: SiteCode
    unit: UnitCode
    bloc: Bloc
    owner: str | None = None
    own_building: bool = True
    ups: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A paper that a gate asks for: an inspection or hand-over record."""

    number: str
    date: datetime.date


@dataclass(frozen=True, slots=True)
class SignalLimit:
    """How one signal of one device is judged, where its profile judges otherwise; None: as the profile says.

    Worse when greater than `degraded` or `failed`, with `at_most` when not greater. `hold` of the last `of` polls must
    say so, and it stays so for `stays` polls at least.
    """

    signal: str
    degraded: float | None = None
    failed: float | None = None
    at_most: bool = False
    hold: int | None = None
    of: int | None = None
    stays: int | None = None

    def __str__(self) -> str:
        bound = "<=" if self.at_most else ">"
        bounds = {f"degraded {bound}": self.degraded, f"failed {bound}": self.failed}
        said = {**bounds, "hold": self.hold, "of": self.of, "stays": self.stays}
        parts = [f"{name} {value:g}" for name, value in said.items() if value is not None]
        return f"{self.signal}: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Device:
    """One channel-encryption device. `address` and `port` are where it is polled; `credential` is only a name.

    `certificate` is the SHA-256 fingerprint (lower-case hex) of the one that it shows when it sends syslog over TLS.
    """

    code: DeviceCode
    site: SiteCode
    address: str
    credential: str
    port: int = 161
    profile: str | None = None
    category: Category = Category.CIPHER
    level: int | None = None
    level_decision: str | None = None
    life_cycle: LifeCycle = LifeCycle.REGISTERED
    inspection: Document | None = None
    handover: Document | None = None
    ha_group: GroupCode | None = None
    ha_member: str | None = None
    poll_s: int | None = None
    expected_peers: tuple[str, ...] = ()
    certificate: str | None = None
    limits: tuple[SignalLimit, ...] = ()

    @property
    def in_service(self) -> bool:
        """Does it count, and may it open incidents?"""
        return self.life_cycle is LifeCycle.IN_SERVICE


@dataclass(frozen=True, slots=True)
class HaGroup:
    """A hot-standby pair (cụm dự phòng nóng)."""

    code: GroupCode
    name: str


@dataclass(frozen=True, slots=True)
class Channel:
    """An encrypted channel from a spoke device to its hub (a group or a single device), over a clear circuit."""

    code: ChannelCode
    spoke: DeviceCode
    hub: GroupCode | DeviceCode
    circuit: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A post that alerts are delivered to; `deliver` holds `channel:destination` texts."""

    code: ContactCode
    role: Role
    post: str
    blocs: tuple[Bloc, ...]
    deliver: tuple[str, ...]


@dataclass(frozen=True)
class Inventory:
    """All of it at one version, with the look-ups that status and incidents need."""

    province: Province
    owners: tuple[Owner, ...] = ()
    units: tuple[Unit, ...] = ()
    sites: tuple[Site, ...] = ()
    ha_groups: tuple[HaGroup, ...] = ()
    devices: tuple[Device, ...] = ()
    channels: tuple[Channel, ...] = ()
    contacts: tuple[Contact, ...] = ()
    version: int = field(default=0, compare=False)

    @cached_property
    def device(self) -> Mapping[DeviceCode, Device]:
        """Devices by code."""
        return MappingProxyType({item.code: item for item in self.devices})

    @cached_property
    def site(self) -> Mapping[SiteCode, Site]:
        """Sites by code."""
        return MappingProxyType({item.code: item for item in self.sites})

    @cached_property
    def unit(self) -> Mapping[UnitCode, Unit]:
        """Units by code."""
        return MappingProxyType({item.code: item for item in self.units})

    @cached_property
    def by_address(self) -> Mapping[str, Device]:
        """Devices by polled address; where two share one (behind a relay) neither is here: it would be a guess."""
        seen: dict[str, list[Device]] = {}
        for item in self.devices:
            seen.setdefault(item.address, []).append(item)
        return MappingProxyType({address: found[0] for address, found in seen.items() if len(found) == 1})

    @cached_property
    def members(self) -> Mapping[GroupCode, tuple[DeviceCode, ...]]:
        """The devices of each HA group, in code order."""
        groups: dict[GroupCode, list[DeviceCode]] = {group.code: [] for group in self.ha_groups}
        for item in self.devices:
            if item.ha_group is not None:
                groups.setdefault(item.ha_group, []).append(item.code)
        return MappingProxyType({code: tuple(sorted(found)) for code, found in groups.items()})

    @cached_property
    def parent(self) -> Mapping[DeviceCode, GroupCode | DeviceCode]:
        """The hub that each spoke device hangs on."""
        return MappingProxyType({item.spoke: item.hub for item in self.channels})

    @cached_property
    def children(self) -> Mapping[str, tuple[DeviceCode, ...]]:
        """The spoke devices below each hub (group or device)."""
        below: dict[str, list[DeviceCode]] = {}
        for item in self.channels:
            below.setdefault(item.hub, []).append(item.spoke)
        return MappingProxyType({hub: tuple(found) for hub, found in below.items()})

    def bloc_of(self, device: DeviceCode) -> Bloc:
        """The bloc that a device belongs to, by its site. KeyError for a device that is not listed."""
        return self.site[self.device[device].site].bloc

    def unit_of(self, device: DeviceCode) -> Unit:
        """The unit where a device stands. KeyError for a device that is not listed."""
        return self.unit[self.site[self.device[device].site].unit]
