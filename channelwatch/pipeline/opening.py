"""What becomes of a rule's incident: opened, held back, merged, restored, and told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import IncidentId
from channelwatch.incidents.escalation import calls, farewell, impact, plan, policy_of, raised
from channelwatch.incidents.life import graded, graver, may_reopen
from channelwatch.incidents.model import EndReason, Incident, StepKind, SubjectKind
from channelwatch.incidents.rules import Rule
from channelwatch.pipeline.draft import Draft, Fault
from channelwatch.pipeline.duty import duty_for
from channelwatch.pipeline.maintenance import is_quiet
from channelwatch.pipeline.world import RuleKey
from channelwatch.status.states import Flag

MANY = 5
"""Fewer impacted than this are no news of their own."""
GROWTH_EVERY_MS = 600_000
FLAP_HOLD_MS, GRAVE_FLAP_HOLD_MS = 300_000, 60_000
"""What comes back on a flapping device and lasts for so long is no flapping any more; the second if it is graver."""


def hold(draft: Draft, rule: Rule, fault: Fault) -> None:
    """The condition holds: open, reopen, or wait for confirmation."""
    key = (rule.id, fault.subject)
    _note_coming(draft, rule, key)
    draft.clearing.pop(key, None)
    incident = draft.latest_incident(key)
    if incident is not None and incident.is_live:
        _list_impacted(draft, incident, fault.impacted)
        return
    if incident is not None and is_hushed(draft, incident):
        return
    since = draft.holding.setdefault(key, min(fault.at, draft.now))
    if draft.now - since < rule.confirm_ms:
        return
    draft.holding.pop(key)
    began = replace(fault, at=since)
    if incident is not None and may_reopen(incident, draft.now):
        tell(draft, draft.reopen(incident, began))
    else:
        tell(draft, draft.open(rule, began))


def wait(draft: Draft, rule: Rule, fault: Fault) -> None:
    """Open nothing yet: it may turn out to be part of a greater fault. What is open stays open."""
    key = (rule.id, fault.subject)
    draft.clearing.pop(key, None)
    if not is_live(draft, key):
        draft.holding.setdefault(key, min(fault.at, draft.now))


def merge(draft: Draft, rule: Rule, subject: str, greater: str) -> None:
    """What was opened about this subject is part of a greater fault's incident."""
    key = (rule.id, subject)
    draft.holding.pop(key, None)
    draft.clearing.pop(key, None)
    incident = draft.latest_incident(key)
    if incident is not None and incident.is_live:
        draft.advance(incident, StepKind.MERGED, reason=f"part_of:{greater}")


def cease(draft: Draft, rule: Rule, subject: str, *, greater: str | None = None) -> None:
    """The condition does not hold: forget what was waiting, restore what is live after the rule's clear time.

    Where a `greater` fault goes on with it, it is part of that one, and nobody is told that all is well.
    """
    key = (rule.id, subject)
    draft.holding.pop(key, None)
    incident = draft.latest_incident(key)
    if incident is None or not incident.is_live:
        draft.clearing.pop(key, None)
        if incident is not None and incident.is_hushed:
            draft.advance(incident, StepKind.RESTORED, reason=EndReason.CONDITION_ENDED)
        return
    if rule.when.events and rule.pages and incident.state.awaits_person:
        return  # What happened is no less so for being over: a person has to have looked.
    since = draft.clearing.setdefault(key, draft.now)
    if draft.now - since < rule.clear_ms or _keeps_coming(draft, rule, key):
        return
    draft.clearing.pop(key)
    if greater is not None:
        draft.advance(incident, StepKind.MERGED, reason=f"part_of:{greater}")
        return
    restored = draft.advance(incident, StepKind.RESTORED, reason=EndReason.CONDITION_ENDED)
    draft.page(restored, farewell(restored, duty_for(draft.world, restored), draft.now))


def end(draft: Draft, incident: Incident, reason: EndReason) -> None:
    """Nobody watches for its fault any more. No message says that all is well: nobody knows."""
    draft.holding.pop(incident.key, None)
    draft.clearing.pop(incident.key, None)
    draft.advance(incident, StepKind.RESTORED, reason=reason)


def tell(draft: Draft, incident: Incident) -> None:
    """Page whoever is due for an incident that nobody has taken."""
    rule = draft.world.rules.of(incident.rule)
    if rule is None or not calls(rule, incident) or is_quiet(draft, incident):
        return
    if _is_noise(draft, rule, incident):
        return
    climbed, pages = plan(incident, duty_for(draft.world, incident), draft.now)
    if climbed is not incident:
        climbed = replace(climbed, impact_told=len(climbed.impacted), impact_told_at=draft.now)
        draft.put(climbed)
        draft.page(climbed, pages)


def raise_overdue(draft: Draft, incident: Incident) -> Incident:
    """A fault that is still there when it should have been restored is graver than it was."""
    severity = graver(incident, draft.now)
    if severity is None:
        return incident
    reason = f"{incident.severity}>{severity}:overdue"
    noted = draft.advance(incident, StepKind.SEVERITY_RAISED, reason=reason)
    raised_one = graded(noted, severity, draft.now, draft.world.policy.ladders)
    rule = draft.world.rules.of(incident.rule)
    if rule is not None and not rule.pages and not calls(rule, incident):
        # It stands in the daily list: time alone calls nobody, a person who raises it does.
        raised_one = replace(raised_one, policy=replace(policy_of(incident), rungs=()))
    draft.put(raised_one)
    if _may_tell(draft, raised_one):
        draft.page(raised_one, raised(raised_one, duty_for(draft.world, raised_one), draft.now))
    return raised_one


def tell_growth(draft: Draft, incident: Incident) -> None:
    """Say that a fault takes twice as many with it as was told, at most once in ten minutes."""
    count, told = len(incident.impacted), incident.impact_told
    waited = draft.now - incident.impact_told_at
    if not incident.is_live or not incident.ladder or count < max(MANY, 2 * told) or waited < GROWTH_EVERY_MS:
        return
    if _may_tell(draft, incident):
        current = replace(incident, impact_told=count, impact_told_at=draft.now)
        draft.put(current)
        draft.page(current, impact(current, duty_for(draft.world, current), draft.now))


def _may_tell(draft: Draft, incident: Incident) -> bool:
    rule = draft.world.rules.of(incident.rule)
    return rule is not None and calls(rule, incident) and not is_quiet(draft, incident)


def is_hushed(draft: Draft, incident: Incident) -> bool:
    """Did a person say that this fault is none, or is another's that is still there, and has it lasted ever since?"""
    if not incident.is_hushed or incident.merged_into is None:
        return incident.is_hushed
    other = draft.incidents.get(incident.merged_into) or draft.world.incidents.get(incident.merged_into)
    if other is None:
        return False
    return other.is_live or (other.merged_into is not None and is_hushed(draft, other))


def is_live(draft: Draft, key: RuleKey) -> bool:
    """Has this rule a live incident about this subject?"""
    incident = draft.latest_incident(key)
    return incident is not None and incident.is_live


def is_pending(draft: Draft, key: RuleKey) -> bool:
    """Is there anything that the end of the condition would change?"""
    incident = draft.latest_incident(key)
    hushed = incident is not None and incident.is_hushed
    return key in draft.holding or key in draft.clearing or hushed or is_live(draft, key)


def follow_clock(draft: Draft) -> None:
    """A clock that was set back must not make anything wait until it has caught up."""
    for waiting in (draft.holding, draft.clearing):
        waiting.update({key: draft.now for key, at in waiting.items() if at > draft.now})


def outlived(incidents: Sequence[Incident], now: EpochMs, *, keep_ms: int, limit: int) -> list[IncidentId]:
    """Incidents that nothing can change any more: over for `keep_ms`, or restored so long and beyond `limit`."""
    aged = [item for item in incidents if item.ended_at is not None and now - item.ended_at >= keep_ms]
    restored = [item for item in aged if not item.state.is_over]
    surplus = {item.id for item in restored[: max(0, len(restored) - limit)]}
    return [item.id for item in aged if item.state.is_over or item.id in surplus]


def _note_coming(draft: Draft, rule: Rule, key: RuleKey) -> None:
    """Remember when a condition came, where the rule heeds how often it does."""
    if rule.flap is None:
        return
    came = key in draft.clearing or (key not in draft.holding and not is_live(draft, key))
    if came:
        draft.comings[key] = (*draft.comings.get(key, ()), draft.now)[-rule.flap.times :]


def _keeps_coming(draft: Draft, rule: Rule, key: RuleKey) -> bool:
    if rule.flap is None:
        return False
    recent = [at for at in draft.comings.get(key, ()) if 0 <= draft.now - at < rule.flap.within_ms]
    return len(recent) >= rule.flap.times


def _list_impacted(draft: Draft, incident: Incident, impacted: tuple[str, ...]) -> None:
    if impacted and impacted != incident.impacted:
        draft.put(replace(incident, impacted=impacted))


def _is_noise(draft: Draft, rule: Rule, incident: Incident) -> bool:
    """It opened again because its device flaps, and the incident about the flapping tells of that."""
    if incident.subject_kind is not SubjectKind.DEVICE or not rule.when.health:
        return False
    if incident.round == 0 or incident.ladder > 0:
        return False
    telling = [
        other.severity
        for other in draft.world.rules.device
        if other.when.flag is Flag.FLAPPING and other.pages and is_live(draft, (other.id, incident.subject))
    ]
    hold_ms = GRAVE_FLAP_HOLD_MS if telling and incident.severity < min(telling) else FLAP_HOLD_MS
    return bool(telling) and draft.now - incident.round_at < hold_ms
