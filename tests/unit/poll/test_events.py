"""Traps: whose they are, whether they are believed, and what they set off."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from channelwatch_collector.events import TRAP_BURST, Events, House
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.snmp.notification import Notification
from channelwatch_collector.snmp.pdu import Version
from channelwatch_collector.snmp.port import V3, AuthProtocol, Credential, PrivProtocol, V2c
from channelwatch_collector.sources import Sources, watched_devices

from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.base.ids import DeviceCode, SiteCode, UnitCode
from channelwatch.base.secrets import Secret
from channelwatch.inventory.model import Bloc, Device, Inventory, LifeCycle, Province, Site
from channelwatch.status.events import EventKind, EventReceived, Observation, RogueSource
from channelwatch.status.signals import SignalState
from tests.unit.profiles.answers import oid, value

PROFILE = load_profiles()["reference-encryptor"]
USER = V3(
    "cw", AuthProtocol.SHA256, Secret("authentic-phrase"), PrivProtocol.AES128, Secret("private-phrase")
)
CREDENTIALS: dict[str, Credential] = {"v3": USER, "v2c": V2c(Secret("community"))}
TUNNEL_DOWN = oid("1.3.6.1.4.1.99999.1.0.2")
BINDS = (
    (oid("1.3.6.1.4.1.99999.1.1.4.3.1.3.1"), value("hub")),
    (oid("1.3.6.1.4.1.99999.1.1.4.3.1.4.1"), value(4)),
)


def device(number: int, credential: str = "v3", **more: object) -> Device:
    base = Device(DeviceCode(f"51-D-{number:05d}-1"), SiteCode("s"), f"192.0.2.{number}", credential)
    return replace(base, **more)  # type: ignore[arg-type]


@dataclass
class Desk:
    """Events with everything that they told, and whom they hinted at."""

    told: list[Observation] = field(default_factory=list)
    hinted: list[DeviceCode] = field(default_factory=list)
    room: bool = True
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.sources = Sources(clock=self.clock, rogue=self.submit)
        self.sources.set_devices([device(1), device(2, "v2c")])
        house = House(self.submit, self.hinted.append, lambda code: PROFILE, CREDENTIALS)
        self.events = Events(house, self.sources, clock=self.clock)

    def submit(self, observation: Observation) -> bool:
        if self.room:
            self.told.append(observation)
        return self.room


@pytest.fixture
def desk() -> Desk:
    return Desk()


def trap(source: str = "192.0.2.1", **more: object) -> Notification:
    base = Notification(
        source=source,
        version=Version.V3,
        authenticated=True,
        is_inform=False,
        trap_oid=TUNNEL_DOWN,
        uptime=1,
        varbinds=BINDS,
        received_at=EpochMs(5),
        user="cw",
    )
    return base._replace(**more)  # type: ignore[arg-type]


def test_an_authenticated_trap_is_trusted_and_carries_its_readings(desk: Desk) -> None:
    assert desk.events.trap(trap())
    (event,) = desk.told
    assert isinstance(event, EventReceived)
    assert (event.kind, event.trusted, event.component) == (EventKind.TUNNEL_DOWN, True, "hub")
    assert event.readings[0].state is SignalState.FAILED
    assert desk.hinted == [event.device]


@pytest.mark.parametrize(
    "doubtful",
    [
        trap(authenticated=False),
        trap(user="someone-else"),
        trap("192.0.2.2"),
        trap("192.0.2.2", version=Version.V2C, authenticated=False, user=None),
    ],
    ids=["unauthenticated", "another-user", "device-without-v3", "v2c"],
)
def test_whatever_is_not_proven_only_asks_for_a_poll(desk: Desk, doubtful: Notification) -> None:
    desk.events.trap(doubtful)
    (event,) = desk.told
    assert isinstance(event, EventReceived) and not event.trusted
    assert desk.hinted == [event.device]


def test_a_bound_engine_is_known_behind_another_address(desk: Desk) -> None:
    desk.sources.bind(b"\x80\x01", device(1).code)
    desk.events.trap(trap("192.0.2.200", engine_id=b"\x80\x01"))
    (event,) = desk.told
    assert isinstance(event, EventReceived) and event.device == device(1).code


def test_an_engine_that_was_replaced_speaks_for_nobody(desk: Desk) -> None:
    assert desk.sources.bind(b"old", device(1).code) is None
    assert desk.sources.bind(b"old", device(1).code) is None
    assert desk.sources.bind(b"new", device(1).code) == b"old"
    assert desk.sources.device_of(b"old", "192.0.2.200") is None
    assert desk.sources.device_of(b"new", "192.0.2.200") == device(1)


def test_a_stranger_is_reported_once_a_minute_and_counted_always(desk: Desk) -> None:
    for _ in range(5):
        assert not desk.events.allows("198.51.100.9")
    desk.clock.advance(61_000)
    assert not desk.events.allows("198.51.100.9")
    assert [item.count for item in desk.told if isinstance(item, RogueSource)] == [1, 5]
    assert desk.sources.rogues == 6
    assert desk.events.allows("192.0.2.1")


def test_a_flood_of_traps_is_shed_and_told_once(desk: Desk) -> None:
    for _ in range(TRAP_BURST + 50):
        assert desk.events.trap(trap())
    kinds = [item.kind for item in desk.told if isinstance(item, EventReceived)]
    assert kinds.count(EventKind.TUNNEL_DOWN) == TRAP_BURST
    assert kinds.count(EventKind.FLOOD) == 1
    assert desk.events.shed == 50


def test_without_room_an_inform_is_left_to_its_sender(desk: Desk) -> None:
    desk.room = False
    assert not desk.events.trap(trap(is_inform=True))
    assert desk.hinted == []


def test_a_shared_address_belongs_to_nobody(desk: Desk) -> None:
    desk.sources.set_devices([device(1), device(2, address="192.0.2.1", port=1161)])
    assert desk.sources.device_at("192.0.2.1") is None
    assert desk.sources.knows("192.0.2.1")


def test_one_address_has_one_spelling(desk: Desk) -> None:
    desk.sources.set_devices([device(1, address="2001:DB8:0::1"), device(2)])
    assert desk.sources.device_at("2001:db8::1") == device(1, address="2001:DB8:0::1")
    assert desk.sources.device_at("::ffff:192.0.2.2") == device(2)


def test_only_devices_of_the_collectors_bloc_are_watched() -> None:
    sites = (
        Site(SiteCode("ours"), UnitCode("u"), Bloc.PARTY),
        Site(SiteCode("theirs"), UnitCode("u"), Bloc.GOV),
    )
    devices = (
        device(1, site=SiteCode("ours")),
        device(2, site=SiteCode("theirs")),
        device(3, site=SiteCode("ours"), life_cycle=LifeCycle.WITHDRAWN),
    )
    inventory = Inventory(Province("51", "x"), sites=sites, devices=devices)
    assert [item.code for item in watched_devices(inventory, frozenset({Bloc.PARTY}))] == [devices[0].code]
