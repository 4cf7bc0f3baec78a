"""Truths, and what a poller would have seen of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import strategies as st

from channelwatch.base.intervals import Interval, Spans, normalise
from channelwatch.uptime.continuity import CounterRules, Reading
from channelwatch.uptime.measure import Maintenance, Scope
from channelwatch.uptime.samples import Sample, SampleRules
from channelwatch.uptime.timeline import Change, State, Timeline, from_changes

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
P = MINUTE
GMAX = 5 * P // 2
RULES = SampleRules(poll_ms=P)
TARGET = Fraction(999, 1000)


def scope(length: int, *, now: int | None = None, maintenance: tuple[Maintenance, ...] = ()) -> Scope:
    """A period from 0, commissioned throughout."""
    period = Interval(0, length)
    return Scope(period, length if now is None else now, (period,), maintenance)


def seen_down(outages: Iterable[tuple[int, int]], length: int) -> Timeline:
    """Up from 0 to `length` except for outages that are known exactly."""
    changes = [Change(0, 0, State.UP)]
    for down, up in outages:
        changes += [Change(down, down, State.DOWN), Change(up, up, State.UP)]
    return from_changes(changes, until=length)


@dataclass(frozen=True)
class World:
    """When the service was really down, and when it was asked."""

    down: Spans
    asked_at: tuple[int, ...]
    has_counter: bool
    tick: int

    @property
    def rules(self) -> SampleRules:
        return SampleRules(poll_ms=P, counter=CounterRules(tick_ms=self.tick))

    @property
    def length(self) -> int:
        return self.asked_at[-1]

    def is_down(self, at: int) -> bool:
        return any(start <= at < end for start, end in self.down)

    def samples(self) -> list[Sample]:
        return [self._sample(at) for at in self.asked_at]

    def _sample(self, at: int) -> Sample:
        if self.is_down(at):
            return Sample(at, State.DOWN)
        came_up = max((end for _, end in self.down if end <= at), default=-10 * DAY)
        uptime = (at - came_up) // self.tick * self.tick
        return Sample(at, State.UP, Reading(uptime_ms=uptime if self.has_counter else None))


@st.composite
def worlds(draw: st.DrawFn, *, has_counter: bool) -> World:
    """Any truth that polling can keep apart: the service stays up for a gap at least before it is lost again, and
    without a counter an outage lasts at least a gap too. Polls jitter, get lost, and stop for hours.
    """
    shortest = 1 if has_counter else GMAX
    down: list[tuple[int, int]] = []
    at = 0
    for _ in range(draw(st.integers(0, 5))):
        start = at + draw(st.integers(GMAX, 2 * HOUR))
        at = start + draw(st.integers(shortest, max(shortest, draw(st.sampled_from([20 * SECOND, HOUR])))))
        down.append((start, at))
    asked = [0]
    horizon = at + GMAX
    while asked[-1] < horizon:
        step = draw(st.sampled_from([P, P, P, P, P - 700, P + 900, 2 * P, GMAX, 10 * P, 3 * HOUR]))
        asked.append(asked[-1] + step)
    tick = draw(st.sampled_from([1, 10, SECOND]))
    return World(normalise(down), tuple(asked), has_counter, tick)
