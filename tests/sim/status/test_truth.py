"""Whatever befalls a device, what is recorded of it bounds the truth, and what its counters back is true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs
from channelwatch.base.intervals import Interval, Spans, intersect, normalise, total
from channelwatch.status.device import DeviceState, Step, StepPolicy, answered, blind, missed
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Axis, Cause, Health
from channelwatch.uptime.history import Entry, backed, health_timeline, settle
from channelwatch.uptime.measure import Scope, measure
from channelwatch.uptime.timeline import SERVING, State, Timeline
from tests.support.province import START, answer, encrypting, miss, spoke, tunnel_down

DEVICE = spoke(1)
POLL_MS = 60_000
BLIND_MS = 3 * POLL_MS
GAP_MS = 5 * POLL_MS // 2
LENGTH_MS = 2 * 3600_000
WRAP_S = 2**32 / 100
POLICY = StepPolicy()


@dataclass(frozen=True)
class Truth:
    """What became of the device. `reboots` it is gone in, `cuts` its tunnel alone is; `unwatched` nobody polls it.

    `lost`: which of the polls get lost on the way, though never three in a row.
    """

    reboots: Spans
    cuts: Spans
    unwatched: Spans
    lost: frozenset[int]
    first_uptime_s: float

    @property
    def down(self) -> Spans:
        return normalise((*self.reboots, *self.cuts))


def within(spans: Spans, at: int) -> bool:
    return any(span.start <= at < span.end for span in spans)


def since(spans: Spans, at: int, otherwise: int) -> int:
    return max((span.end for span in spans if span.end <= at), default=otherwise)


def joined_up(down: Spans) -> Spans:
    """`down` without the moments of service that are too short to be sure to meet a poll."""
    short = ((one.end, other.start) for one, other in pairwise(down) if other.start - one.end < 2 * POLL_MS)
    return normalise((*down, *short))


moments = st.integers(1_000, LENGTH_MS - 1_000)


@st.composite
def spans(draw: st.DrawFn, lengths: st.SearchStrategy[int], most: int) -> Spans:
    starts = draw(st.lists(moments, max_size=most))
    return normalise((START + at, START + min(LENGTH_MS, at + draw(lengths))) for at in starts)


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    short_or_long = st.one_of(st.integers(500, 50_000), st.integers(50_000, 1_500_000))
    return Truth(
        reboots=draw(spans(short_or_long, 3)),
        cuts=draw(spans(short_or_long, 3)),
        unwatched=draw(spans(st.integers(200_000, 2_400_000), 2)),
        lost=draw(st.frozensets(st.integers(0, 150).map(lambda number: 3 * number), max_size=40)),
        first_uptime_s=draw(st.one_of(st.integers(0, 9_000), st.just(WRAP_S - 1800))),
    )


def polls(truth: Truth) -> Iterator[int]:
    """When it is polled: each period, and again soon after each poll that may have found it gone."""
    at = START
    while at < START + LENGTH_MS:
        if not within(truth.unwatched, at):
            yield at
            yield from (at + 2_100 * number for number in (1, 2) if within(truth.reboots, at))
        at += POLL_MS


def readings(truth: Truth, at: int, boots: list[int]) -> tuple[Reading, ...]:
    booted = since(truth.reboots, at, START - round(truth.first_uptime_s * 1000))
    more = [Reading(Signal.SYS_UPTIME, SignalState.OK, (at - booted) / 1000 % WRAP_S)]
    if boots and boots[-1] != booted:
        more.append(Reading(Signal.SYS_RESTART, SignalState.OK, "host"))
    boots.append(booted)
    if within(truth.cuts, at):
        return encrypting(*more, tunnel_down())
    up = since(truth.down, at, START - 10**9)
    more.append(Reading(Signal.CHANNEL_AGE, SignalState.OK, (at - up) // 1000, component="hub"))
    return encrypting(*more)


def watched(truth: Truth) -> tuple[DeviceState, list[Step]]:
    state, steps, boots = DeviceState(DEVICE), [], list[int]()

    def take(step: Step) -> DeviceState:
        steps.append(step)
        return step.state

    for number, at in enumerate(polls(truth)):
        if state.polled_at and at - state.polled_at > BLIND_MS and not state.is_blind:
            state = take(blind(state, since=state.known_at, now=EpochMs(at - 1), policy=POLICY))
        if within(truth.reboots, at) or (number in truth.lost and number % 3 == 0):
            state = take(missed(state, miss(DEVICE, at + 2_000), POLICY, longest_gap_ms=GAP_MS))
        else:
            told = answer(DEVICE, at, readings(truth, at, boots))
            state = take(answered(state, told, POLICY, longest_gap_ms=GAP_MS))
    return state, steps


def entries(steps: Sequence[Step], axis: Axis) -> list[Entry]:
    found: list[Entry] = []
    for step in steps:
        for move in step.transitions:
            if move.axis is axis:
                last = found[-1].t_hi if found else None
                found.append(Entry(move.after, Cause(move.cause), *settle(move.t_lo, move.t_hi, since=last)))
    return found


def recorded(steps: Sequence[Step], until: int) -> Timeline:
    health = health_timeline(entries(steps, Axis.HEALTH), until=until)
    return backed(health, entries(steps, Axis.CONTINUITY), heard_until=until)


@settings(max_examples=200)
@given(truths())
def test_the_truth_is_within_the_bounds_and_what_is_backed_is_true(truth: Truth) -> None:
    state, steps = watched(truth)
    until = max(state.known_at, state.seen_at, START + 1)
    timeline = recorded(steps, until)
    assert total(intersect(timeline.attested, truth.down)) == 0
    # What is bad at two polls in a row counts as down between them: nobody saw the moment in which it was not.
    joined = joined_up(truth.down)
    if not truth.lost:
        down = normalise((part.start, part.end) for part in timeline.segments if part.state is State.DOWN)
        assert total(down) == total(intersect(down, joined)), "what is called down was down"
    span = timeline.span
    found = measure(timeline, Scope(span, span.end, (span,)), Fraction(999, 1000)).sums
    seen = normalise((part.start, part.end) for part in timeline.segments if part.state in SERVING)
    hidden = total(intersect(seen, truth.down))
    true_down = total(intersect((span,), truth.down))
    assert truth.lost or found.down_lo_ms <= total(intersect((span,), joined))
    assert true_down <= found.down_hi_ms + found.unknown_ms + hidden
    backed_part = intersect(seen, timeline.attested)
    assert total(intersect(backed_part, truth.down)) == 0


@settings(max_examples=100)
@given(truths())
def test_without_losses_and_cuts_a_watched_device_is_backed_nearly_throughout(truth: Truth) -> None:
    calm = Truth((), (), truth.unwatched, frozenset(), 100_000)
    state, steps = watched(calm)
    timeline = recorded(steps, state.seen_at)
    span = Interval(START, state.seen_at)
    if span.length:
        assert total(intersect((span,), timeline.attested)) == span.length
        assert timeline.serves_throughout(span)
    assert state.assessment.health is Health.UP or state.is_blind
