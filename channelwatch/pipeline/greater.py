"""Is a device's fault its own, or part of a greater one? A lost hub is one incident, not one for each spoke."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.incidents.model import Incident
from channelwatch.incidents.rules import Rule
from channelwatch.pipeline.draft import Draft
from channelwatch.status.device import DeviceState
from channelwatch.status.states import Flag, PairState

SHORT_CONFIRM_MS = 60_000
"""A group's rule that confirms within this time is worth waiting for; a longer one is not."""


class Whose(Enum):
    """Whose fault it is."""

    OWN = auto()
    UNDECIDED = auto()
    GREATER = auto()


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdict; `of` names the greater fault's subject."""

    whose: Whose
    of: str = ""


OWN, UNDECIDED = Standing(Whose.OWN), Standing(Whose.UNDECIDED)


def standing(draft: Draft, rule: Rule, code: DeviceCode, since: EpochMs) -> Standing:
    """Whose fault the condition of `rule` on `code`, which holds since `since`, is as far as is known now."""
    device = draft.world.inventory.device[code]
    if not rule.yields:
        return OWN
    if device.ha_group is not None:
        return _of_member(draft, device.ha_group)
    hub = draft.world.inventory.parent.get(code)
    return OWN if hub is None else _of_spoke(draft, rule, code, GroupCode(hub), since)


def live(incident: Incident | None) -> bool:
    """The fault that it was opened for is still there."""
    return incident is not None and not incident.state.is_over and incident.restored_at is None


def _of_member(draft: Draft, group: GroupCode) -> Standing:
    if draft.pair(group).state not in (PairState.LOST, PairState.NO_REDUNDANCY):
        return OWN
    if _group_incident(draft, group):
        return Standing(Whose.GREATER, group)
    awaited = any(
        (rule.id, group) in draft.holding and rule.confirm_ms <= SHORT_CONFIRM_MS
        for rule in draft.world.rules.group
    )
    return UNDECIDED if awaited else OWN


def _of_spoke(draft: Draft, rule: Rule, code: DeviceCode, hub: GroupCode, since: EpochMs) -> Standing:
    policy = draft.world.policy
    if Flag.IMPACTED in draft.device(code).flags:
        return Standing(Whose.GREATER, hub) if _group_incident(draft, hub) else UNDECIDED
    if hub in draft.world.pairs and draft.now - draft.pair(hub).lost_until < policy.settle_ms:
        return UNDECIDED
    if not _siblings_fell(draft, rule, code, hub, since):
        return OWN
    members = [draft.device(member) for member in _members(draft, hub)]
    if any(member.misses for member in members):
        return UNDECIDED if draft.now - since < policy.suspect_hold_ms else OWN
    if any(_stands(member, since) for member in members):
        return OWN
    return UNDECIDED if draft.now - since < policy.sibling_hold_ms else OWN


def _group_incident(draft: Draft, group: GroupCode) -> bool:
    rules = (*draft.world.rules.group, *draft.world.rules.device)
    return any(live(draft.latest_incident((rule.id, group))) for rule in rules)


def _siblings_fell(draft: Draft, rule: Rule, code: DeviceCode, hub: GroupCode, since: EpochMs) -> bool:
    recent = since - draft.world.policy.sibling_hold_ms
    for child in draft.world.inventory.children[hub]:
        key = (rule.id, child)
        if child == code:
            continue
        incident = draft.latest_incident(key)
        if key in draft.holding or (incident is not None and live(incident) and incident.round_at > recent):
            return True
    return False


def _members(draft: Draft, hub: GroupCode) -> tuple[DeviceCode, ...]:
    return draft.world.inventory.members.get(hub, (DeviceCode(hub),))


def _stands(member: DeviceState, since: EpochMs) -> bool:
    """It has answered a poll since the spokes began to fall."""
    return member.seen_at > since
