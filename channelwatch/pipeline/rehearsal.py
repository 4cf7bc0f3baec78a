"""A drill: a fault that is not there takes the way of a real one, and leaves no trace in the history of any device.

Injected observations go to a world of their own, the stage, which is a copy of the real one. What the rules make of
them there becomes incidents of the real world, flagged as a drill: the real ladder pages real people about them, and
real acknowledgements stop it. No state, no transition and no figure of availability comes from the stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, RuleId
from channelwatch.incidents.drills import Drill, DrillEnd, devices_of
from channelwatch.incidents.escalation import farewell
from channelwatch.incidents.model import Incident, Severity, StepKind
from channelwatch.incidents.rules import REHEARSED
from channelwatch.pipeline.draft import Draft, Fault
from channelwatch.pipeline.duty import duty_for
from channelwatch.pipeline.ingest import ingest, tick
from channelwatch.pipeline.opening import tell
from channelwatch.pipeline.world import World
from channelwatch.status.events import DrillInjected

ORIGIN = "drill"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a drill is played: a copy of the world, and what of it belongs to the drill."""

    drill: Drill
    world: World
    devices: frozenset[DeviceCode]
    subjects: frozenset[str]
    begun_at: EpochMs


def set_stage(world: World, drill: Drill, now: EpochMs) -> Stage:
    """A copy of `world` as it is now."""
    copy = World(world.inventory, world.rules, world.log, world.policy)
    copy.restore(list(world.devices.values()), dict(world.pairs), list(world.incidents.values()))
    copy.circuit_views.update(world.circuit_views)
    copy.next_incident, copy.next_seq = world.next_incident, world.next_seq
    copy.holding, copy.clearing = dict(world.holding), dict(world.clearing)
    devices = frozenset(devices_of(drill, world.inventory))
    return Stage(drill, copy, devices, _subjects(world, devices), now)


def rehearse(world: World, stage: Stage, injected: Sequence[DrillInjected], now: EpochMs) -> Draft:
    """Let the stage go on, with what was injected or with time alone; the draft is what follows for real people.

    Doing it again after a failed commit makes the same of it.
    """
    _follow(world, stage, now)
    played = (
        ingest(stage.world, [item.observation for item in injected], now)
        if injected
        else tick(stage.world, now)
    )
    played.effects()
    played.adopt()
    draft = Draft(world, now)
    for incident in list(stage.world.incidents.values()):
        if incident.subject in stage.subjects and incident.opened_at >= stage.begun_at:
            _mirror(draft, incident)
    return draft


def strike(world: World, now: EpochMs, why: DrillEnd) -> Draft:
    """End whatever a drill left: everybody who was told of it is told that it is over."""
    draft = Draft(world, now)
    for incident in list(world.incidents.values()):
        if incident.drill and incident.is_live:
            _end(draft, incident, f"drill_ended:{why}")
    return draft


def leftovers(world: World) -> bool:
    """Are there incidents of a drill?"""
    return any(item.drill and item.is_live for item in world.incidents.values())


def real_p1(world: World, since: EpochMs) -> bool:
    """Has something become grave since, in earnest, or does something grave await a person?"""
    return any(
        item.severity is Severity.P1
        and not item.drill
        and item.is_live
        and (item.state.awaits_person or max(item.round_at, item.graded_at) >= since)
        for item in world.incidents.values()
    )


def _follow(world: World, stage: Stage, now: EpochMs) -> None:
    """Everything that is not played on is as it is in earnest; what is, counts as polled."""
    for code, state in world.devices.items():
        if code not in stage.devices:
            stage.world.put_device(state)
    for code in stage.devices:
        if code in stage.world.devices:
            stage.world.put_device(replace(stage.world.devices[code], polled_at=now))


def _mirror(draft: Draft, played: Incident) -> None:
    rule = draft.world.rules.by_id.get(played.rule)
    if rule is None:
        return
    name = RuleId(f"{REHEARSED}{rule.id}")
    real = draft.latest_incident((name, played.subject))
    is_on = real is not None and real.is_live
    if played.is_live and not is_on and (real is None or real.opened_at < played.opened_at):
        fault = Fault(played.subject, played.bloc, played.t0, played.cause, played.impacted)
        opened = draft.open(replace(rule, id=name), fault, origin=ORIGIN)
        flagged = replace(opened, drill=True)
        draft.put(flagged)
        tell(draft, flagged)
    elif is_on and real is not None and not played.is_live:
        _end(draft, real, "condition_ended")
    elif is_on and real is not None and real.impacted != played.impacted:
        draft.put(replace(real, impacted=played.impacted))


def _end(draft: Draft, incident: Incident, reason: str) -> None:
    ended = draft.advance(incident, StepKind.RESTORED, reason=reason, origin=ORIGIN)
    draft.page(ended, farewell(ended, duty_for(draft.world, ended), draft.now))


def _subjects(world: World, devices: frozenset[DeviceCode]) -> frozenset[str]:
    inventory = world.inventory
    groups = {inventory.device[code].ha_group for code in devices}
    circuits = {world.circuit_of[code] for code in devices if code in world.circuit_of}
    blocs = {inventory.bloc_of(code) for code in devices}
    return frozenset([*devices, *(group for group in groups if group), *circuits, *blocs])
