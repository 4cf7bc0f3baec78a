"""What a device's own counters prove, and what they do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.status.device import DeviceState, Step, StepPolicy, answered, blind, event, missed, parted
from channelwatch.status.events import PollAnswered
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Axis, Health
from tests.support.province import START, answer, encrypting, miss, spoke, trap, tunnel_down

POLICY = StepPolicy()
DEVICE = spoke(1)
MINUTE = 60_000


def counters(
    uptime_s: float | None, tunnel_s: float | None = None, keys_s: float | None = None
) -> list[Reading]:
    return [
        Reading(signal, SignalState.OK, value, component=component)
        for signal, component, value in (
            (Signal.SYS_UPTIME, "", uptime_s),
            (Signal.CHANNEL_AGE, "hub", tunnel_s),
            (Signal.CRYPTO_SA_AGE, "hub", keys_s),
        )
        if value is not None
    ]


RESTARTED = Reading(Signal.SYS_RESTART, SignalState.OK, "host", source="uptime")


def told(at: int, *more: Reading) -> PollAnswered:
    return answer(DEVICE, START + at, encrypting(*more))


def run(*polls: PollAnswered) -> tuple[DeviceState, list[Step]]:
    state, steps = DeviceState(DEVICE), []
    for poll in polls:
        steps.append(answered(state, poll, POLICY))
        state = steps[-1].state
    return state, steps


def moves(step: Step, axis: Axis = Axis.CONTINUITY) -> list[tuple[str, int, int]]:
    return [
        (move.after, move.t_lo - START, move.t_hi - START) for move in step.transitions if move.axis is axis
    ]


def test_an_answer_whose_counters_reach_back_to_the_one_before_backs_the_time_between() -> None:
    _, steps = run(
        told(0, *counters(900, 800)),
        told(MINUTE, *counters(960, 860)),
        told(2 * MINUTE, *counters(1020, 920)),
    )
    assert [moves(step) for step in steps] == [[], [("backed", 0, 0)], []]


@pytest.mark.parametrize(
    "lacking",
    [counters(None, 860), counters(960), counters(960, None, 860)],
    ids=["uptime", "tunnel", "only keys"],
)
def test_a_device_that_does_not_say_how_old_each_part_is_is_not_backed(lacking: list[Reading]) -> None:
    state, steps = run(told(0, *counters(900, 800)), told(MINUTE, *lacking))
    assert moves(steps[1]) == []
    assert not state.backing.is_backed


def test_a_tunnel_that_came_up_anew_ends_what_is_backed_at_the_last_answer_before() -> None:
    _, steps = run(
        told(0, *counters(900, 800)),
        told(MINUTE, *counters(960, 860)),
        told(2 * MINUTE, *counters(1020, 20)),
        told(3 * MINUTE, *counters(1080, 80)),
    )
    assert [moves(step) for step in steps[2:]] == [
        [("unbacked", MINUTE, MINUTE)],
        [("backed", 2 * MINUTE, 2 * MINUTE)],
    ]


def test_a_wrapped_uptime_proves_nothing_and_is_no_outage() -> None:
    top = 2**32 / 100
    _, steps = run(
        told(0, *counters(top - 90, 10**6)),
        told(MINUTE, *counters(top - 30, 10**6)),
        told(2 * MINUTE, *counters(30, 10**6)),
    )
    assert moves(steps[2]) == [("unbacked", MINUTE, MINUTE)]
    assert moves(steps[2], Axis.HEALTH) == []


def test_a_restart_between_two_good_answers_is_an_outage_of_bounded_length() -> None:
    state, steps = run(
        told(0, *counters(900, 800)),
        told(MINUTE, *counters(960, 860)),
        told(2 * MINUTE, *counters(40, 30), RESTARTED),
    )
    back = 2 * MINUTE - 30_000
    assert moves(steps[2], Axis.HEALTH) == [("down", MINUTE, back), ("up", back, back)]
    assert moves(steps[2]) == [("unbacked", MINUTE, MINUTE)]
    assert state.health_since == START + back


def test_the_keys_age_proves_blind_time_and_is_not_asked_from_poll_to_poll() -> None:
    state, _ = run(told(0, *counters(9000, None, 3000)), told(MINUTE, *counters(9060, None, 3060)))
    unseen = blind(state, since=EpochMs(START + MINUTE), now=EpochMs(START + 5 * MINUTE), policy=POLICY).state
    step = answered(unseen, told(31 * MINUTE, *counters(10_860, None, 4860)), POLICY)
    assert moves(step) == [("backed", MINUTE, MINUTE), ("unbacked", 31 * MINUTE, 31 * MINUTE)]


def test_blind_time_that_the_counters_span_stays_backed_and_other_blind_time_does_not() -> None:
    state, _ = run(told(0, *counters(900, 800)), told(MINUTE, *counters(960, 860)))
    unseen = blind(state, since=EpochMs(START + MINUTE), now=EpochMs(START + 5 * MINUTE), policy=POLICY).state
    spanned = answered(unseen, told(31 * MINUTE, *counters(2760, 2660)), POLICY)
    assert moves(spanned) == []
    assert spanned.state.backing.is_backed
    young = answered(unseen, told(31 * MINUTE, *counters(2760, 60)), POLICY)
    assert moves(young) == [("unbacked", MINUTE, MINUTE)]


def test_a_restart_in_blind_time_is_seen_at_the_instant_it_was_back() -> None:
    state, _ = run(told(0, *counters(900, 800)), told(MINUTE, *counters(960, 860)))
    unseen = blind(state, since=EpochMs(START + MINUTE), now=EpochMs(START + 5 * MINUTE), policy=POLICY).state
    step = answered(unseen, told(31 * MINUTE, *counters(300, 290), RESTARTED), POLICY)
    back = 31 * MINUTE - 290_000
    assert moves(step, Axis.HEALTH) == [("down", back, back), ("up", back, back)]


def test_a_recovery_lies_between_the_last_bad_answer_and_what_the_counter_tells() -> None:
    state, _ = run(told(0, *counters(900, 800)), told(MINUTE, *counters(960, 860)))
    lost = answered(state, told(2 * MINUTE, *counters(1020), tunnel_down()), POLICY)
    assert moves(lost) == [("unbacked", MINUTE, MINUTE)]
    back = answered(lost.state, told(3 * MINUTE, *counters(1080, 12)), POLICY)
    at = 3 * MINUTE - 12_000
    assert moves(back, Axis.HEALTH) == [("up", 2 * MINUTE, at)]


def test_a_counter_older_than_the_loss_moves_no_edge() -> None:
    state, _ = run(told(0, *counters(900, 800)))
    for number in range(3):
        state = missed(state, miss(DEVICE, START + MINUTE + 3000 * number), POLICY).state
    assert state.assessment.health is Health.DOWN
    back = answered(state, told(3 * MINUTE, *counters(1080, 980)), POLICY)
    assert moves(back, Axis.HEALTH) == [("up", MINUTE + 4000, 3 * MINUTE)]


def test_silence_and_a_trap_that_tells_of_a_loss_end_what_is_backed() -> None:
    state, _ = run(told(0, *counters(900, 800)), told(MINUTE, *counters(960, 860)))
    silent = state
    for number in range(3):
        step = missed(silent, miss(DEVICE, START + 2 * MINUTE + 3000 * number), POLICY)
        silent = step.state
    assert moves(step) == [("unbacked", MINUTE, MINUTE)]
    assert moves(event(state, trap(DEVICE, START + 70_000, tunnel_down()), POLICY)) == [
        ("unbacked", MINUTE, MINUTE)
    ]


def test_a_device_that_leaves_the_inventory_is_backed_no_longer() -> None:
    state, _ = run(told(0, *counters(900, 800)), told(MINUTE, *counters(960, 860)))
    assert moves(parted(state, now=EpochMs(START + 90_000), policy=POLICY)) == [("unbacked", MINUTE, MINUTE)]


def test_a_clock_that_is_set_back_keeps_the_axis_in_order() -> None:
    state, _ = run(told(0, *counters(900, 800)), told(MINUTE, *counters(960, 860)))
    state = replace(state, backing=replace(state.backing, since=EpochMs(START + 10 * MINUTE)))
    step = answered(state, told(2 * MINUTE, *counters(1020, 1)), POLICY)
    (move,) = (item for item in step.transitions if item.axis is Axis.CONTINUITY)
    assert move.t_hi <= move.recorded_at
