"""Who is told, when, and again when. Pure: `plan(incident, contacts, now)` gives the pages that are due.

The ladder follows the four layers (domain model, section 3.4): the watch of layer 2 sees it at once, the on-site
force of layer 1 answers first in working hours and the responders outside them, then chief, response team and the
owner's post. Layer 3 is reported to, layer 4 only by release: neither is ever paged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.incidents.model import Incident, IncidentState, Ladder, Page, PageKind, Rung, Severity
from channelwatch.inventory.model import Contact, Role

MINUTE = 60_000
HOUR = 60 * MINUTE

DUTY = frozenset({Role.WATCH, Role.ONSITE, Role.RESPONDER, Role.CHIEF, Role.OWNER})
"""Who may be paged: whoever assesses, audits, shares or administers is never called to a fault."""

FAILOVER_MS = MINUTE
"""A page that is unsent for so long goes out by the contact's next way too."""

WORK_BEGINS, WORK_ENDS = time(7, 30), time(17, 0)


_FIRST = Rung(0, (Role.WATCH, Role.ONSITE))
LADDERS: dict[Severity, Ladder] = {
    Severity.P1: Ladder(
        (
            _FIRST,
            Rung(10 * MINUTE, (Role.CHIEF,)),
            Rung(15 * MINUTE, (Role.RESPONDER,)),
            Rung(30 * MINUTE, (Role.OWNER,)),
        ),
        repeat_ms=15 * MINUTE,
    ),
    Severity.P2: Ladder(
        (
            _FIRST,
            Rung(30 * MINUTE, (Role.CHIEF,)),
            Rung(60 * MINUTE, (Role.RESPONDER,)),
            Rung(2 * HOUR, (Role.OWNER,)),
        ),
        repeat_ms=HOUR,
    ),
    Severity.P3: Ladder(
        (_FIRST, Rung(4 * HOUR, (Role.CHIEF,)), Rung(24 * HOUR, (Role.RESPONDER,))), repeat_ms=0
    ),
    Severity.P4: Ladder((), repeat_ms=0),
}


def freeze(severity: Severity, *, first_layer: int) -> Ladder:
    """The ladder of `severity` as it is now, for an incident to keep."""
    return replace(LADDERS[severity], first_layer=first_layer)


def policy_of(incident: Incident) -> Ladder:
    """The ladder that was frozen with the incident."""
    return incident.policy or LADDERS[incident.severity]


def in_working_hours(at: EpochMs) -> bool:
    """Monday to Friday, 07:30 to 17:00 in Viet Nam."""
    local = datetime.fromtimestamp(at / 1000, LOCAL_ZONE)
    return local.weekday() < 5 and WORK_BEGINS <= local.time() < WORK_ENDS


def plan(incident: Incident, contacts: Sequence[Contact], now: EpochMs) -> tuple[Incident, list[Page]]:
    """The pages due at `now`, and the incident that remembers them. At most one rung is climbed a call.

    Repetitions that were missed, in a long sleep say, are made good by one. A clock that was set back to before the
    round began starts the round's times anew: nobody waits until it has caught up.
    """
    if not incident.state.awaits_person:
        return incident, []
    if incident.round_at > now:
        incident = replace(incident, round_at=now)
    ladder, waited = policy_of(incident), now - incident.round_at
    told, pages, reached = incident, list[Page](), list[Contact]()
    if incident.ladder < len(ladder.rungs) and waited >= ladder.rungs[incident.ladder].after_ms:
        told = replace(told, ladder=incident.ladder + 1)
        reached = recipients(contacts, incident, ladder.rungs[incident.ladder].roles, now)
        pages = _pages(incident, _kind(incident), reached, now)
    if incident.ladder and ladder.repeat_ms and waited // ladder.repeat_ms > incident.repeats:
        told = replace(told, repeats=waited // ladder.repeat_ms)
        again = [item for item in _reached(incident, contacts) if item not in reached]
        pages += _pages(told, PageKind.REPEATED, again, now)
    return told, pages


def farewell(incident: Incident, contacts: Sequence[Contact], now: EpochMs) -> list[Page]:
    """Tell everyone who was told of the fault that it has been restored."""
    return _pages(incident, PageKind.RESTORED, _reached(incident, contacts), now)


def raised(incident: Incident, contacts: Sequence[Contact], now: EpochMs) -> list[Page]:
    """Tell everyone who was told of the fault, and the chief, that it has become graver."""
    chiefs = recipients(contacts, incident, (Role.CHIEF,), now)
    reached = {item.code: item for item in (*_reached(incident, contacts), *chiefs)}
    return _pages(incident, PageKind.RAISED, list(reached.values()), now)


def impact(incident: Incident, contacts: Sequence[Contact], now: EpochMs) -> list[Page]:
    """Tell everyone who was told of the fault that it takes many more with it. Each doubling is told once."""
    return _pages(incident, PageKind.IMPACT, _reached(incident, contacts), now)


def recipients(
    contacts: Sequence[Contact], incident: Incident, roles: Sequence[Role], now: EpochMs
) -> list[Contact]:
    """Contacts of `roles` in the incident's bloc; where a post is not filled, everyone on duty in the bloc."""
    wanted = set(roles)
    if policy_of(incident).first_layer > 1 and Role.WATCH in wanted:
        wanted -= {Role.ONSITE}
    if Role.ONSITE in wanted and not in_working_hours(now):
        wanted = wanted - {Role.ONSITE} | {Role.RESPONDER}
    near = on_duty(contacts, incident)
    return [item for item in near if item.role in wanted] or near


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


def _kind(incident: Incident) -> PageKind:
    if incident.ladder:
        return PageKind.ESCALATED
    return PageKind.REOPENED if incident.state is IncidentState.REOPENED else PageKind.OPENED


def _reached(incident: Incident, contacts: Sequence[Contact]) -> list[Contact]:
    """Whom the rungs climbed so far led to, by the hours at which they were due."""
    reached: dict[str, Contact] = {}
    for rung in policy_of(incident).rungs[: incident.ladder]:
        due = EpochMs(incident.round_at + rung.after_ms)
        reached.update({item.code: item for item in recipients(contacts, incident, rung.roles, due)})
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
            return len(Severity) - list(Severity).index(incident.severity)
        case PageKind.IMPACT:
            return len(incident.impacted).bit_length()
        case _:
            return incident.ladder


def _chained(pages: Sequence[Page]) -> list[Page]:
    if len(pages) == 1:
        return list(pages)
    return [replace(page, chain=pages[0].key) for page in pages]
