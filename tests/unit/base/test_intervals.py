"""Interval sets against the plainest model there is: a set of integers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.intervals import (
    Interval,
    Spans,
    clip,
    contains,
    intersect,
    normalise,
    subtract,
    tiles,
    total,
    union,
)

part = st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))
parts = st.lists(part, max_size=8)


def points(some: list[tuple[int, int]] | Spans) -> set[int]:
    return {at for start, end in some for at in range(start, end)}


def is_normal(spans: Spans) -> bool:
    edges = [edge for one in spans for edge in one]
    return edges == sorted(set(edges))


@given(parts, parts)
def test_sets_of_time_behave_like_sets_of_instants(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    a, b = normalise(left), normalise(right)
    for found, expected in (
        (a, points(left)),
        (union(a, b), points(left) | points(right)),
        (intersect(a, b), points(left) & points(right)),
        (subtract(a, b), points(left) - points(right)),
    ):
        assert points(found) == expected
        assert is_normal(found)
        assert total(found) == len(expected)
        assert all(contains(found, at) == (at in expected) for at in range(-1, 80))


@given(parts, part)
def test_clip_keeps_what_is_inside_the_window(some: list[tuple[int, int]], window: tuple[int, int]) -> None:
    assert points(clip(normalise(some), Interval(*window))) == points(some) & points([window])


@given(parts, part)
def test_what_is_kept_and_what_is_cut_away_tile_the_whole(
    some: list[tuple[int, int]], window: tuple[int, int]
) -> None:
    whole = Interval(*window)
    inside = clip(normalise(some), whole)
    outside = subtract(normalise([whole]), inside)
    assert tiles((*inside, *outside), whole)
    if inside:
        assert not tiles(outside, whole)
        assert not tiles((*inside, *outside, inside[0]), whole)


def test_a_reversed_window_holds_nothing() -> None:
    assert clip(normalise([(0, 10)]), Interval(8, 3)) == ()


def test_an_interval_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        normalise([(5, 4)])


def test_touching_intervals_are_one() -> None:
    assert normalise([(5, 9), (0, 5)]) == (Interval(0, 9),)
    assert Interval(5, 9).length == 4
