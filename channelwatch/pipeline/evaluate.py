"""From changed devices to groups, impact and incidents. Evaluated on write, only for what was touched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode, DeviceCode, GroupCode, RuleId
from channelwatch.incidents.escalation import has_lapsed
from channelwatch.incidents.model import EndReason, Incident, StepKind, SubjectKind
from channelwatch.incidents.rules import OwnFault, Rule, gravest, group_matches, takes_spokes
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.circuits import circuit_rules, follow_circuits, judge_circuits
from channelwatch.pipeline.draft import Draft, Fault
from channelwatch.pipeline.greater import Whose, is_of_one_moment, standing, taken_along
from channelwatch.pipeline.opening import (
    cease,
    end,
    follow_clock,
    hold,
    is_live,
    is_pending,
    merge,
    outlived,
    raise_overdue,
    tell,
    tell_growth,
    wait,
)
from channelwatch.pipeline.tally import fading, loudest, reached
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import SignalState
from channelwatch.status.states import Cause, Flag, Health, PairState, Protection
from channelwatch.status.topology import group_state, hub_is_lost

TICK_MS = 1_000
"""How often the sweep comes round."""

_NEED_BOTH = frozenset({PairState.LOST, PairState.SPLIT})
"""What the claims of both members prove together."""
_BLINDNESS = frozenset({OwnFault.BLIND, OwnFault.LOST})


def evaluate(draft: Draft) -> None:
    """Bring groups, impact flags and incidents up to date with the devices touched in this draft."""
    groups = _groups(draft)
    circuits = follow_circuits(draft, groups)
    _impact(draft, groups, circuits)
    for group, at in groups.items():
        _group_rules(draft, group, at)
    for circuit, since in circuits.items():
        circuit_rules(draft, circuit, since)
    for bloc in _blocs(draft):
        _bloc_rules(draft, bloc)
    restless = _restless(draft)
    for code in _hubs_first(draft, draft.touched):
        _device_rules(draft, code, draft.touched[code], restless)


def sweep(draft: Draft) -> None:
    """Decide what only time decides: confirmations, clearings, the collector's own incident, what is forgotten."""
    follow_clock(draft)
    waiting = dict.fromkeys(subject for _, subject in (*draft.holding, *draft.clearing))
    judge(draft, (*waiting, *fading(draft), *_next_share(draft)))
    _collector_rules(draft)
    policy = draft.world.policy
    draft.outlived += outlived(
        list(draft.world.incidents.values()),
        draft.now,
        keep_ms=policy.keep_ended_ms,
        limit=policy.keep_restored,
    )


def judge(draft: Draft, subjects: Iterable[str]) -> None:
    """Hold what the rules say of `subjects` (devices, groups, blocs) against what they are, changed or not."""
    names, inventory = dict.fromkeys(subjects), draft.world.inventory
    devices = [DeviceCode(name) for name in names if name in inventory.device]
    groups = dict.fromkeys(inventory.device[code].ha_group for code in devices)
    for group in inventory.members:
        if group in names or group in groups:
            _group_rules(draft, group, draft.now)
    for bloc in draft.world.spokes:
        if bloc in names:
            _bloc_rules(draft, bloc)
    judge_circuits(draft, names)
    restless = _restless(draft)
    for code in _hubs_first(draft, devices):
        _device_rules(draft, code, draft.now, restless)


def _restless(draft: Draft) -> frozenset[str]:
    """The subjects of which some rule waits or has an incident: the end of a condition can matter to no other.

    Taken before devices are judged: what is opened about one concerns no rule that does not match it.
    """
    known = (draft.holding, draft.clearing, draft.world.latest, draft.latest)
    return frozenset(subject for keys in known for _, subject in keys)


def _next_share(draft: Draft) -> tuple[str, ...]:
    """The subjects whose turn it is: every one comes within the time of the safety sweep, a share at each tick."""
    order, ticks = draft.world.order, draft.world.policy.safety_sweep_ms // TICK_MS
    first = draft.next_swept if draft.next_swept < len(order) else 0
    draft.next_swept = first + -(-len(order) // ticks)
    wider = (*draft.world.spokes, *draft.world.circuits) if first == 0 else ()
    return (*order[first : draft.next_swept], *wider)


def climb(draft: Draft) -> None:
    """Page whoever is due for incidents that nobody has acknowledged, that grow, or that last too long."""
    for number, incident in draft.world.incidents.items():
        current = draft.incidents.get(number, incident)
        if current.is_live:
            current = raise_overdue(draft, current)
            tell_growth(draft, current)
            current = draft.incidents.get(number, current)
        if has_lapsed(current, draft.now):
            current = draft.advance(current, StepKind.ACK_EXPIRED, reason=f"acked_by:{current.acked_by}")
        if current.state.awaits_person:
            tell(draft, current)


def retire(draft: Draft) -> None:
    """End the incidents of subjects that the inventory, or of rules that the rule files, no longer have."""
    for incident in list(draft.world.incidents.values()):
        if not incident.is_live:
            continue
        if not draft.world.knows(incident.subject):
            end(draft, incident, EndReason.SUBJECT_REMOVED)
        elif draft.world.rules.of(incident.rule) is None:
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
        found, view = group_state(group, inventory, draft.all_devices), draft.pair(group)
        if found is not None and found != (view.state, view.serves):
            draft.take_pair(group, *found, at)
    return groups


def _impact(draft: Draft, groups: Iterable[GroupCode], circuits: Iterable[CircuitCode]) -> None:
    """Mark or release touched devices, the spokes of touched hubs and those over changed circuits.

    While a hub's fate is unknown, nothing moves.
    """
    inventory = draft.world.inventory
    hubs = (*groups, *(code for code in draft.touched if code in inventory.children))
    below = [child for hub in hubs for child in inventory.children.get(hub, ())]
    over = [code for name in circuits for code in draft.world.circuits[name]]
    fates: dict[str, bool | None] = {}
    for code in dict.fromkeys((*draft.touched, *below, *over)):
        hub = inventory.parent.get(code)
        if hub is None:
            lost: bool | None = False
        elif hub in fates:
            lost = fates[hub]
        else:
            lost = fates[hub] = hub_is_lost(hub, draft.all_pairs, draft.all_devices)
        circuit = draft.world.circuit_of.get(code)
        if lost is False and circuit is not None:
            lost = draft.circuit(circuit).lost
        state = draft.device(code)
        if lost is not None and (Flag.IMPACTED in state.flags) != lost:
            flags = state.flags | {Flag.IMPACTED} if lost else state.flags - {Flag.IMPACTED}
            draft.devices[code] = replace(state, flags=flags)
            draft.touched.setdefault(code, draft.now)


def _device_rules(draft: Draft, code: DeviceCode, at: EpochMs, restless: frozenset[str]) -> None:
    inventory, rules = draft.world.inventory, draft.world.rules.device
    if not inventory.device[code].in_service:
        _out_of_service(draft, rules, code)
        return
    state, bloc = draft.device(code), inventory.bloc_of(code)
    matched = draft.world.rules.device_matches(state, bloc, is_hub=code in inventory.children)
    matched |= reached(draft, code)
    if code not in restless:
        rules = tuple(rule for rule in rules if rule.id in matched) if matched else ()
    for rule in rules:
        if rule.id in matched:
            fault = Fault(code, bloc, at, state.assessment.cause, _impacted(draft, rule, code))
            _met(draft, rule, fault, matched)
        elif is_pending(draft, (rule.id, code)) and not _undecided(rule, state):
            cease(draft, rule, code)


def _met(draft: Draft, rule: Rule, fault: Fault, matched: frozenset[RuleId]) -> None:
    """A device meets the rule's condition: whose fault is it, and which rule speaks for it?"""
    code = DeviceCode(fault.subject)
    inhibitors = draft.world.rules.inhibitors.get(rule.id, ())
    above = next((item for item in inhibitors if item.id in matched), None)
    if above is not None:
        _keep_back(draft, rule, fault, above)
        return
    found = standing(draft, rule, code, draft.holding.get((rule.id, code), fault.at))
    match found.whose:
        case Whose.OWN:
            hold(draft, rule, fault)
        case Whose.GREATER:
            merge(draft, rule, code, found.of)
        case Whose.UNDECIDED:
            wait(draft, rule, fault)


def _keep_back(draft: Draft, rule: Rule, fault: Fault, above: Rule) -> None:
    """Another rule speaks for this one's fault: once it has, what was opened is part of it."""
    if is_live(draft, (above.id, fault.subject)):
        merge(draft, rule, fault.subject, above.id)
    else:
        wait(draft, rule, fault)


def _blocs(draft: Draft) -> dict[Bloc, None]:
    """Blocs in which a spoke fell, came back, or was found to be cut off with its hub."""
    world, found = draft.world, dict[Bloc, None]()
    if not world.rules.bloc:
        return found
    for code in draft.touched:
        if code in world.inventory.parent and _is_news(draft.device(code)) != _is_news(world.devices[code]):
            found[world.inventory.bloc_of(code)] = None
    return found


def _counts(state: DeviceState) -> bool:
    """Is a spoke down, and not because its hub is lost?"""
    return state.assessment.health is Health.DOWN and Flag.IMPACTED not in state.flags


def _is_news(state: DeviceState) -> tuple[bool, bool]:
    """Whether it counts, and whether that was planned."""
    return _counts(state), Flag.MAINTENANCE in state.flags


def _is_cut_off(draft: Draft, state: DeviceState) -> bool:
    """Is a spoke down with the circuit that carries it? Its hub then works."""
    circuit = draft.world.circuit_of.get(state.device)
    return circuit is not None and draft.circuit(circuit).lost and state.assessment.health is Health.DOWN


def _bloc_rules(draft: Draft, bloc: Bloc) -> None:
    """Many communes that fall together are one incident, which lists them."""
    spokes, rules = draft.world.spokes.get(bloc, ()), draft.world.rules.bloc
    listed = {rule.id: _together(draft, rule, bloc) for rule in rules}
    matched = gravest(
        rule for rule in rules if rule.when.holds_for_bloc(len(listed[rule.id]), len(spokes), bloc)
    )
    for rule in rules:
        if rule.id in matched:
            hold(draft, rule, Fault(bloc, bloc, draft.now, Cause.NONE, listed[rule.id]))
    for rule in rules:
        if rule.id not in matched:
            _give_way(draft, rule, bloc, [item for item in rules if item.id in matched])


def _together(draft: Draft, rule: Rule, bloc: Bloc) -> tuple[DeviceCode, ...]:
    """Those of a bloc's fallen communes that fell together: a commune that has been down for long is no storm.

    Of what its incident lists already, only those are left out that are known to be well.
    """
    incident = draft.latest_incident((rule.id, bloc))
    known = frozenset(incident.impacted if incident is not None and incident.is_live else ())
    states = [draft.device(code) for code in draft.world.spokes.get(bloc, ())]
    within = rule.when.within_ms
    fresh = {
        state.device
        for state in states
        if (
            _counts(state) and draft.now - state.health_since < within
            if within
            else _counts(state) or _is_cut_off(draft, state)
        )
    }
    if within and len(fresh) < (rule.when.communes_down or 1):
        fresh = set()
    found = [
        state
        for state in states
        if state.device in fresh
        or (state.device in known and (_counts(state) or state.assessment.health is Health.UNKNOWN))
    ]
    return tuple(state.device for state in _unplanned(rule, found, len(states), bloc))


def _unplanned(rule: Rule, found: list[DeviceState], of: int, bloc: Bloc) -> list[DeviceState]:
    """Where most of those that fell are being worked on, the work explains it: the others count by themselves."""
    planned = [state for state in found if Flag.MAINTENANCE in state.flags]
    if 2 * len(planned) <= len(found):
        return found
    others = [state for state in found if Flag.MAINTENANCE not in state.flags]
    return others if rule.when.holds_for_bloc(len(others), of, bloc) else planned


def _give_way(draft: Draft, rule: Rule, subject: str, matched: Sequence[Rule]) -> None:
    """A rule that does not count: over, or part of a graver one's incident."""
    graver = next((item for item in matched if item.severity < rule.severity), None)
    if graver is None:
        incident = draft.latest_incident((rule.id, subject))
        # Communes are no less cut off for its being known by what.
        greater = taken_along(draft, incident.impacted) if incident is not None else None
        cease(draft, rule, subject, greater=greater if rule.subject is SubjectKind.BLOC else None)
    elif is_live(draft, (graver.id, subject)):
        merge(draft, rule, subject, graver.id)


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
            fault = Fault(group, bloc, at, state, _impacted(draft, rule, group))
            if state in _NEED_BOTH and not is_of_one_moment(draft, group):
                wait(draft, rule, fault)
            else:
                hold(draft, rule, fault)
    for rule in rules:
        if rule.id not in matched and state is not PairState.UNKNOWN:
            _give_way(draft, rule, group, [item for item in rules if item.id in matched])


def _collector_rules(draft: Draft) -> None:
    """What is wrong with the monitoring itself; one incident for a blind collector, never one for each device."""
    world, devices = draft.world, draft.world.inventory.device
    seen_now = draft.devices
    blind = [
        code
        for code, state in world.devices.items()
        if seen_now.get(code, state).assessment.cause is Cause.MONITORING and devices[code].in_service
    ]
    overdue = any(draft.now - draft.device(code).polled_at > world.blind_after_ms[code] for code in blind)
    watched = sum(1 for item in world.inventory.devices if item.in_service)
    faults = world.own_faults | ({OwnFault.DUTY_GAP} if world.duty_gaps else set())
    if overdue:
        faults |= {OwnFault.BLIND} if len(blind) < watched else {OwnFault.BLIND, OwnFault.LOST}
    counted = reached(draft, world.log)
    lost = next((rule for rule in world.rules.collector if OwnFault.LOST in rule.when.own), None)
    for rule in world.rules.collector:
        asks_blind = not rule.when.own.isdisjoint(_BLINDNESS)
        if lost is not None and OwnFault.BLIND in rule.when.own and is_live(draft, (lost.id, world.log)):
            merge(draft, rule, world.log, lost.id)
        elif rule.when.holds_for_collector(faults) or rule.id in counted:
            listed = tuple(blind) if asks_blind else ()
            hold(draft, rule, Fault(world.log, None, draft.now, Cause.MONITORING, listed))
            _name_sources(draft, rule)
        elif not (asks_blind and blind):
            cease(draft, rule, world.log)
        else:
            draft.holding.pop((rule.id, world.log), None)


def _name_sources(draft: Draft, rule: Rule) -> None:
    """Who it was stands in the incident that has just opened, and in no message."""
    incident = draft.latest_incident((rule.id, draft.world.log))
    if rule.when.per_source and incident is not None and incident.is_live and incident.round_at == draft.now:
        draft.advance(incident, StepKind.NOTE, reason=", ".join(loudest(draft, rule)))


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
    if not when.signal:
        return False
    return not state.has_answered or any(
        key[0] in when.signal and reading.state is SignalState.UNKNOWN
        for key, reading in state.readings.items()
    )
