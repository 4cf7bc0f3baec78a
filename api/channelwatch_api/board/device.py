"""One device's page: its present state, its signals by family, and the last day as a band. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import LifeCycle
from channelwatch.pipeline.ports import StoredTransition
from channelwatch.pipeline.world import World
from channelwatch.status.device import DeviceState
from channelwatch.status.events import MissCause
from channelwatch.status.signals import Reading, Signal
from channelwatch.status.states import Axis, Health, Protection
from channelwatch_api.board.model import place_of
from channelwatch_api.board.spots import Spot, spot

DAY_MS = 86_400_000
_ORDER = {signal: place for place, signal in enumerate(Signal)}


@dataclass(frozen=True, slots=True)
class SignalRow:
    """A signal of a component; `since`: when its state last changed, 0 = not known."""

    reading: Reading
    since: EpochMs


@dataclass(frozen=True, slots=True)
class Family:
    """Signals of one family, in the order of the vocabulary."""

    name: str
    rows: tuple[SignalRow, ...]


@dataclass(frozen=True, slots=True)
class DeviceNow:
    """Everything on a device's page that changes by itself."""

    spot: Spot
    life_cycle: LifeCycle
    health_since: EpochMs
    protection_since: EpochMs
    seen_at: EpochMs
    misses: int
    miss_cause: MissCause | None
    profile: str
    site: str
    ha_group: str | None
    hub: str | None
    hub_name: str
    latched: tuple[Signal, ...]
    families: tuple[Family, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the band: thousandths of its length, and the state that held."""

    start: int
    width: int
    state: str


def device_now(world: World, state: DeviceState) -> DeviceNow:
    """The device as it is now."""
    device = world.inventory.device[state.device]
    hub = world.inventory.parent.get(DeviceCode(state.device))
    return DeviceNow(
        spot=spot(world.inventory, state),
        life_cycle=device.life_cycle,
        health_since=state.health_since,
        protection_since=state.protection_since,
        seen_at=state.seen_at,
        misses=state.misses,
        miss_cause=state.miss_cause,
        profile=state.profile,
        site=device.site,
        ha_group=device.ha_group,
        hub=hub,
        hub_name="" if hub is None else place_of(world.inventory, hub),
        latched=tuple(sorted({signal for signal, _ in state.latched})),
        families=_families(state),
    )


def band(
    transitions: Sequence[StoredTransition], axis: Axis, present: Health | Protection, *, now: EpochMs
) -> tuple[Segment, ...]:
    """The day before `now` on one axis. Each change is drawn at the latest moment at which it can have happened."""
    begin = now - DAY_MS
    changes = sorted(
        (item.transition.t_hi, item.transition.before)
        for item in transitions
        if item.transition.axis is axis and item.transition.t_hi > begin
    )
    bounds = [begin, *(at for at, _ in changes), int(now)]
    states = [*(before for _, before in changes), str(present)]
    places = [(at - begin) * 1000 // DAY_MS for at in bounds]
    return tuple(
        Segment(start, end - start, state)
        for start, end, state in zip(places, places[1:], states, strict=False)
        if end > start
    )


def _families(state: DeviceState) -> tuple[Family, ...]:
    rows = sorted(state.readings.items(), key=lambda item: (_ORDER[item[0][0]], item[0][1]))
    return tuple(
        Family(name, tuple(SignalRow(reading, state.since.get(key, EpochMs(0))) for key, reading in found))
        for name, found in groupby(rows, key=lambda item: item[0][0].family)
    )
