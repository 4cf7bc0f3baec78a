"""Events counted: how many of some kinds came lately, of each device or from each unknown source. Pure.

An event is over as soon as it has come; what a rule that counts holds for true is that enough of them came within its
time. Whoever can send an event can make a count grow and nothing else: it falls by the passing of time alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, RuleId
from channelwatch.incidents.model import SubjectKind
from channelwatch.incidents.rules import Hours, Rule
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.opening import is_live
from channelwatch.pipeline.world import Tallies
from channelwatch.status.events import EventKind, EventReceived, RogueSource

MAX_SOURCES = 2_000
"""Unknown sources counted by themselves for one rule: forged addresses are many. The longest silent goes first."""

MAX_NAMED = 5
"""Unknown sources that an incident's note names."""

_NONE: Tallies = {}


def count(draft: Draft, received: EventReceived) -> None:
    """Take note of an event, if a rule counts its kind and its bloc's security events are watched."""
    rules = draft.world.rules.counting.get(received.kind)
    if not rules:
        return
    device = draft.world.inventory.device.get(received.device)
    if device is None or not device.in_service:
        return
    bloc = draft.world.inventory.bloc_of(received.device)
    if bloc not in draft.world.policy.security_blocs:
        return
    hours = _hours(draft, received.received_at)
    draft.event_counts[received.device, received.kind, hours] += 1
    for rule in rules:
        if rule.subject is SubjectKind.DEVICE and _concerns(rule, bloc, hours):
            _add(draft, received.device, rule, received.received_at)
            draft.touched.setdefault(received.device, received.received_at)


def count_stranger(draft: Draft, found: RogueSource) -> None:
    """Take note of an unknown source. Whose bloc it means is not known: it counts if any bloc's are watched."""
    rules = draft.world.rules.counting.get(EventKind.ROGUE_SOURCE, ())
    if not rules or not draft.world.policy.security_blocs:
        return
    hours = _hours(draft, found.received_at)
    draft.event_counts[DeviceCode(""), EventKind.ROGUE_SOURCE, hours] += found.count
    for rule in rules:
        if rule.subject is SubjectKind.COLLECTOR and _concerns(rule, None, hours):
            source = found.address if rule.when.per_source else ""
            _add(draft, draft.world.log, rule, found.received_at, source=source, number=found.count)


def recount(draft: Draft, recent: Iterable[EventReceived]) -> None:
    """Take note again of what came before a restart, the oldest first: in the metrics it was counted then."""
    for received in recent:
        count(draft, received)
    draft.event_counts.clear()


def reached(draft: Draft, subject: str) -> frozenset[RuleId]:
    """The rules of whose events enough have come about `subject`."""
    rules = draft.world.rules.by_id
    return frozenset(
        name
        for (name, _), times in draft.tallies.get(subject, _NONE).items()
        if len(_recent(draft, rules[name], times)) >= rules[name].when.times
    )


def loudest(draft: Draft, rule: Rule) -> list[str]:
    """The unknown sources of which so many messages came as the rule asks for, a few of them."""
    tallies = draft.tallies.get(draft.world.log, _NONE)
    found = [
        source
        for (name, source), times in tallies.items()
        if name == rule.id and source and len(_recent(draft, rule, times)) >= rule.when.times
    ]
    return found[-MAX_NAMED:]


def fading(draft: Draft) -> list[str]:
    """The subjects that have to be judged again as time passes. What no longer counts is forgotten."""
    rules, found = draft.world.rules.by_id, []
    for subject, tallies in list(draft.tallies.items()):
        kept = {key: times for key, times in tallies.items() if _recent(draft, rules[key[0]], times)}
        if len(kept) < len(tallies):
            draft.tallies[subject] = kept
        if not kept:
            del draft.tallies[subject]
        if len(kept) < len(tallies) or any(is_live(draft, (name, subject)) for name, _ in tallies):
            found.append(subject)
    return found


def _add(draft: Draft, subject: str, rule: Rule, at: EpochMs, *, source: str = "", number: int = 1) -> None:
    """The newest `times` instants are all that it takes."""
    most, tallies = rule.when.times, dict(draft.tallies.get(subject, _NONE))
    before = tallies.pop((rule.id, source), ())
    tallies[rule.id, source] = (*before, *[at] * min(number, most))[-most:]
    if source:
        mine = [key for key in tallies if key[0] == rule.id]
        for key in mine[: max(0, len(mine) - MAX_SOURCES)]:
            del tallies[key]
    draft.tallies[subject] = tallies


def _recent(draft: Draft, rule: Rule, times: tuple[EpochMs, ...]) -> list[EpochMs]:
    return [at for at in times if 0 <= draft.now - at < rule.when.within_ms]


def _concerns(rule: Rule, bloc: Bloc | None, hours: Hours) -> bool:
    when = rule.when
    return when.hours in (None, hours) and (not when.bloc or bloc in when.bloc)


def _hours(draft: Draft, at: EpochMs) -> Hours:
    return Hours.INSIDE if draft.world.calendar.in_hours(at) else Hours.OUTSIDE
