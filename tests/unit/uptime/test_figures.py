"""Ratios, verdicts and how they are printed."""

from __future__ import annotations

from fractions import Fraction

import pytest

from channelwatch.base.intervals import Interval
from channelwatch.uptime.figures import Availability, Sums, Verdict, figures, judge, percent

TARGET = Fraction(999, 1000)


@pytest.mark.parametrize(
    ("share", "places", "text"),
    [
        (Fraction(999_996, 1_000_000), 3, "99.999"),
        (Fraction(999_996, 1_000_000), 0, "99"),
        (Fraction(1), 3, "100.000"),
        (Fraction(0), 2, "0.00"),
        (Fraction(1, 3000), 3, "0.033"),
        (Fraction(10**30 - 1, 10**30), 3, "99.999"),
    ],
)
def test_availability_is_cut_never_rounded_up(share: Fraction, places: int, text: str) -> None:
    assert percent(share, places=places) == text


def test_an_error_is_rounded_up() -> None:
    assert percent(Fraction(1, 10**9), up=True) == "0.001"
    assert percent(Fraction(1, 100), up=True) == "1.000"


@pytest.mark.parametrize(
    ("sums", "verdict"),
    [
        (Sums(up_ms=999, edge_ms=1), Verdict.PASS),
        (Sums(up_ms=998, edge_ms=2), Verdict.NOT_PROVEN),
        (Sums(up_ms=998, blind_ms=2), Verdict.NOT_PROVEN),
        (Sums(up_ms=998, down_self_ms=1, edge_ms=1), Verdict.NOT_PROVEN),
        (Sums(up_ms=998, down_link_ms=2), Verdict.FAIL),
        (Sums(blind_ms=10), Verdict.NOT_PROVEN),
        (Sums(), Verdict.NO_DATA),
        (Sums(maintenance_ms=5), Verdict.NO_DATA),
    ],
)
def test_only_the_bounds_prove_a_verdict(sums: Sums, verdict: Verdict) -> None:
    assert judge(figures(sums), TARGET) is verdict


def test_nothing_known_is_no_point_estimate_and_no_hundred_percent() -> None:
    found = figures(Sums(silent_ms=10))
    assert (found.a_known, found.observed, found.attested_coverage) == (None, None, None)
    assert (found.a_lo, found.a_hi, found.half_width) == (0, 1, Fraction(1, 2))
    assert (found.strict, found.coverage) == (0, 0)
    assert set(vars_of(figures(Sums()))) == {None}


def vars_of(found: object) -> list[object]:
    return [getattr(found, name) for name in found.__slots__]  # type: ignore[attr-defined]


def test_degraded_and_split_serve_but_are_kept_apart() -> None:
    sums = Sums(up_ms=6, degraded_ms=2, split_ms=1, path_ms=1)
    assert figures(sums).strict == Fraction(9, 10)
    assert figures(sums).observed == 1
    assert sums.degraded_ms == 2


def test_every_edge_counts_half_in_the_point_and_whole_in_the_bounds() -> None:
    found = figures(Sums(up_ms=90, edge_ms=10))
    assert (found.a_lo, found.a_known, found.a_hi) == (Fraction(9, 10), Fraction(19, 20), Fraction(1))
    assert found.half_width == Fraction(1, 20)


def test_time_is_unknown_for_whichever_cause() -> None:
    assert Sums(blind_ms=1, silent_ms=2, path_ms=4).unknown_ms == 7


@pytest.mark.parametrize(("attested", "may_miss"), [(9, True), (10, False)])
def test_short_outages_are_missed_only_where_no_counter_backs_the_time(attested: int, may_miss: bool) -> None:
    sums = Sums(up_ms=10, attested_ms=attested)
    assert Availability(Interval(0, 10), TARGET, sums, sums).may_miss_short_outages is may_miss


def test_a_target_may_be_the_whole_time() -> None:
    assert judge(figures(Sums(up_ms=1)), Fraction(1)) is Verdict.PASS


@pytest.mark.parametrize("target", [Fraction(0), Fraction(999, 10)])
def test_a_target_in_percent_is_refused(target: Fraction) -> None:
    with pytest.raises(ValueError, match="a target is a share"):
        judge(figures(Sums(up_ms=1)), target)
