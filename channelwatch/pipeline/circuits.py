"""Clear circuits: when all spokes over one of them are cut off together, the fault is the circuit's.

Nothing is measured on the circuit itself. It is lost while every device in service over it is, by a cause that may lie
on the way, and their hub is not lost; it is back as soon as one of them is heard.
"""

from __future__ import annotations

from collections.abc import Iterable

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode, DeviceCode, GroupCode
from channelwatch.pipeline.draft import Draft, Fault
from channelwatch.pipeline.greater import hub_doubt_ms
from channelwatch.pipeline.opening import cease, hold, wait
from channelwatch.status.states import Cause
from channelwatch.status.topology import CircuitView, circuit_is_lost, hub_is_lost


def follow_circuits(draft: Draft, groups: Iterable[GroupCode]) -> dict[CircuitCode, EpochMs]:
    """Recompute the circuits of touched devices and below touched hubs; those that changed, and when."""
    inventory, of = draft.world.inventory, draft.world.circuit_of
    hubs = (*groups, *(code for code in draft.touched if code in inventory.children))
    below = (child for hub in hubs for child in inventory.children.get(hub, ()))
    changed: dict[CircuitCode, EpochMs] = {}
    for name in dict.fromkeys(of[code] for code in (*draft.touched, *below) if code in of):
        view, lost = draft.circuit(name), _is_lost(draft, name)
        if lost is not None and lost != view.lost:
            at = max(
                (draft.touched.get(code, EpochMs(0)) for code in draft.world.circuits[name]),
                default=draft.now,
            )
            since = at or draft.now
            back = since if view.lost else view.lost_until
            draft.circuits[name] = CircuitView(lost, since, back)
            changed[name] = since
    return changed


def _is_lost(draft: Draft, name: CircuitCode) -> bool | None:
    """While its hub is lost, or nobody knows whether it is, nothing can be told of a circuit."""
    spokes = draft.world.circuits[name]
    hub = draft.world.inventory.parent[spokes[0]]
    if hub_is_lost(hub, draft.all_pairs, draft.all_devices) is not False:
        return None
    return circuit_is_lost(draft.device(code) for code in spokes)


def circuit_rules(draft: Draft, name: CircuitCode, at: EpochMs) -> None:
    """One incident for the circuit, which lists what it took along."""
    view, spokes = draft.circuit(name), draft.world.circuits[name]
    bloc = draft.world.inventory.bloc_of(spokes[0])
    for rule in draft.world.rules.circuit:
        if not view.lost or (rule.when.bloc and bloc not in rule.when.bloc):
            cease(draft, rule, name)
            continue
        fault = Fault(name, bloc, at, Cause.CARRIER, spokes)
        if rule.yields and _hub_is_suspect(draft, spokes[0], view.since):
            wait(draft, rule, fault)
        else:
            hold(draft, rule, fault)


def _hub_is_suspect(draft: Draft, spoke: DeviceCode, since: EpochMs) -> bool:
    """May it still turn out that the hub is lost? Not once it has answered since."""
    return draft.now - since < hub_doubt_ms(draft, draft.world.inventory.parent[spoke], since)


def judge_circuits(draft: Draft, names: Iterable[str]) -> None:
    """Hold what the rules say of circuits against what they are, changed or not."""
    for name in names:
        if name in draft.world.circuits:
            circuit_rules(draft, CircuitCode(name), draft.now)
