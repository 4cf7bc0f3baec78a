"""A made-up estate and a made-up year of it: every device changes 333 times, hubs and their pairs 24 times."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ChannelCode, DeviceCode, SiteCode, UnitCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import (
    Bloc,
    Channel,
    Device,
    Document,
    Inventory,
    LifeCycle,
    Province,
    Site,
    Unit,
    UnitKind,
)

YEAR = Interval(1_767_200_400_000, 1_798_736_400_000)
"""2026 in Viet Nam."""
POLL_MS = 60_000
CHANGES, HUB_CHANGES = 333, 24
SPOKES = 150
"""Spokes of each hub."""
LOG = "bench"

Row = tuple[str, int, str, str, str, str, int, int | None, int]
"""An interval: log, number, subject, axis, state, cause, from, to, and how much earlier it may have begun."""


@dataclass(frozen=True)
class Estate:
    """Devices in service all year, some of them hubs of the others."""

    inventory: Inventory

    @property
    def codes(self) -> list[DeviceCode]:
        """Every device."""
        return [item.code for item in self.inventory.devices]


def estate(devices: int) -> Estate:
    """An inventory of so many devices, one hub for each 150 spokes."""
    paper = Document("1/BB", datetime.date(2025, 12, 1))
    codes = [DeviceCode(f"51-D-{number:05d}-1") for number in range(devices)]
    hubs = codes[: max(1, devices // (SPOKES + 1))]
    spokes = codes[len(hubs) :]
    return Estate(
        Inventory(
            Province("51", "Quảng Ngãi"),
            units=tuple(Unit(UnitCode(code), UnitKind.AGENCY, code) for code in codes),
            sites=tuple(Site(SiteCode(code), UnitCode(code), Bloc.PARTY) for code in codes),
            devices=tuple(
                Device(
                    code, SiteCode(code), "127.0.0.1", "c", level=4, life_cycle=LifeCycle.IN_SERVICE,
                    inspection=paper, handover=paper,
                )
                for code in codes
            ),
            channels=tuple(
                Channel(ChannelCode(code[:-2]), code, hubs[number % len(hubs)])
                for number, code in enumerate(spokes)
            ),
        )
    )  # fmt: skip


def applied_at() -> EpochMs:
    """When the inventory was applied: before the year."""
    return EpochMs(YEAR.start - 1000)


def intervals(found: Estate, seed: int = 1) -> Iterator[Row]:
    """A year of every device, from a seed."""
    rng = random.Random(seed)
    hubs = {item.hub for item in found.inventory.channels}
    seq = 0
    for code in found.codes:
        moments = outages(rng, (HUB_CHANGES if code in hubs else CHANGES) // 2)
        states = [(YEAR.start, 0, "up", "none")]
        for start, end in moments:
            states += [(start, POLL_MS, "down", "unreachable"), (end, POLL_MS, "up", "none")]
        for index, (at, err, state, cause) in enumerate(states):
            seq += 1
            after = states[index + 1][0] if index + 1 < len(states) else None
            yield (LOG, seq, code, "health", state, cause, at, after, err)
        seq += 1
        yield (LOG, seq, code, "protection", "secured", "none", YEAR.start, None, 0)


def outages(rng: random.Random, count: int) -> Sequence[tuple[int, int]]:
    """So many outages of a few minutes to hours, in order and apart."""
    lengths = [int(min(rng.lognormvariate(6.6, 1.2), 20_000) * 1000) + 2 * POLL_MS for _ in range(count)]
    free = YEAR.length - sum(lengths) - (count + 1) * 3 * POLL_MS
    cuts = sorted(rng.randrange(free) for _ in range(count))
    found, gone = [], 0
    for number, (cut, length) in enumerate(zip(cuts, lengths, strict=True)):
        start = YEAR.start + cut + gone + (number + 1) * 3 * POLL_MS
        found.append((start, start + length))
        gone += length
    return found
