"""Stored changes as timelines: what they prove, and blind wherever nobody looked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, NamedTuple

from channelwatch.base.intervals import Interval, Spans, normalise
from channelwatch.status.continuity import Continuity
from channelwatch.status.states import Cause, Health, Protection
from channelwatch.uptime.timeline import (
    SERVING,
    Change,
    DownCause,
    Segment,
    State,
    Timeline,
    UnknownCause,
    from_changes,
)
from channelwatch.uptime.timeline import Cause as UptimeCause


class Entry(NamedTuple):
    """One subject entered `state` on one axis at some instant of [`t_lo`, `t_hi`], epoch ms.

    `state` is a word of the axis (`Health`, `Protection` or `PairState`). The entries of one subject and axis are in
    order and do not overlap: `t_lo` is never before the `t_hi` of the entry before.
    """

    state: str
    cause: Cause
    t_lo: int
    t_hi: int


def settle(t_lo: int, t_hi: int, *, since: int | None) -> tuple[int, int]:
    """The bounds of a change, cut to what can follow a change whose `t_hi` was `since` (None: there was none)."""
    if since is None:
        return min(t_lo, t_hi), t_hi
    return max(since, min(t_lo, t_hi)), max(since, t_hi)


_BY_HEALTH: Final[Mapping[str, State]] = {
    Health.UP: State.UP,
    Health.DEGRADED: State.DEGRADED,
    Health.DOWN: State.DOWN,
    Health.UNKNOWN: State.UNKNOWN,
}
_BY_PROTECTION: Final[Mapping[str, State]] = {
    Protection.SECURED: State.UP,
    Protection.WEAKENED: State.DEGRADED,
    Protection.EXPOSED: State.DOWN,
    Protection.UNKNOWN: State.UNKNOWN,
}
_OF_THE_LINK: Final = frozenset({Cause.TUNNEL_DOWN, Cause.CARRIER})
"""Causes of a loss that a device itself tells of: it answers, and its tunnel is gone."""


def health_timeline(entries: Iterable[Entry], *, until: int, blind: Spans = ()) -> Timeline:
    """The health of a device, known up to `until` (epoch ms) and not known in `blind`."""
    changes = (
        Change(entry.t_lo, entry.t_hi, state, _cause(state, entry.cause))
        for entry in entries
        for state in [_BY_HEALTH[entry.state]]
    )
    return blinded(from_changes(changes, until=until), blind)


def protection_timeline(entries: Iterable[Entry], *, until: int, blind: Spans = ()) -> Timeline:
    """The protection of a device, in the words that `PROTECTION_WORDS` translates."""
    changes = (
        Change(entry.t_lo, entry.t_hi, state, _why_unknown(entry.cause) if state is State.UNKNOWN else None)
        for entry in entries
        for state in [_BY_PROTECTION[entry.state]]
    )
    return blinded(from_changes(changes, until=until), blind)


def _cause(state: State, cause: Cause) -> UptimeCause | None:
    match state:
        case State.UNKNOWN:
            return _why_unknown(cause)
        case State.DOWN:
            return DownCause.LINK if cause in _OF_THE_LINK else DownCause.SELF
        case _:
            return None


def _why_unknown(cause: Cause) -> UnknownCause:
    return UnknownCause.BLIND if cause is Cause.MONITORING else UnknownCause.SILENT


def blinded(timeline: Timeline, blind: Spans) -> Timeline:
    """The same history, not known in `blind`: whatever was recorded, nobody looked."""
    if not blind:
        return timeline
    cut = _Cut(blind, UnknownCause.BLIND)
    pieces: list[Segment] = []
    for part in timeline.segments:
        if part.state is State.UNKNOWN:
            pieces.append(part)
        elif part.start < part.end:
            cut.out_of(part, pieces)
        elif not any(gap.start < part.start < gap.end for gap in blind):
            pieces.append(part)
    return replace(timeline, segments=tuple(pieces))


class _Cut:
    """Cuts spans out of segments, and puts unknown time in their place."""

    def __init__(self, spans: Spans, why: UnknownCause) -> None:
        self._spans = spans
        self._ends = [span.end for span in spans]
        self._why = why

    def out_of(self, part: Segment, pieces: list[Segment]) -> None:
        """Append the pieces of `part`, which is not empty."""
        at = part.start
        for index in range(bisect_right(self._ends, at), len(self._spans)):
            span = self._spans[index]
            if span.start >= part.end:
                break
            start, end = max(span.start, at), min(span.end, part.end)
            if at < start:
                pieces.append(part._replace(start=at, end=start))
            pieces.append(Segment(start, end, State.UNKNOWN, self._why))
            at = end
        if at == part.start:
            pieces.append(part)
        elif at < part.end:
            pieces.append(part._replace(start=at))


def backed(health: Timeline, entries: Iterable[Entry], *, heard_until: int) -> Timeline:
    """`health` with the time attested that the device's counters back, by the `entries` of that axis.

    What is backed began with a time of service. What lasts counts up to the last time of service before `heard_until`,
    when the device had been heard for certain: beyond its last answer nothing is proven yet.
    """
    ends = [part.end for part in health.segments if part.state in SERVING]
    starts = [part.start for part in health.segments if part.state in SERVING]
    told = [(entry.state, entry.t_hi) for entry in entries]
    proven = [(since, until) for (state, since), (_, until) in pairwise(told) if state == Continuity.BACKED]
    if told and told[-1][0] == Continuity.BACKED:
        after = bisect_right(starts, heard_until)
        if after:
            proven.append((told[-1][1], max(told[-1][1], min(heard_until, ends[after - 1]))))
    return health.attest(normalise(proven)) if proven else health


def unseen(alive: Spans, *, longest_gap_ms: int) -> Spans:
    """The pauses of a collector that was `alive` which are too long to join what was seen before and after."""
    return tuple(
        Interval(left.end, right.start)
        for left, right in pairwise(alive)
        if right.start - left.end > longest_gap_ms
    )


def parts_of_spoke(health: Timeline) -> tuple[Timeline, Timeline]:
    """A spoke's health as that of the device itself and that of its tunnel: together they are what it was.

    A device that answers and tells of a lost tunnel is up; while the device is lost nothing is held against the tunnel.
    """

    def without(cause: DownCause) -> Timeline:
        parts = (
            part._replace(state=State.UP, cause=None)
            if part.state is State.DOWN and (part.cause is DownCause.LINK) == (cause is DownCause.LINK)
            else part
            for part in health.segments
        )
        return replace(health, segments=tuple(parts))

    return without(DownCause.LINK), without(DownCause.SELF)


def behind(health: Timeline, hub: Timeline) -> Timeline:
    """A spoke's own health: while its hub is lost it can neither serve nor, often, be asked, so nothing is known.

    An edge beside such time is unknown as well: what was found afterwards had happened behind the lost hub.
    """
    lost = hub.in_states((State.DOWN, State.EDGE))
    if not lost:
        return health
    cut = _Cut(lost, UnknownCause.PATH)
    pieces: list[Segment] = []
    for part in health.segments:
        if part.state in (State.DOWN, State.EDGE) and part.start < part.end:
            cut.out_of(part, pieces)
        else:
            pieces.append(part)
    return replace(health, segments=tuple(_spread(pieces)))


def _spread(pieces: Sequence[Segment]) -> Iterator[Segment]:
    hidden = [part.cause is UnknownCause.PATH for part in pieces]
    for index, part in enumerate(pieces):
        if part.state is State.EDGE and any(hidden[max(0, index - 1) : index + 2]):
            yield part._replace(state=State.UNKNOWN, cause=UnknownCause.PATH)
        else:
            yield part
