"""The state machine of one device: `step(state, observation, policy)` gives the next state and the transitions.

Pure. A reading that changes nothing yields no transition. Confirmation delays when a silence is called down, never
when it began: a transition carries the bounds [t_lo, t_hi] of the true change.

Instants come from the wall clock, which may be set back at any time. Bounds are therefore cut to what is possible:
not before the state that they end, and not after the moment of recording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.status.continuity import (
    Backing,
    Continuity,
    Verdict,
    Witness,
    ended,
    judged,
    serves,
    witness,
)
from channelwatch.status.derive import assess
from channelwatch.status.events import EventReceived, LatchCleared, MissCause, PollAnswered, PollMissed
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Axis, Cause, Flag, Health, Protection, Reason, Transition

Key = tuple[Signal, str]

LATCHED = frozenset({Signal.CRYPTO_TAMPER})
"""Signals that stay failed until a person clears them."""

SUSTAINED: Mapping[Signal, int] = {Signal.PLATFORM_CPU: 3, Signal.PLATFORM_MEM: 3, Signal.PLATFORM_DISK: 3}
"""Signals that worsen only after so many polls in a row say so."""

HELD_FAMILIES = frozenset({"cert", "key", "power", "env", "time"})
"""Families of signals that last. Of a tunnel, a role or a load, what an event told a minute ago may be over, and its
end may have got lost: there the next answer stands for everything."""

MAX_READINGS = 4096
"""Readings kept of one device: events may name components, and no device has so many."""

MAX_TOLD = 256
"""Of these, faults that only events tell."""

_GRAVITY = {SignalState.OK: 0, SignalState.DEGRADED: 1, SignalState.FAILED: 2}
_HEALTH_GRAVITY = {Health.UP: 0, Health.DEGRADED: 1, Health.DOWN: 2, Health.UNKNOWN: 3}
_PROTECTION_GRAVITY = {
    Protection.UNKNOWN: 0,
    Protection.SECURED: 0,
    Protection.WEAKENED: 1,
    Protection.EXPOSED: 2,
}
_REACH: Key = (Signal.REACH_SNMP, "")
_NOTHING: Mapping[Key, EpochMs] = MappingProxyType({})
_UPTIME = "counter:sys.uptime"


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """Limits of the state machine. Times in milliseconds.

    `told_hold_ms`: so long what an event told stands beside answers that do not speak of it; devices that warn daily of
    a certificate are a little late at times.
    """

    misses_before_down: int = 3
    flap_changes: int = 5
    flap_window_ms: int = 30 * 60_000
    flap_calm: int = 3
    told_hold_ms: int = 26 * 3_600_000


@dataclass(frozen=True, slots=True)
class DeviceState:
    """Everything that is known of one device now. Instants are epoch ms, 0 = never.

    `seen_at` is the last usable answer, `polled_at` the last poll that counts, answered or not. `known_at` is until
    when the present state is known to have lasted: what changes next changed after it. `has_answered`: its readings
    are a whole answer of this process' time, not only what events told since the start. `told`: faults that an event
    told of, and when it last did.
    """

    device: DeviceCode
    assessment: Assessment = Assessment()
    health_since: EpochMs = EpochMs(0)
    protection_since: EpochMs = EpochMs(0)
    seen_at: EpochMs = EpochMs(0)
    polled_at: EpochMs = EpochMs(0)
    known_at: EpochMs = EpochMs(0)
    has_answered: bool = False
    flags: frozenset[Flag] = frozenset()
    latched: frozenset[Key] = frozenset()
    readings: Mapping[Key, Reading] = field(default_factory=dict)
    since: Mapping[Key, EpochMs] = field(default_factory=dict)
    misses: int = 0
    first_missed_at: EpochMs = EpochMs(0)
    miss_cause: MissCause | None = None
    profile: str = ""
    worsening: Mapping[Key, int] = field(default_factory=dict)
    told: Mapping[Key, EpochMs] = field(default_factory=lambda: _NOTHING)
    changes: tuple[EpochMs, ...] = ()
    backing: Backing = Backing()

    @property
    def is_blind(self) -> bool:
        """Nobody looks at it, or nobody ever did."""
        return self.assessment.cause is Cause.MONITORING


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one observation."""

    state: DeviceState
    transitions: tuple[Transition, ...] = ()


def answered(
    state: DeviceState, poll: PollAnswered, policy: StepPolicy, *, longest_gap_ms: int | None = None
) -> Step:
    """The device answered: its readings replace all earlier ones but those of `HELD_FAMILIES` that only events tell.

    What was known of it longer than `longest_gap_ms` ago does not reach up to now: the time between is unknown.
    """
    at = poll.received_at
    gap = _gap(state, at, at, longest_gap_ms, policy)
    state = gap.state
    fresh = {reading.key: reading for reading in poll.readings}
    told = _still_told(state, fresh, at, policy) if state.told else _NOTHING
    fresh |= {key: state.readings[key] for key in told}
    fresh[_REACH] = Reading(Signal.REACH_SNMP, SignalState.OK, True, source="poll")
    readings, worsening = _damped(state, fresh)
    seen = replace(
        _with_readings(state, readings, at),
        worsening=worsening,
        told=told,
        seen_at=at,
        polled_at=at,
        known_at=at,
        has_answered=True,
        misses=0,
        first_missed_at=EpochMs(0),
        miss_cause=None,
        profile=poll.profile,
    )
    wanted = assess(seen.readings.values())
    proof = witness(seen.readings, at=at, health=wanted.health)
    step = _attested(state, seen, wanted, proof, policy)
    return Step(step.state, (*gap.transitions, *step.transitions))


def _gap(state: DeviceState, at: EpochMs, now: EpochMs, longest_ms: int | None, policy: StepPolicy) -> Step:
    """`state` when the next sample is of `at`: blind since it was last known, if that is too long ago to join the two.

    How long ago that was is not known while a stored state is all there is.
    """
    last = max(state.known_at, state.health_since)
    known = state.has_answered and state.assessment.health is not Health.UNKNOWN
    if not known or longest_ms is None or at - last <= longest_ms:
        return Step(state)
    return blind(state, since=last, now=now, policy=policy)


def _still_told(
    state: DeviceState, fresh: Mapping[Key, Reading], now: EpochMs, policy: StepPolicy
) -> Mapping[Key, EpochMs]:
    """The faults told by events of which the answer `fresh` does not speak, and that are not too old."""
    asked = {key[0] for key, reading in fresh.items() if reading.state is not SignalState.UNSUPPORTED}
    return {
        key: at
        for key, at in state.told.items()
        if key[0] not in asked and key in state.readings and abs(now - at) < policy.told_hold_ms
    }


def _told(state: DeviceState, readings: tuple[Reading, ...], at: EpochMs) -> Mapping[Key, EpochMs]:
    """What events told, with `readings` of one: a fault is noted, its end takes the note away."""
    lasting = [reading for reading in readings if reading.signal.family in HELD_FAMILIES]
    if not lasting:
        return state.told
    told = dict(state.told)
    for reading in lasting:
        if reading.state not in (SignalState.DEGRADED, SignalState.FAILED):
            told.pop(reading.key, None)
        elif reading.key in told or len(told) < MAX_TOLD:
            told[reading.key] = at
    return told


def _attested(
    before: DeviceState, seen: DeviceState, wanted: Assessment, told: Witness, policy: StepPolicy
) -> Step:
    """The step to `wanted`, as exact as the device's own counters make it, with what they prove of the time before."""
    at = told.at
    verdict = judged(before.backing, before.assessment.health, told)
    began = at if before.is_blind else before.known_at or at
    edge = _Edge(began, at, at, Reason.POLL, "poll")
    moves: tuple[Transition, ...] = ()
    if verdict.gap is not None:
        good, back = verdict.gap
        first = back if before.assessment.health is Health.UNKNOWN else good
        gone = replace(before.assessment, health=Health.DOWN, cause=Cause.UNREACHABLE)
        lost = _moved(seen, gone, _Edge(first, back, at, Reason.COUNTER, _UPTIME), policy)
        seen, moves, edge = lost.state, lost.transitions, _Edge(back, back, at, Reason.COUNTER, _UPTIME)
    elif before.assessment.health is Health.DOWN and told.serves and began < (told.back_at or began):
        edge = _Edge(began, told.back_at or at, at, Reason.COUNTER, _UPTIME)
    step = _moved(seen, wanted, edge, policy)
    backed = _backed(step.state, verdict, at)
    return Step(backed.state, (*moves, *step.transitions, *backed.transitions))


def _backed(state: DeviceState, verdict: Verdict, now: EpochMs) -> Step:
    """`state` with a new backing, and the transitions of that axis."""
    if verdict.backing == state.backing:
        return Step(state)
    old: Continuity = Continuity.BACKED if state.backing.is_backed else Continuity.UNBACKED
    transitions = []
    for word, at in verdict.moves:
        known = EpochMs(min(at, now))
        transitions.append(
            Transition(
                state.device,
                Axis.CONTINUITY,
                old,
                word,
                Cause.NONE,
                Reason.COUNTER,
                known,
                known,
                now,
                "counters",
            )
        )
        old = word
    return Step(replace(state, backing=verdict.backing), tuple(transitions))


def _unbacked(step: Step, now: EpochMs) -> Step:
    """`step` with the backing ended where it is known that the device serves no more."""
    state = step.state
    if state.assessment.health is Health.UNKNOWN or serves(state.assessment.health):
        return step
    closed = _backed(state, ended(state.backing, state.backing.good_at), now)
    return Step(closed.state, (*step.transitions, *closed.transitions))


def parted(state: DeviceState, *, now: EpochMs, policy: StepPolicy) -> Step:
    """The device is listed no more: whatever is heard of it later is another story."""
    left = blind(state, since=now, now=now, policy=policy)
    closed = _backed(left.state, ended(state.backing, state.backing.good_at), now)
    return Step(closed.state, (*left.transitions, *closed.transitions))


def missed(
    state: DeviceState,
    poll: PollMissed,
    policy: StepPolicy,
    *,
    carries_traffic: bool = False,
    longest_gap_ms: int | None = None,
) -> Step:
    """A poll went unanswered. `carries_traffic`: the hub or a fresh event shows this device's tunnel up.

    `longest_gap_ms`: as in `answered`.
    """
    if not poll.collector_healthy:
        return Step(state)
    first = state.first_missed_at or poll.sent_at
    counted = replace(
        state,
        polled_at=poll.received_at,
        misses=state.misses + 1,
        first_missed_at=first,
        miss_cause=poll.cause,
    )
    if counted.misses < policy.misses_before_down:
        return Step(counted)
    # The first unanswered poll since it was last known to be as it is.
    sample = first if first > state.known_at else poll.sent_at
    gap = _gap(counted, sample, poll.received_at, longest_gap_ms, policy)
    if gap.transitions:
        state, first = gap.state, sample
        counted = replace(state, misses=counted.misses, first_missed_at=first, miss_cause=poll.cause)
    source = f"poll:{poll.cause}"
    failed = Reading(Signal.REACH_SNMP, SignalState.FAILED, False, source=source)
    counted = _with_readings(counted, {**state.readings, _REACH: failed}, poll.received_at)
    counted = replace(counted, known_at=poll.sent_at)
    wanted, reason = _silent(poll.cause, state.assessment, carries_traffic)
    began = first if state.is_blind else state.known_at or first
    step = _moved(counted, wanted, _Edge(began, first, poll.received_at, reason, source), policy)
    step = _unbacked(step, poll.received_at)
    return Step(step.state, (*gap.transitions, *step.transitions))


def event(state: DeviceState, received: EventReceived, policy: StepPolicy) -> Step:
    """A trap or line: only a trusted one that carries readings may change the state.

    An event tells of a part. Where the rest is known from an answer, both are assessed together; where it is not (the
    device is silent, unseen, or has not answered since the start), an event can only make matters worse.
    """
    if not received.trusted or not received.readings:
        return Step(state)
    at = received.received_at
    changed = _with_readings(state, _merged(state.readings, received.readings), at)
    changed = replace(changed, told=_told(state, received.readings, at))
    edge = _Edge(at, at, at, Reason.TRUSTED_EVENT, received.source)
    whole = _is_whole(state, policy)
    wanted = assess(changed.readings.values()) if whole else _worsened(state, assess(received.readings))
    return _unbacked(_moved(changed, wanted, edge, policy), at)


def cleared(state: DeviceState, person: LatchCleared, policy: StepPolicy) -> Step:
    """A person cleared a latch: the signal counts as ok until a device says otherwise again."""
    released = frozenset(key for key in state.latched if key[0] is person.signal)
    kept = {key: _release(reading) if key in released else reading for key, reading in state.readings.items()}
    changed = _with_readings(replace(state, latched=state.latched - released), kept, person.at)
    edge = _Edge(person.at, person.at, person.at, Reason.LATCH_CLEARED, f"person:{person.by}")
    if _is_whole(state, policy):
        return _moved(changed, assess(changed.readings.values()), edge, policy)
    alarm = bool(changed.latched) or state.assessment.protection is Protection.EXPOSED
    return _moved(changed, replace(state.assessment, security_alarm=alarm), edge, policy)


def blind(state: DeviceState, *, since: EpochMs, now: EpochMs, policy: StepPolicy) -> Step:
    """Nobody looked at the device from `since` on: nothing is known, and nothing is held against it."""
    alarm = state.assessment.security_alarm
    unknown = Assessment(Health.UNKNOWN, Protection.UNKNOWN, Cause.MONITORING, alarm)
    edge = _Edge(since, since, now, Reason.COLLECTOR_BLIND, "collector")
    unpolled = replace(state, misses=0, first_missed_at=EpochMs(0), miss_cause=None)
    return _moved(unpolled, unknown, edge, policy)


def calmed(state: DeviceState, now: EpochMs, policy: StepPolicy) -> DeviceState:
    """Take the flapping flag off once the changes have become rare."""
    recent = _recent(state.changes, now, policy)
    if Flag.FLAPPING in state.flags and len(recent) < policy.flap_calm:
        return replace(state, changes=recent, flags=state.flags - {Flag.FLAPPING})
    return state


@dataclass(frozen=True, slots=True)
class _Edge:
    """Between which instants something changed, when it was recorded, and what proves it."""

    t_lo: EpochMs
    t_hi: EpochMs
    now: EpochMs
    reason: Reason
    evidence: str

    def bounds(self, since: EpochMs) -> tuple[EpochMs, EpochMs]:
        """The bounds, not before `since`, when the state that ends here began, and not after the recording."""
        first, last = min(self.t_lo, self.t_hi), self.t_hi
        return min(max(first, since), self.now), min(max(last, since), self.now)


def _is_whole(state: DeviceState, policy: StepPolicy) -> bool:
    """Its readings, taken together, tell how it is now."""
    return state.has_answered and not state.is_blind and state.misses < policy.misses_before_down


def _merged(before: Mapping[Key, Reading], told: tuple[Reading, ...]) -> dict[Key, Reading]:
    merged = dict(before)
    for reading in told:
        if reading.key in merged or len(merged) < MAX_READINGS:
            merged[reading.key] = reading
    return merged


def _damped(state: DeviceState, fresh: dict[Key, Reading]) -> tuple[dict[Key, Reading], dict[Key, int]]:
    """Hold back a sustained signal's worsening until it has lasted its number of polls."""
    worsening: dict[Key, int] = {}
    if not state.has_answered and state.assessment.health is Health.DEGRADED:
        # A restart: what was found lasting before it need not prove itself again.
        return fresh, worsening
    for key, reading in fresh.items():
        needed = SUSTAINED.get(key[0])
        if needed is None or reading.state not in _GRAVITY:
            continue
        before = state.readings.get(key)
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


def _worsened(state: DeviceState, told: Assessment) -> Assessment:
    """The present assessment, made worse where an event proves it; a silent device stays silent."""
    old = state.assessment
    is_lower = _HEALTH_GRAVITY[told.health] > _HEALTH_GRAVITY[old.health]
    is_weaker = _PROTECTION_GRAVITY[told.protection] > _PROTECTION_GRAVITY[old.protection]
    stays = old.health is Health.UNKNOWN or old.cause is Cause.UNREACHABLE
    return Assessment(
        told.health if is_lower else old.health,
        told.protection if is_weaker else old.protection,
        told.cause if (is_lower or is_weaker) and not stays else old.cause,
        old.security_alarm or told.security_alarm,
    )


def _moved(changed: DeviceState, wanted: Assessment, edge: _Edge, policy: StepPolicy) -> Step:
    """`changed` with the assessment `wanted`, and the transitions on the way."""
    old = changed.assessment
    transitions: list[Transition] = []
    health_since, protection_since = changed.health_since, changed.protection_since
    health_moved, protection_moved = wanted.health is not old.health, wanted.protection is not old.protection
    if health_moved or wanted.cause is not old.cause:
        move = _transition(changed, Axis.HEALTH, (old.health, wanted.health), wanted.cause, edge)
        transitions.append(move)
        health_since = EpochMs(move.t_hi) if health_moved else health_since
    if protection_moved:
        move = _transition(changed, Axis.PROTECTION, (old.protection, wanted.protection), wanted.cause, edge)
        transitions.append(move)
        protection_since = EpochMs(move.t_hi)
    flags = changed.flags - {Flag.SECURITY_ALARM}
    flags |= {Flag.SECURITY_ALARM} if wanted.security_alarm else frozenset()
    changes = changed.changes
    if health_moved and Health.UNKNOWN not in (old.health, wanted.health):
        changes = (*_recent(changes, edge.now, policy), edge.now)[-policy.flap_changes :]
        flags |= {Flag.FLAPPING} if len(changes) >= policy.flap_changes else frozenset()
    state = replace(
        changed,
        assessment=wanted,
        flags=flags,
        changes=changes,
        health_since=health_since,
        protection_since=protection_since,
    )
    return Step(state, tuple(transitions))


def _recent(changes: tuple[EpochMs, ...], now: EpochMs, policy: StepPolicy) -> tuple[EpochMs, ...]:
    return tuple(at for at in changes if now - policy.flap_window_ms < at <= now)


def _transition(
    state: DeviceState, axis: Axis, move: tuple[str, str], cause: Cause, edge: _Edge
) -> Transition:
    t_lo, t_hi = edge.bounds(state.health_since if axis is Axis.HEALTH else state.protection_since)
    assert t_lo <= t_hi <= edge.now, "a change cannot end before it began, nor be recorded before it ended"
    return Transition(state.device, axis, *move, cause, edge.reason, t_lo, t_hi, edge.now, edge.evidence)
