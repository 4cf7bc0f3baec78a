"""From changed devices to groups, impact and incidents. Evaluated on write, only for what was touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.incidents.model import EndReason, Incident
from channelwatch.incidents.rules import Rule, device_matches, group_matches
from channelwatch.pipeline.draft import Draft, Fault
from channelwatch.pipeline.greater import Whose, standing, takes_spokes
from channelwatch.pipeline.opening import (
    cease,
    end,
    follow_clock,
    hold,
    is_live,
    is_pending,
    merge,
    outlived,
    tell,
    wait,
)
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import SignalState
from channelwatch.status.states import Cause, Flag, Health, PairState, Protection
from channelwatch.status.topology import group_state, hub_is_lost


def evaluate(draft: Draft) -> None:
    """Bring groups, impact flags and incidents up to date with the devices touched in this draft."""
    groups = _groups(draft)
    _impact(draft, groups)
    for group, at in groups.items():
        _group_rules(draft, group, at)
    for code in _hubs_first(draft, draft.touched):
        _device_rules(draft, code, draft.touched[code])


def sweep(draft: Draft) -> None:
    """Decide what only time decides: confirmations, clearings, the collector's own incident, what is forgotten."""
    follow_clock(draft)
    waiting = dict.fromkeys(subject for _, subject in (*draft.holding, *draft.clearing))
    for group in draft.world.inventory.members:
        if group in waiting:
            _group_rules(draft, group, draft.now)
    devices = draft.world.inventory.device
    for code in _hubs_first(draft, [DeviceCode(name) for name in waiting if name in devices]):
        _device_rules(draft, code, draft.now)
    _collector_rules(draft)
    policy = draft.world.policy
    draft.outlived += outlived(
        list(draft.world.incidents.values()),
        draft.now,
        keep_ms=policy.keep_ended_ms,
        limit=policy.keep_restored,
    )


def climb(draft: Draft) -> None:
    """Page whoever is due for incidents that nobody has acknowledged."""
    for number, incident in draft.world.incidents.items():
        current = draft.incidents.get(number, incident)
        if current.state.awaits_person:
            tell(draft, current)


def retire(draft: Draft) -> None:
    """End the incidents of subjects that the inventory, or of rules that the rule files, no longer have."""
    for incident in list(draft.world.incidents.values()):
        if not incident.is_live:
            continue
        if not draft.world.knows(incident.subject):
            end(draft, incident, EndReason.SUBJECT_REMOVED)
        elif incident.rule not in draft.world.rules.by_id:
            end(draft, incident, EndReason.RULE_REMOVED)


def _hubs_first(draft: Draft, codes: Iterable[DeviceCode]) -> list[DeviceCode]:
    """What hangs on a hub is judged once it is known what becomes of the hub."""
    below = draft.world.inventory.children
    return sorted(codes, key=lambda code: code not in below)


def _groups(draft: Draft) -> dict[GroupCode, EpochMs]:
    """Recompute the groups that touched devices belong to; when the first of each was touched."""
    inventory = draft.world.inventory
    groups: dict[GroupCode, EpochMs] = {}
    for code, at in draft.touched.items():
        group = inventory.device[code].ha_group
        if group is not None:
            groups.setdefault(group, at)
    for group, at in groups.items():
        after = group_state(group, inventory, draft.all_devices)
        if after is not None and after is not draft.pair(group).state:
            draft.take_pair(group, after, at)
    return groups


def _impact(draft: Draft, groups: Iterable[GroupCode]) -> None:
    """Mark or release touched devices, and the spokes of touched hubs; while a hub's fate is unknown, nothing moves."""
    inventory = draft.world.inventory
    hubs = (*groups, *(code for code in draft.touched if code in inventory.children))
    below = [child for hub in hubs for child in inventory.children.get(hub, ())]
    fates: dict[str, bool | None] = {}
    for code in dict.fromkeys((*draft.touched, *below)):
        hub = inventory.parent.get(code)
        if hub is None:
            lost: bool | None = False
        elif hub in fates:
            lost = fates[hub]
        else:
            lost = fates[hub] = hub_is_lost(hub, draft.all_pairs, draft.all_devices)
        state = draft.device(code)
        if lost is not None and (Flag.IMPACTED in state.flags) != lost:
            flags = state.flags | {Flag.IMPACTED} if lost else state.flags - {Flag.IMPACTED}
            draft.devices[code] = replace(state, flags=flags)
            draft.touched.setdefault(code, draft.now)


def _device_rules(draft: Draft, code: DeviceCode, at: EpochMs) -> None:
    inventory, rules = draft.world.inventory, draft.world.rules.device
    if not inventory.device[code].in_service:
        _out_of_service(draft, rules, code)
        return
    state, bloc = draft.device(code), inventory.bloc_of(code)
    matched = device_matches(rules, state, bloc, is_hub=code in inventory.children)
    for rule in rules:
        if rule.id not in matched:
            if is_pending(draft, (rule.id, code)) and not _undecided(rule, state):
                cease(draft, rule, code)
            continue
        fault = Fault(code, bloc, at, state.assessment.cause, _impacted(draft, rule, code))
        found = standing(draft, rule, code, draft.holding.get((rule.id, code), at))
        match found.whose:
            case Whose.OWN:
                hold(draft, rule, fault)
            case Whose.GREATER:
                merge(draft, rule, code, found.of)
            case Whose.UNDECIDED:
                wait(draft, rule, fault)


def _group_rules(draft: Draft, group: GroupCode, at: EpochMs) -> None:
    inventory, state, rules = draft.world.inventory, draft.pair(group).state, draft.world.rules.group
    members = inventory.members[group]
    if not any(inventory.device[code].in_service for code in members):
        _out_of_service(draft, rules, group)
        return
    bloc = inventory.bloc_of(members[0])
    matched = group_matches(rules, state, bloc)
    for rule in rules:
        if rule.id in matched:
            hold(draft, rule, Fault(group, bloc, at, state, _impacted(draft, rule, group)))
    for rule in rules:
        if rule.id in matched or state is PairState.UNKNOWN:
            continue
        graver = next((item for item in rules if item.id in matched and item.severity < rule.severity), None)
        if graver is None:
            cease(draft, rule, group)
        elif is_live(draft, (graver.id, group)):
            merge(draft, rule, group, graver.id)


def _collector_rules(draft: Draft) -> None:
    """One incident for a blind collector, never one for each device."""
    world, devices = draft.world, draft.world.inventory.device
    seen_now = draft.devices
    blind = [
        code
        for code, state in world.devices.items()
        if seen_now.get(code, state).assessment.cause is Cause.MONITORING and devices[code].in_service
    ]
    overdue = any(draft.now - draft.device(code).polled_at > world.blind_after_ms[code] for code in blind)
    for rule in world.rules.collector:
        if overdue:
            fault = Fault(world.log, None, draft.now, Cause.MONITORING, tuple(blind))
            hold(draft, rule, fault)
        elif not blind:
            cease(draft, rule, world.log)
        else:
            draft.holding.pop((rule.id, world.log), None)


def _out_of_service(draft: Draft, rules: Iterable[Rule], subject: str) -> None:
    for rule in rules:
        key = (rule.id, subject)
        draft.holding.pop(key, None)
        incident: Incident | None = draft.latest_incident(key)
        if incident is not None and incident.is_live:
            end(draft, incident, EndReason.OUT_OF_SERVICE)


def _impacted(draft: Draft, rule: Rule, hub: str) -> tuple[str, ...]:
    if not takes_spokes(rule):
        return ()
    below = draft.world.inventory.children.get(hub, ())
    return tuple(code for code in below if Flag.IMPACTED in draft.device(code).flags)


def _undecided(rule: Rule, state: DeviceState) -> bool:
    """Nothing is known of what the rule asks: an incident stays as it is."""
    when, now = rule.when, state.assessment
    if (when.health and now.health is Health.UNKNOWN) or (
        when.protection and now.protection is Protection.UNKNOWN
    ):
        return True
    if when.signal is None:
        return False
    return not state.has_answered or any(
        key[0] is when.signal and reading.state is SignalState.UNKNOWN
        for key, reading in state.readings.items()
    )
