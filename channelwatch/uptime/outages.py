"""Outages, not time: how often, how long until repaired, detected and acknowledged."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from channelwatch.base.intervals import Interval, contains, intersect, subtract
from channelwatch.uptime.figures import Sums
from channelwatch.uptime.measure import Scope
from channelwatch.uptime.timeline import SERVING, DownCause, Segment, State, Timeline

HOLD_DOWN_MS: Final = 5 * 60_000
"""Outages with less certain service than this between them are one."""


class Outage(NamedTuple):
    """A loss that was seen.

    It began in [`down_lo`, `down_hi`] and ended in [`up_lo`, `up_hi`], epoch ms; None while it lasts. `cause`
    is the one that held longest, None when it is the subject's own.
    """

    down_lo: int
    down_hi: int
    up_lo: int | None
    up_hi: int | None
    cause: DownCause | None = None

    @property
    def down_at(self) -> Fraction:
        """The middle of when it began, epoch ms."""
        return Fraction(self.down_lo + self.down_hi, 2)

    @property
    def up_at(self) -> Fraction | None:
        """The middle of when it ended, epoch ms."""
        return None if self.up_lo is None or self.up_hi is None else Fraction(self.up_lo + self.up_hi, 2)

    @property
    def upstream(self) -> bool:
        """Did the hub take this one down? Then it is the hub's incident."""
        return self.cause is DownCause.UPSTREAM

    def lasts_until(self, at: int) -> bool:
        """Was it not over, by its middle bounds, before `at`?"""
        return self.up_lo is None or self.up_hi is None or self.up_lo + self.up_hi >= 2 * at

    def touches(self, window: Interval) -> bool:
        """Did any of it, by its middle bounds, fall into `window`?"""
        return self.down_lo + self.down_hi < 2 * window.end and self.lasts_until(window.start)


def outages(timeline: Timeline) -> tuple[Outage, ...]:
    """Every outage that `timeline` proves, oldest first; unknown time between two losses ends none."""
    found: list[Outage] = []
    run: list[Segment] = []
    for part in timeline.segments:
        if part.state not in SERVING:
            run.append(part)
        elif run:
            found += _proven(run, lasts=False)
            run = []
    return (*found, *_proven(run, lasts=True))


def in_service(found: Iterable[Outage], scope: Scope) -> Iterator[Outage]:
    """Those that touch the part of the period that has passed, and of which something, by their middle bounds, fell
    into time in service."""
    passed, served = scope.passed, scope.commissioned_time()
    for outage in found:
        if outage.touches(passed):
            if served == (passed,):
                yield outage
                continue
            began = (outage.down_lo + outage.down_hi) // 2
            up_lo, up_hi = outage.up_lo, outage.up_hi
            ended = passed.end if up_lo is None or up_hi is None else (up_lo + up_hi) // 2
            if intersect((Interval(began, max(began + 1, ended)),), served):
                yield outage


def _proven(run: Sequence[Segment], *, lasts: bool) -> list[Outage]:
    """The outage in `run`, time without certain service, if a loss was seen in it."""
    downs = [part for part in run if part.state is State.DOWN]
    if not downs:
        return []
    up_lo, up_hi = (None, None) if lasts else (downs[-1].end, run[-1].end)
    return [Outage(run[0].start, downs[0].start, up_lo, up_hi, _dominant_cause(downs))]


def _dominant_cause(downs: Sequence[Segment]) -> DownCause | None:
    """The cause with the longest certain time; the first of equals."""
    if len(downs) == 1:
        return downs[0].cause if isinstance(downs[0].cause, DownCause) else None
    held: dict[DownCause | None, int] = {}
    for part in downs:
        cause = part.cause if isinstance(part.cause, DownCause) else None
        held[cause] = held.get(cause, 0) + part.end - part.start
    return max(held, key=lambda cause: held[cause])


def merge_flaps(found: Iterable[Outage], hold_down_ms: int = HOLD_DOWN_MS) -> tuple[Outage, ...]:
    """Outages (oldest first) closer than the hold-down joined: from the first loss to the last recovery.

    Availability keeps the raw time; only counts and means use this.
    """
    merged: list[Outage] = []
    for outage in found:
        last = merged[-1] if merged else None
        if last is not None and last.up_hi is not None and outage.down_lo - last.up_hi < hold_down_ms:
            merged[-1] = last._replace(up_lo=outage.up_lo, up_hi=outage.up_hi)
        else:
            merged.append(outage)
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one or more durations, in ms. `p90` is the smallest value that nine in ten do not exceed."""

    count: int
    mean: Fraction
    median: Fraction
    p90: Fraction


def summarise(durations: Iterable[Fraction | int]) -> Summary | None:
    """None for no durations at all."""
    return _summary(sorted(durations), parts=1)


def _summary(ordered: Sequence[Fraction | int], *, parts: int) -> Summary | None:
    """The summary of durations that are given in so many parts of a millisecond."""
    count = len(ordered)
    if not count:
        return None
    return Summary(
        count=count,
        mean=Fraction(sum(ordered)) / (count * parts),
        median=Fraction(ordered[(count - 1) // 2] + ordered[count // 2]) / (2 * parts),
        p90=Fraction(ordered[-(-count * 9 // 10) - 1]) / parts,
    )


@dataclass(frozen=True, slots=True)
class RepairFigures:
    """The outage statistics of one subject over a period, flaps merged.

    `failures`: own outages that began in it. `repair`: those that ended in it, at full length (MTTR = its mean).
    `open_at_end`: not over when the period (or now) ended. `mtbf_ms`: up time per failure, None without one.
    `planned` (inside approved maintenance) and `upstream` (the hub's) are counted in none of the others.
    """

    failures: int
    repair: Summary | None
    open_at_end: tuple[Outage, ...]
    mtbf_ms: Fraction | None
    planned: int
    upstream: int


def repair_figures(
    found: Sequence[Outage], scope: Scope, sums: Sums, *, hold_down_ms: int = HOLD_DOWN_MS
) -> RepairFigures:
    """Count and time all outages of one subject, oldest first, in `scope`, whose `sums` were measured before."""
    measured, passed = scope.commissioned_time(), scope.passed
    own = [outage for outage in found if not outage.upstream]
    planned = _planned(own, scope)
    unplanned = merge_flaps((outage for outage in own if outage not in planned), hold_down_ms)
    touching = list(in_service(unplanned, scope))
    failures = sum(contains(measured, (outage.down_lo + outage.down_hi) // 2) for outage in touching)
    # In half milliseconds, which keeps the middles of bounds whole.
    ended = [
        (item, item.up_lo + item.up_hi)
        for item in touching
        if item.up_lo is not None and item.up_hi is not None
    ]
    repaired = [up - outage.down_lo - outage.down_hi for outage, up in ended if contains(measured, up // 2)]
    up_time = sums.known_ms - Fraction(sums.down_lo_ms + sums.down_hi_ms, 2)
    return RepairFigures(
        failures=failures,
        repair=_summary(sorted(repaired), parts=2),
        open_at_end=tuple(item for item in touching if item.lasts_until(passed.end)),
        mtbf_ms=up_time / failures if failures else None,
        planned=len(list(in_service(planned, scope))),
        upstream=len(list(in_service((outage for outage in found if outage.upstream), scope))),
    )


def _planned(found: Iterable[Outage], scope: Scope) -> frozenset[Outage]:
    """Those that lie wholly inside approved maintenance."""
    approved = scope.approved()
    if not approved:
        return frozenset()
    ends = ((outage, scope.passed.end if outage.up_hi is None else outage.up_hi) for outage in found)
    return frozenset(
        outage
        for outage, end in ends
        if outage.down_lo < end and not subtract((Interval(outage.down_lo, end),), approved)
    )


class Alarm(NamedTuple):
    """People were alerted to an incident at `at` (epoch ms), and the first of them took it at `ack_at`, if anybody
    has since: an incident that is opened again is another alarm."""

    at: int
    ack_at: int | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """How one incident was met, epoch ms: the last good sample before it, its alert, and the first human
    acknowledgement, None while nobody has.
    """

    last_good_at: int
    alert_at: int
    ack_at: int | None


@dataclass(frozen=True, slots=True)
class ResponseFigures:
    """`detect`: last good sample to alert (mean = MTTD). `acknowledge`: alert to acknowledgement (MTTA)."""

    detect: Summary | None
    acknowledge: Summary | None
    unacknowledged: int


def responses(found: Iterable[Outage], alarms: Sequence[Alarm]) -> Iterator[Response]:
    """How each outage that anybody was alerted to was met: by the first of `alarms` (ascending) while it lasted."""
    instants = [alarm.at for alarm in alarms]
    for outage in merge_flaps(found):
        index = bisect_left(instants, outage.down_lo)
        if index < len(alarms) and (outage.up_hi is None or instants[index] <= outage.up_hi):
            yield Response(outage.down_lo, alarms[index].at, alarms[index].ack_at)


def response_figures(responses: Iterable[Response], period: Interval) -> ResponseFigures:
    """Of the incidents whose alert falls into `period`."""
    inside = [item for item in responses if period.start <= item.alert_at < period.end]
    return ResponseFigures(
        detect=summarise(item.alert_at - item.last_good_at for item in inside),
        acknowledge=summarise(item.ack_at - item.alert_at for item in inside if item.ack_at is not None),
        unacknowledged=sum(item.ack_at is None for item in inside),
    )
