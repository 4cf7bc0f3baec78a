"""From observations to one draft: pure, so that the same batch on the same world gives the same draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import DeviceCode, GroupCode, IncidentId
from channelwatch.incidents.model import Incident, StepKind
from channelwatch.incidents.restraint import spent
from channelwatch.incidents.rules import group_matches
from channelwatch.inventory.model import Inventory
from channelwatch.pipeline.arrivals import SetAside, note
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.evaluate import climb, evaluate, retire, sweep
from channelwatch.pipeline.external import leave_to_ours
from channelwatch.pipeline.maintenance import keep
from channelwatch.pipeline.opening import is_live
from channelwatch.pipeline.ports import CurrentRow, Snapshot
from channelwatch.pipeline.tally import count, count_stranger, recount
from channelwatch.pipeline.world import World
from channelwatch.status.continuity import Backing, serves
from channelwatch.status.device import (
    DeviceState,
    StepPolicy,
    answered,
    blind,
    calmed,
    cleared,
    event,
    missed,
    parted,
)
from channelwatch.status.events import (
    CollectorAlive,
    DrillInjected,
    EventReceived,
    LatchCleared,
    Observation,
    PollAnswered,
    PollMissed,
    RogueSource,
)
from channelwatch.status.states import Flag, Health, PairState
from channelwatch.status.topology import PairView, tunnel_seen_up


def ingest(world: World, batch: Sequence[Observation], now: EpochMs) -> Draft:
    """Apply `batch` in order. Observations of devices that the inventory does not have are set aside."""
    draft = Draft(world, now)
    for observation in batch:
        _observe(draft, observation)
    evaluate(draft)
    return draft


def tick(world: World, now: EpochMs) -> Draft:
    """What time alone changes: blind devices, calmed flapping, confirmations, escalation."""
    draft, limits = Draft(world, now), world.blind_after_ms
    blinded = 0
    for code, state in world.devices.items():
        if not 0 < state.polled_at <= now:
            # Never polled yet, or the clock was set back: its polls are awaited from now on.
            draft.devices[code] = replace(state, polled_at=now)
        elif now - state.polled_at > limits[code]:
            if not state.is_blind and blinded < world.policy.blind_batch:
                # What came of a poll that was not answered, and not asked again, nobody knows.
                since = EpochMs(min(state.known_at or state.polled_at, state.polled_at))
                draft.take(blind(state, since=since, now=now, policy=world.policy.step), now)
                blinded += 1
        elif state.flags:
            calm = calmed(state, now, world.policy.step)
            if calm is not state:
                draft.devices[code] = calm
                draft.touched.setdefault(code, now)
    keep(draft)
    evaluate(draft)
    sweep(draft)
    leave_to_ours(draft)
    climb(draft)
    return draft


def revise(world: World, inventory: Inventory, now: EpochMs) -> Draft:
    """Take a new inventory version at once; the draft is what follows from it for groups and incidents."""
    devices = [state for code, state in world.devices.items() if code not in inventory.device]
    pairs = {code: view for code, view in world.pairs.items() if code not in inventory.members}
    world.set_inventory(inventory)
    draft = Draft(world, now)
    draft.is_revision = True
    for state in devices:
        draft.part(parted(state, now=now, policy=world.policy.step))
    for code, view in pairs.items():
        draft.part_pair(code, view)
    draft.touched.update(dict.fromkeys(world.devices, now))
    retire(draft)
    evaluate(draft)
    return draft


def resume(world: World, snapshot: Snapshot, now: EpochMs) -> Draft:
    """Take up the stored state. Time since the collector was last alive is blind time, not an outage."""
    world.next_incident, world.next_seq = snapshot.next_incident, snapshot.next_seq
    states = [_restored(row, now, world.policy.step) for row in snapshot.current]
    pairs = {
        GroupCode(row.group): PairView(
            row.state, row.since, serves=None if row.state is PairState.UNKNOWN else False
        )
        for row in snapshot.pairs
    }
    world.restore(states, pairs, list(snapshot.incidents))
    world.budgets = spent(snapshot.told)
    draft = Draft(world, now)
    # Without a heartbeat, the last answer that is on record says until when anybody looked.
    last_answer = max((row.seen_at for row in snapshot.current), default=now)
    alive = min(last_answer if snapshot.alive_until is None else snapshot.alive_until, now)
    for code, state in world.devices.items():
        limit = world.blind_after_ms[code]
        backing = _backing(state, snapshot.backed.get(code), EpochMs(alive - limit), limit)
        draft.devices[code] = awaited = replace(state, polled_at=now, backing=backing)
        if not state.is_blind and now - max(alive, state.health_since) > limit:
            draft.take(blind(awaited, since=EpochMs(alive), now=now, policy=world.policy.step), now)
        elif not state.is_blind:
            # Whatever was not confirmed for so long would have been called down or blind.
            draft.devices[code] = replace(awaited, known_at=EpochMs(alive - limit))
        draft.touched.setdefault(code, now)
    recount(draft, snapshot.recent_events)
    _go_on_confirming(draft)
    retire(draft)
    evaluate(draft)
    return draft


def _go_on_confirming(draft: Draft) -> None:
    """A group's state holds since it is on record to hold: however often the process ends, its rule confirms."""
    world = draft.world
    for group, members in world.inventory.members.items():
        view, bloc = world.pairs[group], world.inventory.bloc_of(members[0])
        for name in group_matches(world.rules.group, view.state, bloc):
            if not is_live(draft, (name, group)):
                draft.holding[name, group] = EpochMs(min(view.since, draft.now))


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
    if isinstance(observation, EventReceived) and not (observation.trusted and observation.readings):
        # It can change no state, and a flood is made of such: the short way to the record.
        _take_record(draft, observation)
        return
    match observation:
        case RogueSource():
            draft.rogues.append(observation)
            count_stranger(draft, observation)
        case CollectorAlive() | DrillInjected():
            pass  # The one is recorded, the other rehearsed, apart from what devices are.
        case PollAnswered() | PollMissed() | EventReceived() | LatchCleared():
            reason = _untimely(draft, observation)
            if reason is None:
                _observe_device(draft, observation)
            else:
                draft.set_aside.append((observation, reason))
        case _:
            assert_never(observation)


def _take_record(draft: Draft, received: EventReceived) -> None:
    if received.device in draft.world.devices:
        count(draft, received)
        _record(draft, received)
    else:
        draft.set_aside.append((received, SetAside.UNKNOWN_DEVICE))


def _untimely(
    draft: Draft, observation: PollAnswered | PollMissed | EventReceived | LatchCleared
) -> SetAside | None:
    """Why it changes no state. An event is recorded all the same: two that look alike may be two."""
    if observation.device not in draft.world.devices:
        return SetAside.UNKNOWN_DEVICE
    if isinstance(observation, LatchCleared):
        return None
    reason = note(draft.heard, observation, draft.now)
    if reason is not None and isinstance(observation, EventReceived):
        _record(draft, observation)
    return reason


def _record(draft: Draft, received: EventReceived) -> None:
    draft.events.append(received._replace(readings=()) if received.readings else received)


def _observe_device(
    draft: Draft, observation: PollAnswered | PollMissed | EventReceived | LatchCleared
) -> None:
    state, policy = draft.device(observation.device), draft.world.policy.step
    gap = draft.world.longest_gap_ms(observation.device)
    match observation:
        case PollAnswered():
            draft.take(answered(state, observation, policy, longest_gap_ms=gap), observation.received_at)
        case PollMissed():
            carries = _carries_traffic(draft, observation.device)
            step = missed(state, observation, policy, carries_traffic=carries, longest_gap_ms=gap)
            draft.take(step, observation.received_at)
        case EventReceived():
            step = event(state, observation, policy)
            if step.state is not state:
                draft.take(step, observation.received_at)
            count(draft, observation)
            _record(draft, observation)
        case LatchCleared():
            draft.take(cleared(state, observation, policy), observation.at)
            _note_clearing(draft, observation)
        case _:
            assert_never(observation)


def _note_clearing(draft: Draft, person: LatchCleared) -> None:
    """Who cleared it stands in the incident, also where no state changed with it."""
    for rule in draft.world.rules.device:
        incident = draft.latest_incident((rule.id, person.device))
        if person.signal in rule.when.signal and incident is not None and incident.is_live:
            reason = f"latch_cleared:{person.signal}"
            draft.advance(incident, StepKind.NOTE, reason=reason, by=person.by, origin="device")


def _carries_traffic(draft: Draft, device: DeviceCode) -> bool:
    fresh = draft.now - 2 * draft.world.poll_period_ms(device)
    return tunnel_seen_up(device, draft.world.inventory, draft.all_devices, newer_than=fresh)


def _backing(state: DeviceState, since: EpochMs | None, known_at: EpochMs, limit: int) -> Backing:
    """What was backed before a restart, `since` by what is stored; known to have served until `known_at`, or, if it is
    unknown by now, until shortly before it became so."""
    is_backed, first = since is not None, since or EpochMs(0)
    health = state.assessment.health
    if health is Health.UNKNOWN:
        good = EpochMs(state.health_since - limit) if is_backed else EpochMs(0)
    else:
        good = known_at if serves(health) else EpochMs(0)
    return Backing(is_backed, first, EpochMs(max(first, good)))


def _restored(row: CurrentRow, now: EpochMs, policy: StepPolicy) -> DeviceState:
    """A device's state as stored. Whether it still flaps is not known: it is calm no sooner than if it did."""
    flaps = Flag.FLAPPING in row.flags
    return DeviceState(
        row.device,
        assessment=row.assessment,
        health_since=row.health_since,
        protection_since=row.protection_since,
        seen_at=row.seen_at,
        flags=row.flags,
        latched=row.latched,
        changes=(now,) * policy.flap_calm if flaps else (),
    )
