"""Blocs and the province."""

from __future__ import annotations

from fractions import Fraction

import pytest

from channelwatch.base.ids import ChannelCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Bloc
from channelwatch.uptime.combine import channel_service, pair_service
from channelwatch.uptime.measure import Maintenance, Scope
from channelwatch.uptime.rollup import BlocFigures, ChannelHistory, bloc_figures, province_figures
from channelwatch.uptime.timeline import Change, DownCause, Segment, State, Timeline, from_changes
from tests.support.timelines import TARGET, scope, seen_down

PERIOD = Interval(0, 1000)


def channel(code: str, timeline: Timeline, of: Scope | None = None) -> ChannelHistory:
    return ChannelHistory(ChannelCode(code), timeline, of or scope(1000))


def bloc(name: Bloc, *channels: ChannelHistory) -> BlocFigures:
    return bloc_figures(name, channels, PERIOD, TARGET)


def test_blackout_is_when_every_channel_that_counts_is_down() -> None:
    edged = from_changes(
        [Change(0, 0, State.UP), Change(100, 110, State.DOWN), Change(300, 300, State.UP)], until=1000
    )
    serviced = scope(1000, maintenance=(Maintenance(150, 250, 0),))
    found = bloc(
        Bloc.GOV,
        channel("a", edged),
        channel("b", seen_down([(50, 200), (290, 400)], 1000)),
        channel("c", seen_down([(100, 150), (250, 280)], 1000), serviced),
    )
    # All down from 110 to 150; then c is in maintenance until 250 and does not count, b is back at 200.
    assert found.blackout_lo_ms == 90
    assert found.blackout_hi_ms == 100


def test_unknown_is_neither_blackout_nor_known_time() -> None:
    found = bloc(Bloc.GOV, channel("a", seen_down([(0, 1000)], 1000)), channel("b", Timeline(())))
    assert found.blackout_hi_ms == 0
    assert found.availability.figures.a_known == 0
    assert found.availability.figures.coverage == Fraction(1, 2)
    assert found.worst == "a"


def test_a_bloc_without_channels_has_no_figures() -> None:
    found = bloc(Bloc.FRONT)
    assert found.availability.verdict == "no_data"
    assert found.worst is None


def test_the_province_is_the_blocs_side_by_side_and_the_lowest() -> None:
    good = bloc(Bloc.PARTY, channel("p", seen_down([], 1000)))
    poor = bloc(Bloc.GOV, channel("g", seen_down([(0, 300)], 1000)))
    none = bloc(Bloc.FRONT)
    found = province_figures([good, poor, none])
    assert found.blocs == (good, poor, none)
    assert found.lowest is poor
    assert province_figures([none]).lowest is None


def test_figures_of_different_periods_are_not_put_together() -> None:
    with pytest.raises(ValueError, match="same period"):
        bloc_figures(Bloc.GOV, [channel("a", Timeline(()))], Interval(0, 10), TARGET)
    with pytest.raises(ValueError, match="one row per bloc"):
        province_figures([bloc(Bloc.GOV), bloc(Bloc.GOV)])


def test_both_members_active_is_split_brain_and_still_serves() -> None:
    pair = pair_service(seen_down([(0, 400)], 1000), seen_down([(500, 1000)], 1000))
    assert pair.segments == (
        Segment(0, 400, State.UP),
        Segment(400, 500, State.SPLIT),
        Segment(500, 1000, State.UP),
    )


def test_an_edge_beside_unknown_time_is_unknown_when_either_decides() -> None:
    edge = Timeline((Segment(0, 10, State.EDGE),))
    unknown = Timeline((Segment(0, 10, State.UNKNOWN),))
    always = Timeline((Segment(0, 10, State.UP),))
    for joined in (pair_service(edge, unknown), channel_service(device=edge, link=unknown, hub=always)):
        assert joined.segments == unknown.segments
    for joined in (pair_service(edge, edge), channel_service(device=edge, link=always, hub=edge)):
        assert joined.segments == edge.segments


def test_one_bad_sample_of_a_part_is_still_an_outage_of_the_channel() -> None:
    blink = from_changes(
        [Change(0, 0, State.UP), Change(10, 20, State.DOWN), Change(20, 30, State.UP)], until=1000
    )
    always = seen_down([], 1000)
    joined = channel_service(device=blink, link=always, hub=always)
    assert [part for part in joined.segments if part.start == part.end] == [
        Segment(20, 20, State.DOWN, DownCause.SELF)
    ]
    assert pair_service(blink, always).in_states([State.DOWN, State.EDGE]) == ()


def test_a_pair_is_attested_by_the_member_that_serves_and_a_channel_by_all_parts() -> None:
    attested = (Interval(0, 500),)
    first = Timeline((Segment(0, 1000, State.UP),), attested)
    second = Timeline((Segment(0, 200, State.DOWN), Segment(200, 1000, State.UP)), (Interval(0, 700),))
    assert pair_service(first, second).attested == (Interval(0, 700),)
    assert channel_service(device=first, link=first, hub=second).attested == attested
