"""Summing a timeline over a period: what counts, what is left out, and what it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

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


def slot_of(segment: Segment) -> Slot:
    """What counted time in `segment` is; a loss without a cause is the subject's own."""
    match segment.state:
        case State.UP:
            return Slot.UP
        case State.DOWN:
            return _lost(segment.cause)
        case State.EDGE:
            return Slot.EDGE
        case State.UNKNOWN:
            return _unknown(segment.cause)
        case State.DEGRADED:
            return Slot.DEGRADED
        case State.SPLIT:
            return Slot.SPLIT
        case _:
            assert_never(segment.state)


def _lost(cause: Cause | None) -> Slot:
    match cause:
        case DownCause.LINK:
            return Slot.DOWN_LINK
        case DownCause.UPSTREAM:
            return Slot.DOWN_UPSTREAM
        case _:
            return Slot.DOWN_SELF


def _unknown(cause: Cause | None) -> Slot:
    match cause:
        case UnknownCause.SILENT:
            return Slot.SILENT
        case UnknownCause.PATH:
            return Slot.PATH
        case _:
            return Slot.BLIND


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
    held: dict[Slot, int] = dict.fromkeys(Slot, 0)
    for segment, length in _lengths(timeline.segments, counted):
        held[slot_of(segment)] += length
    beyond = total(counted) - sum(held.values())
    serving = intersect(timeline.in_states(SERVING), counted) if timeline.attested else ()
    return Sums(
        up_ms=held[Slot.UP],
        degraded_ms=held[Slot.DEGRADED],
        split_ms=held[Slot.SPLIT],
        edge_ms=held[Slot.EDGE],
        down_self_ms=held[Slot.DOWN_SELF],
        down_link_ms=held[Slot.DOWN_LINK],
        down_upstream_ms=held[Slot.DOWN_UPSTREAM],
        blind_ms=held[Slot.BLIND] + beyond,
        silent_ms=held[Slot.SILENT],
        path_ms=held[Slot.PATH],
        maintenance_ms=maintenance_ms,
        attested_ms=total(intersect(serving, timeline.attested)),
    )


def _lengths(segments: Sequence[Segment], counted: Spans) -> Iterator[tuple[Segment, int]]:
    """The segments with how much of each is counted, in order; those with nothing are left out."""
    following = 0
    for start, end in counted:
        while following < len(segments) and segments[following].end <= start:
            following += 1
        for index in range(following, len(segments)):
            part = segments[index]
            if part.start >= end:
                break
            length = min(end, part.end) - max(start, part.start)
            if length > 0:
                yield part, length


def measure(timeline: Timeline, scope: Scope, target: Fraction) -> Availability:
    """Availability of one subject over `scope.period`; `target` is a share such as Fraction(999, 1000)."""
    commissioned = scope.commissioned_time()
    excluded = scope.excluded()
    sums = _sums(timeline, subtract(commissioned, excluded), total(excluded))
    unexcluded = _sums(timeline, commissioned, 0) if excluded else sums
    assert sums.total_ms == unexcluded.total_ms == total(commissioned), (sums, unexcluded)
    return Availability(period=scope.period, target=target, sums=sums, unexcluded=unexcluded)
