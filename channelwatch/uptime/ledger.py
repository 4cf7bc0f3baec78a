"""The one calculator: whatever is asked about, one device or a whole province, is measured here and in one way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple, Protocol, TypeVar

from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode
from channelwatch.base.intervals import Interval, Spans, clip, intersect, normalise, subtract, union
from channelwatch.inventory.maintenance import Window, WindowScope
from channelwatch.inventory.model import Bloc
from channelwatch.status.continuity import Continuity
from channelwatch.status.states import Axis
from channelwatch.uptime.combine import any_in_turn, channel_service, pair_service, protected_time, spliced
from channelwatch.uptime.corrections import CorrectedState, Correction, corrected
from channelwatch.uptime.estate import ALWAYS, Estate, Hub, Places, in_any, within
from channelwatch.uptime.figures import Availability
from channelwatch.uptime.history import (
    Entry,
    backed,
    behind,
    health_timeline,
    parts_of_spoke,
    protection_timeline,
    unseen,
)
from channelwatch.uptime.measure import Maintenance, Scope, measure
from channelwatch.uptime.outages import (
    HOLD_DOWN_MS,
    Alarm,
    Outage,
    RepairFigures,
    Response,
    ResponseFigures,
    in_service,
    outages,
    repair_figures,
    response_figures,
    responses,
)
from channelwatch.uptime.pairs import activity
from channelwatch.uptime.rollup import (
    BlocFigures,
    ChannelHistory,
    bloc_figures,
)
from channelwatch.uptime.timeline import State, Timeline

Code = TypeVar("Code", DeviceCode, ChannelCode)


class ScopeKind(StrEnum):
    """What a figure speaks of."""

    DEVICE = "device"
    PAIR = "pair"
    PROTECTED = "protected"
    """Both members of a pair healthy."""
    CHANNEL = "channel"
    COMMUNE = "commune"
    """One unit in one bloc: up while one of its channels is."""
    BLOC = "bloc"


def lookback(period: Interval) -> int:
    """From when on the past must be known: an outage that ended shortly before the period may be one with the next."""
    return period.start - HOLD_DOWN_MS


@dataclass(frozen=True, slots=True)
class Chapter:
    """What is recorded of one subject on one axis, and when the collectors that recorded it were alive.

    `told_by`: their logs, when collectors ran at once, so that it matters which of them were alive.
    """

    entries: Sequence[Entry] = ()
    alive: Spans = ()
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that a calculation rests on. `now`: epoch ms. `poll_ms`: the period of devices that name none.

    `corrections`: those to be applied; without them the figures are as recorded. `alarms`: what people were alerted to
    about each subject, oldest first.
    """

    estate: Estate
    chapters: Mapping[tuple[str, Axis], Chapter]
    now: int
    target: Fraction
    poll_ms: int
    windows: Sequence[Window] = ()
    corrections: Sequence[Correction] = ()
    alarms: Mapping[str, Sequence[Alarm]] = field(default_factory=dict)


class Measured(NamedTuple):
    """What was measured of one scope on the axis whose history was used.

    `outages`: those in service that touch the period, oldest first. `repair` and `outages` are of one subject, `bloc`
    of a bloc. `response`: how its outages were met; of a bloc, those of its devices and hubs together.
    `carried`: it was not certainly serving as the period began and for a while before, so that an outage that counts
    may have begun long before. `corrections`: the numbers of those that are in the figures; none: as recorded.
    """

    kind: ScopeKind
    code: str
    axis: Axis
    availability: Availability
    repair: RepairFigures | None = None
    outages: tuple[Outage, ...] = ()
    bloc: BlocFigures | None = None
    carried: bool = False
    corrections: tuple[int, ...] = ()
    response: ResponseFigures | None = None


class _Teller(Protocol):
    def __call__(self, entries: Iterable[Entry], *, until: int, blind: Spans) -> Timeline: ...


class Calculator:
    """Figures of one ledger. Each timeline is made once. KeyError for what the estate does not list."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._estate = ledger.estate
        self._made: dict[tuple[str, Axis], Timeline] = {}
        self._heard: dict[DeviceCode, Timeline] = {}
        self._channels: dict[ChannelCode, Timeline] = {}
        self._windows: defaultdict[tuple[WindowScope, str], list[Window]] = defaultdict(list)
        for window in ledger.windows:
            self._windows[window.scope, window.code].append(window)

    def device(self, code: DeviceCode) -> Measured:
        """A device's own health: not held against it is what happens while its hub is lost."""
        own = self.own_health(code)
        places = self._booked(self._estate.places_of, code)
        return self._measured(
            ScopeKind.DEVICE, code, own, self._scope(self._in_service(code), places), places
        )

    def own_health(self, code: DeviceCode) -> Timeline:
        """The history that a device's availability is measured by."""
        hubs = self._estate.devices[code].hubs
        if not hubs:
            return self._health(code)
        hub = spliced([(during, self._hub(name)) for during, name in hubs])
        # What two people put right is so whatever became of the hub.
        return self._corrected(behind(self._as_heard(code), hub), WindowScope.DEVICE, code)

    def protection(self, code: DeviceCode) -> Measured:
        """How long a device's traffic was protected. Only corrections about maintenance bear on it."""
        axis = Axis.PROTECTION
        timeline = self._once(code, axis, lambda: self._told(code, axis, protection_timeline))
        scope = self._scope(self._in_service(code), self._booked(self._estate.places_of, code))
        return self._measured(ScopeKind.DEVICE, code, timeline, scope, {}, axis=axis)

    def pair(self, code: GroupCode) -> Measured:
        """The service of an HA pair: up while a member is known to be active."""
        scope = self._scope(self._estate.pair_service(code), self._estate.pair_places(code))
        bearing = self._estate.hub_places(code)
        return self._measured(ScopeKind.PAIR, code, self._pair(code), scope, bearing, axis=Axis.PAIR)

    def protected(self, code: GroupCode) -> Measured:
        """When a pair could have lost a member; work on either is planned."""
        bearing = self._estate.hub_places(code)
        scope = self._scope(self._estate.pair_protection(code), bearing)
        timeline = spliced(
            [(during, protected_time(*map(self._health, crew))) for during, crew in self._estate.crews[code]]
        )
        subjects = (code, *self._estate.members[code])
        return self._measured(ScopeKind.PROTECTED, code, timeline, scope, bearing, subjects=subjects)

    def channel(self, code: ChannelCode) -> Measured:
        """A commune's channel: its device, its tunnel and its hub, all of them."""
        bearing = self._booked(self._estate.channel_bearing, code)
        scope = self._channel_scope(code)
        subjects = self._channel_subjects(code)
        return self._measured(ScopeKind.CHANNEL, code, self._channel(code), scope, bearing, subjects=subjects)

    def commune(self, code: str) -> Measured:
        """A unit in one bloc (`UNIT/BLOC`): up while one of its channels is, planned while all of them are."""
        estate = self._estate
        channels = estate.communes[code]
        if tuple(channels.values()) == ((ALWAYS,),):
            (only,) = channels
            return self.channel(only)._replace(kind=ScopeKind.COMMUNE, code=code)
        scopes = {channel: self._channel_scope(channel) for channel in channels}
        # A channel counts while it belongs to the commune and is in service; what was before the period is its past.
        counts = {
            channel: subtract(there, subtract((estate.period,), scopes[channel].commissioned))
            for channel, there in channels.items()
        }
        timeline = any_in_turn([(self._channel(channel), counts[channel]) for channel in channels])
        unplanned = union(*(subtract(counts[channel], scopes[channel].approved()) for channel in channels))
        planned = subtract(union(*counts.values()), unplanned)
        maintenance = tuple(
            Maintenance(start, end, part.approved_at)
            for scope in scopes.values()
            for part in scope.maintenance
            for start, end in intersect((Interval(part.start, part.end),), planned)
        )
        served = clip(union(*counts.values()), estate.period)
        scope = Scope(estate.period, self.ledger.now, served, maintenance)
        bearing = in_any(
            within(self._booked(estate.channel_bearing, channel), *counts[channel]) for channel in channels
        )
        subjects = {subject for channel in channels for subject in self._channel_subjects(channel)}
        return self._measured(ScopeKind.COMMUNE, code, timeline, scope, bearing, subjects=subjects)

    def bloc(self, bloc: Bloc) -> Measured:
        """All channels of a bloc, their time added up."""
        codes = self._estate.bloc_channels(bloc)
        histories = [ChannelHistory(code, self._channel(code), self._channel_scope(code)) for code in codes]
        found = bloc_figures(bloc, histories, self._estate.period, self.ledger.target)
        numbers = {
            number
            for item in histories
            for number in self._applied(self._booked(self._estate.channel_bearing, item.code), item.scope)
        }
        return Measured(
            ScopeKind.BLOC,
            bloc.value,
            Axis.HEALTH,
            found.availability,
            bloc=found,
            corrections=tuple(sorted(numbers)),
            response=response_figures(self._met(codes), self._estate.period),
        )

    def _met(self, channels: Sequence[ChannelCode]) -> Iterator[Response]:
        """How the outages of the devices and hubs behind `channels` were met, each once."""
        ends = [end.value for code in channels for end in self._estate.channels[code].ends]
        for spoke in dict.fromkeys(end.spoke for end in ends):
            yield from responses(outages(self._health(spoke)), self._alarms([spoke]))
        for hub in dict.fromkeys(end.hub for end in ends):
            yield from responses(outages(self._hub(hub)), self._alarms([hub]))

    def _alarms(self, subjects: Iterable[str]) -> list[Alarm]:
        return sorted(
            (alarm for subject in subjects for alarm in self.ledger.alarms.get(subject, ())),
            key=lambda alarm: alarm.at,
        )

    def _measured(
        self,
        kind: ScopeKind,
        code: str,
        timeline: Timeline,
        scope: Scope,
        bearing: Places,
        *,
        axis: Axis = Axis.HEALTH,
        subjects: Iterable[str] | None = None,
    ) -> Measured:
        """`bearing`: corrections about these places changed the timeline. `subjects`: whose alarms tell of its outages,
        its own unless said otherwise."""
        found = measure(timeline, scope, self.ledger.target)
        losses, passed = outages(timeline), scope.passed
        touching = tuple(in_service(losses, scope))
        repair = repair_figures(losses, scope, found.sums)
        before = Interval(lookback(self._estate.period), self._estate.period.start)
        carried = not timeline.serves_throughout(before)
        numbers = self._applied(bearing, scope)
        met = responses(losses, self._alarms([code] if subjects is None else subjects))
        response = response_figures(met, passed)
        return Measured(
            kind,
            code,
            axis,
            found,
            repair,
            touching,
            carried=carried,
            corrections=numbers,
            response=response,
        )

    def _in_service(self, code: DeviceCode) -> Spans:
        return self._estate.devices[code].in_service

    def _channel_subjects(self, code: ChannelCode) -> tuple[str, ...]:
        ends = [end.value for end in self._estate.channels[code].ends]
        return tuple(dict.fromkeys(name for end in ends for name in end))

    def _channel_scope(self, code: ChannelCode) -> Scope:
        places = self._booked(self._estate.channel_places, code)
        return self._scope(self._estate.channel_service(code), places)

    def _booked(self, places: Callable[[Code], Places], code: Code) -> Places:
        """The `places` of `code`, where maintenance or a correction is booked on anything at all."""
        return places(code) if self._windows or self.ledger.corrections else {}

    def _scope(self, commissioned: Spans, places: Places) -> Scope:
        period = self._estate.period
        planned = [
            Maintenance(start, end, window.approved_at)
            for place in sorted(places.keys() & self._windows.keys())
            for window in self._windows[place]
            for part in window.occurrences(period.end)
            if Maintenance(*part, window.approved_at).counts
            for start, end in intersect((part,), places[place])
        ]
        afterwards = [
            Maintenance(start, end, item.start - 1)
            for item in self.ledger.corrections
            if item.state is CorrectedState.MAINTENANCE
            for start, end in intersect((item.span,), places.get((item.scope, item.code), ()))
        ]
        return Scope(period, self.ledger.now, commissioned, (*planned, *afterwards))

    def _applied(self, bearing: Places, scope: Scope) -> tuple[int, ...]:
        """The numbers of the corrections that changed a figure's timeline or its maintenance."""
        if not self.ledger.corrections:
            return ()
        return tuple(
            item.id
            for item in self.ledger.corrections
            if (
                any(
                    item.start <= part.start and part.end <= item.end and part.approved_at == item.start - 1
                    for part in scope.maintenance
                )
                if item.state is CorrectedState.MAINTENANCE
                else intersect((item.span,), bearing.get((item.scope, item.code), ()))
            )
        )

    def _corrected(self, timeline: Timeline, scope: WindowScope, code: str) -> Timeline:
        own = [item for item in self.ledger.corrections if (item.scope, item.code) == (scope, code)]
        return corrected(timeline, own) if own else timeline

    def _once(self, code: str, axis: Axis, make: Callable[[], Timeline]) -> Timeline:
        key = (code, axis)
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _as_heard(self, code: DeviceCode) -> Timeline:
        """A device's health as it was recorded."""
        if code not in self._heard:
            told = self._told(code, Axis.HEALTH, health_timeline)
            heard = told.span.end - self._longest_gap(code)
            entries = self._chapter(code, Axis.CONTINUITY).entries
            self._heard[code] = backed(told, entries, heard_until=heard)
        return self._heard[code]

    def _health(self, code: DeviceCode) -> Timeline:
        def make() -> Timeline:
            return self._corrected(self._as_heard(code), WindowScope.DEVICE, code)

        return self._once(code, Axis.HEALTH, make)

    def _pair(self, code: GroupCode) -> Timeline:
        def make() -> Timeline:
            entries = self._chapter(code, Axis.PAIR).entries
            told = spliced(
                [
                    (during, pair_service(*activity(entries, *map(self._health, crew))))
                    for during, crew in self._estate.crews[code]
                ]
            )
            return self._corrected(told, WindowScope.PAIR, code)

        return self._once(code, Axis.PAIR, make)

    def _channel(self, code: ChannelCode) -> Timeline:
        if code not in self._channels:
            parts = []
            for during, (spoke, hub) in self._estate.channels[code].ends:
                device, link = parts_of_spoke(self._health(spoke))
                parts.append((during, channel_service(device=device, link=link, hub=self._hub(hub))))
            self._channels[code] = spliced(parts)
        return self._channels[code]

    def _hub(self, code: Hub) -> Timeline:
        group = GroupCode(code)
        return self._pair(group) if group in self._estate.crews else self._health(DeviceCode(code))

    def _chapter(self, subject: str, axis: Axis) -> Chapter:
        return self.ledger.chapters.get((subject, axis), Chapter())

    def _told(self, code: DeviceCode, axis: Axis, tell: _Teller) -> Timeline:
        chapter = self._chapter(code, axis)
        if not (chapter.entries and chapter.alive):
            return Timeline(())
        until = max(chapter.entries[-1].t_hi, chapter.alive[-1].end)
        return tell(chapter.entries, until=until, blind=self._blind(code, chapter, until))

    def awaits_proof(self, code: DeviceCode) -> bool:
        """Is it unknown at the end of the period, in time that may turn out to be backed?"""
        entries = self._chapter(code, Axis.CONTINUITY).entries
        if not entries or entries[-1].state != Continuity.BACKED:
            return False
        end = self._estate.period.end
        states = (
            part.state for part in reversed(self._health(code).segments) if part.start < end <= part.end
        )
        return next(states, State.UNKNOWN) is State.UNKNOWN

    def _longest_gap(self, code: DeviceCode) -> int:
        """How far apart two answers may lie that are joined."""
        return 5 * (self._estate.devices[code].poll_ms or self.ledger.poll_ms) // 2

    def _blind(self, code: DeviceCode, chapter: Chapter, until: int) -> Spans:
        """Time in which nobody looked at the device, whatever its last state was."""
        asset, longest = self._estate.devices[code], self._longest_gap(code)
        asleep = unseen((*chapter.alive, Interval(until, until)), longest_gap_ms=longest)
        before = normalise([(min(chapter.entries[0].t_lo, chapter.alive[0].start), chapter.alive[0].start)])
        unlisted = subtract((self._estate.period,), asset.listed)
        # What was recorded before a device was taken off the list says nothing of the time after it came back.
        until_heard = [
            (gap.start, next((entry.t_hi for entry in chapter.entries if entry.t_hi >= gap.end), until))
            for gap in unlisted
        ]
        return union(before, asleep, normalise(span for span in until_heard if span[0] < span[1]))
