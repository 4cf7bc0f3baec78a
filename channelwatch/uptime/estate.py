"""What there was to measure in a period: devices, pairs and channels, and when each was in service.

It is read from the versions of the inventory that were in force, so that nothing drops out of a past figure because
it was withdrawn later, and nothing counts before it was put into service.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode, SiteCode, UnitCode
from channelwatch.base.intervals import Interval, Spans, intersect, normalise, union
from channelwatch.inventory.maintenance import WindowScope
from channelwatch.inventory.model import Bloc, Inventory

T = TypeVar("T")
Hub: TypeAlias = GroupCode | DeviceCode
Places: TypeAlias = Mapping[tuple[WindowScope, str], Spans]
"""Scopes, each by kind and code, and when what is asked about belonged to them."""

ALWAYS: Final = Interval(-(2**62), 2**62)


class Phase(NamedTuple, Generic[T]):
    """What something was, from when to when (epoch ms)."""

    during: Interval
    value: T


Phases: TypeAlias = tuple[Phase[T], ...]
"""What something was one after the other: the first from ever on, the last for good."""


@dataclass(frozen=True, slots=True)
class Edition:
    """An inventory version and since when (epoch ms) it is in force, until the next one."""

    at: int
    inventory: Inventory


class Stay(NamedTuple):
    """Where a device stood, and what it hung on."""

    bloc: Bloc
    unit: UnitCode
    site: SiteCode
    group: GroupCode | None
    hub: Hub | None


class Ends(NamedTuple):
    """What a channel joined."""

    spoke: DeviceCode
    hub: Hub


@dataclass(frozen=True, slots=True)
class Asset:
    """A device as the newest edition that lists it tells of it, with its time and its stays over all editions."""

    code: DeviceCode
    bloc: Bloc
    poll_ms: int | None
    stays: Phases[Stay] = ()
    listed: Spans = ()
    in_service: Spans = ()

    @property
    def hubs(self) -> Phases[Hub]:
        """The hubs that it hung on."""
        return tuple(Phase(during, stay.hub) for during, stay in self.stays if stay.hub is not None)


@dataclass(frozen=True, slots=True)
class Line:
    """A channel: what it joined and when, and when it was listed. `spoke`: its newest one."""

    code: ChannelCode
    spoke: DeviceCode
    ends: Phases[Ends] = ()
    listed: Spans = ()


@dataclass(frozen=True)
class Estate:
    """Everything that was listed at any time of `period`. `crews`: the members of each pair, the one that is active by
    plan first."""

    period: Interval
    devices: Mapping[DeviceCode, Asset]
    channels: Mapping[ChannelCode, Line]
    crews: Mapping[GroupCode, Phases[tuple[DeviceCode, ...]]]

    @cached_property
    def members(self) -> Mapping[GroupCode, tuple[DeviceCode, ...]]:
        """Every device that was a member of each pair at any time, in order of time."""
        return {
            group: tuple(dict.fromkeys(code for crew in crews for code in crew.value))
            for group, crews in self.crews.items()
        }

    def crews_of(self, hub: Hub) -> Phases[tuple[DeviceCode, ...]]:
        """The devices that `hub` consisted of."""
        return self.crews.get(GroupCode(hub), (Phase(ALWAYS, (DeviceCode(hub),)),))

    def places_of(self, code: DeviceCode) -> Places:
        """What maintenance or a correction of the device may be booked on."""
        known = self._places.get(code)
        if known is None:
            stays = self.devices[code].stays
            known = self._places[code] = in_any(_booked(code, *stay) for stay in stays)
        return known

    @cached_property
    def _places(self) -> dict[DeviceCode, Places]:
        """Those that were asked for: every channel of a bloc asks for its hub's."""
        return {}

    def pair_places(self, hub: Hub) -> Places:
        """What maintenance of a whole pair, or of a single device, may be booked on: work on one member is none."""
        own: Places = {(WindowScope.PAIR, str(hub)): (ALWAYS,)} if hub in self.crews else {}
        of_all = (
            (during, in_all(self.places_of(member) for member in crew)) for during, crew in self.crews_of(hub)
        )
        return in_any([own, *(within(places, during) for during, places in of_all)])

    def hub_places(self, hub: Hub) -> Places:
        """What bears on a hub: the pair and each of its members, or the single device."""
        return in_any(
            within(self.places_of(member), during) for during, crew in self.crews_of(hub) for member in crew
        )

    def channel_places(self, code: ChannelCode) -> Places:
        """What maintenance of a channel may be booked on."""
        return in_any(
            within(places, during)
            for during, ends in self.channels[code].ends
            for places in (self.places_of(ends.spoke), self.pair_places(ends.hub))
        )

    def channel_bearing(self, code: ChannelCode) -> Places:
        """What a correction that bears on a channel may be about."""
        return in_any(
            within(places, during)
            for during, ends in self.channels[code].ends
            for places in (self.places_of(ends.spoke), self.hub_places(ends.hub))
        )

    def pair_service(self, hub: Hub) -> Spans:
        """When at least one member of a pair, or a single device, was in service."""
        return union(
            *(
                intersect(self.devices[code].in_service, (during,))
                for during, crew in self.crews_of(hub)
                for code in crew
            )
        )

    def pair_protection(self, group: GroupCode) -> Spans:
        """When every member of `group` was in service."""
        return union(
            *(
                _all([(during,), *(self.devices[code].in_service for code in crew)])
                for during, crew in self.crews[group]
            )
        )

    def channel_service(self, code: ChannelCode) -> Spans:
        """When the channel `code` was listed and its spoke and its hub were in service."""
        line = self.channels[code]
        return union(
            *(
                _all(
                    [
                        (during,),
                        line.listed,
                        self.devices[ends.spoke].in_service,
                        self.pair_service(ends.hub),
                    ]
                )
                for during, ends in line.ends
            )
        )

    @cached_property
    def communes(self) -> Mapping[str, Mapping[ChannelCode, Spans]]:
        """The channels of each unit in each bloc, as `UNIT/BLOC`, and when they were: blocs never answer for one
        another."""
        found: defaultdict[str, dict[ChannelCode, Spans]] = defaultdict(dict)
        for code in sorted(self.channels):
            for during, ends in self.channels[code].ends:
                for stayed, stay in self.devices[ends.spoke].stays:
                    there, name = intersect((during,), (stayed,)), f"{stay.unit}/{stay.bloc}"
                    if there:
                        found[name][code] = union(found[name].get(code, ()), there)
        return dict(sorted(found.items()))

    def bloc_of(self, code: str) -> Bloc:
        """The bloc of a device, a pair, a channel or a commune."""
        if code in self.communes:
            return self.bloc_of(next(iter(self.communes[code])))
        if code in self.channels:
            return self.bloc_of(self.channels[ChannelCode(code)].spoke)
        members = self.members.get(GroupCode(code), (DeviceCode(code),))
        return self.devices[members[0]].bloc

    def bloc_channels(self, bloc: Bloc) -> list[ChannelCode]:
        """The channels of `bloc`, by their spokes, in code order."""
        return sorted(code for code, line in self.channels.items() if self.devices[line.spoke].bloc is bloc)


def _booked(code: DeviceCode, during: Interval, stay: Stay) -> Places:
    """What may be booked on while the device `code` stayed there."""
    named = [(WindowScope.DEVICE, str(code)), (WindowScope.SITE, str(stay.site))]
    named.append((WindowScope.BLOC, stay.bloc.value))
    if stay.group is not None:
        named.append((WindowScope.PAIR, str(stay.group)))
    return dict.fromkeys(named, (during,))


def _all(parts: Iterable[Spans]) -> Spans:
    found: Spans | None = None
    for spans in parts:
        found = spans if found is None else intersect(found, spans)
    return found or ()


def in_any(some: Iterable[Places]) -> Places:
    """What belonged to any of `some`."""
    found: dict[tuple[WindowScope, str], Spans] = {}
    for places in some:
        for place, spans in places.items():
            known = found.get(place)
            found[place] = spans if known is None or known == spans else union(known, spans)
    return found


def in_all(some: Iterable[Places]) -> Places:
    """What belonged to all of `some` at once."""
    first, *others = some
    found = dict(first)
    for places in others:
        found = {
            place: both
            for place, spans in found.items()
            if place in places and (both := intersect(spans, places[place]))
        }
    return found


def within(places: Places, *during: Interval) -> Places:
    """The part of `places` in `during`, a set of time."""
    if during == (ALWAYS,):
        return places
    return {place: part for place, spans in places.items() if (part := intersect(spans, during))}


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
        self._stays: defaultdict[DeviceCode, list[tuple[int, Stay]]] = defaultdict(list)
        self._ends: defaultdict[ChannelCode, list[tuple[int, Ends]]] = defaultdict(list)
        self._crews: defaultdict[GroupCode, list[tuple[int, tuple[DeviceCode, ...]]]] = defaultdict(list)
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
            stay = Stay(site.bloc, site.unit, item.site, item.ha_group, inventory.parent.get(item.code))
            _note(self._stays[item.code], in_force.start, stay)
            self._devices[item.code] = Asset(item.code, site.bloc, poll_ms)
        for channel in inventory.channels:
            self._carrying[channel.code].append(in_force)
            _note(self._ends[channel.code], in_force.start, Ends(channel.spoke, channel.hub))
            self._channels[channel.code] = Line(channel.code, channel.spoke)
        for group, codes in inventory.members.items():
            by_plan = sorted(codes, key=lambda code: (inventory.device[code].ha_member or "", code))
            _note(self._crews[group], in_force.start, tuple(by_plan))

    def estate(self, period: Interval) -> Estate:
        """What was taken in."""
        devices = {
            code: replace(
                item,
                stays=_phases(self._stays[code]),
                listed=normalise(self._listed[code]),
                in_service=normalise(self._serving[code]),
            )
            for code, item in self._devices.items()
        }
        channels = {
            code: replace(line, ends=_phases(self._ends[code]), listed=normalise(self._carrying[code]))
            for code, line in self._channels.items()
        }
        crews = {group: _phases(told) for group, told in self._crews.items()}
        return Estate(period, devices, channels, crews)


def _note(told: list[tuple[int, T]], since: int, value: T) -> None:
    """It was `value` from `since` on, also where a clock that ran backwards had it be something else by then."""
    while told and told[-1][0] >= since:
        told.pop()
    if not told or told[-1][1] != value:
        told.append((since if told else ALWAYS.start, value))


def _phases(told: Sequence[tuple[int, T]]) -> Phases[T]:
    ends = [*(since for since, _ in told[1:]), ALWAYS.end]
    return tuple(Phase(Interval(since, end), value) for (since, value), end in zip(told, ends, strict=True))
