"""Stored changes as timelines: what they prove, and blind wherever nobody looked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from channelwatch.base.intervals import Interval, Spans, intersect, normalise, subtract
from channelwatch.status.states import Cause, Health, Protection
from channelwatch.uptime.timeline import Cause as UptimeCause
from channelwatch.uptime.timeline import (
    Change,
    DownCause,
    Segment,
    State,
    Timeline,
    UnknownCause,
    from_changes,
)


@dataclass(frozen=True, slots=True)
class Entry:
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
    return replace(timeline, segments=tuple(_blind_pieces(timeline.segments, blind)))


def _blind_pieces(segments: Iterable[Segment], blind: Spans) -> Iterator[Segment]:
    for part in segments:
        if part.state is State.UNKNOWN:
            yield part
        elif part.start == part.end:
            if not any(gap.start < part.start < gap.end for gap in blind):
                yield part
        else:
            yield from _cut_out(part, blind, UnknownCause.BLIND)


def _cut_out(part: Segment, spans: Spans, why: UnknownCause) -> Iterator[Segment]:
    whole = normalise([(part.start, part.end)])
    lost = [Segment(start, end, State.UNKNOWN, why) for start, end in intersect(whole, spans)]
    kept = [replace(part, start=start, end=end) for start, end in subtract(whole, spans)]
    return iter(sorted(lost + kept, key=lambda piece: piece.start))


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
            replace(part, state=State.UP, cause=None)
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
    pieces: list[Segment] = []
    for part in health.segments:
        if part.state in (State.DOWN, State.EDGE) and part.start < part.end:
            pieces.extend(_cut_out(part, lost, UnknownCause.PATH))
        else:
            pieces.append(part)
    return replace(health, segments=tuple(_spread(pieces)))


def _spread(pieces: Sequence[Segment]) -> Iterator[Segment]:
    hidden = [part.cause is UnknownCause.PATH for part in pieces]
    for index, part in enumerate(pieces):
        beside = hidden[max(0, index - 1) : index + 2]
        if part.state is State.EDGE and any(beside):
            yield replace(part, state=State.UNKNOWN, cause=UnknownCause.PATH)
        else:
            yield part
