"""The sums of a period in whole milliseconds, and every ratio computed from them exactly."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from operator import add
from typing import NamedTuple

from channelwatch.base.intervals import Interval


class Sums(NamedTuple):
    """How long the subject was in each condition, in ms. A tuple, since a nation's report makes 30,000 of them.

    Together (without `attested_ms`) they are the commissioned time of the period that has passed. The sums of
    several subjects add up.
    """

    up_ms: int = 0
    degraded_ms: int = 0
    split_ms: int = 0
    edge_ms: int = 0
    """Between two samples of opposite states."""
    down_self_ms: int = 0
    down_link_ms: int = 0
    down_upstream_ms: int = 0
    blind_ms: int = 0
    silent_ms: int = 0
    path_ms: int = 0
    maintenance_ms: int = 0
    """M: approved before it started."""
    attested_ms: int = 0
    """The part of the serving time that a continuity counter backs."""

    def __add__(self, other: Sums) -> Sums:  # type: ignore[override]
        """Each sum with its like: no tuple joined to a tuple."""
        return Sums(*map(add, self, other))

    @property
    def base_ms(self) -> int:
        """T - M: what availability is measured against."""
        return self.known_ms + self.unknown_ms

    @property
    def total_ms(self) -> int:
        """T: commissioned and past."""
        return self.base_ms + self.maintenance_ms

    @property
    def unknown_ms(self) -> int:
        """U, for any cause."""
        return self.blind_ms + self.silent_ms + self.path_ms

    @property
    def known_ms(self) -> int:
        """K = T - M - U."""
        return self.serving_ms + self.down_hi_ms

    @property
    def serving_ms(self) -> int:
        """Certainly serving; degraded and split-brain included."""
        return self.up_ms + self.degraded_ms + self.split_ms

    @property
    def down_lo_ms(self) -> int:
        """D_lo: certainly down."""
        return self.down_self_ms + self.down_link_ms + self.down_upstream_ms

    @property
    def down_hi_ms(self) -> int:
        """D_hi: down at most, as far as it was observed."""
        return self.down_lo_ms + self.edge_ms


class Verdict(StrEnum):
    """What the bounds prove against the target."""

    PASS = "pass"
    FAIL = "fail"
    NOT_PROVEN = "not_proven"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Figures:
    """Availability as exact fractions of 1; None where the denominator is zero."""

    a_known: Fraction | None
    """The point estimate: every edge counted half. Publish the bounds before it."""
    a_lo: Fraction | None
    a_hi: Fraction | None
    half_width: Fraction | None
    """Half of `a_hi - a_lo`: the measured bound of the error."""
    coverage: Fraction | None
    """C = K / (T - M)."""
    attested_coverage: Fraction | None
    """C_att: the share of K that counters back."""
    observed: Fraction | None
    """Serving / (serving + down), edges counted as down."""
    strict: Fraction | None
    """Serving / (T - M): unknown counts as not serving. Equal to `a_lo`."""


def figures(sums: Sums) -> Figures:
    """Every ratio of `sums`."""
    base, known = sums.base_ms, sums.known_ms
    a_lo = _share(base - sums.down_hi_ms - sums.unknown_ms, base)
    a_hi = _share(base - sums.down_lo_ms, base)
    return Figures(
        a_known=_share(2 * known - sums.down_lo_ms - sums.down_hi_ms, 2 * known),
        a_lo=a_lo,
        a_hi=a_hi,
        half_width=None if a_lo is None or a_hi is None else (a_hi - a_lo) / 2,
        coverage=_share(known, base),
        attested_coverage=_share(sums.attested_ms, known),
        observed=_share(sums.serving_ms, known),
        strict=_share(sums.serving_ms, base),
    )


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def judge(found: Figures, target: Fraction) -> Verdict:
    """PASS and FAIL only when the bounds prove it. ValueError for a target outside (0, 1]."""
    if not 0 < target <= 1:
        raise ValueError(f"a target is a share above 0 and at most 1, not {target}")
    if found.a_lo is None or found.a_hi is None:
        return Verdict.NO_DATA
    if found.a_lo >= target:
        return Verdict.PASS
    if found.a_hi < target:
        return Verdict.FAIL
    return Verdict.NOT_PROVEN


class Availability(NamedTuple):
    """What can be said of one subject (or, added up, of several) over `period`."""

    period: Interval
    target: Fraction
    sums: Sums
    unexcluded: Sums
    """The same time with maintenance counted as whatever it was."""

    @property
    def figures(self) -> Figures:
        """The published figures, maintenance left out."""
        return figures(self.sums)

    @property
    def without_exclusion(self) -> Figures:
        """The figures as if no maintenance had been approved."""
        return figures(self.unexcluded)

    @property
    def verdict(self) -> Verdict:
        """Against the target."""
        return judge(self.figures, self.target)

    @property
    def may_miss_short_outages(self) -> bool:
        """Outages shorter than the poll period may be missed: not all known time is backed by counters."""
        return self.sums.attested_ms < self.sums.known_ms


def cut(share: Fraction, units: int, *, up: bool = False) -> int:
    """`share` in whole `units` (100 for percent, 1,000,000 for ppm), cut downwards or, with `up`, upwards.

    Availability is cut downwards, which keeps 0.999999 from printing as 100 percent; errors are cut upwards.
    """
    scaled = share * units
    return -(-scaled.numerator // scaled.denominator) if up else scaled.numerator // scaled.denominator


def percent(share: Fraction, *, places: int = 3, up: bool = False) -> str:
    """`share` in percent with a decimal point, cut as in `cut`."""
    whole, rest = divmod(cut(share, 100 * 10**places, up=up), 10**places)
    return f"{whole}.{rest:0{places}d}" if places else str(whole)
