"""What an aggregate-only destination gets: counts per bloc over a day or longer, with small ones hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Bloc
from channelwatch.sharing.policy import Decision, Destination, Result

SMALLEST_SHOWN: Final = 5
"""A count of fewer devices is hidden."""

HIDDEN: Final = "<5"

SHORTEST_PERIOD_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One count: `count` is None when it is hidden."""

    count: int | None

    @property
    def text(self) -> str:
        """The figure, or `<5`."""
        return HIDDEN if self.count is None else str(self.count)


@dataclass(frozen=True, slots=True)
class AggregateRow:
    """One bloc: a cell per heading, and their sum; `total` is None when any cell in it is hidden."""

    cells: Mapping[str, Cell]
    total: int | None

    def share(self, heading: str) -> Fraction | None:
        """A heading's share of the row; None when it would give a hidden count away, or of nothing."""
        count = self.cells[heading].count
        return None if count is None or not self.total else Fraction(count, self.total)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A province's table for one period. Everything shown is computed from shown cells alone, so no sum or share
    can be used to work out a hidden one.
    """

    period: Interval
    rows: Mapping[Bloc, AggregateRow]
    column_totals: Mapping[str, int | None]
    total: int | None


def aggregate(
    counts: Mapping[Bloc, Mapping[str, int]], period: Interval, decision: Decision
) -> Aggregate | None:
    """The table that `decision` lets out, None if it lets out none.

    `counts`: devices per bloc and heading; headings must not overlap. ValueError for a period under one day or
    a negative count.
    """
    if decision.result is Result.NEVER:
        return None
    if period.length < SHORTEST_PERIOD_MS:
        raise ValueError("an aggregate covers one day or longer")
    rows = {bloc: _row(row) for bloc, row in counts.items()}
    headings = dict.fromkeys(heading for row in rows.values() for heading in row.cells)
    columns = {
        heading: _sum([row.cells[heading].count for row in rows.values() if heading in row.cells])
        for heading in headings
    }
    return Aggregate(
        period=period,
        rows=MappingProxyType(rows),
        column_totals=MappingProxyType(columns),
        total=_sum([row.total for row in rows.values()]),
    )


def _row(counts: Mapping[str, int]) -> AggregateRow:
    if any(count < 0 for count in counts.values()):
        raise ValueError("a count of devices is not negative")
    cells = {heading: Cell(count if count >= SMALLEST_SHOWN else None) for heading, count in counts.items()}
    return AggregateRow(MappingProxyType(cells), _sum([cell.count for cell in cells.values()]))


def _sum(shown: list[int | None]) -> int | None:
    known = [count for count in shown if count is not None]
    return sum(known) if len(known) == len(shown) else None


def alarm_notice(severity: str, decision: Decision) -> str | None:
    """What the response team is told the moment an alarm opens: how severe, and to call; never where.

    None unless `decision` gives the response team an aggregate.
    """
    if decision.destination is not Destination.IRT or decision.result is not Result.AGGREGATE:
        return None
    return f"Có sự cố {severity}. Liên hệ trực ban."
