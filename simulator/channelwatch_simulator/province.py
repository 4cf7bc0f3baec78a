"""A fictional province, seeded, in the product's own inventory types. Only unit names are real."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from channelwatch.base.ids import ChannelCode, ContactCode, DeviceCode, GroupCode, SiteCode, UnitCode
from channelwatch.inventory.model import (
    Bloc,
    Category,
    Channel,
    Contact,
    Device,
    Document,
    HaGroup,
    Inventory,
    LifeCycle,
    Owner,
    Province,
    Role,
    Site,
    Unit,
    UnitKind,
)
from channelwatch_simulator.communes import Commune, communes

DEFAULT_PORT = 10161
PROVINCE = Province("51", "Quảng Ngãi")
CREDENTIAL_V3 = "encryptors"
CREDENTIAL_V2C = "legacy"

_LY_SON = "21548"
_DEMO_COMMUNES = 12
_OWN_BUILDING_SHARE = 0.85
_UPS_SHARE = 0.6
_V2C_SHARE = 0.04
_NOT_IN_SERVICE = ((LifeCycle.INSPECTED, 0.02), (LifeCycle.SUSPENDED, 0.01), (LifeCycle.WITHDRAWN, 0.01))
_MIXED = ((Category.GENERAL, 3, 0.05), (Category.GENERAL, 2, 0.02), (Category.UNSET, 4, 0.01))
_FIRST_PAPER = date(2026, 6, 1)


class Preset(StrEnum):
    """How far each bloc reaches (domain model, section 4)."""

    DEMO = "demo"
    FULL = "full"
    REACH_SEED = "reach_seed"


@dataclass(frozen=True, slots=True)
class _Reach:
    """One bloc of one preset."""

    hubs: int
    agencies: int
    communes: bool


@dataclass(frozen=True, slots=True)
class _BlocText:
    """The words of one bloc."""

    number: int
    owner: str
    office: str
    post: str
    agency: str


_BLOC_TEXT = {
    Bloc.PARTY: _BlocText(1, "own-party", "Văn phòng Tỉnh ủy", "Chánh Văn phòng", "Cơ quan Đảng"),
    Bloc.GOV: _BlocText(2, "own-gov", "Văn phòng UBND tỉnh", "Chánh Văn phòng", "Sở"),
    Bloc.FRONT: _BlocText(3, "own-front", "Ủy ban MTTQ Việt Nam tỉnh", "Chánh Văn phòng", "Cơ quan Mặt trận"),
    Bloc.NA: _BlocText(
        4, "own-na", "Văn phòng Đoàn ĐBQH và HĐND tỉnh", "Chánh Văn phòng", "Cơ quan Quốc hội"
    ),
}

_FULL = _Reach(hubs=2, agencies=10, communes=True)
_REACH: dict[Preset, dict[Bloc, _Reach]] = {
    Preset.DEMO: dict.fromkeys(_BLOC_TEXT, _Reach(hubs=2, agencies=2, communes=True)),
    Preset.FULL: dict.fromkeys(_BLOC_TEXT, _FULL),
    Preset.REACH_SEED: {
        Bloc.PARTY: _Reach(hubs=2, agencies=8, communes=True),
        Bloc.GOV: _Reach(hubs=1, agencies=14, communes=True),
        Bloc.FRONT: _Reach(hubs=1, agencies=0, communes=False),
        Bloc.NA: _Reach(hubs=1, agencies=0, communes=False),
    },
}


@dataclass(frozen=True, slots=True)
class SimulatedProvince:
    """An inventory, and the uplink of each bloc's hub to its central office.

    Uplinks stay out of the inventory: their far end is no device of the province.
    """

    inventory: Inventory
    uplinks: tuple[Channel, ...]


def build_province(
    preset: Preset,
    seed: int,
    *,
    commune_count: int | None = None,
    port: int = DEFAULT_PORT,
    mixed: bool = False,
) -> SimulatedProvince:
    """The province of `preset`. `commune_count` is N of the larger presets (default 96); the demo has 12.

    `mixed` turns some devices into other categories, for rehearsals of the sharing rules.
    """
    if commune_count is not None and not 1 <= commune_count <= 240:
        raise ValueError("the number of communes is 1 to 240")
    rng = random.Random(f"province {preset} {seed}")
    if preset is Preset.DEMO:
        chosen = _demo_communes(rng, commune_count or _DEMO_COMMUNES)
    else:
        chosen = communes(commune_count or 96)
    blocs = [_BlocBuilder(bloc, reach, chosen, port, rng) for bloc, reach in _REACH[preset].items()]
    devices = [device for bloc in blocs for device in bloc.devices()]
    if preset is not Preset.DEMO:
        devices = _with_life_cycles(devices, rng)
    if mixed:
        devices = _with_categories(devices, rng)
    channels = tuple(channel for bloc in blocs for channel in bloc.channels())
    uplinks = tuple(bloc.uplink() for bloc in blocs)
    inventory = Inventory(
        province=PROVINCE,
        owners=tuple(Owner(text.owner, text.office, text.post) for text in _BLOC_TEXT.values()),
        units=(*(unit for bloc in blocs for unit in bloc.units()), *_commune_units(chosen)),
        sites=tuple(site for bloc in blocs for site in bloc.sites()),
        ha_groups=tuple(group for bloc in blocs for group in bloc.groups()),
        devices=_with_expected_peers(devices, (*channels, *uplinks)),
        channels=channels,
        contacts=tuple(_contacts()),
    )
    return SimulatedProvince(inventory, uplinks)


class _BlocBuilder:
    """The units, sites, devices and channels of one bloc, in a fixed order."""

    def __init__(
        self, bloc: Bloc, reach: _Reach, chosen: tuple[Commune, ...], port: int, rng: random.Random
    ) -> None:
        self.bloc, self.reach, self.port = bloc, reach, port
        self.text = _BLOC_TEXT[bloc]
        self.agencies = tuple(f"S{n:04}" for n in range(1, reach.agencies + 1))
        self.communes = tuple(item.code for item in chosen) if reach.communes else ()
        self.spokes = (*self.agencies, *self.communes)
        own = round(_OWN_BUILDING_SHARE * len(self.communes))
        self.own_building = frozenset(rng.sample(self.communes, own)) | frozenset(self.agencies) | {"T0001"}
        self.ups = frozenset(rng.sample(self.spokes, round(_UPS_SHARE * len(self.spokes)))) | {"T0001"}
        old = max(1, round(_V2C_SHARE * len(self.spokes))) if self.spokes else 0
        self.v2c = frozenset(rng.sample(self.spokes, old))
        self.papers = random.Random(f"papers {rng.random()}")

    def site_code(self, unit: str) -> SiteCode:
        return SiteCode(f"{PROVINCE.code}-{self.bloc.letter}-{unit}")

    @property
    def hub(self) -> GroupCode | DeviceCode:
        """What channels end at: the HA group, or the single device."""
        site = self.site_code("T0001")
        return GroupCode(site) if self.reach.hubs == 2 else DeviceCode(f"{site}-1")

    def units(self) -> Iterator[Unit]:
        letter = self.bloc.letter
        yield Unit(UnitCode(f"{letter}-T0001"), UnitKind.PROVINCE_OFFICE, self.text.office)
        for number, code in enumerate(self.agencies, 1):
            yield Unit(UnitCode(f"{letter}-{code}"), UnitKind.AGENCY, f"{self.text.agency} {number:02}")

    def sites(self) -> Iterator[Site]:
        for code in ("T0001", *self.spokes):
            yield Site(
                code=self.site_code(code),
                unit=UnitCode(code if code in self.communes else f"{self.bloc.letter}-{code}"),
                bloc=self.bloc,
                owner=self.text.owner,
                own_building=code in self.own_building,
                ups=code in self.ups,
            )

    def groups(self) -> Iterator[HaGroup]:
        if self.reach.hubs == 2:
            yield HaGroup(GroupCode(self.site_code("T0001")), f"Cụm HA {self.text.office}")

    def devices(self) -> Iterator[Device]:
        roles = ("A", "B") if self.reach.hubs == 2 else ("1",)
        places = [*(("T0001", role) for role in roles), *((code, "1") for code in self.spokes)]
        for index, (unit, role) in enumerate(places):
            paired = role in ("A", "B")
            number = self.papers.randint(1, 400)
            inspected = _FIRST_PAPER + timedelta(days=self.papers.randint(0, 40))
            yield Device(
                code=DeviceCode(f"{self.site_code(unit)}-{role}"),
                site=self.site_code(unit),
                address=f"127.{10 + self.text.number}.{index // 250}.{index % 250 + 1}",
                port=self.port,
                credential=CREDENTIAL_V2C if unit in self.v2c else CREDENTIAL_V3,
                profile="reference-encryptor",
                category=Category.CIPHER,
                level=4 if self.bloc in (Bloc.PARTY, Bloc.GOV) else 3,
                level_decision=f"{number}/QĐ",
                life_cycle=LifeCycle.IN_SERVICE,
                inspection=Document(f"{number}/BBKT", inspected),
                handover=Document(f"{number}/BBBG", inspected + timedelta(days=5)),
                ha_group=GroupCode(self.site_code("T0001")) if paired else None,
                ha_member=role if paired else None,
            )

    def channels(self) -> Iterator[Channel]:
        for unit in self.spokes:
            site = self.site_code(unit)
            yield Channel(ChannelCode(site), DeviceCode(f"{site}-1"), self.hub, f"TSLCD-{site}")

    def uplink(self) -> Channel:
        site = self.site_code("W0001")
        return Channel(ChannelCode(site), DeviceCode(f"{site}-1"), self.hub, f"TSLCD-{site}")


def _demo_communes(rng: random.Random, count: int) -> tuple[Commune, ...]:
    """A sample that always holds the one special zone, so that all three kinds of commune can be seen."""
    every = communes(max(count, 96))
    taken = {_LY_SON, *rng.sample([item.code for item in every if item.code != _LY_SON], count - 1)}
    return tuple(item for item in every if item.code in taken)


def _commune_units(chosen: tuple[Commune, ...]) -> Iterator[Unit]:
    for code, kind, name in chosen:
        yield Unit(UnitCode(code), UnitKind.COMMUNE, name, kind)


def _with_life_cycles(devices: list[Device], rng: random.Random) -> list[Device]:
    changed: dict[DeviceCode, LifeCycle] = {}
    pool = [device.code for device in devices if "-T0001-" not in device.code]
    rng.shuffle(pool)
    for life_cycle, share in _NOT_IN_SERVICE:
        for _ in range(round(share * len(devices))):
            changed[pool.pop()] = life_cycle
    return [_aged(device, changed.get(device.code, LifeCycle.IN_SERVICE)) for device in devices]


def _aged(device: Device, life_cycle: LifeCycle) -> Device:
    handover = None if life_cycle is LifeCycle.INSPECTED else device.handover
    return replace(device, life_cycle=life_cycle, handover=handover)


def _with_categories(devices: list[Device], rng: random.Random) -> list[Device]:
    pool = list(range(len(devices)))
    rng.shuffle(pool)
    out = list(devices)
    for category, level, share in _MIXED:
        for _ in range(round(share * len(devices))):
            at = pool.pop()
            life_cycle = LifeCycle.RECEIVED if category is Category.UNSET else out[at].life_cycle
            out[at] = replace(out[at], category=category, level=level, life_cycle=life_cycle)
    return out


def _with_expected_peers(devices: list[Device], channels: tuple[Channel, ...]) -> tuple[Device, ...]:
    known = {device.code: device for device in devices}
    below: dict[str, list[str]] = {}
    above: dict[str, str] = {}
    for channel in channels:
        spoke = known.get(channel.spoke)
        if spoke is None or spoke.in_service:
            below.setdefault(channel.hub, []).append(channel.spoke)
            above[channel.spoke] = channel.hub
    return tuple(
        replace(
            device,
            expected_peers=tuple(
                [above[device.code]]
                if device.code in above
                else below.get(device.ha_group or device.code, [])
            ),
        )
        for device in devices
    )


def _contacts() -> Iterator[Contact]:
    everywhere = tuple(Bloc)
    for bloc, text in _BLOC_TEXT.items():
        mail = f"smtp:truc-{bloc}@example.test"
        yield Contact(
            ContactCode(f"watch-{bloc}"), Role.WATCH, "Trực giám sát", (bloc,), ("webhook:duty", mail)
        )
        yield Contact(
            ContactCode(f"onsite-{bloc}"),
            Role.ONSITE,
            "Lực lượng tại chỗ",
            (bloc,),
            (f"smtp:tai-cho-{bloc}@example.test",),
        )
        yield Contact(
            ContactCode(f"owner-{bloc}"),
            Role.OWNER,
            text.post,
            (bloc,),
            (f"smtp:chu-quan-{bloc}@example.test",),
        )
    yield Contact(
        ContactCode("chief"),
        Role.CHIEF,
        "Trưởng ca",
        everywhere,
        ("webhook:duty", "smtp:truong-ca@example.test"),
    )
    yield Contact(
        ContactCode("irt"),
        Role.RESPONDER,
        "Đội ứng cứu sự cố",
        everywhere,
        ("smtp:ung-cuu@example.test",),
    )
