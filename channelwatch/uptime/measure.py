"""Summing a timeline over a period: what counts, what is left out, and what it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from channelwatch.base.intervals import Interval, Spans, clip, intersect, normalise, subtract, total
from channelwatch.uptime.figures import Availability, Sums
from channelwatch.uptime.timeline import SERVING, Cause, DownCause, Segment, State, Timeline, UnknownCause


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A maintenance window [`start`, `end`), epoch ms. `approved_at`: None as long as nobody approved it."""

    start: int
    end: int
    approved_at: int | None

    @property
    def counts(self) -> bool:
        """Only what was approved before it started is left out; anything later is a correction."""
        return self.approved_at is not None and self.approved_at < self.start


@dataclass(frozen=True, slots=True)
class Scope:
    """Which time is measured: `period` as far as it has passed at `now` (epoch ms) and was commissioned."""

    period: Interval
    now: int
    commissioned: Spans
    maintenance: tuple[Maintenance, ...] = ()

    @property
    def passed(self) -> Interval:
        """The part of the period that is not in the future; empty when all of it is."""
        return Interval(self.period.start, max(self.period.start, min(self.period.end, self.now)))

    def commissioned_time(self) -> Spans:
        """T as a set of time."""
        return clip(self.commissioned, self.passed)

    def approved(self) -> Spans:
        """All maintenance that counts, in and out of the period. Windows that overlap count once."""
        return normalise((window.start, window.end) for window in self.maintenance if window.counts)

    def excluded(self) -> Spans:
        """M as a set of time: approved maintenance inside T."""
        return intersect(self.approved(), self.commissioned_time())

    def counted(self) -> Spans:
        """T - M as a set of time."""
        return subtract(self.commissioned_time(), self.excluded())


class Slot(StrEnum):
    """What one instant of the period counts as: exactly one of these."""

    FUTURE = "future"
    UNCOMMISSIONED = "uncommissioned"
    MAINTENANCE = "maintenance"
    UP = "up"
    DEGRADED = "degraded"
    SPLIT = "split"
    EDGE = "edge"
    DOWN_SELF = "down_self"
    DOWN_LINK = "down_link"
    DOWN_UPSTREAM = "down_upstream"
    BLIND = "blind"
    SILENT = "silent"
    PATH = "path"


_BY_STATE: Final[Mapping[State, Slot]] = {
    State.UP: Slot.UP,
    State.DEGRADED: Slot.DEGRADED,
    State.SPLIT: Slot.SPLIT,
    State.EDGE: Slot.EDGE,
    State.DOWN: Slot.DOWN_SELF,
    State.UNKNOWN: Slot.BLIND,
}
_BY_CAUSE: Final[Mapping[tuple[State, Cause | None], Slot]] = {
    (State.DOWN, DownCause.LINK): Slot.DOWN_LINK,
    (State.DOWN, DownCause.UPSTREAM): Slot.DOWN_UPSTREAM,
    (State.UNKNOWN, UnknownCause.SILENT): Slot.SILENT,
    (State.UNKNOWN, UnknownCause.PATH): Slot.PATH,
}


def slot_of(segment: Segment) -> Slot:
    """What counted time in `segment` is; a loss without a cause is the subject's own."""
    return _BY_CAUSE.get((segment.state, segment.cause), _BY_STATE[segment.state])


def breakdown(timeline: Timeline, scope: Scope) -> Mapping[Slot, Spans]:
    """The whole period divided among the slots: no gap, no overlap."""
    commissioned = scope.commissioned_time()
    found = dict(_observed(timeline, scope.counted()))
    found[Slot.MAINTENANCE] = scope.excluded()
    found[Slot.UNCOMMISSIONED] = subtract(normalise([scope.passed]), commissioned)
    found[Slot.FUTURE] = normalise([(scope.passed.end, scope.period.end)])
    return found


def _observed(timeline: Timeline, counted: Spans) -> Mapping[Slot, Spans]:
    parts: defaultdict[Slot, list[Interval]] = defaultdict(list)
    for segment in timeline.segments:
        parts[slot_of(segment)].append(Interval(segment.start, segment.end))
    before_or_after = subtract(counted, normalise([timeline.span]))
    found = {slot: intersect(normalise(pieces), counted) for slot, pieces in parts.items()}
    found[Slot.BLIND] = normalise((*found.get(Slot.BLIND, ()), *before_or_after))
    return found


def _sums(timeline: Timeline, counted: Spans, maintenance_ms: int) -> Sums:
    found = {slot: total(spans) for slot, spans in _observed(timeline, counted).items()}
    serving = intersect(timeline.in_states(SERVING), counted)
    return Sums(
        up_ms=found.get(Slot.UP, 0),
        degraded_ms=found.get(Slot.DEGRADED, 0),
        split_ms=found.get(Slot.SPLIT, 0),
        edge_ms=found.get(Slot.EDGE, 0),
        down_self_ms=found.get(Slot.DOWN_SELF, 0),
        down_link_ms=found.get(Slot.DOWN_LINK, 0),
        down_upstream_ms=found.get(Slot.DOWN_UPSTREAM, 0),
        blind_ms=found[Slot.BLIND],
        silent_ms=found.get(Slot.SILENT, 0),
        path_ms=found.get(Slot.PATH, 0),
        maintenance_ms=maintenance_ms,
        attested_ms=total(intersect(serving, timeline.attested)),
    )


def measure(timeline: Timeline, scope: Scope, target: Fraction) -> Availability:
    """Availability of one subject over `scope.period`; `target` is a share such as Fraction(999, 1000)."""
    commissioned = scope.commissioned_time()
    sums = _sums(timeline, scope.counted(), total(scope.excluded()))
    unexcluded = _sums(timeline, commissioned, 0)
    assert sums.total_ms == unexcluded.total_ms == total(commissioned), (sums, unexcluded)
    return Availability(period=scope.period, target=target, sums=sums, unexcluded=unexcluded)
