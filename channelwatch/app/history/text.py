"""Availability as a person reads it on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from channelwatch.base.clock import local_text
from channelwatch.base.intervals import Interval
from channelwatch.reports.availability import lowest_bloc
from channelwatch.status.states import Axis
from channelwatch.uptime.figures import Verdict, cut, percent
from channelwatch.uptime.ledger import Measured, ScopeKind
from channelwatch.uptime.outages import Outage, RepairFigures, ResponseFigures, Summary
from channelwatch.uptime.rollup import BlocFigures

FEW = 4
"""So many scopes are told of at length; of more each has one line."""


def lines(rows: Sequence[Measured]) -> Iterator[str]:
    """What was measured, pessimistically cut."""
    long = [row for row in rows if len(rows) <= FEW or row.kind is ScopeKind.BLOC]
    for row in long:
        yield from _block(row)
    if len(long) < len(rows):
        yield f"{'scope':<34} {'verdict':<11} {'from':>9} {'to':>9} {'strict':>9} {'coverage':>9} {'down':>12} outages"
        yield from (_line(row) for row in rows if row not in long)
    if len({row.bloc.bloc for row in rows if row.bloc is not None}) > 1:
        lowest = lowest_bloc(rows)
        yield f"lowest: {'nothing is known of any bloc' if lowest is None else f'bloc {lowest}'}"


def remarks(rows: Sequence[Measured], period: Interval, now: int) -> Iterator[str]:
    """What has to be said of the whole answer; `now`: epoch ms."""
    if not rows:
        yield "nothing of the kind was listed in the period"
    if period.start >= now:
        yield "the period has not begun: nothing is counted"
    elif period.end > now:
        yield f"the period is not over: counted until {local_text(now)} (+07:00)"


def _block(row: Measured) -> Iterator[str]:
    found, sums = row.availability, row.availability.sums
    figures, whole = found.figures, found.without_exclusion
    start, end = (local_text(at) for at in found.period)
    lost, impaired = ("exposed", "weakened") if row.axis is Axis.PROTECTION else ("down", "degraded")
    yield f"{row.kind} {row.code}, {row.axis}{_corrected(row)}"
    yield f"  period        {start} to {end} (+07:00)"
    yield f"  verdict       {_verdict(found.verdict)} against {percent(found.target, up=True)} %"
    bounds = f"{_share(figures.a_lo)} to {_share(figures.a_hi)}"
    yield f"  availability  {bounds}; of the known time {_share(figures.a_known)}"
    yield f"  strict        {_share(figures.strict)}; observed {_share(figures.observed)}"
    yield f"  coverage      {_share(figures.coverage)}; backed by counters {_share(figures.attested_coverage)}"
    yield f"  {lost:<14}{_time(sums.down_lo_ms)} for certain, {_time(sums.down_hi_ms)} at most"
    yield f"  unknown       {_time(sums.unknown_ms)}; {impaired} {_time(sums.degraded_ms)}"
    yield f"  maintenance   {_time(sums.maintenance_ms)}; counted as well: {_share(whole.a_lo)} to {_share(whole.a_hi)}"
    if row.repair is not None:
        yield f"  outages       {_repair(row.repair)}"
        yield from (f"    {_outage(outage)}" for outage in row.outages)
    if row.response is not None and (row.outages or row.bloc is not None):
        yield f"  response      {_response(row.response)}"
    if row.bloc is not None:
        yield f"  channels      {_bloc(row.bloc)}"
    if found.may_miss_short_outages:
        yield "  outages shorter than the poll period may be missed"
    yield ""


def _line(row: Measured) -> str:
    found = row.availability
    figures = found.figures
    failures = "-" if row.repair is None else str(row.repair.failures)
    shares = (figures.a_lo, figures.a_hi, figures.strict, figures.coverage)
    columns = " ".join(f"{_share(share).removesuffix(' %'):>9}" for share in shares)
    name = f"{row.kind} {row.code} {row.axis}{_corrected(row)}"
    return (
        f"{name:<34} {_verdict(found.verdict):<11} {columns} {_time(found.sums.down_hi_ms):>12} {failures:>7}"
    )


def _corrected(row: Measured) -> str:
    return f" (corrected by {', '.join(map(str, row.corrections))})" if row.corrections else ""


def _verdict(verdict: Verdict) -> str:
    return verdict.value.replace("_", " ").upper()


def _share(share: Fraction | None) -> str:
    return "-" if share is None else f"{percent(share)} %"


def _repair(found: RepairFigures) -> str:
    parts = [f"{found.failures} began", f"{len(found.open_at_end)} open at the end"]
    if found.repair is not None:
        parts.append(f"MTTR {_summary(found.repair)}")
    if found.mtbf_ms is not None:
        parts.append(f"MTBF {_time(cut(found.mtbf_ms, 1))}")
    parts += [f"{found.planned} planned"] if found.planned else []
    parts += [f"{found.upstream} by the hub"] if found.upstream else []
    return ", ".join(parts)


def _response(found: ResponseFigures) -> str:
    if found.detect is None:
        return "nobody was alerted to an outage"
    parts = [f"MTTD {_summary(found.detect)}"]
    if found.acknowledge is not None:
        parts.append(f"MTTA {_summary(found.acknowledge)}")
    parts += [f"{found.unacknowledged} not acknowledged"] if found.unacknowledged else []
    return ", ".join(parts)


def _summary(found: Summary) -> str:
    mean, median, p90 = (_time(cut(value, 1, up=True)) for value in (found.mean, found.median, found.p90))
    return f"{mean} (median {median}, p90 {p90}, of {found.count})"


def _outage(outage: Outage) -> str:
    ended = (
        "and lasts" if outage.up_hi is None else f"to {_instant(outage.up_lo or outage.up_hi, outage.up_hi)}"
    )
    cause = "" if outage.cause is None else f" ({outage.cause})"
    return f"{_instant(outage.down_lo, outage.down_hi)} {ended}{cause}"


def _instant(earliest: int, latest: int) -> str:
    if latest - earliest < 1000:
        return local_text(latest)
    return f"{local_text(earliest)} + {_time(latest - earliest)}"


def _bloc(found: BlocFigures) -> str:
    worst = "" if found.worst is None else f", worst {found.worst}"
    counts = f"{found.below_target} below target, {found.verdicts[Verdict.NOT_PROVEN]} not proven"
    blackout = f"all down at once for {_time(found.blackout_lo_ms)} to {_time(found.blackout_hi_ms)}"
    return f"{len(found.channels)}: {counts}{worst}; {blackout}"


def _time(ms: int) -> str:
    """A duration: seconds below an hour, otherwise hours and minutes."""
    seconds = ms / 1000
    if seconds < 3600:
        return f"{seconds:g} s"
    return f"{ms // 3_600_000} h {ms % 3_600_000 // 60_000:02d} min"
