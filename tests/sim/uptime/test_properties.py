"""Laws that hold for every truth and every way of looking at it."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.intervals import (
    Interval,
    Spans,
    clip,
    intersect,
    normalise,
    subtract,
    tiles,
    total,
    union,
)
from channelwatch.uptime.combine import channel_service, pair_service
from channelwatch.uptime.figures import Availability
from channelwatch.uptime.measure import Maintenance, Scope, breakdown, measure
from channelwatch.uptime.samples import timeline_from_samples
from channelwatch.uptime.timeline import SERVING, Change, State, Timeline, UnknownCause, from_changes
from tests.support.timelines import TARGET, World, scope, worlds


def assert_bounded(found: Availability, down: Spans) -> None:
    sums, figures = found.sums, found.figures
    truth = total(clip(down, found.period))
    assert sums.down_lo_ms <= truth <= sums.down_hi_ms + sums.unknown_ms
    if figures.a_lo is not None and figures.a_hi is not None:
        assert figures.a_lo <= 1 - Fraction(truth, sums.base_ms) <= figures.a_hi


@given(worlds(has_counter=True))
def test_with_a_counter_the_truth_is_within_the_bounds_however_short_the_outages(world: World) -> None:
    timeline = timeline_from_samples(world.samples(), world.rules)
    assert_bounded(measure(timeline, scope(world.length), TARGET), world.down)
    assert not intersect(timeline.attested, world.down)
    assert not intersect(timeline.in_states(SERVING), world.down)


@given(worlds(has_counter=False))
def test_without_a_counter_the_truth_is_within_the_bounds_of_outages_longer_than_a_gap(world: World) -> None:
    timeline = timeline_from_samples(world.samples(), world.rules)
    assert_bounded(measure(timeline, scope(world.length), TARGET), world.down)


@given(worlds(has_counter=True), worlds(has_counter=True), worlds(has_counter=True))
def test_joined_timelines_bound_the_joined_truth(first: World, second: World, third: World) -> None:
    length = min(world.length for world in (first, second, third))
    seen = [timeline_from_samples(world.samples(), world.rules) for world in (first, second, third)]
    pair = measure(pair_service(seen[0], seen[1]), scope(length), TARGET)
    assert_bounded(pair, intersect(first.down, second.down))
    channel = measure(channel_service(device=seen[0], link=seen[1], hub=seen[2]), scope(length), TARGET)
    assert_bounded(channel, union(first.down, second.down, third.down))


LENGTH = 60
maybe_cause = st.sampled_from(UnknownCause)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Any legal history over part of [0, 60)."""
    marks = sorted(draw(st.lists(st.integers(0, LENGTH), min_size=2, max_size=14)))
    pairs = list(zip(marks[0:-1:2], marks[1::2], strict=False))
    states = [State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN]
    changes = [
        Change(lo, hi, state, draw(maybe_cause) if state is State.UNKNOWN else None)
        for lo, hi in pairs
        for state in [draw(st.sampled_from(states))]
    ]
    return from_changes(changes, until=marks[-1])


spans = st.lists(st.tuples(st.integers(-5, 65), st.integers(0, 30)), max_size=4).map(
    lambda found: normalise((start, start + length) for start, length in found)
)
windows = st.builds(
    lambda start, length, notice: Maintenance(
        start, start + length, None if notice is None else start - notice
    ),
    st.integers(-5, 65),
    st.integers(0, 20),
    st.none() | st.integers(-3, 3),
)
scopes = st.builds(
    lambda now, commissioned, maintenance: Scope(Interval(0, LENGTH), now, commissioned, tuple(maintenance)),
    st.integers(-5, 70),
    spans,
    st.lists(windows, max_size=3),
)


@given(timelines(), scopes, spans)
def test_slots_tile_the_period_and_the_sums_are_the_period(
    timeline: Timeline, of: Scope, proven: Spans
) -> None:
    timeline = timeline.attest(proven)
    parts = breakdown(timeline, of)
    assert tiles((part for found in parts.values() for part in found), of.period)
    found = measure(timeline, of, TARGET)
    sums = found.sums
    assert sums.total_ms == total(of.commissioned_time())
    assert sums.base_ms == sums.total_ms - total(of.excluded())
    assert sums.known_ms == sums.base_ms - sums.unknown_ms
    assert sums.attested_ms <= sums.serving_ms
    assert found.unexcluded.total_ms == found.unexcluded.base_ms == sums.total_ms


@given(timelines(), scopes)
def test_bounds_are_ordered_and_none_without_a_base(timeline: Timeline, of: Scope) -> None:
    figures = measure(timeline, of, TARGET).figures
    if figures.a_lo is None or figures.a_hi is None:
        assert figures.coverage is None
        return
    assert 0 <= figures.a_lo <= figures.a_hi <= 1
    assert figures.strict == figures.a_lo
    if figures.a_known is not None and figures.observed is not None:
        assert figures.a_lo <= figures.observed
        assert figures.observed <= figures.a_known <= 1


@given(timelines(), scopes, windows)
def test_maintenance_entered_after_the_fact_changes_nothing(
    timeline: Timeline, of: Scope, window: Maintenance
) -> None:
    late = Maintenance(window.start, window.end, approved_at=window.start)
    more = Scope(of.period, of.now, of.commissioned, (*of.maintenance, late))
    assert measure(timeline, more, TARGET) == measure(timeline, of, TARGET)


@given(timelines(), scopes, spans)
def test_a_later_attestation_only_narrows_the_bounds(timeline: Timeline, of: Scope, proven: Spans) -> None:
    before = measure(timeline, of, TARGET)
    after = measure(timeline.attest(proven), of, TARGET)
    assert after.figures.a_hi == before.figures.a_hi
    assert after.sums.serving_ms >= before.sums.serving_ms
    assert after.sums.down_hi_ms == before.sums.down_hi_ms


def possible(timeline: Timeline, at: int) -> set[bool]:
    """May the service have been up at `at`; may it not?"""
    state = next((part.state for part in timeline.segments if part.start <= at < part.end), State.UNKNOWN)
    if state in SERVING:
        return {True}
    return {False} if state is State.DOWN else {True, False}


@given(timelines(), timelines(), timelines())
def test_joining_is_kleene_logic_at_every_instant(a: Timeline, b: Timeline, c: Timeline) -> None:
    pair = pair_service(a, b)
    channel = channel_service(device=a, link=b, hub=c)
    for at in range(LENGTH):
        one, two, three = (possible(timeline, at) for timeline in (a, b, c))
        assert possible(pair, at) == {x or y for x in one for y in two}
        assert possible(channel, at) == {x and y and z for x in one for y in two for z in three}
        split = any(part.start <= at < part.end for part in pair.segments if part.state is State.SPLIT)
        assert split == (one == two == {True})


@given(timelines(), spans)
def test_attesting_touches_unknown_time_only(timeline: Timeline, proven: Spans) -> None:
    after = timeline.attest(proven)
    assert after.span == timeline.span
    assert after.in_states([State.DOWN]) == timeline.in_states([State.DOWN])
    assert after.in_states([State.EDGE]) == timeline.in_states([State.EDGE])
    assert after.in_states([State.UNKNOWN]) == subtract(timeline.in_states([State.UNKNOWN]), proven)
