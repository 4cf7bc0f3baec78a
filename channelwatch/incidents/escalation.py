"""Who is told, when, and again when. Pure: `plan(incident, duty, now)` gives the pages that are due.

The ladder follows the four layers (domain model, section 3.4): the watch of layer 2 sees it at once, the on-site
force of layer 1 answers first in working hours and the responders outside them, then chief, response team and the
owner's post. Layer 3 is reported to, layer 4 only by release: neither is ever paged. No ladder ends in silence: what
it reached is told again until somebody answers, and an acknowledgement after which nothing happens expires.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import Incident, IncidentState, Ladder, Page, PageKind, Rung, Severity
from channelwatch.incidents.oncall import NO_ROSTER, Place, Roster
from channelwatch.incidents.rules import Rule
from channelwatch.incidents.worktime import ORDINARY, WorkCalendar
from channelwatch.inventory.model import Contact, Role

MINUTE = 60_000
HOUR = 60 * MINUTE

DUTY = frozenset({Role.WATCH, Role.ONSITE, Role.RESPONDER, Role.CHIEF, Role.OWNER})
"""Who may be paged: whoever assesses, audits, shares or administers is never called to a fault."""

FAILOVER_MS = MINUTE
"""A page that is unsent for so long goes out by the contact's next way too."""


LADDERS: dict[Severity, Ladder] = {
    Severity.P1: Ladder(
        (
            Rung(0, (Role.WATCH, Role.ONSITE)),
            Rung(10 * MINUTE, (Role.CHIEF,)),
            Rung(15 * MINUTE, (Role.RESPONDER,)),
            Rung(30 * MINUTE, (Role.OWNER,)),
        ),
        repeat_ms=15 * MINUTE,
        ack_ms=30 * MINUTE,
    ),
    Severity.P2: Ladder(
        (
            Rung(0, (Role.WATCH, Role.ONSITE)),
            Rung(30 * MINUTE, (Role.CHIEF,)),
            Rung(60 * MINUTE, (Role.RESPONDER,)),
            Rung(2 * HOUR, (Role.OWNER,)),
        ),
        repeat_ms=HOUR,
        ack_ms=2 * HOUR,
    ),
    Severity.P3: Ladder(
        (
            Rung(0, (Role.WATCH,)),
            Rung(5 * MINUTE, (Role.ONSITE,)),
            Rung(4 * HOUR, (Role.CHIEF,)),
            Rung(0, (Role.RESPONDER,), is_next_day=True),
        ),
        repeat_ms=0,
        repeats_daily=True,
        ack_ms=48 * HOUR,
    ),
    Severity.P4: Ladder((), 0),
}


@dataclass(frozen=True, slots=True)
class Duty:
    """Who may be told of an incident: contacts, the roster that picks among them, and what the incident is about."""

    contacts: Sequence[Contact]
    roster: Roster = NO_ROSTER
    calendar: WorkCalendar = field(default=ORDINARY)
    place: Place = Place()


def freeze(severity: Severity, *, first_layer: int, ladders: Mapping[Severity, Ladder] = LADDERS) -> Ladder:
    """The ladder of `severity` in `ladders` as it is now, for an incident to keep."""
    return replace(ladders[severity], first_layer=first_layer)


def retimed(ladder: Ladder, after_ms: Mapping[Role, int], *, repeat_ms: int, ack_ms: int) -> Ladder:
    """`ladder` that reaches the roles of `after_ms` so long after its begin, told again every `repeat_ms` (0: as it is)
    and with an acknowledgement that counts for `ack_ms`."""
    rungs = (rung._replace(after_ms=after_ms.get(rung.roles[-1], rung.after_ms)) for rung in ladder.rungs)
    return replace(ladder, rungs=tuple(rungs), repeat_ms=repeat_ms or ladder.repeat_ms, ack_ms=ack_ms)


def reminding(incident: Incident, ladder: Ladder, now: EpochMs) -> Ladder:
    """`ladder`, whose reminders follow on those that `incident` has had, the first one a whole time after `now`."""
    told = policy_of(incident).told
    return replace(ladder, reminded=incident.repeats, reminded_at=now, told=told)


def policy_of(incident: Incident) -> Ladder:
    """The ladder that was frozen with the incident."""
    return incident.policy or LADDERS[incident.severity]


def plan(incident: Incident, duty: Duty, now: EpochMs) -> tuple[Incident, list[Page]]:
    """The pages due at `now`, and the incident that remembers them. At most one rung is climbed a call.

    Repetitions that were missed, in a long sleep say, are made good by one. They go to those who are on duty now.
    A clock that was set back to before the round began starts the round's times anew, and one that was set back at all
    the time to the next reminder: nobody waits until it has caught up.
    """
    if not incident.state.awaits_person:
        return incident, []
    ladder = policy_of(incident)
    if max(incident.round_at, ladder.reminded_at) > now:
        ladder = reminding(incident, ladder, now)
        incident = replace(incident, round_at=min(incident.round_at, now), policy=ladder)
    since = incident.round_at
    told, pages, reached = incident, list[Page](), list[Contact]()
    if incident.ladder < len(ladder.rungs) and now >= _due(ladder.rungs[incident.ladder], since, duty):
        told = replace(told, ladder=incident.ladder + 1)
        reached = recipients(duty, incident, ladder.rungs[incident.ladder].roles, now)
        pages = _pages(incident, _kind(incident), reached, now)
    if incident.ladder:
        repeats = _repeats(ladder, since, now, duty)
        if repeats > incident.repeats:
            told = replace(told, repeats=repeats)
            again = [item for item in _reached(incident, duty, now) if item not in reached]
            pages += _pages(told, PageKind.REPEATED, again, now)
        elif repeats < incident.repeats:
            told = replace(told, policy=reminding(incident, ladder, now))
    return told, pages


def farewell(incident: Incident, duty: Duty, now: EpochMs) -> list[Page]:
    """Tell everyone who was told of the fault that it has been restored."""
    return _pages(incident, PageKind.RESTORED, _told(incident, duty, now), now)


def raised(incident: Incident, duty: Duty, now: EpochMs) -> list[Page]:
    """Tell everyone who was told of the fault, and the chief, that it has become graver."""
    chiefs = recipients(duty, incident, (Role.CHIEF,), now)
    reached = {item.code: item for item in (*_told(incident, duty, now), *chiefs)}
    return _pages(incident, PageKind.RAISED, list(reached.values()), now)


def impact(incident: Incident, duty: Duty, now: EpochMs) -> list[Page]:
    """Tell everyone who was told of the fault that it takes many more with it. Each doubling is told once."""
    return _pages(incident, PageKind.IMPACT, _told(incident, duty, now), now)


def has_lapsed(incident: Incident, now: EpochMs) -> bool:
    """Was it acknowledged so long ago that somebody has to be asked again? A clock that jumped makes nobody wait."""
    limit = policy_of(incident).ack_ms
    return (
        incident.state is IncidentState.ACKED
        and incident.restored_at is None
        and incident.acked_at is not None
        and 0 < limit <= abs(now - incident.acked_at)
    )


def recipients(duty: Duty, incident: Incident, roles: Sequence[Role], at: EpochMs) -> list[Contact]:
    """Who answers in `roles` at `at`: who is on call, else the whole team, else every contact of the role who is not
    another unit's.

    Where nobody of these is there, everyone on duty in the bloc.
    """
    near = on_duty(duty.contacts, incident)
    wanted = _filled(duty, incident, near, roles, at)
    found = {item.code: item for role in wanted for item in _in_role(duty, near, role, at)}
    return list(found.values()) or (near if wanted else [])


def on_duty(contacts: Sequence[Contact], incident: Incident) -> list[Contact]:
    """Everyone who may be told of `incident`; when there is nobody, it is told to no one."""
    return [
        item
        for item in contacts
        if item.role in DUTY and (incident.bloc is None or incident.bloc in item.blocs)
    ]


def is_told(incident: Incident) -> bool:
    """Is somebody to be told of it at all, whoever that is?"""
    return bool(policy_of(incident).rungs)


def calls(rule: Rule, incident: Incident) -> bool:
    """Does `incident` call people: because its rule does, or because a person has raised its severity?"""
    return is_told(incident) and (rule.pages or incident.severity < rule.severity)


def _filled(
    duty: Duty, incident: Incident, near: Sequence[Contact], roles: Sequence[Role], at: EpochMs
) -> list[Role]:
    """`roles`, the on-site force replaced where it is not there: by the responders outside working hours and where
    only other units have one, and by nobody where the watch answers alone."""
    watch_alone = policy_of(incident).first_layer > 1
    if Role.ONSITE not in roles:
        return list(roles)
    if not watch_alone and duty.calendar.in_hours(at) and not _only_elsewhere(duty, near):
        return list(roles)
    others: list[Role] = [role for role in roles if role is not Role.ONSITE]
    return others if watch_alone else [*others, Role.RESPONDER]


def _only_elsewhere(duty: Duty, near: Sequence[Contact]) -> bool:
    """Have other units an on-site force, and this place none?"""
    elsewhere = duty.roster.elsewhere(Role.ONSITE, duty.place)
    own = {item for team in duty.roster.teams_for(Role.ONSITE, duty.place) for item in team.members}
    there = (item for item in near if item.role is Role.ONSITE or item.code in own)
    return bool(elsewhere) and all(item.code in elsewhere for item in there)


def _in_role(duty: Duty, near: Sequence[Contact], role: Role, at: EpochMs) -> list[Contact]:
    teams = duty.roster.teams_for(role, duty.place)
    found: list[Contact] = []
    for team in teams:
        on_call = duty.roster.on_call(team.code, at)
        found += [item for item in near if item.code in on_call] or [
            item for item in near if item.code in team.members
        ]
    if found:
        return found
    elsewhere = duty.roster.elsewhere(role, duty.place)
    return [item for item in near if item.role is role and item.code not in elsewhere]


def _kind(incident: Incident) -> PageKind:
    if incident.ladder:
        return PageKind.ESCALATED
    if incident.state is IncidentState.REOPENED:
        return PageKind.REOPENED
    # It is open again without having been restored: an acknowledgement has expired.
    return PageKind.LAPSED if incident.round else PageKind.OPENED


def _due(rung: Rung, since: EpochMs, duty: Duty) -> EpochMs:
    """When a ladder that began at `since` reaches `rung`."""
    return duty.calendar.next_day(since) if rung.is_next_day else EpochMs(since + rung.after_ms)


def _repeats(ladder: Ladder, since: EpochMs, now: EpochMs, duty: Duty) -> int:
    """How often those reached were to be told again by `now`."""
    since = max(since, ladder.reminded_at)
    if ladder.repeats_daily:
        return ladder.reminded + duty.calendar.begun(since, now)
    return ladder.reminded + ((now - since) // ladder.repeat_ms if ladder.repeat_ms else 0)


def _told(incident: Incident, duty: Duty, now: EpochMs) -> list[Contact]:
    """Whom the rungs climbed so far led to when they were due, and whom its reminders lead to now. Those of an earlier
    round that did not end with the fault count as well."""
    told: dict[str, Contact] = {}
    ladder = policy_of(incident)
    for rung in ladder.rungs[: max(incident.ladder, ladder.told)]:
        due = min(_due(rung, incident.round_at, duty), now)
        told.update({item.code: item for item in recipients(duty, incident, rung.roles, due)})
    if incident.repeats:
        told.update({item.code: item for item in _reached(incident, duty, now)})
    return list(told.values())


def _reached(incident: Incident, duty: Duty, now: EpochMs) -> list[Contact]:
    """Who stands now where the rungs climbed so far led to."""
    reached: dict[str, Contact] = {}
    for rung in policy_of(incident).rungs[: incident.ladder]:
        reached.update({item.code: item for item in recipients(duty, incident, rung.roles, now)})
    return list(reached.values())


def _pages(incident: Incident, kind: PageKind, to: Sequence[Contact], now: EpochMs) -> list[Page]:
    """For each post one page by its first way, and its further ways as spares; posts that share the first share all.

    The key names incident, round, kind, step, contact and the way's place among the contact's.
    """
    step = _step(incident, kind)
    chains: dict[str, dict[str, Page]] = {}
    for contact in to:
        chain = chains.setdefault(contact.deliver[0], {})
        for place, text in enumerate(contact.deliver):
            if text in chain:
                continue
            channel, _, destination = text.partition(":")
            key = f"{incident.number}.{incident.round}.{kind}.{step}.{contact.code}.{place}"
            due = EpochMs(now + FAILOVER_MS * len(chain))
            chain[text] = Page(incident.id, kind, contact.code, channel, destination, key, due, step)
    return [page for chain in chains.values() for page in _chained(list(chain.values()))]


def _step(incident: Incident, kind: PageKind) -> int:
    match kind:
        case PageKind.REPEATED:
            return incident.repeats
        case PageKind.RAISED:
            # It may be raised, lowered and raised again: each time is a message of its own.
            return _second(incident.graded_at) * 10 + list(Severity).index(incident.severity)
        case PageKind.IMPACT:
            return _second(incident.impact_told_at)
        case _:
            return incident.ladder


def _second(at: EpochMs) -> int:
    """Which second of the last three years, so that it fits the column."""
    return at // 1000 % 10**8


def _chained(pages: Sequence[Page]) -> list[Page]:
    if len(pages) == 1:
        return list(pages)
    return [replace(page, chain=pages[0].key) for page in pages]
