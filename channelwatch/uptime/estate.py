"""What there was to measure in a period: devices, pairs and channels, and when each was in service.

It is read from the versions of the inventory that were in force, so that nothing drops out of a past figure because
it was withdrawn later, and nothing counts before it was put into service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode, SiteCode, UnitCode
from channelwatch.base.intervals import Interval, Spans, intersect, normalise, union
from channelwatch.inventory.maintenance import WindowScope
from channelwatch.inventory.model import Bloc, Inventory

Places = frozenset[tuple[WindowScope, str]]
"""Scopes, each by kind and code."""


@dataclass(frozen=True, slots=True)
class Edition:
    """An inventory version and since when (epoch ms) it is in force, until the next one."""

    at: int
    inventory: Inventory


@dataclass(frozen=True, slots=True)
class Asset:
    """A device as the newest edition that lists it tells of it, with its time over all editions."""

    code: DeviceCode
    bloc: Bloc
    site: SiteCode
    unit: UnitCode
    group: GroupCode | None
    poll_ms: int | None
    listed: Spans = ()
    in_service: Spans = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A channel as the newest edition that lists it tells of it, and when it was listed."""

    code: ChannelCode
    spoke: DeviceCode
    hub: GroupCode | DeviceCode
    listed: Spans = ()


@dataclass(frozen=True)
class Estate:
    """Everything that was listed at any time of `period`. `members`: the one that is active by plan first."""

    period: Interval
    devices: Mapping[DeviceCode, Asset]
    channels: Mapping[ChannelCode, Line]
    members: Mapping[GroupCode, tuple[DeviceCode, ...]]

    @cached_property
    def hub_of(self) -> Mapping[DeviceCode, GroupCode | DeviceCode]:
        """The hub that each spoke hangs on."""
        return {line.spoke: line.hub for line in self.channels.values()}

    def places_of(self, code: DeviceCode) -> Places:
        """What maintenance or a correction of the device may be booked on."""
        asset = self.devices[code]
        found = {
            (WindowScope.DEVICE, str(code)),
            (WindowScope.SITE, str(asset.site)),
            (WindowScope.BLOC, str(asset.bloc)),
        }
        if asset.group is not None:
            found.add((WindowScope.PAIR, str(asset.group)))
        return frozenset(found)

    def pair_places(self, group: GroupCode) -> Places:
        """What maintenance of a whole pair may be booked on: work on one member is none."""
        of_all = frozenset.intersection(*(self.places_of(member) for member in self.members[group]))
        return of_all | {(WindowScope.PAIR, str(group))}

    def hub_places(self, hub: GroupCode | DeviceCode) -> Places:
        """What bears on a hub: the pair and each of its members, or the single device."""
        members = self.members.get(GroupCode(hub), (DeviceCode(hub),))
        return frozenset().union(*(self.places_of(member) for member in members))

    def pair_service(self, group: GroupCode) -> Spans:
        """When at least one member of `group` was in service."""
        return union(*(self.devices[code].in_service for code in self.members[group]))

    def pair_protection(self, group: GroupCode) -> Spans:
        """When every member of `group` was in service."""
        return _all(self.devices[code].in_service for code in self.members[group])

    def channel_service(self, code: ChannelCode) -> Spans:
        """When the channel `code` was listed and its spoke and its hub were in service."""
        line = self.channels[code]
        hub = (
            self.pair_service(GroupCode(line.hub))
            if line.hub in self.members
            else self.devices[DeviceCode(line.hub)].in_service
        )
        return _all((line.listed, self.devices[line.spoke].in_service, hub))

    @cached_property
    def communes(self) -> Mapping[str, tuple[ChannelCode, ...]]:
        """The channels of each unit in each bloc, as `UNIT/BLOC`: blocs never answer for one another."""
        found: defaultdict[str, list[ChannelCode]] = defaultdict(list)
        for code in sorted(self.channels):
            spoke = self.devices[self.channels[code].spoke]
            found[f"{spoke.unit}/{spoke.bloc}"].append(code)
        return {name: tuple(codes) for name, codes in sorted(found.items())}

    def bloc_of(self, code: str) -> Bloc:
        """The bloc of a device, a pair, a channel or a commune."""
        if code in self.communes:
            return self.bloc_of(self.communes[code][0])
        if code in self.channels:
            return self.bloc_of(self.channels[ChannelCode(code)].spoke)
        members = self.members.get(GroupCode(code), (DeviceCode(code),))
        return self.devices[members[0]].bloc

    def bloc_channels(self, bloc: Bloc) -> list[ChannelCode]:
        """The channels of `bloc`, by their spokes, in code order."""
        return sorted(code for code, line in self.channels.items() if self.devices[line.spoke].bloc is bloc)


def _all(parts: Iterable[Spans]) -> Spans:
    found: Spans | None = None
    for spans in parts:
        found = spans if found is None else intersect(found, spans)
    return found or ()


def survey(editions: Iterable[Edition], period: Interval) -> Estate:
    """The estate of `period` from the editions in force in it, oldest first; the first may have begun before it."""
    found = _Survey()
    current: Edition | None = None
    for edition in editions:
        if current is not None:
            found.take(current.inventory, _within(period, current.at, edition.at))
        current = edition
    if current is not None:
        found.take(current.inventory, _within(period, current.at, period.end))
    return found.estate(period)


def _within(period: Interval, start: int, end: int) -> Interval:
    """The part of [`start`, `end`) in `period`; an edition whose clock ran backwards was in force for no time."""
    first = min(max(start, period.start), period.end)
    return Interval(first, max(first, min(end, period.end)))


class _Survey:
    """Editions being taken in, oldest first, so that what is told last stays."""

    def __init__(self) -> None:
        self._devices: dict[DeviceCode, Asset] = {}
        self._channels: dict[ChannelCode, Line] = {}
        self._members: dict[GroupCode, tuple[DeviceCode, ...]] = {}
        self._listed: defaultdict[DeviceCode, list[Interval]] = defaultdict(list)
        self._serving: defaultdict[DeviceCode, list[Interval]] = defaultdict(list)
        self._carrying: defaultdict[ChannelCode, list[Interval]] = defaultdict(list)

    def take(self, inventory: Inventory, in_force: Interval) -> None:
        """Take in one edition that was in force over `in_force`; one that was in force for no time tells nothing."""
        if not in_force.length:
            return
        for item in inventory.devices:
            self._listed[item.code].append(in_force)
            if item.in_service:
                self._serving[item.code].append(in_force)
            poll_ms = None if item.poll_s is None else item.poll_s * 1000
            site = inventory.site[item.site]
            self._devices[item.code] = Asset(
                item.code, site.bloc, item.site, site.unit, item.ha_group, poll_ms
            )
        for channel in inventory.channels:
            self._carrying[channel.code].append(in_force)
            self._channels[channel.code] = Line(channel.code, channel.spoke, channel.hub)
        for group, codes in inventory.members.items():
            by_plan = sorted(codes, key=lambda code: (inventory.device[code].ha_member or "", code))
            self._members[group] = tuple(by_plan)

    def estate(self, period: Interval) -> Estate:
        """What was taken in."""
        devices = {
            code: replace(
                item, listed=normalise(self._listed[code]), in_service=normalise(self._serving[code])
            )
            for code, item in self._devices.items()
        }
        channels = {
            code: replace(line, listed=normalise(self._carrying[code]))
            for code, line in self._channels.items()
        }
        return Estate(period, devices, channels, self._members)
