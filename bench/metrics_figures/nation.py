"""A nation of devices in memory: 34 provinces' worth, 20 series each."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, LogId, SiteCode, UnitCode
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.model import (
    Bloc,
    CommuneKind,
    Device,
    Inventory,
    LifeCycle,
    Province,
    Site,
    Unit,
    UnitKind,
)
from channelwatch.metrics.fleet import FleetView
from channelwatch.metrics.rollup import Posts
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Cause, Health, Protection

DEVICES = 15_000
BLOCS = tuple(Bloc)
START = 1_790_000_000_000
PERIOD_MS = 60_000
SERIES_OF_STATE = 16
"""Series that every device has: identity, two state sets, cause, since when, last seen and so on."""


def inventory(devices: int = DEVICES) -> Inventory:
    """One device of each bloc in each commune, all in service."""
    units = tuple(
        Unit(UnitCode(f"{20_000 + number}"), UnitKind.COMMUNE, f"Xã {number}", CommuneKind.XA)
        for number in range(-(-devices // len(BLOCS)))
    )
    sites, found = [], []
    for number in range(devices):
        bloc, unit = BLOCS[number % len(BLOCS)], units[number // len(BLOCS)]
        site = SiteCode(f"51-{bloc.letter}-{unit.code}")
        sites.append(Site(site, unit.code, bloc))
        code = DeviceCode(f"{site}-1")
        found.append(Device(code, site, "127.0.0.1", "c", life_cycle=LifeCycle.IN_SERVICE))
    return Inventory(Province("51", "x"), units=units, sites=tuple(sites), devices=tuple(found), version=1)


def state(code: DeviceCode, at: int, chance: Random) -> DeviceState:
    """A device that has just answered with two readings: four series."""
    readings = (
        Reading(Signal.CHANNEL_UP_COUNT, SignalState.OK, 1),
        Reading(Signal.PLATFORM_CPU, SignalState.OK, chance.randint(5, 60), unit="%"),
    )
    return DeviceState(
        code,
        assessment=Assessment(Health.UP, Protection.SECURED, Cause.NONE),
        health_since=EpochMs(START - 86_400_123),
        protection_since=EpochMs(START - 86_400_123),
        seen_at=EpochMs(at),
        readings={reading.key: reading for reading in readings},
        profile="reference-encryptor",
    )


class Nation:
    """The world, and polls that change some of it."""

    def __init__(self, devices: int = DEVICES) -> None:
        self._chance = Random(7)
        self.world = World(inventory(devices), RuleBook(()), LogId("bench"), WorldPolicy())
        self._posts = Posts.of(self.world.inventory)
        self._codes = list(self.world.devices)
        self._chance.shuffle(self._codes)
        self._next = 0
        self.now = START
        self.poll(devices)

    def poll(self, count: int) -> None:
        """The next `count` devices answer."""
        self.now += count * PERIOD_MS // len(self._codes)
        for _ in range(count):
            code = self._codes[self._next]
            self._next = (self._next + 1) % len(self._codes)
            old = self.world.devices[code]
            fresh = state(code, self.now, self._chance)
            self.world.put_device(fresh if not old.seen_at else replace(fresh, misses=old.misses))

    def view(self) -> FleetView:
        """As it is now."""
        return FleetView.of(self.world, self._posts, EpochMs(self.now))
