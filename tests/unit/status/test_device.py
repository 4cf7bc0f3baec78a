"""The state machine of one device."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs
from channelwatch.status.device import (
    MAX_READINGS,
    MAX_TOLD,
    DeviceState,
    Step,
    StepPolicy,
    answered,
    blind,
    calmed,
    cleared,
    event,
    missed,
)
from channelwatch.status.events import LatchCleared, MissCause
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Axis, Cause, Flag, Health, Protection, Reason
from tests.support.province import START, answer, bypass, encrypting, miss, spoke, trap, tunnel_down

POLICY = StepPolicy()
DEVICE = spoke(1)
TAMPERED = Reading(Signal.CRYPTO_TAMPER, SignalState.FAILED, "detected")
CLEAR = Reading(Signal.CRYPTO_TAMPER, SignalState.OK, "clear")


def up(at: int = START) -> DeviceState:
    return answered(DeviceState(DEVICE), answer(DEVICE, at), POLICY).state


def test_the_first_answer_makes_it_up_from_that_moment_on() -> None:
    step = answered(DeviceState(DEVICE), answer(DEVICE, START), POLICY)
    assert step.state.assessment.health is Health.UP
    assert [(move.axis, move.after, move.t_lo, move.t_hi) for move in step.transitions] == [
        (Axis.HEALTH, "up", START, START),
        (Axis.PROTECTION, "secured", START, START),
    ]


def test_an_answer_that_changes_nothing_yields_no_transition() -> None:
    assert answered(up(), answer(DEVICE, START + 10_000), POLICY).transitions == ()


def test_a_change_seen_by_a_poll_lies_between_the_two_polls() -> None:
    step = answered(up(), answer(DEVICE, START + 10_000, encrypting(tunnel_down())), POLICY)
    move = step.transitions[0]
    assert (move.before, move.after, move.t_lo, move.t_hi) == ("up", "down", START, START + 10_000)
    assert move.cause is Cause.TUNNEL_DOWN


def test_two_misses_are_not_down_and_the_third_is_back_dated_to_the_first() -> None:
    state = up()
    for number in (1, 2):
        step = missed(state, miss(DEVICE, START + 10_000 * number), POLICY)
        assert step.transitions == ()
        state = step.state
    step = missed(state, miss(DEVICE, START + 30_000), POLICY)
    health, protection = step.transitions
    assert (health.after, health.cause, health.reason) == ("down", Cause.UNREACHABLE, Reason.MISSES)
    assert (health.t_lo, health.t_hi, health.recorded_at) == (START, START + 8_000, START + 30_000)
    assert protection.after == "unknown"


def test_a_miss_of_an_unhealthy_collector_counts_for_nothing() -> None:
    state = up()
    for number in range(10):
        step = missed(state, miss(DEVICE, START + 10_000 * number, healthy=False), POLICY)
        assert step.state == state


def test_a_silent_device_whose_tunnel_the_hub_sees_is_degraded_not_down() -> None:
    state = up()
    for number in (1, 2, 3):
        state = missed(state, miss(DEVICE, START + 10_000 * number), POLICY, carries_traffic=True).state
    assert (state.assessment.health, state.assessment.cause) == (Health.DEGRADED, Cause.UNREACHABLE)


@pytest.mark.parametrize("cause", [cause for cause in MissCause if cause.is_credential])
def test_a_refused_credential_is_unknown_and_never_down(cause: MissCause) -> None:
    state = up()
    for number in (1, 2, 3):
        state = missed(state, miss(DEVICE, START + 10_000 * number, cause), POLICY).state
    assert (state.assessment.health, state.assessment.cause) == (Health.UNKNOWN, Cause.AUTH)


def test_a_trusted_trap_changes_the_state_at_once_and_exactly() -> None:
    step = event(up(), trap(DEVICE, START + 3_210, bypass()), POLICY)
    move = step.transitions[-1]
    assert (move.axis, move.after, move.t_lo, move.t_hi) == (
        Axis.PROTECTION,
        "exposed",
        START + 3_210,
        START + 3_210,
    )
    assert Flag.SECURITY_ALARM in step.state.flags


def test_an_untrusted_event_never_changes_a_state() -> None:
    state = up()
    assert event(state, trap(DEVICE, START + 1, bypass(), trusted=False), POLICY).state == state


def test_a_trusted_trap_does_not_bring_a_silent_device_back() -> None:
    state = up()
    for number in (1, 2, 3):
        state = missed(state, miss(DEVICE, START + 10_000 * number), POLICY).state
    after = event(state, trap(DEVICE, START + 40_000, tunnel_down()), POLICY).state
    assert after.assessment.cause is Cause.UNREACHABLE


def test_tamper_stays_until_a_person_clears_it() -> None:
    state = answered(up(), answer(DEVICE, START + 10_000, encrypting(TAMPERED)), POLICY).state
    state = answered(state, answer(DEVICE, START + 20_000, encrypting(CLEAR)), POLICY).state
    assert state.readings[(Signal.CRYPTO_TAMPER, "")].state is SignalState.FAILED
    assert state.assessment.protection is Protection.WEAKENED
    person = LatchCleared(DEVICE, Signal.CRYPTO_TAMPER, "truong-ca", EpochMs(START + 30_000))
    state = cleared(state, person, POLICY).state
    assert state.assessment.protection is Protection.SECURED
    assert Flag.SECURITY_ALARM not in state.flags
    state = answered(state, answer(DEVICE, START + 40_000, encrypting(TAMPERED)), POLICY).state
    assert state.assessment.protection is Protection.WEAKENED


def test_a_latch_survives_silence() -> None:
    state = answered(up(), answer(DEVICE, START + 10_000, encrypting(TAMPERED)), POLICY).state
    for number in (2, 3, 4):
        state = missed(state, miss(DEVICE, START + 10_000 * number), POLICY).state
    assert state.assessment.health is Health.DOWN
    assert Flag.SECURITY_ALARM in state.flags


def test_a_busy_processor_counts_only_when_it_stays_busy() -> None:
    busy = Reading(Signal.PLATFORM_CPU, SignalState.FAILED, 99)
    calm = Reading(Signal.PLATFORM_CPU, SignalState.OK, 9)
    state = up()
    for number, reading in enumerate((busy, busy, calm, busy, busy), start=1):
        state = answered(state, answer(DEVICE, START + 10_000 * number, encrypting(reading)), POLICY).state
        assert state.assessment.health is Health.UP
    state = answered(state, answer(DEVICE, START + 60_000, encrypting(busy)), POLICY).state
    assert state.assessment.health is Health.DEGRADED


def test_blind_time_is_unknown_and_begins_where_nobody_looked_any_more() -> None:
    step = blind(up(), since=EpochMs(START), now=EpochMs(START + 45_000), policy=POLICY)
    move = step.transitions[0]
    assert (move.after, move.cause, move.t_lo, move.recorded_at) == (
        "unknown",
        Cause.MONITORING,
        START,
        START + 45_000,
    )
    assert (
        blind(step.state, since=EpochMs(START), now=EpochMs(START + 50_000), policy=POLICY).transitions == ()
    )


def test_after_blind_time_the_recovery_is_known_only_from_the_first_answer() -> None:
    state = blind(up(), since=EpochMs(START), now=EpochMs(START + 45_000), policy=POLICY).state
    move = answered(state, answer(DEVICE, START + 60_000), POLICY).transitions[0]
    assert (move.before, move.after, move.t_lo) == ("unknown", "up", START + 60_000)


def test_five_changes_in_half_an_hour_are_flapping_and_calm_ends_it() -> None:
    state = up()
    for number in range(1, 6):
        readings = encrypting(tunnel_down()) if number % 2 else encrypting()
        state = answered(state, answer(DEVICE, START + 60_000 * number, readings), POLICY).state
    assert Flag.FLAPPING in state.flags
    assert calmed(state, EpochMs(START + 10 * 60_000), POLICY) is state
    assert Flag.FLAPPING not in calmed(state, EpochMs(START + 60 * 60_000), POLICY).flags


def test_the_instant_of_a_signals_change_is_kept_while_it_does_not_change() -> None:
    state = up()
    later = answered(state, answer(DEVICE, START + 10_000), POLICY).state
    assert later.since[(Signal.CRYPTO_MODE, "")] == START


WORDS = ["good", "bad", "bypass", "miss", "refused", "trap", "clear", "blind", "an hour back", "a day on"]


@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_transitions_chain_and_stay_possible_however_the_clock_is_set(story: list[str]) -> None:
    state, now = DeviceState(DEVICE), START
    last = {Axis.HEALTH: "unknown", Axis.PROTECTION: "unknown"}
    for word in story:
        now += {"an hour back": -3600_000, "a day on": 86_400_000}.get(word, 10_000)
        step = _told(state, word, now)
        for move in step.transitions:
            assert move.before == last[move.axis]
            assert move.t_lo <= move.t_hi <= move.recorded_at
            last[move.axis] = move.after
        state = step.state
        assert (state.assessment.health, state.assessment.protection) == (
            last[Axis.HEALTH],
            last[Axis.PROTECTION],
        )


def _told(state: DeviceState, word: str, at: int) -> Step:
    now = EpochMs(at)
    match word:
        case "bad":
            return answered(state, answer(DEVICE, at, encrypting(tunnel_down())), POLICY)
        case "bypass":
            return answered(state, answer(DEVICE, at, encrypting(bypass())), POLICY)
        case "miss":
            return missed(state, miss(DEVICE, at), POLICY)
        case "refused":
            return missed(state, miss(DEVICE, at, MissCause.WRONG_KEY), POLICY)
        case "trap":
            return event(state, trap(DEVICE, at, tunnel_down(), TAMPERED), POLICY)
        case "clear":
            return cleared(state, LatchCleared(DEVICE, Signal.CRYPTO_TAMPER, "truong-ca", now), POLICY)
        case "blind":
            return blind(state, since=EpochMs(at - 1), now=now, policy=POLICY)
        case _:
            return answered(state, answer(DEVICE, at), POLICY)


def test_a_poll_after_the_clock_was_set_back_is_no_contradiction() -> None:
    step = answered(up(), answer(DEVICE, START - 3600_000, encrypting(tunnel_down())), POLICY)
    move = step.transitions[0]
    assert (move.t_lo, move.t_hi, move.recorded_at) == (START - 3600_000,) * 3
    assert step.state.health_since == START - 3600_000


def test_a_change_never_lies_before_the_state_that_it_ends() -> None:
    down = event(up(), trap(DEVICE, START + 9_000, tunnel_down()), POLICY).state
    move = answered(down, answer(DEVICE, START + 10_000), POLICY).transitions[0]
    assert (move.before, move.t_lo, move.t_hi) == ("down", START + 9_000, START + 10_000)


def test_a_missed_poll_confirms_nothing() -> None:
    state = missed(up(), miss(DEVICE, START + 10_000), POLICY).state
    move = answered(state, answer(DEVICE, START + 20_000, encrypting(tunnel_down())), POLICY).transitions[0]
    assert move.t_lo == START


def test_after_blind_time_a_silence_began_with_its_first_miss_and_not_when_it_was_last_seen() -> None:
    state = blind(up(), since=EpochMs(START), now=EpochMs(START + 45_000), policy=POLICY).state
    for number in (6, 7, 8):
        step = missed(state, miss(DEVICE, START + 10_000 * number), POLICY)
        state = step.state
    assert (step.transitions[0].after, step.transitions[0].t_lo) == ("down", START + 58_000)


RESTORED = DeviceState(
    DEVICE,
    assessment=Assessment(Health.UP, Protection.EXPOSED, Cause.BYPASS, security_alarm=True),
    health_since=EpochMs(START),
    protection_since=EpochMs(START),
)
"""A state as it comes out of the store: nothing has been read since the start."""


def test_before_the_first_answer_an_event_of_one_part_does_not_clear_another() -> None:
    fine = Reading(Signal.IF_OPER, SignalState.OK, "up", component="eth0")
    assert event(RESTORED, trap(DEVICE, START + 1, fine), POLICY).transitions == ()


def test_before_the_first_answer_an_event_may_make_matters_worse() -> None:
    step = event(RESTORED, trap(DEVICE, START + 1, tunnel_down()), POLICY)
    assert step.state.assessment == Assessment(
        Health.DOWN, Protection.EXPOSED, Cause.TUNNEL_DOWN, security_alarm=True
    )


@pytest.mark.parametrize("cause", [MissCause.NO_ANSWER, MissCause.WRONG_KEY, MissCause.MALFORMED])
def test_a_silent_device_that_tells_of_plaintext_is_exposed_and_still_silent(cause: MissCause) -> None:
    state = up()
    for number in (1, 2, 3):
        state = missed(state, miss(DEVICE, START + 10_000 * number, cause), POLICY).state
    found = event(state, trap(DEVICE, START + 40_000, bypass()), POLICY).state
    assert found.assessment == replace(state.assessment, protection=Protection.EXPOSED, security_alarm=True)


def test_clearing_a_latch_of_a_device_that_has_not_answered_yet_changes_only_the_alarm() -> None:
    stored = replace(
        RESTORED,
        assessment=Assessment(Health.UP, Protection.WEAKENED, Cause.TAMPER, security_alarm=True),
        latched=frozenset({(Signal.CRYPTO_TAMPER, "")}),
        flags=frozenset({Flag.SECURITY_ALARM}),
    )
    step = cleared(stored, LatchCleared(DEVICE, Signal.CRYPTO_TAMPER, "truong-ca", EpochMs(START)), POLICY)
    assert (step.transitions, step.state.flags) == ((), frozenset())
    assert step.state.assessment == replace(stored.assessment, security_alarm=False)


def test_a_lasting_load_need_not_prove_itself_again_after_a_restart() -> None:
    stored = replace(RESTORED, assessment=Assessment(Health.DEGRADED, Protection.SECURED, Cause.HARDWARE))
    busy = Reading(Signal.PLATFORM_CPU, SignalState.FAILED, 99)
    assert answered(stored, answer(DEVICE, START, encrypting(busy)), POLICY).transitions == ()


def test_a_device_that_names_ever_new_components_does_not_fill_the_memory() -> None:
    state = up()
    for number in range(MAX_READINGS // 100 + 2):
        told = [
            Reading(Signal.CHANNEL_STATE, SignalState.OK, "up", component=f"{number}.{i}") for i in range(100)
        ]
        state = event(state, trap(DEVICE, START + number, *told), POLICY).state
    assert len(state.readings) == MAX_READINGS
    state = event(state, trap(DEVICE, START + 1000, tunnel_down()), POLICY).state
    assert state.readings[(Signal.CHANNEL_STATE, "hub")].state is SignalState.FAILED


BATTERY = Reading(Signal.POWER_SOURCE, SignalState.DEGRADED, "battery", source="syslog:ups/on-battery")
MAINS = replace(BATTERY, state=SignalState.OK, value="mains")


def on_battery() -> DeviceState:
    return event(up(), trap(DEVICE, START + 1_000, BATTERY), POLICY).state


def test_a_lasting_fault_that_only_an_event_tells_outlives_answers_that_do_not_speak_of_it() -> None:
    state = answered(on_battery(), answer(DEVICE, START + 10_000), POLICY).state
    state = answered(state, answer(DEVICE, START + 20_000), POLICY).state
    assert state.assessment.health is Health.DEGRADED
    over = event(state, trap(DEVICE, START + 25_000, MAINS), POLICY).state
    assert over.assessment.health is Health.UP
    assert answered(over, answer(DEVICE, START + 30_000), POLICY).transitions == ()


@pytest.mark.parametrize(
    ("spoken", "health"), [(SignalState.OK, Health.UP), (SignalState.UNSUPPORTED, Health.DEGRADED)]
)
def test_an_answer_that_speaks_of_the_signal_decides(spoken: SignalState, health: Health) -> None:
    polled = Reading(Signal.POWER_SOURCE, spoken, "mains", component="input-1")
    state = answered(on_battery(), answer(DEVICE, START + 10_000, encrypting(polled)), POLICY).state
    assert state.assessment.health is health


def test_what_an_event_told_ends_a_day_after_it_was_last_told() -> None:
    hold = POLICY.told_hold_ms
    state = event(on_battery(), trap(DEVICE, START + hold, BATTERY), POLICY).state
    state = answered(state, answer(DEVICE, START + hold + 10_000), POLICY).state
    assert state.assessment.health is Health.DEGRADED
    state = answered(state, answer(DEVICE, START + 2 * hold), POLICY).state
    assert (state.assessment.health, state.told) == (Health.UP, {})


def test_a_tunnel_that_an_event_told_down_is_for_the_next_answer_to_say() -> None:
    state = event(up(), trap(DEVICE, START + 1_000, replace(tunnel_down(), component="other")), POLICY).state
    assert state.assessment.health is not Health.UP
    assert answered(state, answer(DEVICE, START + 10_000), POLICY).state.assessment.health is Health.UP


def test_told_faults_of_ever_new_parts_are_limited() -> None:
    told = [replace(BATTERY, component=str(number)) for number in range(MAX_TOLD + 10)]
    assert len(event(up(), trap(DEVICE, START + 1_000, *told), POLICY).state.told) == MAX_TOLD


def test_changes_ahead_of_a_clock_that_was_set_back_are_not_counted_as_flapping() -> None:
    state = replace(up(), changes=tuple(EpochMs(START + 7200_000 + i) for i in range(4)))
    state = answered(state, answer(DEVICE, START + 1000, encrypting(tunnel_down())), POLICY).state
    assert Flag.FLAPPING not in state.flags


def test_a_restored_state_keeps_its_latch_over_the_first_answer() -> None:
    stored = replace(DeviceState(DEVICE), latched=frozenset({(Signal.CRYPTO_TAMPER, "")}))
    state = answered(stored, answer(DEVICE, START), POLICY).state
    assert state.assessment.protection is Protection.WEAKENED


GAP_MS = 25_000


def moves(step: Step) -> list[tuple[str, Cause, int, int]]:
    """What became of the health, each time with its bounds from the start on."""
    return [
        (move.after, move.cause, move.t_lo - START, move.t_hi - START)
        for move in step.transitions
        if move.axis is Axis.HEALTH
    ]


@pytest.mark.parametrize(("after", "known"), [(GAP_MS, True), (GAP_MS + 1, False)])
def test_two_good_answers_too_far_apart_leave_the_time_between_them_unknown(after: int, known: bool) -> None:
    step = answered(up(), answer(DEVICE, START + after), POLICY, longest_gap_ms=GAP_MS)
    gap = [("unknown", Cause.MONITORING, 0, 0), ("up", Cause.NONE, after, after)]
    assert moves(step) == ([] if known else gap)
    assert step.state.assessment == up().assessment


def test_a_loss_after_too_long_a_gap_is_certain_from_the_first_unanswered_poll_and_unknown_before() -> None:
    state, first = up(), 40_000
    for number in range(3):
        poll = miss(DEVICE, START + first + 10_000 * number)
        step = missed(state, poll, POLICY, longest_gap_ms=GAP_MS)
        state = step.state
    sent_at = first - 2_000
    assert moves(step) == [
        ("unknown", Cause.MONITORING, 0, 0),
        ("down", Cause.UNREACHABLE, sent_at, sent_at),
    ]
    assert (state.misses, state.first_missed_at) == (3, START + sent_at)
    later = missed(state, miss(DEVICE, START + 100_000), POLICY, longest_gap_ms=GAP_MS)
    last = 2 * 10_000 + sent_at
    assert moves(later) == [
        ("unknown", Cause.MONITORING, last, last),
        ("down", Cause.UNREACHABLE, 98_000, 98_000),
    ]


def test_what_an_event_told_since_the_last_answer_is_joined_to_the_next_one() -> None:
    told = event(up(), trap(DEVICE, START + 30_000, tunnel_down()), POLICY).state
    assert told.assessment.health is Health.DOWN
    step = answered(told, answer(DEVICE, START + 35_000), POLICY, longest_gap_ms=GAP_MS)
    assert moves(step) == [("up", Cause.NONE, 30_000, 35_000)]


def test_how_long_ago_a_stored_state_was_seen_is_not_known_and_makes_no_gap() -> None:
    restored = replace(up(), has_answered=False, known_at=EpochMs(START - 60_000))
    assert moves(answered(restored, answer(DEVICE, START + 5_000), POLICY, longest_gap_ms=GAP_MS)) == []
