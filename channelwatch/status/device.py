"""The state machine of one device: `step(state, observation, policy)` gives the next state and the transitions.

Pure. A reading that changes nothing yields no transition. Confirmation delays when a silence is called down, never
when it began: a transition carries the bounds [t_lo, t_hi] of the true change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.status.derive import assess
from channelwatch.status.events import EventReceived, LatchCleared, MissCause, PollAnswered, PollMissed
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Axis, Cause, Flag, Health, Protection, Reason, Transition

Key = tuple[Signal, str]

LATCHED = frozenset({Signal.CRYPTO_TAMPER})
"""Signals that stay failed until a person clears them."""

SUSTAINED: Mapping[Signal, int] = {Signal.PLATFORM_CPU: 3, Signal.PLATFORM_MEM: 3, Signal.PLATFORM_DISK: 3}
"""Signals that worsen only after so many polls in a row say so."""

_GRAVITY = {SignalState.OK: 0, SignalState.DEGRADED: 1, SignalState.FAILED: 2}
_REACH: Key = (Signal.REACH_SNMP, "")


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """Limits of the state machine. Times in milliseconds."""

    misses_before_down: int = 3
    flap_changes: int = 5
    flap_window_ms: int = 30 * 60_000
    flap_calm: int = 3


@dataclass(frozen=True, slots=True)
class DeviceState:
    """Everything that is known of one device now. Instants are epoch ms, 0 = never."""

    device: DeviceCode
    assessment: Assessment = Assessment()
    health_since: EpochMs = EpochMs(0)
    protection_since: EpochMs = EpochMs(0)
    seen_at: EpochMs = EpochMs(0)
    polled_at: EpochMs = EpochMs(0)
    flags: frozenset[Flag] = frozenset()
    latched: frozenset[Key] = frozenset()
    readings: Mapping[Key, Reading] = field(default_factory=dict)
    since: Mapping[Key, EpochMs] = field(default_factory=dict)
    misses: int = 0
    first_missed_at: EpochMs = EpochMs(0)
    miss_cause: MissCause | None = None
    profile: str = ""
    worsening: Mapping[Key, int] = field(default_factory=dict)
    changes: tuple[EpochMs, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one observation."""

    state: DeviceState
    transitions: tuple[Transition, ...] = ()


def answered(state: DeviceState, poll: PollAnswered, policy: StepPolicy) -> Step:
    """The device answered: its readings replace all earlier ones."""
    fresh = {reading.key: reading for reading in poll.readings}
    fresh[_REACH] = Reading(Signal.REACH_SNMP, SignalState.OK, True, source="poll")
    readings, worsening = _damped(state, fresh)
    seen = replace(
        _with_readings(state, readings, poll.received_at),
        worsening=worsening,
        seen_at=poll.received_at,
        polled_at=poll.received_at,
        misses=0,
        first_missed_at=EpochMs(0),
        miss_cause=None,
        profile=poll.profile,
    )
    began = (
        state.polled_at
        if state.polled_at and state.assessment.cause is not Cause.MONITORING
        else poll.received_at
    )
    return _assessed(
        state, seen, _Edge(began, poll.received_at, poll.received_at, Reason.POLL, "poll"), policy
    )


def missed(
    state: DeviceState, poll: PollMissed, policy: StepPolicy, *, carries_traffic: bool = False
) -> Step:
    """A poll went unanswered. `carries_traffic`: the hub or a fresh event shows this device's tunnel up."""
    if not poll.collector_healthy:
        return Step(state)
    first = state.first_missed_at or poll.sent_at
    now_state = replace(
        state,
        polled_at=poll.received_at,
        misses=state.misses + 1,
        first_missed_at=first,
        miss_cause=poll.cause,
    )
    if now_state.misses < policy.misses_before_down:
        return Step(now_state)
    failed = Reading(Signal.REACH_SNMP, SignalState.FAILED, False, source=f"poll:{poll.cause}")
    now_state = _with_readings(now_state, {**state.readings, _REACH: failed}, poll.received_at)
    wanted, reason = _silent(poll.cause, state.assessment, carries_traffic)
    began = state.seen_at or first
    edge = _Edge(began, max(first, began), poll.received_at, reason, f"poll:{poll.cause}")
    return _moved(state, now_state, wanted, edge, policy)


def event(state: DeviceState, received: EventReceived, policy: StepPolicy) -> Step:
    """A trap or line: only a trusted one that carries readings may change the state."""
    if not received.trusted or not received.readings:
        return Step(state)
    merged = {**state.readings, **{reading.key: reading for reading in received.readings}}
    changed = _with_readings(state, merged, received.received_at)
    at = received.received_at
    return _assessed(state, changed, _Edge(at, at, at, Reason.TRUSTED_EVENT, received.source), policy)


def cleared(state: DeviceState, person: LatchCleared, policy: StepPolicy) -> Step:
    """A person cleared a latch: the signal counts as ok until a device says otherwise again."""
    released = frozenset(key for key in state.latched if key[0] is person.signal)
    kept = {key: _release(reading) if key in released else reading for key, reading in state.readings.items()}
    changed = _with_readings(replace(state, latched=state.latched - released), kept, person.at)
    edge = _Edge(person.at, person.at, person.at, Reason.LATCH_CLEARED, f"person:{person.by}")
    return _assessed(state, changed, edge, policy)


def blind(state: DeviceState, *, since: EpochMs, now: EpochMs, policy: StepPolicy) -> Step:
    """Nobody looked at the device from `since` on: nothing is known, and nothing is held against it."""
    if state.assessment.cause is Cause.MONITORING:
        return Step(state)
    unknown = Assessment(
        Health.UNKNOWN, Protection.UNKNOWN, Cause.MONITORING, state.assessment.security_alarm
    )
    edge = _Edge(since, since, now, Reason.COLLECTOR_BLIND, "collector")
    changed = replace(state, misses=0, first_missed_at=EpochMs(0), miss_cause=None)
    return _moved(state, changed, unknown, edge, policy)


def calmed(state: DeviceState, now: int, policy: StepPolicy) -> DeviceState:
    """Take the flapping flag off once the changes have become rare."""
    recent = tuple(at for at in state.changes if at > now - policy.flap_window_ms)
    if Flag.FLAPPING in state.flags and len(recent) < policy.flap_calm:
        return replace(state, changes=recent, flags=state.flags - {Flag.FLAPPING})
    return state


@dataclass(frozen=True, slots=True)
class _Edge:
    t_lo: int
    t_hi: int
    now: EpochMs
    reason: Reason
    evidence: str


def _damped(state: DeviceState, fresh: dict[Key, Reading]) -> tuple[dict[Key, Reading], dict[Key, int]]:
    """Hold back a sustained signal's worsening until it has lasted its number of polls."""
    worsening: dict[Key, int] = {}
    for key, reading in fresh.items():
        needed = SUSTAINED.get(key[0])
        before = state.readings.get(key)
        if needed is None or reading.state not in _GRAVITY:
            continue
        held = before.state if before is not None and before.state in _GRAVITY else SignalState.OK
        if _GRAVITY[reading.state] <= _GRAVITY[held]:
            continue
        count = state.worsening.get(key, 0) + 1
        if count < needed:
            worsening[key] = count
            fresh[key] = replace(reading, state=held)
    return fresh, worsening


def _with_readings(state: DeviceState, readings: Mapping[Key, Reading], at: EpochMs) -> DeviceState:
    """`state` holding `readings`, with latched signals kept failed and the instants of change carried over."""
    latched = state.latched | {
        key for key, reading in readings.items() if key[0] in LATCHED and reading.state is SignalState.FAILED
    }
    held = dict(readings)
    for key in latched:
        reading = held.get(key)
        if reading is None or reading.state is not SignalState.FAILED:
            held[key] = Reading(key[0], SignalState.FAILED, "latched", component=key[1], source="latch")
    since = {}
    for key, reading in held.items():
        before = state.readings.get(key)
        unchanged = before is not None and before.state is reading.state
        since[key] = state.since.get(key, at) if unchanged else at
    return replace(state, readings=held, since=since, latched=latched)


def _release(reading: Reading) -> Reading:
    return replace(reading, state=SignalState.OK, value="clear", source="person")


def _silent(cause: MissCause, before: Assessment, carries_traffic: bool) -> tuple[Assessment, Reason]:
    alarm = before.security_alarm
    if cause.is_credential:
        return Assessment(Health.UNKNOWN, Protection.UNKNOWN, Cause.AUTH, alarm), Reason.CREDENTIAL_REFUSED
    if not cause.is_silence:
        return Assessment(Health.UNKNOWN, Protection.UNKNOWN, Cause.HARDWARE, alarm), Reason.MISSES
    health = Health.DEGRADED if carries_traffic else Health.DOWN
    return Assessment(health, Protection.UNKNOWN, Cause.UNREACHABLE, alarm), Reason.MISSES


def _assessed(before: DeviceState, changed: DeviceState, edge: _Edge, policy: StepPolicy) -> Step:
    """Re-assess after new readings; a device that is silent or unseen stays so until it answers a poll."""
    if edge.reason is not Reason.POLL and before.assessment.cause in (
        Cause.UNREACHABLE,
        Cause.MONITORING,
        Cause.AUTH,
    ):
        tampered = any(
            reading.state is SignalState.FAILED
            for key, reading in changed.readings.items()
            if key[0] in LATCHED
        )
        wanted = replace(before.assessment, security_alarm=tampered)
    else:
        wanted = assess(changed.readings.values())
    return _moved(before, changed, wanted, edge, policy)


def _moved(
    before: DeviceState, changed: DeviceState, wanted: Assessment, edge: _Edge, policy: StepPolicy
) -> Step:
    old = before.assessment
    transitions: list[Transition] = []
    health_moved, protection_moved = wanted.health is not old.health, wanted.protection is not old.protection
    if health_moved or wanted.cause is not old.cause:
        transitions.append(_transition(before, Axis.HEALTH, old.health, wanted.health, wanted.cause, edge))
    if protection_moved:
        transitions.append(
            _transition(before, Axis.PROTECTION, old.protection, wanted.protection, wanted.cause, edge)
        )
    flags = changed.flags - {Flag.SECURITY_ALARM}
    flags |= {Flag.SECURITY_ALARM} if wanted.security_alarm else frozenset()
    changes = changed.changes
    if health_moved and Health.UNKNOWN not in (old.health, wanted.health):
        changes = (*(at for at in changes if at > edge.now - policy.flap_window_ms), edge.now)
        flags |= {Flag.FLAPPING} if len(changes) >= policy.flap_changes else frozenset()
    state = replace(
        changed,
        assessment=wanted,
        flags=flags,
        changes=changes,
        health_since=EpochMs(edge.t_hi) if health_moved else changed.health_since,
        protection_since=EpochMs(edge.t_hi) if protection_moved else changed.protection_since,
    )
    return Step(state, tuple(transitions))


def _transition(before: DeviceState, axis: Axis, old: str, new: str, cause: Cause, edge: _Edge) -> Transition:
    assert edge.t_lo <= edge.t_hi, "a change cannot end before it began"
    return Transition(
        before.device, axis, old, new, cause, edge.reason, edge.t_lo, edge.t_hi, edge.now, edge.evidence
    )
