"""Which member of an HA pair was active when, from the pair's own history and the health of both members."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import assert_never

from channelwatch.status.states import SERVES_UNSEEN, PairState
from channelwatch.uptime.combine import OR_ORDER, Reader
from channelwatch.uptime.history import Entry
from channelwatch.uptime.timeline import Segment, State, Timeline, UnknownCause

Members = tuple[Segment, Segment]
"""What the member that is active by plan, and the other one, were at one instant."""


def activity(entries: Sequence[Entry], planned: Timeline, other: Timeline) -> tuple[Timeline, Timeline]:
    """When each member was known to be active (UP, or DEGRADED) or known not to be (DOWN; a standby too).

    `entries` are the pair's, on its own axis; `planned` is the health of the member that is active by plan. Between
    two states of the pair a member whose part in them differs is at an edge. Before the first entry nothing is known.
    """
    if not entries:
        return Timeline(()), Timeline(())
    readers = (Reader(planned), Reader(other))
    ends = [member.span.end for member in (planned, other)]
    marks = {at for entry in entries for at in (entry.t_lo, entry.t_hi)}
    marks |= {at for member in (planned, other) for part in member.segments for at in (part.start, part.end)}
    first = entries[0].t_hi
    cuts = sorted(at for at in marks if first <= at <= max(ends))
    lines: tuple[list[Segment], list[Segment]] = ([], [])
    for index, at in enumerate(cuts):
        states = _possible(entries, at)
        after = cuts[index + 1] if index + 1 < len(cuts) else at
        for end in _lengths(readers, at, after):
            now = tuple(
                (reader.glimpses.get(at) if end == at else None) or reader.over(at) for reader in readers
            )
            found = [_shares(state, serves, (now[0], now[1])) for state, serves in states]
            for line, shares in zip(lines, zip(*found, strict=True), strict=True):
                line.append(_merged(shares, at, end))
    return Timeline(tuple(lines[0]), planned.attested), Timeline(tuple(lines[1]), other.attested)


def _lengths(readers: tuple[Reader, Reader], at: int, after: int) -> Iterator[int]:
    """The ends of the segments that begin at `at`: an empty one for a loss seen only then, and the lasting one."""
    if any(at in reader.glimpses for reader in readers):
        yield at
    if at < after:
        yield after


def _possible(entries: Sequence[Entry], at: int) -> list[tuple[PairState, bool]]:
    """The state at `at`, or both of those between which the pair changed around it; and for one that is unknown,
    whether the pair served all the same."""
    reached = bisect_right(entries, at, key=lambda entry: entry.t_hi) - 1
    following = [entry for entry in entries[reached + 1 : reached + 2] if entry.t_lo <= at]
    return [
        (PairState(entry.state), entry.cause is SERVES_UNSEEN) for entry in (entries[reached], *following)
    ]


def _shares(state: PairState, serves: bool, members: Members) -> Members:
    """How active each member was while the pair was in `state`."""
    planned, other = members
    match state:
        case PairState.REDUNDANT:
            return planned, _idle(other)
        case PairState.SWITCHED:
            return _idle(planned), other
        case PairState.SPLIT:
            return members
        case PairState.NO_REDUNDANCY:
            return (planned, _idle(other)) if _is_first_better(members) else (_idle(planned), other)
        case PairState.LOST:
            return _idle(planned), _idle(other)
        case PairState.UNKNOWN if serves:
            # The one that is seen is the one that is active.
            return (planned, _unclear(other)) if _is_first_better(members) else (_unclear(planned), other)
        case PairState.UNKNOWN:
            return _unclear(planned), _unclear(other)
        case _:
            assert_never(state)


def _is_first_better(members: Members) -> bool:
    planned, other = (OR_ORDER.index(part.state) for part in members)
    return planned >= other


def _idle(part: Segment) -> Segment:
    return Segment(part.start, part.end, State.DOWN)


def _unclear(part: Segment) -> Segment:
    if part.state in (State.DOWN, State.UNKNOWN):
        return part
    return Segment(part.start, part.end, State.UNKNOWN, UnknownCause.SILENT)


def _merged(shares: Sequence[Segment], start: int, end: int) -> Segment:
    """One segment for what may have been any of `shares`."""
    first = shares[0]
    if all(part.state is first.state for part in shares):
        return Segment(start, end, first.state, first.cause)
    for part in shares:
        if part.state is State.UNKNOWN:
            return Segment(start, end, part.state, part.cause)
    return Segment(start, end, State.EDGE)
