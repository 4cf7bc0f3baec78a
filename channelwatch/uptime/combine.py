"""Timelines joined by Kleene's three-valued logic: the HA pair, its protection, the commune's channel.

An edge is a fourth value, between true and false in rank: it may be either, but within known bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final, TypeAlias

from channelwatch.base.intervals import Interval, Spans, contains, intersect, union
from channelwatch.uptime.estate import ALWAYS
from channelwatch.uptime.timeline import SERVING, DownCause, Segment, State, Timeline, UnknownCause

Rule: TypeAlias = Callable[[Sequence[Segment]], Segment]

_AND_ORDER: Final = (State.UP, State.DEGRADED, State.SPLIT, State.EDGE, State.UNKNOWN, State.DOWN)
OR_ORDER: Final = (State.DOWN, State.EDGE, State.UNKNOWN, State.SPLIT, State.DEGRADED, State.UP)
_AND_RANK: Final = {state: rank for rank, state in enumerate(_AND_ORDER)}
_OR_RANK: Final = {state: rank for rank, state in enumerate(OR_ORDER)}


def pair_service(first: Timeline, second: Timeline) -> Timeline:
    """Service of an HA pair from its members' activity: UP is known active, DOWN known not active (standby too).

    Up while any member is active, down when both are known not to be, else unknown; both active is SPLIT.
    """
    joined = _join((first, second), _either)
    attested = union(*(intersect(member.attested, member.in_states(SERVING)) for member in (first, second)))
    return replace(joined, attested=attested)


def protected_time(first: Timeline, second: Timeline) -> Timeline:
    """When an HA pair could have lost a member without losing service, from both members' health."""
    return _all_of((first, second))


def channel_service(*, device: Timeline, link: Timeline, hub: Timeline) -> Timeline:
    """A commune's channel: up only while the commune's device, the tunnel and the hub (pair) all are.

    While several are down the hub is named first, then the device: either takes its tunnels along.
    """
    return _all_of(
        (
            _blame(hub, DownCause.UPSTREAM),
            _blame(device, DownCause.SELF),
            _blame(link, DownCause.LINK),
        )
    )


def any_of(members: Sequence[Timeline]) -> Timeline:
    """Up while one of `members` is, which may all be up together; down when all are known to be."""
    if len(members) == 1:
        return members[0]
    joined = _join(members, _best)
    attested = union(*(intersect(member.attested, member.in_states(SERVING)) for member in members))
    return replace(joined, attested=attested)


def any_in_turn(members: Sequence[tuple[Timeline, Spans]]) -> Timeline:
    """Up while one of `members` is, each of which takes part in its spans alone; blind while none does."""
    if all(spans == (ALWAYS,) for _, spans in members):
        return any_of([timeline for timeline, _ in members])
    cuts = sorted({at for _, spans in members for span in spans for at in span})
    turns = []
    for start, end in pairwise(cuts):
        present = [timeline for timeline, spans in members if contains(spans, start)]
        if present:
            turns.append((Interval(start, end), any_of(present)))
    return spliced(turns)


def spliced(parts: Sequence[tuple[Interval, Timeline]]) -> Timeline:
    """Of each timeline the time in its interval, one after the other; what lies between two intervals is blind."""
    if len(parts) == 1 and parts[0][0] == ALWAYS:
        return parts[0][1]
    joined: list[Segment] = []
    for (first, last), timeline in parts:
        for part in timeline.segments:
            start, end = max(part.start, first), min(part.end, last)
            if start > end or (start == end and not first <= part.start == part.end < last):
                continue
            if joined and joined[-1].end < start:
                _append(joined, Segment(joined[-1].end, start, State.UNKNOWN, UnknownCause.BLIND))
            _append(joined, part._replace(start=start, end=end))
    attested = union(*(intersect(timeline.attested, (during,)) for during, timeline in parts))
    return Timeline(tuple(joined), attested)


def _all_of(members: Sequence[Timeline]) -> Timeline:
    joined = _join(members, _every)
    attested = members[0].attested
    for member in members[1:]:
        attested = intersect(attested, member.attested)
    return replace(joined, attested=attested)


def _blame(timeline: Timeline, cause: DownCause) -> Timeline:
    segments = tuple(
        part._replace(cause=cause) if part.state is State.DOWN else part for part in timeline.segments
    )
    return replace(timeline, segments=segments)


def _every(now: Sequence[Segment]) -> Segment:
    return max(now, key=lambda part: _AND_RANK[part.state])


def _best(now: Sequence[Segment]) -> Segment:
    return max(now, key=lambda part: _OR_RANK[part.state])


def _either(now: Sequence[Segment]) -> Segment:
    best = _best(now)
    if sum(part.state in SERVING for part in now) > 1:
        return best._replace(state=State.SPLIT)
    return best


def _join(members: Sequence[Timeline], rule: Rule) -> Timeline:
    """`rule` applied to what the members were at each instant; time outside a member's timeline is blind."""
    cuts = sorted({at for member in members for part in member.segments for at in (part.start, part.end)})
    readers = [Reader(member) for member in members]
    joined: list[Segment] = []
    for index, at in enumerate(cuts):
        after = cuts[index + 1] if index + 1 < len(cuts) else at
        if any(at in reader.glimpses for reader in readers):
            seen = rule([reader.glimpses.get(at) or reader.over(at) for reader in readers])
            if seen.state is State.DOWN:
                _append(joined, seen._replace(start=at, end=at))
        if at < after:
            _append(joined, rule([reader.over(at) for reader in readers])._replace(start=at, end=after))
    return Timeline(tuple(joined))


class Reader:
    """What one timeline says of an instant, and of the time that follows it."""

    def __init__(self, timeline: Timeline) -> None:
        self._lasting = [part for part in timeline.segments if part.start < part.end]
        self._reached = 0
        self.glimpses = {
            part.start: part
            for part in timeline.segments
            if part.start == part.end and part.state is State.DOWN
        }
        """Losses seen at one instant only; no time is certain, but the outage is."""

    def over(self, at: int) -> Segment:
        """The segment in which `at` lies. Quick as long as nobody goes back in time."""
        parts, index = self._lasting, self._reached
        if index and at < parts[index - 1].end:
            index = 0
        while index < len(parts) and parts[index].end <= at:
            index += 1
        self._reached = index
        if index < len(parts) and parts[index].start <= at:
            return parts[index]
        return Segment(at, at, State.UNKNOWN, UnknownCause.BLIND)


def _append(joined: list[Segment], part: Segment) -> None:
    last = joined[-1] if joined else None
    if last is not None and (last.state, last.cause) == (part.state, part.cause):
        joined[-1] = last._replace(end=part.end)
    else:
        joined.append(part)
