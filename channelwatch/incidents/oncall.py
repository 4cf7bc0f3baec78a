"""Who is on call: teams with dated shifts, rotations and swaps. Pure; times are epoch ms, spans are half-open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ContactCode, UnitCode
from channelwatch.base.intervals import Interval, Spans, normalise, subtract
from channelwatch.incidents.worktime import Holiday, WorkCalendar
from channelwatch.inventory.model import Bloc, Category, Role

HOUR_MS = 3600_000


@dataclass(frozen=True, slots=True)
class Team:
    """Contacts who take turns in a role. An empty `bloc`, `category` or `units` means any."""

    code: str
    name: str
    role: Role
    members: tuple[ContactCode, ...]
    bloc: Bloc | None = None
    category: Category | None = None
    units: frozenset[UnitCode] = frozenset()


@dataclass(frozen=True, slots=True)
class Shift:
    """A contact is on call for a team. Several may be at one time."""

    team: str
    contact: ContactCode
    start: EpochMs
    end: EpochMs


@dataclass(frozen=True, slots=True)
class Rotation:
    """Contacts follow one another every `turn_h` hours from `start` on, until `end` if there is one."""

    team: str
    contacts: tuple[ContactCode, ...]
    start: EpochMs
    turn_h: int
    end: EpochMs | None = None


@dataclass(frozen=True, slots=True)
class Swap:
    """In a span `taker` is on call whenever `giver` would be."""

    team: str
    giver: ContactCode
    taker: ContactCode
    start: EpochMs
    end: EpochMs
    reason: str = ""


class Place(NamedTuple):
    """What an incident is about, as far as it decides which team answers."""

    bloc: Bloc | None = None
    category: Category | None = None
    unit: UnitCode | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A team has nobody on call."""

    team: str
    start: EpochMs
    end: EpochMs


@dataclass(frozen=True)
class Roster:
    """All of it at one version. A span that has a dated shift of a team is not filled by the team's rotation."""

    teams: tuple[Team, ...] = ()
    shifts: tuple[Shift, ...] = ()
    rotations: tuple[Rotation, ...] = ()
    swaps: tuple[Swap, ...] = ()
    holidays: tuple[Holiday, ...] = ()

    @cached_property
    def team(self) -> dict[str, Team]:
        """Teams by code."""
        return {item.code: item for item in self.teams}

    def teams_for(self, role: Role, place: Place) -> list[Team]:
        """The teams of `role` that answer for `place`: those for its unit, else for its category, else for anything.

        What is no bloc's own, the monitoring itself, concerns the teams of every bloc.
        """
        fit = [
            item
            for item in self.teams
            if item.role is role and (place.bloc is None or item.bloc in (None, place.bloc))
        ]
        own = [item for item in fit if item.units and place.unit in item.units]
        kind = [item for item in fit if not item.units and item.category and item.category is place.category]
        rest = [item for item in fit if not item.units and item.category is None]
        if own or kind or rest:
            return own or kind or rest
        # A bloc, a circuit or the monitoring has no category: the teams of any come before everyone of the role.
        return [item for item in fit if not item.units] if place.category is None else []

    def elsewhere(self, role: Role, place: Place) -> frozenset[ContactCode]:
        """Who answers in `role` for other units and not for `place`."""
        others = self._of_units.get(role, frozenset())
        if not others:
            return others
        return others.difference(*(team.members for team in self.teams_for(role, place)))

    @cached_property
    def _of_units(self) -> dict[Role, frozenset[ContactCode]]:
        """By role, who is in the team of some unit."""
        found: dict[Role, frozenset[ContactCode]] = {}
        for team in self.teams:
            if team.units:
                found[team.role] = found.get(team.role, frozenset()) | set(team.members)
        return found

    def on_call(self, team: str, at: EpochMs) -> tuple[ContactCode, ...]:
        """Who is on call for `team` at `at`; nobody where the slot is empty."""
        shifts = [item.contact for item in self.shifts if item.team == team and item.start <= at < item.end]
        base = shifts or [who for item in self._rotations(team) if (who := _turn(item, at)) is not None]
        return tuple(dict.fromkeys(self._swapped(team, base, at)))

    def gaps(self, window: Interval, calendar: WorkCalendar, known: frozenset[ContactCode]) -> list[Gap]:
        """Where a team has nobody of `known` on call in `window`, by time. The on-site force works in working hours
        only."""
        found = [
            Gap(team.code, EpochMs(start), EpochMs(end))
            for team in self.teams
            for start, end in subtract(
                _wanted(team, window, calendar), self._covered(team.code, known, window.end)
            )
        ]
        return sorted(found, key=lambda gap: (gap.start, gap.team))

    def _rotations(self, team: str) -> Iterator[Rotation]:
        return (item for item in self.rotations if item.team == team)

    def _swapped(self, team: str, base: Sequence[ContactCode], at: EpochMs) -> list[ContactCode]:
        """The last swap of a contact counts."""
        changes = {
            item.giver: item.taker for item in self.swaps if item.team == team and item.start <= at < item.end
        }
        return [changes.get(contact, contact) for contact in base]

    def _covered(self, team: str, known: frozenset[ContactCode], until: int) -> Spans:
        """The spans before `until` in which somebody of `known` is on call. Swaps change who, not whether."""
        shifts = [
            (item.start, item.end) for item in self.shifts if item.team == team and item.contact in known
        ]
        rotations = [
            (item.start, max(item.end or until, item.start))
            for item in self._rotations(team)
            if known.issuperset(item.contacts)
        ]
        return normalise([*shifts, *rotations])


def without(shifts: Iterable[Shift], team: str, span: Interval) -> list[Shift]:
    """`shifts` without those of `team` that begin in `span`."""
    return [item for item in shifts if item.team != team or not span.start <= item.start < span.end]


def _turn(rotation: Rotation, at: EpochMs) -> ContactCode | None:
    if at < rotation.start or (rotation.end is not None and at >= rotation.end):
        return None
    return rotation.contacts[(at - rotation.start) // (rotation.turn_h * HOUR_MS) % len(rotation.contacts)]


def _wanted(team: Team, window: Interval, calendar: WorkCalendar) -> Spans:
    if team.role is not Role.ONSITE:
        return (window,)
    hours = calendar.hours(EpochMs(window.start), EpochMs(window.end))
    return normalise(
        (max(start, window.start), min(end, window.end)) for start, end in hours if end > window.start
    )


NO_ROSTER = Roster()
"""Nobody has written one: everyone of a role is on call."""
