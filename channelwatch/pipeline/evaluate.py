"""From changed devices to groups, impact and incidents. Evaluated on write, only for what was touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.incidents.escalation import farewell, plan
from channelwatch.incidents.life import may_reopen
from channelwatch.incidents.model import Incident, StepKind
from channelwatch.incidents.rules import Rule, device_matches, group_matches
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.draft import Draft, set_pair
from channelwatch.pipeline.greater import Whose, live, standing
from channelwatch.status.device import DeviceState
from channelwatch.status.states import Axis, Cause, Flag, Health, PairState, Protection, Reason, Transition
from channelwatch.status.topology import group_state, hub_is_lost


def evaluate(draft: Draft) -> None:
    """Bring groups, impact flags and incidents up to date with the devices touched in this draft."""
    hubs = _groups(draft)
    _impact(draft, hubs)
    for group in hubs:
        _group_rules(draft, group)
    for code, at in list(draft.touched.items()):
        _device_rules(draft, code, at)


def sweep(draft: Draft) -> None:
    """Decide what only time decides: confirmations, clearings, and the collector's own incident."""
    subjects = {subject for _, subject in (*draft.holding, *draft.clearing)}
    for subject in subjects:
        if subject in draft.world.inventory.device:
            _device_rules(draft, DeviceCode(subject), draft.now)
        elif subject in draft.world.inventory.members:
            _group_rules(draft, GroupCode(subject))
    _collector_rules(draft)


def climb(draft: Draft) -> None:
    """Page whoever is due for incidents that nobody has acknowledged."""
    for incident in list(draft.world.incidents.values()):
        current = draft.incidents.get(incident.id, incident)
        if current.state.awaits_person:
            _climb_one(draft, current)


def _groups(draft: Draft) -> list[GroupCode]:
    """Recompute the groups of touched members; all groups that a touched device belongs to."""
    inventory = draft.world.inventory
    groups: dict[GroupCode, EpochMs] = {}
    for code, at in draft.touched.items():
        group = inventory.device[code].ha_group
        if group is not None:
            groups.setdefault(group, at)
    states = draft.all_devices
    for group, at in groups.items():
        before, after = draft.pair(group).state, group_state(group, inventory, states)
        if after is not before:
            move = Transition(
                group, Axis.PAIR, before, after, Cause.NONE, Reason.MEMBERS, at, at, draft.now, "members"
            )
            set_pair(draft, group, after, move)
    return list(groups)


def _impact(draft: Draft, groups: Iterable[GroupCode]) -> None:
    """Mark or release the spokes of every hub that a touched device is, or is a member of."""
    inventory = draft.world.inventory
    hubs: list[str] = [*groups, *(code for code in draft.touched if code in inventory.children)]
    if not hubs:
        return
    pairs = {**draft.world.pairs, **draft.pairs}
    states = draft.all_devices
    for hub in hubs:
        lost = hub_is_lost(GroupCode(hub), pairs, states)
        for child in inventory.children.get(hub, ()):
            state = draft.device(child)
            if (Flag.IMPACTED in state.flags) != lost:
                flags = state.flags | {Flag.IMPACTED} if lost else state.flags - {Flag.IMPACTED}
                draft.devices[child] = replace(state, flags=flags)
                draft.touched.setdefault(child, draft.now)


def _device_rules(draft: Draft, code: DeviceCode, at: EpochMs) -> None:
    device, state = draft.world.inventory.device[code], draft.device(code)
    bloc = draft.world.inventory.bloc_of(code)
    rules = draft.world.rules.device
    matched = device_matches(rules, state, bloc) if device.in_service else frozenset()
    for rule in rules:
        if rule.id not in matched:
            if not _undecided(rule, state):
                _ceases(draft, rule, code)
            continue
        found = standing(draft, rule, code, draft.holding.get((rule.id, code), at))
        match found.whose:
            case Whose.OWN:
                _holds(draft, rule, code, bloc=bloc, at=at, cause=state.assessment.cause)
            case Whose.GREATER:
                _yield(draft, rule, code, found.of)
            case Whose.UNDECIDED:
                _await(draft, rule, code, at)


def _group_rules(draft: Draft, group: GroupCode) -> None:
    inventory, view = draft.world.inventory, draft.pair(group)
    members = inventory.members[group]
    bloc = inventory.bloc_of(members[0])
    serving = any(inventory.device[code].in_service for code in members)
    matched = group_matches(draft.world.rules.group, view.state, bloc) if serving else frozenset()
    for rule in draft.world.rules.group:
        if rule.id in matched:
            incident = _holds(draft, rule, group, bloc=bloc, at=draft.now, cause=view.state)
            if incident is not None:
                _list_impacted(draft, incident, group)
        elif view.state is not PairState.UNKNOWN:
            _ceases(draft, rule, group)


def _collector_rules(draft: Draft) -> None:
    """One incident for a blind collector, never one for each device."""
    collector = draft.world.log
    states = draft.all_devices
    blind = [
        device.code
        for device in draft.world.inventory.devices
        if device.in_service and states[device.code].assessment.cause is Cause.MONITORING
    ]
    for rule in draft.world.rules.collector:
        if blind:
            incident = _holds(draft, rule, collector, bloc=None, at=draft.now, cause=Cause.MONITORING)
            if incident is not None and incident.impacted != tuple(blind):
                draft.put(replace(incident, impacted=tuple(blind)))
        else:
            _ceases(draft, rule, collector)


def _holds(
    draft: Draft, rule: Rule, subject: str, *, bloc: Bloc | None, at: EpochMs, cause: str
) -> Incident | None:
    """The condition holds: open, reopen, or wait for confirmation. The live incident, if there is one."""
    key = (rule.id, subject)
    draft.clearing.pop(key, None)
    incident = draft.latest_incident(key)
    if incident is not None and live(incident):
        return incident
    since = draft.holding.setdefault(key, at)
    if draft.now - since < rule.confirm_ms:
        return None
    draft.holding.pop(key)
    if incident is not None and may_reopen(incident, draft.now):
        incident = replace(
            draft.advance(incident, StepKind.REOPENED, reason=cause), cause=cause, caused_at=since
        )
        draft.put(incident)
    else:
        incident = draft.open(rule, subject, bloc=bloc, t0=since, cause=cause)
    return _climb_one(draft, incident)


def _climb_one(draft: Draft, incident: Incident) -> Incident:
    rule = draft.world.rules.by_id.get(incident.rule)
    if rule is None or not rule.pages or _is_noise(draft, incident):
        return incident
    climbed, pages = plan(incident, draft.world.inventory.contacts, draft.now)
    if climbed is not incident:
        draft.put(climbed)
        draft.page(climbed, pages)
    return climbed


def _ceases(draft: Draft, rule: Rule, subject: str) -> None:
    """The condition does not hold: forget what was waiting, restore what is live after the rule's clear time."""
    key = (rule.id, subject)
    draft.holding.pop(key, None)
    incident = draft.latest_incident(key)
    if incident is None or not live(incident):
        draft.clearing.pop(key, None)
        return
    since = draft.clearing.setdefault(key, draft.now)
    if draft.now - since < rule.clear_ms:
        return
    draft.clearing.pop(key)
    restored = draft.advance(incident, StepKind.RESTORED, reason="condition_ended")
    draft.page(restored, farewell(restored, draft.world.inventory.contacts, draft.now))


def _await(draft: Draft, rule: Rule, subject: str, at: EpochMs) -> None:
    """Open nothing yet: it may turn out to be part of a greater fault. What is open stays open."""
    key = (rule.id, subject)
    draft.clearing.pop(key, None)
    if not live(draft.latest_incident(key)):
        draft.holding.setdefault(key, at)


def _yield(draft: Draft, rule: Rule, subject: str, greater: str) -> None:
    """What was opened for this device is part of the greater fault's incident."""
    key = (rule.id, subject)
    draft.holding.pop(key, None)
    draft.clearing.pop(key, None)
    incident = draft.latest_incident(key)
    if incident is not None and live(incident):
        draft.advance(incident, StepKind.MERGED, reason=f"part_of:{greater}")


def _list_impacted(draft: Draft, incident: Incident, group: GroupCode) -> None:
    children = draft.world.inventory.children.get(group, ())
    impacted = tuple(child for child in children if Flag.IMPACTED in draft.device(child).flags)
    if impacted and impacted != incident.impacted:
        draft.put(replace(draft.incidents.get(incident.id, incident), impacted=impacted))


def _undecided(rule: Rule, state: DeviceState) -> bool:
    """Nothing is known of what the rule asks: an incident stays as it is."""
    return (bool(rule.when.health) and state.assessment.health is Health.UNKNOWN) or (
        bool(rule.when.protection) and state.assessment.protection is Protection.UNKNOWN
    )


def _is_noise(draft: Draft, incident: Incident) -> bool:
    """It opened again because its device flaps: the incident about the flapping has told of it."""
    state = draft.world.inventory.device.get(DeviceCode(incident.subject))
    if state is None or incident.round == 0 or incident.ladder > 0:
        return False
    return Flag.FLAPPING in draft.device(DeviceCode(incident.subject)).flags
