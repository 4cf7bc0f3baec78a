"""Is a device's fault its own, or part of a greater one? A lost hub is one incident, not one for each spoke.

A fault is only ever left to a greater one that has an incident, or is about to have one: otherwise nobody would be
told of either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode, DeviceCode, GroupCode
from channelwatch.incidents.model import SubjectKind
from channelwatch.incidents.rules import Rule
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.opening import is_hushed, is_live
from channelwatch.pipeline.world import RuleKey
from channelwatch.status.states import Cause, Flag, Health, PairState

SHORT_CONFIRM_MS = 60_000
"""A group's rule that confirms within this time is worth waiting for; a longer one is not."""


_BROKEN = frozenset({PairState.LOST, PairState.NO_REDUNDANCY})


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
    if not rule.yields:
        return OWN
    group = draft.world.inventory.device[code].ha_group
    if group is not None:
        return _of_member(draft, rule, code, group)
    hub = draft.world.inventory.parent.get(code)
    return OWN if hub is None else _of_spoke(draft, rule, code, GroupCode(hub), since)


def _of_member(draft: Draft, rule: Rule, code: DeviceCode, group: GroupCode) -> Standing:
    state = draft.pair(group).state
    # While nobody knows how the pair is, what was told of it still speaks for its members.
    told = _BROKEN if state is PairState.UNKNOWN else _BROKEN & {state}
    speaking = [item for item in draft.world.rules.group if told & item.when.pair]
    return _left_to(draft, rule, code, group, speaking)


def _of_spoke(draft: Draft, rule: Rule, code: DeviceCode, hub: GroupCode, since: EpochMs) -> Standing:
    policy, rules = draft.world.policy, draft.world.rules
    circuit = draft.world.circuit_of.get(code)
    if circuit is not None:
        found = _of_circuit(draft, rule, code, circuit, since)
        if found is not OWN:
            return found
    if Flag.IMPACTED in draft.device(code).flags:
        above = SubjectKind.GROUP if hub in draft.world.pairs else SubjectKind.DEVICE
        return _left_to(draft, rule, code, hub, [item for item in rules.taking if item.subject is above])
    storm = _of_storm(draft, rule, code)
    if storm is not OWN:
        return storm
    if hub in draft.world.pairs and 0 <= draft.now - draft.pair(hub).lost_until < policy.settle_ms:
        return UNDECIDED
    if _siblings_falter(draft, code, hub) and draft.now - since < policy.sibling_hold_ms:
        return UNDECIDED
    if not _siblings_fell(draft, rule, code, hub, since):
        return OWN
    return UNDECIDED if draft.now - since < hub_doubt_ms(draft, hub, since) else OWN


def hub_doubt_ms(draft: Draft, hub: str, since: EpochMs) -> int:
    """For how long after `since`, when spokes fell, it may still turn out that their hub is lost. 0: it stands."""
    policy = draft.world.policy
    members = [draft.device(member) for member in _members(draft, GroupCode(hub))]
    stands = any(member.seen_at > since and not member.misses for member in members)
    if any(member.misses for member in members):
        # One that answers carries the hub; the spokes may be changing over to it.
        return policy.sibling_hold_ms if stands else policy.suspect_hold_ms
    return 0 if stands else policy.sibling_hold_ms


def is_of_one_moment(draft: Draft, group: GroupCode) -> bool:
    """Do the claims that make the group's state speak of the same time?

    Members are polled one after the other: after a failover, what the second one said last is of before it. Its next
    answer tells, or its silence.
    """
    states = [draft.device(code) for code in _members(draft, group)]
    silent = [state for state in states if state.assessment.cause is Cause.UNREACHABLE]
    since = draft.pair(group).since
    # After a restart it is no longer known when a silence began: before the state that it made.
    moment = max((state.first_missed_at or since for state in silent), default=since)
    older = (state for state in states if state not in silent and 0 < state.seen_at < moment)
    return not any(draft.now - since < draft.world.blind_after_ms[state.device] for state in older)


def taken_along(draft: Draft, codes: Iterable[str]) -> str | None:
    """The lost hub or circuit that has cut off one of `codes` and has an incident; None: no such one."""
    world = draft.world
    for code in (DeviceCode(name) for name in codes if name in world.inventory.parent):
        state = draft.all_devices.get(code)
        if state is None or state.assessment.health is not Health.DOWN or Flag.IMPACTED not in state.flags:
            continue
        circuit = world.circuit_of.get(code)
        over = circuit is not None and draft.circuit(circuit).lost
        subject = str(circuit if over else world.inventory.parent[code])
        rules = world.rules.circuit if over else world.rules.taking
        if any(is_live(draft, (rule.id, subject)) for rule in rules):
            return subject
    return None


def _left_to(draft: Draft, rule: Rule, code: DeviceCode, greater: str, rules: Sequence[Rule]) -> Standing:
    """The fault of `code` is left to an incident of `rules` on `greater`, if there is one or soon will be."""
    speaking = [item for item in rules if item.pages or not rule.pages]
    if any(_speaks(draft, (item.id, greater), code) for item in speaking):
        return Standing(Whose.GREATER, greater)
    awaited = [item for item in speaking if item.confirm_ms <= SHORT_CONFIRM_MS]
    return UNDECIDED if any((item.id, greater) in draft.holding for item in awaited) else OWN


def _speaks(draft: Draft, key: RuleKey, code: DeviceCode) -> bool:
    """Has the greater fault an incident, or had it one of which a person said that it is none, or another's?

    That was said of all that it listed then, and of a pair's members.
    """
    if is_live(draft, key):
        return True
    incident = draft.latest_incident(key)
    if incident is None or not is_hushed(draft, incident):
        return False
    return code in incident.impacted or code in draft.world.inventory.members.get(GroupCode(key[1]), ())


def _of_circuit(draft: Draft, rule: Rule, code: DeviceCode, circuit: CircuitCode, since: EpochMs) -> Standing:
    """The circuit is lost, or came back so lately that the others over it are still being asked."""
    view, policy, rules = draft.circuit(circuit), draft.world.policy, draft.world.rules.circuit
    if view.lost:
        if Flag.IMPACTED not in draft.device(code).flags:
            return OWN
        return _left_to(draft, rule, code, circuit, rules)
    if not rules:
        return OWN
    if view.lost_until > 0 and 0 <= draft.now - view.lost_until < policy.suspect_hold_ms:
        return UNDECIDED
    others = [draft.device(other) for other in draft.world.circuits[circuit] if other != code]
    fallen = [state for state in others if state.misses or state.assessment.health is Health.DOWN]
    heard = any(state.seen_at > since and not state.misses for state in others if state not in fallen)
    waits = bool(fallen) and not heard and draft.now - since < policy.sibling_hold_ms
    return UNDECIDED if waits else OWN


def _of_storm(draft: Draft, rule: Rule, code: DeviceCode) -> Standing:
    """Many communes of its bloc fell together, it among them, or it is about to be said so."""
    bloc = draft.world.inventory.bloc_of(code)
    for item in draft.world.rules.bloc:
        if rule.pages and not item.pages:
            continue
        incident = draft.latest_incident((item.id, bloc))
        if incident is not None and code in incident.impacted and _speaks(draft, incident.key, code):
            return Standing(Whose.GREATER, bloc)
        if (item.id, bloc) in draft.holding and item.confirm_ms <= SHORT_CONFIRM_MS:
            return UNDECIDED
    return OWN


def _siblings_falter(draft: Draft, code: DeviceCode, hub: GroupCode) -> bool:
    """It fell silent, and so many others are about to that they may all be one fault."""
    if draft.device(code).assessment.cause is not Cause.UNREACHABLE or not draft.world.rules.bloc:
        return False
    below = draft.world.inventory.children[hub]
    recent = draft.now - draft.world.policy.suspect_hold_ms
    others = (draft.device(child) for child in below if child != code)
    faltering = sum(1 for state in others if state.misses and state.first_missed_at > recent)
    return faltering >= draft.world.policy.storm_suspects


def _siblings_fell(draft: Draft, rule: Rule, code: DeviceCode, hub: GroupCode, since: EpochMs) -> bool:
    recent = since - draft.world.policy.sibling_hold_ms
    for child in draft.world.inventory.children[hub]:
        key = (rule.id, child)
        if child == code:
            continue
        incident = draft.latest_incident(key)
        if key in draft.holding or (incident is not None and incident.is_live and incident.round_at > recent):
            return True
    return False


def _members(draft: Draft, hub: GroupCode) -> tuple[DeviceCode, ...]:
    return draft.world.inventory.members.get(hub, (DeviceCode(hub),))
