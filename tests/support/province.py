"""A small province for tests: one bloc, a hub pair and a few spokes."""

from __future__ import annotations

from datetime import date

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ChannelCode, ContactCode, DeviceCode, GroupCode, LogId, SiteCode, UnitCode
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.model import (
    Bloc,
    Channel,
    CommuneKind,
    Contact,
    Device,
    Document,
    HaGroup,
    Inventory,
    LifeCycle,
    Province,
    Role,
    Site,
    Unit,
    UnitKind,
)
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.events import (
    EventKind,
    EventReceived,
    MissCause,
    PollAnswered,
    PollMissed,
    Transport,
)
from channelwatch.status.signals import Reading, Signal, SignalState

START = 1_789_970_400_000
"""Monday 21 September 2026, 13:00 in Viet Nam: working hours."""

HUB = GroupCode("51-D-T0001")
HUB_A, HUB_B = DeviceCode("51-D-T0001-A"), DeviceCode("51-D-T0001-B")


def spoke(number: int) -> DeviceCode:
    """The device of commune `number`."""
    return DeviceCode(f"51-D-2{number:04d}-1")


def small_inventory(spokes: int = 4, life_cycle: LifeCycle = LifeCycle.IN_SERVICE) -> Inventory:
    """A Party bloc with one hub pair and `spokes` communes, everything in service unless said otherwise."""
    paper = Document("1/BB", date(2026, 7, 1))
    units = [Unit(UnitCode("D-T0001"), UnitKind.PROVINCE_OFFICE, "Văn phòng Tỉnh ủy")]
    sites = [Site(SiteCode("51-D-T0001"), UnitCode("D-T0001"), Bloc.PARTY)]
    devices = [
        _device(HUB_A, "51-D-T0001", 1, life_cycle, paper, HUB, "A"),
        _device(HUB_B, "51-D-T0001", 2, life_cycle, paper, HUB, "B"),
    ]
    channels = []
    for number in range(1, spokes + 1):
        unit = UnitCode(f"2{number:04d}")
        units.append(Unit(unit, UnitKind.COMMUNE, f"Xã {number}", CommuneKind.XA))
        sites.append(Site(SiteCode(f"51-D-{unit}"), unit, Bloc.PARTY))
        devices.append(_device(spoke(number), f"51-D-{unit}", number + 2, life_cycle, paper))
        channels.append(Channel(ChannelCode(f"51-D-{unit}"), spoke(number), HUB))
    contacts = (
        Contact(ContactCode("watch"), Role.WATCH, "Trực giám sát", (Bloc.PARTY,), ("webhook:duty",)),
        Contact(
            ContactCode("onsite"),
            Role.ONSITE,
            "Lực lượng tại chỗ",
            (Bloc.PARTY,),
            ("smtp:onsite@example.test",),
        ),
        Contact(ContactCode("chief"), Role.CHIEF, "Trưởng ca", (Bloc.PARTY,), ("smtp:chief@example.test",)),
        Contact(
            ContactCode("team"), Role.RESPONDER, "Đội ứng cứu", (Bloc.PARTY,), ("smtp:team@example.test",)
        ),
    )
    return Inventory(
        Province("51", "Quảng Ngãi"),
        units=tuple(units),
        sites=tuple(sites),
        ha_groups=(HaGroup(HUB, "Cụm HA Văn phòng Tỉnh ủy"),),
        devices=tuple(devices),
        channels=tuple(channels),
        contacts=contacts,
        version=1,
    )


def _device(
    code: DeviceCode,
    site: str,
    last_octet: int,
    life_cycle: LifeCycle,
    paper: Document,
    group: GroupCode | None = None,
    member: str | None = None,
) -> Device:
    return Device(
        code, SiteCode(site), f"127.11.0.{last_octet}", "encryptors", port=10161, level=4,
        life_cycle=life_cycle, inspection=paper, handover=paper, ha_group=group, ha_member=member,
    )  # fmt: skip


def small_world(
    rules: RuleBook, inventory: Inventory | None = None, security: frozenset[Bloc] = frozenset()
) -> World:
    """A world over `inventory` with a 10 s poll period; `security` names the blocs whose events rules count."""
    policy = WorldPolicy(poll_ms=10_000, security_blocs=security)
    return World(inventory or small_inventory(), rules, LogId("test"), policy)


def encrypting(*more: Reading) -> tuple[Reading, ...]:
    """The readings of a healthy encryptor, then `more`, which replace those of the same signal and component."""
    healthy = (
        Reading(Signal.CRYPTO_MODE, SignalState.OK, "encrypting"),
        Reading(Signal.CRYPTO_TAMPER, SignalState.OK, "clear"),
        Reading(Signal.CHANNEL_STATE, SignalState.OK, "up", component="hub"),
    )
    return tuple({reading.key: reading for reading in (*healthy, *more)}.values())


def role(value: str) -> Reading:
    """A member's own claim."""
    return Reading(Signal.HA_ROLE, SignalState.OK, value)


def tunnel_down() -> Reading:
    """The tunnel to the hub is down."""
    return Reading(Signal.CHANNEL_STATE, SignalState.FAILED, "down", component="hub")


def bypass() -> Reading:
    """Traffic passes in plaintext."""
    return Reading(Signal.CRYPTO_MODE, SignalState.FAILED, "bypass_plaintext")


def answer(device: DeviceCode, at: int, readings: tuple[Reading, ...] | None = None) -> PollAnswered:
    """An answered poll received at `at`."""
    return PollAnswered(
        device,
        EpochMs(at - 5),
        EpochMs(at),
        encrypting() if readings is None else readings,
        "reference-encryptor",
    )


def miss(
    device: DeviceCode, at: int, cause: MissCause = MissCause.NO_ANSWER, *, healthy: bool = True
) -> PollMissed:
    """A poll that was given up at `at`, two seconds after it was sent."""
    return PollMissed(device, EpochMs(at - 2000), EpochMs(at), cause, healthy)


def trap(device: DeviceCode, at: int, *readings: Reading, trusted: bool = True) -> EventReceived:
    """A notification received at `at`."""
    return EventReceived(
        device,
        EventKind.OTHER,
        Transport.TRAP,
        EpochMs(at),
        trusted,
        source="trap:1.3.6.1",
        readings=readings,
    )
