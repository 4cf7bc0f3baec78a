"""What becomes of a rule's incident: opened, held back, merged, restored, and told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import IncidentId
from channelwatch.incidents.escalation import farewell, plan
from channelwatch.incidents.life import may_reopen
from channelwatch.incidents.model import EndReason, Incident, StepKind, SubjectKind
from channelwatch.incidents.rules import Rule
from channelwatch.pipeline.draft import Draft, Fault
from channelwatch.pipeline.maintenance import is_quiet
from channelwatch.pipeline.world import RuleKey
from channelwatch.status.states import Flag


def hold(draft: Draft, rule: Rule, fault: Fault) -> None:
    """The condition holds: open, reopen, or wait for confirmation."""
    key = (rule.id, fault.subject)
    _note_coming(draft, rule, key)
    draft.clearing.pop(key, None)
    incident = draft.latest_incident(key)
    if incident is not None and incident.is_live:
        _list_impacted(draft, incident, fault.impacted)
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


def cease(draft: Draft, rule: Rule, subject: str) -> None:
    """The condition does not hold: forget what was waiting, restore what is live after the rule's clear time."""
    key = (rule.id, subject)
    draft.holding.pop(key, None)
    incident = draft.latest_incident(key)
    if incident is None or not incident.is_live:
        draft.clearing.pop(key, None)
        return
    since = draft.clearing.setdefault(key, draft.now)
    if draft.now - since < rule.clear_ms or _keeps_coming(draft, rule, key):
        return
    draft.clearing.pop(key)
    draft.comings.pop(key, None)
    restored = draft.advance(incident, StepKind.RESTORED, reason=EndReason.CONDITION_ENDED)
    draft.page(restored, farewell(restored, draft.world.inventory.contacts, draft.now))


def end(draft: Draft, incident: Incident, reason: EndReason) -> None:
    """Nobody watches for its fault any more. No message says that all is well: nobody knows."""
    draft.holding.pop(incident.key, None)
    draft.clearing.pop(incident.key, None)
    draft.advance(incident, StepKind.RESTORED, reason=reason)


def tell(draft: Draft, incident: Incident) -> None:
    """Page whoever is due for an incident that nobody has taken."""
    rule = draft.world.rules.by_id.get(incident.rule)
    if rule is None or not rule.pages or is_quiet(draft, incident) or _is_noise(draft, rule, incident):
        return
    climbed, pages = plan(incident, draft.world.inventory.contacts, draft.now)
    if climbed is not incident:
        draft.put(climbed)
        draft.page(climbed, pages)


def is_live(draft: Draft, key: RuleKey) -> bool:
    """Has this rule a live incident about this subject?"""
    incident = draft.latest_incident(key)
    return incident is not None and incident.is_live


def is_pending(draft: Draft, key: RuleKey) -> bool:
    """Is there anything that the end of the condition would change?"""
    return key in draft.holding or key in draft.clearing or is_live(draft, key)


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
    return any(
        other.when.flag is Flag.FLAPPING and other.pages and is_live(draft, (other.id, incident.subject))
        for other in draft.world.rules.device
    )
