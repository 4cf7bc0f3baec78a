"""Aggregates that give no small count away."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Bloc
from channelwatch.sharing.aggregate import SMALLEST_SHOWN, Aggregate, aggregate, alarm_notice
from channelwatch.sharing.policy import Decision, Destination, Reason, Result

DAY = Interval(0, 86_400_000)
TO_STEERING = Decision(Destination.STEERING, Result.AGGREGATE, 5, Reason.RULE)
TO_IRT = Decision(Destination.IRT, Result.AGGREGATE, 5, Reason.RULE)


def table(counts: dict[Bloc, dict[str, int]]) -> Aggregate:
    found = aggregate(counts, DAY, TO_STEERING)
    assert found is not None
    return found


def test_a_small_cell_is_hidden_with_every_sum_and_share_that_contains_it() -> None:
    found = table({Bloc.PARTY: {"up": 95, "down": 1}, Bloc.GOV: {"up": 90, "down": 10}})
    party, gov = found.rows[Bloc.PARTY], found.rows[Bloc.GOV]
    assert [cell.text for cell in party.cells.values()] == ["95", "<5"]
    assert (party.total, party.share("up"), party.share("down")) == (None, None, None)
    assert (gov.total, gov.share("down")) == (100, Fraction(1, 10))
    assert found.column_totals == {"up": 185, "down": None}
    assert found.total is None


def test_none_at_all_is_small_too() -> None:
    assert table({Bloc.NA: {"up": 5, "down": 0}}).rows[Bloc.NA].cells["down"].text == "<5"


tables = st.dictionaries(
    st.sampled_from(Bloc), st.dictionaries(st.sampled_from(["up", "degraded", "down"]), st.integers(0, 12))
)


@given(tables, st.data())
def test_another_value_of_a_hidden_cell_gives_the_same_table(
    counts: dict[Bloc, dict[str, int]], data: st.DataObject
) -> None:
    other = {
        bloc: {
            heading: data.draw(st.integers(0, SMALLEST_SHOWN - 1)) if count < SMALLEST_SHOWN else count
            for heading, count in row.items()
        }
        for bloc, row in counts.items()
    }
    assert table(other) == table(counts)


@given(tables)
def test_without_small_cells_every_sum_is_shown(counts: dict[Bloc, dict[str, int]]) -> None:
    large = {
        bloc: {name: count + SMALLEST_SHOWN for name, count in row.items()} for bloc, row in counts.items()
    }
    found = table(large)
    assert found.total == sum(sum(row.values()) for row in large.values())
    assert sum(found.column_totals[name] or 0 for name in found.column_totals) == found.total


def test_nothing_comes_out_of_a_refusal() -> None:
    refused = Decision(Destination.NAT_CSC, Result.NEVER, 5, Reason.RULE)
    assert aggregate({Bloc.PARTY: {"up": 95}}, DAY, refused) is None


def test_less_than_a_day_and_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="one day"):
        aggregate({}, Interval(0, 86_399_999), TO_STEERING)
    with pytest.raises(ValueError, match="negative"):
        aggregate({Bloc.PARTY: {"up": -1}}, DAY, TO_STEERING)


def test_the_response_team_is_told_to_call_and_not_where() -> None:
    assert alarm_notice("P1", TO_IRT) == "Có sự cố P1. Liên hệ trực ban."
    assert alarm_notice("P1", TO_STEERING) is None
    assert alarm_notice("P1", Decision(Destination.IRT, Result.NEVER, 5, Reason.NOT_ENABLED)) is None
