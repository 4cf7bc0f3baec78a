"""What two neighbouring samples prove about the time between them."""

from __future__ import annotations

from channelwatch.base.intervals import Interval
from channelwatch.uptime.continuity import TIMETICKS_WRAP_MS, CounterRules, Reading
from channelwatch.uptime.outages import outages
from channelwatch.uptime.samples import Sample, SampleRules, timeline_from_samples
from channelwatch.uptime.timeline import Segment, State, UnknownCause
from tests.support.timelines import GMAX, HOUR, MINUTE, RULES, SECOND, P

UP, DOWN, EDGE, UNKNOWN = State.UP, State.DOWN, State.EDGE, State.UNKNOWN


def good(at: int, uptime: int | None = None, stamp: str | None = None) -> Sample:
    return Sample(at, UP, Reading(uptime, stamp))


def bad(at: int) -> Sample:
    return Sample(at, DOWN)


def states(
    *samples: Sample, rules: SampleRules = RULES, marks: tuple[int, ...] = ()
) -> list[tuple[int, int, State]]:
    timeline = timeline_from_samples(samples, rules, marks)
    return [(part.start, part.end, part.state) for part in timeline.segments if part.start < part.end]


def test_good_samples_join_up_to_two_and_a_half_periods() -> None:
    assert states(good(0), good(GMAX)) == [(0, GMAX, UP)]
    assert states(good(0), good(GMAX + 1)) == [(0, GMAX + 1, UNKNOWN)]


def test_an_odd_poll_period_is_not_rounded() -> None:
    rules = SampleRules(poll_ms=3)
    assert not rules.is_wide(7)
    assert rules.is_wide(8)


def test_a_change_of_state_leaves_an_edge_on_both_sides() -> None:
    found = states(good(0), bad(P), bad(2 * P), good(3 * P))
    assert found == [(0, P, EDGE), (P, 2 * P, DOWN), (2 * P, 3 * P, EDGE)]


def test_one_bad_sample_is_an_outage_though_no_time_is_certain() -> None:
    timeline = timeline_from_samples([good(0), bad(P), good(2 * P)], RULES)
    assert Segment(P, P, DOWN) in timeline.segments
    (outage,) = outages(timeline)
    assert (outage.down_lo, outage.down_hi, outage.up_lo, outage.up_hi) == (0, P, P, 2 * P)


def test_a_wide_gap_is_unknown_whatever_its_ends_are() -> None:
    for ends in ((good(0), good(HOUR)), (good(0), bad(HOUR)), (bad(0), good(HOUR)), (bad(0), bad(HOUR))):
        assert states(*ends) == [(0, HOUR, UNKNOWN)]


def test_answers_of_no_use_name_the_cause_of_the_unknown_time() -> None:
    asked = Sample(MINUTE, UNKNOWN, cause=UnknownCause.PATH)
    timeline = timeline_from_samples([good(0), asked, good(HOUR)], RULES)
    assert timeline.segments[1] == Segment(0, HOUR, UNKNOWN, UnknownCause.PATH)
    later = timeline_from_samples([good(0), asked, good(2 * MINUTE), good(HOUR)], RULES)
    assert later.segments[-2] == Segment(2 * MINUTE, HOUR, UNKNOWN, UnknownCause.BLIND)


def test_one_useless_answer_between_two_good_ones_changes_nothing() -> None:
    assert states(good(0), Sample(P, UNKNOWN), good(2 * P)) == [(0, 2 * P, UP)]


def test_a_counter_as_old_as_the_gap_attests_it() -> None:
    timeline = timeline_from_samples([good(0), good(HOUR, uptime=HOUR)], RULES)
    assert timeline.segments == (Segment(0, HOUR, UP),)
    assert timeline.attested == (Interval(0, HOUR),)


def test_an_unchanged_stamp_attests_a_gap_and_a_changed_one_proves_an_outage() -> None:
    assert states(good(0, stamp="a"), good(HOUR, stamp="a")) == [(0, HOUR, UP)]
    assert states(good(0, stamp="a"), good(P, stamp="b")) == [(0, P, EDGE)]
    assert (
        len(outages(timeline_from_samples([good(0, stamp="a"), good(P, stamp="b"), good(2 * P)], RULES))) == 1
    )


def test_a_counter_that_restarted_bounds_an_outage_inside_the_gap() -> None:
    samples = [good(0, uptime=HOUR), good(P, uptime=20 * SECOND), good(2 * P)]
    timeline = timeline_from_samples(samples, RULES)
    back = P - 20 * SECOND
    assert states(*samples) == [(0, back, EDGE), (back, 2 * P, UP)]
    assert timeline.attested == (Interval(back, P),)
    (outage,) = outages(timeline)
    assert (outage.down_lo, outage.up_hi) == (0, back)


def test_a_restart_in_a_wide_gap_leaves_the_time_before_it_unknown_but_counts() -> None:
    samples = [good(0, uptime=HOUR), good(3 * HOUR, uptime=HOUR)]
    assert states(*samples) == [(0, 2 * HOUR, UNKNOWN), (2 * HOUR, 3 * HOUR, UP)]
    assert len(outages(timeline_from_samples(samples, RULES))) == 1


def test_recovery_is_exact_to_the_tick_of_the_counter() -> None:
    back = 2 * P - 7 * SECOND
    found = states(good(0), bad(P), good(2 * P, uptime=7 * SECOND))
    assert found == [(0, P, EDGE), (P, back - 9, DOWN), (back - 9, back, EDGE), (back, 2 * P, UP)]
    exact = SampleRules(poll_ms=P, counter=CounterRules(tick_ms=1))
    assert states(bad(P), good(2 * P, uptime=7 * SECOND), rules=exact) == [(P, back, DOWN), (back, 2 * P, UP)]


def test_recovery_in_a_wide_gap_is_known_from_the_restart_on() -> None:
    assert states(bad(0), good(HOUR, uptime=MINUTE)) == [
        (0, HOUR - MINUTE, UNKNOWN),
        (HOUR - MINUTE, HOUR, UP),
    ]


def test_a_counter_that_contradicts_a_bad_sample_moves_no_edge() -> None:
    for uptime in (HOUR, P + 30 * SECOND):
        assert states(good(0), bad(P), good(2 * P, uptime=uptime)) == [(0, P, EDGE), (P, 2 * P, EDGE)]


def test_one_restart_is_one_outage_however_many_samples_follow() -> None:
    samples = [good(0, uptime=HOUR), good(P, uptime=20 * SECOND), good(2 * P, uptime=P + 20 * SECOND)]
    timeline = timeline_from_samples(samples, RULES)
    assert len(outages(timeline)) == 1
    assert timeline.attested == (Interval(P - 20 * SECOND, 2 * P),)


TIMETICKS = SampleRules(poll_ms=P, counter=CounterRules(wrap_ms=TIMETICKS_WRAP_MS))


def test_a_wrap_of_sysuptime_is_no_outage_and_no_proof() -> None:
    before = TIMETICKS_WRAP_MS - 30 * SECOND
    samples = [good(0, uptime=before), good(P, uptime=30 * SECOND)]
    assert states(*samples, rules=TIMETICKS) == [(0, P, UP)]
    assert timeline_from_samples(samples, TIMETICKS).attested == ()
    assert outages(timeline_from_samples(samples, TIMETICKS)) == ()
    (first, _) = samples
    assert states(first, good(HOUR, uptime=HOUR - 30 * SECOND), rules=TIMETICKS) == [(0, HOUR, UNKNOWN)]


def test_a_wrap_during_an_outage_is_not_taken_for_the_recovery() -> None:
    samples = [good(0, uptime=TIMETICKS_WRAP_MS - 90 * SECOND), bad(P), good(2 * P, uptime=30 * SECOND)]
    assert states(*samples, rules=TIMETICKS) == [(0, P, EDGE), (P, 2 * P, EDGE)]


def test_a_restart_far_from_the_wrap_is_an_outage() -> None:
    samples = [good(0, uptime=HOUR), good(P, uptime=20 * SECOND)]
    assert states(*samples, rules=TIMETICKS)[0] == (0, P - 20 * SECOND, EDGE)


def test_jitter_of_a_young_counter_is_no_restart() -> None:
    young = [good(0, uptime=500), good(P, uptime=P - 40)]
    assert states(*young) == [(0, P, UP)]
    assert outages(timeline_from_samples(young, RULES)) == ()


def test_a_trap_inside_the_gap_dates_the_loss() -> None:
    assert states(good(0), bad(P), marks=(12 * SECOND,)) == [(0, 12 * SECOND, UP), (12 * SECOND, P, DOWN)]
    two = states(good(0), bad(P), marks=(12 * SECOND, 20 * SECOND))
    assert two == [(0, 12 * SECOND, UP), (12 * SECOND, 20 * SECOND, EDGE), (20 * SECOND, P, DOWN)]
    assert states(good(0), bad(P), marks=(2 * P,)) == [(0, P, EDGE)]


def test_a_trap_between_good_samples_is_an_outage_until_the_counter_says_back() -> None:
    mark = 12 * SECOND
    assert states(good(0), good(P), marks=(mark,)) == [(0, mark, UP), (mark, P, EDGE)]
    back = P - 20 * SECOND
    counted = states(good(0), good(P, uptime=20 * SECOND), marks=(mark,))
    assert counted == [(0, mark, UP), (mark, back - 9, DOWN), (back - 9, back, EDGE), (back, P, UP)]


def test_a_counter_outweighs_a_trap_that_says_otherwise() -> None:
    assert states(good(0), good(P, uptime=HOUR), marks=(12 * SECOND,)) == [(0, P, UP)]


def test_degraded_serves_and_its_edge_is_degraded() -> None:
    impaired = Sample(P, State.DEGRADED)
    assert states(good(0), impaired, good(2 * P)) == [(0, P, State.DEGRADED), (P, 2 * P, State.DEGRADED)]


def test_a_gap_is_as_long_as_the_longer_clock_says() -> None:
    stepped_back = [Sample(HOUR, UP, monotonic_ms=0), Sample(HOUR + P, UP, monotonic_ms=3 * HOUR)]
    assert states(*stepped_back) == [(HOUR, HOUR + P, UNKNOWN)]
    jumped_ahead = [Sample(0, UP, monotonic_ms=0), Sample(HOUR, UP, monotonic_ms=P)]
    assert states(*jumped_ahead) == [(0, HOUR, UNKNOWN)]


def test_a_wall_clock_that_steps_back_does_not_break_the_order_or_lose_an_outage() -> None:
    samples = [good(HOUR), bad(HOUR - P), good(HOUR + P)]
    timeline = timeline_from_samples(samples, RULES)
    assert timeline.span == Interval(HOUR, HOUR + P)
    assert len(outages(timeline)) == 1


def test_no_samples_and_one_sample_say_nothing_of_any_time() -> None:
    assert timeline_from_samples([], RULES).segments == ()
    assert timeline_from_samples([good(5)], RULES).span == Interval(5, 5)
