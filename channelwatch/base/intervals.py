"""Half-open intervals [start, end) of whole milliseconds, and sets of them.

A set of time is a `Spans`: a tuple in ascending order whose intervals are not empty and neither overlap nor
touch. `normalise` makes one; every other function expects and returns that form.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias


class Interval(NamedTuple):
    """The instants `start` <= t < `end`, in epoch ms."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Milliseconds inside."""
        return self.end - self.start


Spans: TypeAlias = tuple[Interval, ...]


def normalise(parts: Iterable[tuple[int, int]]) -> Spans:
    """The set that `parts`, in any order, cover together. ValueError if one ends before it starts."""
    merged: list[Interval] = []
    for start, end in sorted(parts):
        if end < start:
            raise ValueError(f"an interval ends before it starts: [{start}, {end})")
        if start == end:
            continue
        if merged and start <= merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, end))
        else:
            merged.append(Interval(start, end))
    return tuple(merged)


def union(*sets: Spans) -> Spans:
    """Time in any of the sets."""
    return normalise(part for spans in sets for part in spans)


def intersect(left: Spans, right: Spans) -> Spans:
    """Time in both sets."""
    common: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i].start, right[j].start)
        end = min(left[i].end, right[j].end)
        if start < end:
            common.append(Interval(start, end))
        if left[i].end <= right[j].end:
            i += 1
        else:
            j += 1
    return tuple(common)


def subtract(left: Spans, right: Spans) -> Spans:
    """Time in `left` and not in `right`."""
    rest: list[Interval] = []
    j = 0
    for start, end in left:
        while j < len(right) and right[j].end <= start:
            j += 1
        at, k = start, j
        while k < len(right) and right[k].start < end:
            if at < right[k].start:
                rest.append(Interval(at, right[k].start))
            at = right[k].end
            k += 1
        if at < end:
            rest.append(Interval(at, end))
    return tuple(rest)


def clip(spans: Spans, window: Interval) -> Spans:
    """The part of `spans` inside `window`; nothing when the window is empty or reversed."""
    return intersect(spans, (window,)) if window.start < window.end else ()


def total(spans: Spans) -> int:
    """Milliseconds in the set."""
    return sum(end - start for start, end in spans)


def contains(spans: Spans, at: int) -> bool:
    """Is the instant `at` in the set?"""
    index = bisect_right(spans, at, key=lambda part: part.start) - 1
    return index >= 0 and at < spans[index].end


def tiles(parts: Iterable[tuple[int, int]], whole: Interval) -> bool:
    """Do `parts` cover `whole` with no gap, no overlap and nothing outside? Empty parts are ignored."""
    at = whole.start
    for start, end in sorted(part for part in parts if part[0] != part[1]):
        if start != at or end < start:
            return False
        at = end
    return at == whole.end
