"""From observations to one draft: pure, so that the same batch on the same world gives the same draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import DeviceCode, GroupCode, IncidentId
from channelwatch.incidents.model import Incident, StepKind
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.evaluate import climb, evaluate, sweep
from channelwatch.pipeline.ports import Snapshot
from channelwatch.pipeline.world import World
from channelwatch.status.device import DeviceState, answered, blind, calmed, cleared, event, missed
from channelwatch.status.events import (
    CollectorAlive,
    EventReceived,
    LatchCleared,
    Observation,
    PollAnswered,
    PollMissed,
    RogueSource,
)
from channelwatch.status.states import Cause
from channelwatch.status.topology import PairView, tunnel_seen_up


def ingest(world: World, batch: Sequence[Observation], now: EpochMs) -> Draft:
    """Apply `batch` in order. Observations of devices that the inventory no longer has are passed over."""
    draft = Draft(world, now)
    for observation in batch:
        _observe(draft, observation)
    evaluate(draft)
    return draft


def tick(world: World, now: EpochMs) -> Draft:
    """What time alone changes: blind devices, calmed flapping, confirmations, escalation."""
    draft = Draft(world, now)
    for code, state in world.devices.items():
        limit = int(world.poll_period_ms(code) * world.policy.blind_periods)
        if state.polled_at and now - state.polled_at > limit:
            step = blind(state, since=state.polled_at, now=now, policy=world.policy.step)
            if step.transitions:
                draft.take(step, now)
        elif state.flags:
            calm = calmed(state, now, world.policy.step)
            if calm is not state:
                draft.devices[code] = calm
                draft.touched.setdefault(code, now)
    evaluate(draft)
    sweep(draft)
    climb(draft)
    return draft


def resume(world: World, snapshot: Snapshot, now: EpochMs) -> Draft:
    """Take up the stored state. Time since the collector was last alive is blind time, not an outage."""
    world.next_incident, world.next_seq = snapshot.next_incident, snapshot.next_seq
    states = [
        DeviceState(
            row.device,
            assessment=row.assessment,
            health_since=row.health_since,
            protection_since=row.protection_since,
            seen_at=row.seen_at,
            flags=row.flags,
            latched=row.latched,
        )
        for row in snapshot.current
    ]
    pairs = {GroupCode(row.group): PairView(row.state, row.since) for row in snapshot.pairs}
    world.restore(states, pairs, list(snapshot.incidents))
    draft = Draft(world, now)
    alive = snapshot.alive_until
    for code, state in world.devices.items():
        if state.assessment.cause is Cause.MONITORING:
            continue
        since = EpochMs(max(alive or now, state.health_since))
        if now - since > world.poll_period_ms(code) * world.policy.blind_periods:
            draft.take(blind(state, since=since, now=now, policy=world.policy.step), now)
        else:
            draft.devices[code] = replace(state, polled_at=since)
    return draft


def acknowledge(world: World, incident: int, *, by: str, origin: str, now: EpochMs) -> tuple[Draft, Incident]:
    """A person takes an incident. Saying so twice changes nothing. Permanent when there is none or it is over."""
    found = world.incidents.get(IncidentId(incident))
    if found is None:
        raise Permanent("no such incident", operation="acknowledge", subject=str(incident))
    draft = Draft(world, now)
    if found.acked_at is not None and not found.state.awaits_person:
        return draft, found
    return draft, draft.advance(found, StepKind.ACKED, reason="", by=by, origin=origin)


def _observe(draft: Draft, observation: Observation) -> None:
    match observation:
        case RogueSource():
            draft.rogues.append(observation)
        case CollectorAlive():
            pass
        case PollAnswered() | PollMissed() | EventReceived() | LatchCleared():
            if observation.device in draft.world.devices:
                _observe_device(draft, observation)
        case _:
            assert_never(observation)


def _observe_device(
    draft: Draft, observation: PollAnswered | PollMissed | EventReceived | LatchCleared
) -> None:
    state, policy = draft.device(observation.device), draft.world.policy.step
    match observation:
        case PollAnswered():
            draft.take(answered(state, observation, policy), observation.received_at)
        case PollMissed():
            carries = _carries_traffic(draft, observation.device)
            draft.take(missed(state, observation, policy, carries_traffic=carries), observation.received_at)
        case EventReceived():
            draft.events.append(replace(observation, readings=()))
            draft.take(event(state, observation, policy), observation.received_at)
        case LatchCleared():
            draft.take(cleared(state, observation, policy), observation.at)
        case _:
            assert_never(observation)


def _carries_traffic(draft: Draft, device: DeviceCode) -> bool:
    fresh = draft.now - 2 * draft.world.poll_period_ms(device)
    return tunnel_seen_up(device, draft.world.inventory, draft.all_devices, newer_than=fresh)
