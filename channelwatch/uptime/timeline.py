"""The history of one subject on one axis, as contiguous segments that say what was known.

The same arithmetic serves both axes. Health uses the words of `State`; on the protection axis `UP` stands for
secured, `DEGRADED` for weakened and `DOWN` for exposed (`PROTECTION_WORDS`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from channelwatch.base.intervals import Interval, Spans, intersect, normalise, subtract, union


class State(StrEnum):
    """What was known of the service at an instant."""

    UP = "up"
    DEGRADED = "degraded"
    """Serving, impaired."""
    SPLIT = "split"
    """Serving, but both members of a pair are active."""
    EDGE = "edge"
    """Between the last sample of one state and the first of the other: the true change lies inside."""
    UNKNOWN = "unknown"
    DOWN = "down"


SERVING = (State.UP, State.DEGRADED, State.SPLIT)

PROTECTION_WORDS: Mapping[State, str] = MappingProxyType(
    {State.UP: "secured", State.DEGRADED: "weakened", State.DOWN: "exposed", State.UNKNOWN: "unknown"}
)


class UnknownCause(StrEnum):
    """Why nothing is known."""

    BLIND = "blind"
    """Nobody asked: the collector did not run, or nothing is recorded."""
    SILENT = "silent"
    """Asked, no usable answer."""
    PATH = "path"
    """The monitoring path is known to be broken."""


class DownCause(StrEnum):
    """Which part of a commune's channel took it down."""

    SELF = "self"
    LINK = "link"
    UPSTREAM = "upstream"


Cause: TypeAlias = UnknownCause | DownCause


class Segment(NamedTuple):
    """One state over [`start`, `end`), epoch ms. An empty one records a state that was seen at one instant."""

    start: int
    end: int
    state: State
    cause: Cause | None = None


class Change(NamedTuple):
    """The subject entered `state` at some instant of [`t_lo`, `t_hi`], epoch ms; equal when known exactly."""

    t_lo: int
    t_hi: int
    state: State
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Contiguous segments in ascending order; before the first and after the last nothing is known.

    `attested` is the time that a continuity counter proves to be free of restarts.
    """

    segments: tuple[Segment, ...]
    attested: Spans = ()

    def __post_init__(self) -> None:
        for part in self.segments:
            assert part.start <= part.end, part
        for left, right in pairwise(self.segments):
            assert left.end == right.start, (left, right)

    @property
    def span(self) -> Interval:
        """From the first to the last instant that anything is said about."""
        if not self.segments:
            return Interval(0, 0)
        return Interval(self.segments[0].start, self.segments[-1].end)

    def in_states(self, states: Iterable[State]) -> Spans:
        """The time spent in any of `states`."""
        wanted = tuple(states)
        return normalise((part.start, part.end) for part in self.segments if part.state in wanted)

    def serves_throughout(self, window: Interval) -> bool:
        """Was the subject certainly serving at every instant of `window`?"""
        index = bisect_right(self.segments, window.start, key=lambda part: part.start) - 1
        if index < 0:
            return False
        reached = window.start
        while reached < window.end and index < len(self.segments) and self.segments[index].state in SERVING:
            reached = self.segments[index].end
            index += 1
        return reached >= window.end

    def attest(self, spans: Spans) -> Timeline:
        """The same history after a counter proved `spans` uninterrupted: unknown time inside becomes up.

        Time that was seen down, and the gap beside it, stays as it is: an observation outweighs a counter.
        """
        split = (piece for part in self.segments for piece in _attested_pieces(part, spans))
        return replace(self, segments=tuple(split), attested=union(self.attested, spans))


def from_changes(changes: Iterable[Change], *, until: int, attested: Spans = ()) -> Timeline:
    """The history that `changes` (ascending) tell, known up to the instant `until` of the last evidence.

    ValueError when changes overlap, run backwards, enter `EDGE` or pass `until`.
    """
    known = [_sharpened(change, before) for change, before in _with_previous(changes)]
    segments: list[Segment] = []
    for index, change in enumerate(known):
        before = known[index - 1] if index else None
        after_lo = known[index + 1].t_lo if index + 1 < len(known) else until
        if change.t_hi > after_lo:
            raise ValueError(f"a change at {change.t_hi} is later than the next one or the end, {after_lo}")
        if before is not None and change.t_lo < change.t_hi:
            segments.append(_between(before, change))
        if change.t_hi < after_lo or change.state is not State.UNKNOWN:
            segments.append(Segment(change.t_hi, after_lo, change.state, change.cause))
    return Timeline(tuple(segments), attested)


def _with_previous(changes: Iterable[Change]) -> Iterable[tuple[Change, State]]:
    before = State.UNKNOWN
    for change in changes:
        if change.t_lo > change.t_hi or change.state is State.EDGE:
            raise ValueError(f"not a change: {change}")
        yield change, before
        before = change.state


def _sharpened(change: Change, before: State) -> Change:
    """Beside unknown time there is no edge: what is not known is unknown."""
    if change.state is State.UNKNOWN:
        return change._replace(t_hi=change.t_lo)
    if before is State.UNKNOWN:
        return change._replace(t_lo=change.t_hi)
    return change


def _between(before: Change, after: Change) -> Segment:
    if before.state in SERVING and after.state in SERVING:
        impaired = before if before.state is not State.UP else after
        return Segment(after.t_lo, after.t_hi, impaired.state)
    if before.state is after.state:
        return Segment(after.t_lo, after.t_hi, before.state, before.cause)
    return Segment(after.t_lo, after.t_hi, State.EDGE)


def _attested_pieces(part: Segment, spans: Spans) -> list[Segment]:
    if part.state is not State.UNKNOWN:
        return [part]
    whole = normalise([(part.start, part.end)])
    proven = [Segment(start, end, State.UP) for start, end in intersect(whole, spans)]
    rest = [part._replace(start=start, end=end) for start, end in subtract(whole, spans)]
    return sorted(proven + rest, key=lambda piece: piece.start)
