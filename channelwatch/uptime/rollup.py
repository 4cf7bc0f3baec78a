"""Bloc and province: time is added up, percentages are never averaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from channelwatch.base.ids import ChannelCode
from channelwatch.base.intervals import Interval, Spans, subtract, total, union
from channelwatch.inventory.model import Bloc
from channelwatch.uptime.figures import Availability, Sums, Verdict
from channelwatch.uptime.measure import Scope, measure
from channelwatch.uptime.timeline import State, Timeline


@dataclass(frozen=True, slots=True)
class ChannelHistory:
    """One channel of a bloc; `scope` must be of the same period as its neighbours'."""

    code: ChannelCode
    timeline: Timeline
    scope: Scope


@dataclass(frozen=True, slots=True)
class BlocFigures:
    """One bloc over one period.

    `availability`: the channels' time added up. `worst`: the channel with the lowest point estimate, None
    when nothing is known. `verdicts`: how many channels got each. `blackout_lo_ms`: time in which every channel
    that counted was certainly down; `blackout_hi_ms`: or may have been, at an edge.
    """

    bloc: Bloc
    availability: Availability
    channels: Mapping[ChannelCode, Availability]
    worst: ChannelCode | None
    verdicts: Mapping[Verdict, int]
    blackout_lo_ms: int
    blackout_hi_ms: int

    @property
    def below_target(self) -> int:
        """Channels proven to be below target; those not proven either way are in `verdicts`."""
        return self.verdicts[Verdict.FAIL]


def bloc_figures(
    bloc: Bloc, channels: Sequence[ChannelHistory], period: Interval, target: Fraction
) -> BlocFigures:
    """Measure every channel of `bloc` and add them up. ValueError for a channel of another period."""
    if any(channel.scope.period != period for channel in channels):
        raise ValueError("all channels of a bloc are measured over the same period")
    each = {channel.code: measure(channel.timeline, channel.scope, target) for channel in channels}
    whole = Availability(
        period=period,
        target=target,
        sums=sum((found.sums for found in each.values()), Sums()),
        unexcluded=sum((found.unexcluded for found in each.values()), Sums()),
    )
    blackout = (
        total(_blackout(channels, frozenset({State.DOWN}))),
        total(_blackout(channels, frozenset({State.DOWN, State.EDGE}))),
    )
    return bloc_of(bloc, whole, each, blackout)


def bloc_of(
    bloc: Bloc,
    whole: Availability,
    channels: Mapping[ChannelCode, Availability],
    blackout: tuple[int, int],
) -> BlocFigures:
    """A bloc of what was measured: its channels, their time added up, and when all were certainly or perhaps down."""
    verdicts = Counter(found.verdict for found in channels.values())
    return BlocFigures(
        bloc=bloc,
        availability=whole,
        channels=MappingProxyType(channels),
        worst=_worst(channels),
        verdicts=MappingProxyType({verdict: verdicts[verdict] for verdict in Verdict}),
        blackout_lo_ms=blackout[0],
        blackout_hi_ms=blackout[1],
    )


def _worst(each: Mapping[ChannelCode, Availability]) -> ChannelCode | None:
    known = {code: found.figures.a_known for code, found in each.items()}
    ranked = [(share, code) for code, share in known.items() if share is not None]
    return min(ranked)[1] if ranked else None


def _blackout(channels: Sequence[ChannelHistory], lost: frozenset[State]) -> Spans:
    """Time in which at least one channel counted, and none that counted was in a state other than `lost`."""
    counted = union(*(channel.scope.counted() for channel in channels))
    alive = union(
        *(subtract(channel.scope.counted(), channel.timeline.in_states(lost)) for channel in channels)
    )
    return subtract(counted, alive)


@dataclass(frozen=True, slots=True)
class ProvinceFigures:
    """The blocs side by side, never blended.

    `lowest` is the bloc with the lowest point estimate, None when nothing is known of any.
    """

    blocs: tuple[BlocFigures, ...]
    lowest: BlocFigures | None


def province_figures(blocs: Sequence[BlocFigures]) -> ProvinceFigures:
    """Put blocs together in the order given. ValueError for a bloc given twice or another period."""
    if len({row.bloc for row in blocs}) < len(blocs) or len({row.availability.period for row in blocs}) > 1:
        raise ValueError("a province has one row per bloc, all of one period")
    known = [(row.availability.figures.a_known, row) for row in blocs]
    ranked = [(share, index) for index, (share, _) in enumerate(known) if share is not None]
    return ProvinceFigures(blocs=tuple(blocs), lowest=blocs[min(ranked)[1]] if ranked else None)
