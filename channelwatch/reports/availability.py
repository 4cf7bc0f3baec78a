"""The availability report as plain rows: the one schema behind its JSON and its CSV form.

Times are epoch ms, durations ms, ratios whole parts per million cut to the pessimistic side, so that every value
is a whole number or a code and reads the same in every locale. The ratios can be recomputed from the sums.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

from channelwatch.base.intervals import Interval
from channelwatch.status.states import Axis
from channelwatch.uptime.figures import Availability, Figures, Sums, Verdict, cut
from channelwatch.uptime.ledger import Measured, ScopeKind
from channelwatch.uptime.outages import Outage, RepairFigures, ResponseFigures, Summary
from channelwatch.uptime.rollup import BlocFigures, province_figures

SCHEMA: Final = "channelwatch.availability/4"
"""Changes whenever a field is added, renamed or means something else."""

_REPAIR_FIELDS: Final = (
    "failures",
    "planned_outages",
    "upstream_outages",
    "open_outages",
    "repaired",
    "mttr_ms",
    "mttr_median_ms",
    "mttr_p90_ms",
    "mtbf_ms",
)
_RESPONSE_FIELDS: Final = (
    "detected",
    "mttd_ms",
    "mttd_median_ms",
    "mttd_p90_ms",
    "acknowledged",
    "mtta_ms",
    "mtta_median_ms",
    "mtta_p90_ms",
    "unacknowledged",
)
_BLOC_FIELDS: Final = (
    "channels",
    "below_target",
    "not_proven",
    "worst_channel",
    "blackout_lo_ms",
    "blackout_hi_ms",
)

SIMULATED_NOTICE: Final = "DỮ LIỆU MÔ PHỎNG - không phải số liệu thực tế"

Value: TypeAlias = int | str | None


@dataclass(frozen=True, slots=True)
class Report:
    """`generator`: name and version of the program. `generated_at`: epoch ms."""

    rows: Sequence[Measured]
    generator: str
    generated_at: int
    simulated: bool = False


def values(row: Measured) -> dict[str, Value]:
    """One row of the report under its stable field names, in their stable order."""
    found = row.availability
    return {
        "scope_kind": row.kind.value,
        "scope_code": row.code,
        "axis": row.axis.value,
        "corrections": " ".join(map(str, row.corrections)),
        "period_start_ms": found.period.start,
        "period_end_ms": found.period.end,
        **_sums(found.sums),
        **_ratios(found.figures, ""),
        **_ratios(found.without_exclusion, "unexcluded_"),
        "target_ppm": cut(found.target, 1_000_000, up=True),
        "verdict": found.verdict.value,
        "may_miss_short_outages": int(found.may_miss_short_outages),
        **_repair(row.repair),
        **_response(row.response),
        **_bloc(row.bloc),
    }


def _sums(sums: Sums) -> dict[str, Value]:
    return {
        "total_ms": sums.total_ms,
        "maintenance_ms": sums.maintenance_ms,
        "base_ms": sums.base_ms,
        "known_ms": sums.known_ms,
        "unknown_ms": sums.unknown_ms,
        "blind_ms": sums.blind_ms,
        "silent_ms": sums.silent_ms,
        "path_ms": sums.path_ms,
        "up_ms": sums.up_ms,
        "degraded_ms": sums.degraded_ms,
        "split_ms": sums.split_ms,
        "edge_ms": sums.edge_ms,
        "down_lo_ms": sums.down_lo_ms,
        "down_hi_ms": sums.down_hi_ms,
        "down_self_ms": sums.down_self_ms,
        "down_link_ms": sums.down_link_ms,
        "down_upstream_ms": sums.down_upstream_ms,
        "attested_ms": sums.attested_ms,
    }


def _ratios(figures: Figures, prefix: str) -> dict[str, Value]:
    return {
        f"{prefix}a_lo_ppm": _ppm(figures.a_lo),
        f"{prefix}a_hi_ppm": _ppm(figures.a_hi),
        f"{prefix}a_known_ppm": _ppm(figures.a_known),
        f"{prefix}half_width_ppm": _ppm(figures.half_width, up=True),
        f"{prefix}coverage_ppm": _ppm(figures.coverage),
        f"{prefix}attested_coverage_ppm": _ppm(figures.attested_coverage),
        f"{prefix}observed_ppm": _ppm(figures.observed),
        f"{prefix}strict_ppm": _ppm(figures.strict),
    }


def _repair(found: RepairFigures | None) -> dict[str, Value]:
    if found is None:
        return dict.fromkeys(_REPAIR_FIELDS)
    figures: tuple[Value, ...] = (
        found.failures,
        found.planned,
        found.upstream,
        len(found.open_at_end),
        *_summary(found.repair),
        None if found.mtbf_ms is None else cut(found.mtbf_ms, 1),
    )
    return dict(zip(_REPAIR_FIELDS, figures, strict=True))


def _response(found: ResponseFigures | None) -> dict[str, Value]:
    if found is None:
        return dict.fromkeys(_RESPONSE_FIELDS)
    figures = (*_summary(found.detect), *_summary(found.acknowledge), found.unacknowledged)
    return dict(zip(_RESPONSE_FIELDS, figures, strict=True))


def _summary(found: Summary | None) -> tuple[Value, ...]:
    """How many, then mean, median and p90 in ms, cut upwards; nothing but the number where there are none."""
    if found is None:
        return (0, None, None, None)
    return (found.count, *(cut(value, 1, up=True) for value in (found.mean, found.median, found.p90)))


def _bloc(found: BlocFigures | None) -> dict[str, Value]:
    if found is None:
        return dict.fromkeys(_BLOC_FIELDS)
    figures: tuple[Value, ...] = (
        len(found.channels),
        found.below_target,
        found.verdicts[Verdict.NOT_PROVEN],
        found.worst,
        found.blackout_lo_ms,
        found.blackout_hi_ms,
    )
    return dict(zip(_BLOC_FIELDS, figures, strict=True))


def outage_values(row: Measured, outage: Outage) -> dict[str, Value]:
    """One outage of `row`: the bounds of its beginning and of its end, null while it lasts."""
    return {
        "scope_kind": row.kind.value,
        "scope_code": row.code,
        "axis": row.axis.value,
        "corrections": " ".join(map(str, row.corrections)),
        "down_lo_ms": outage.down_lo,
        "down_hi_ms": outage.down_hi,
        "up_lo_ms": outage.up_lo,
        "up_hi_ms": outage.up_hi,
        "cause": None if outage.cause is None else outage.cause.value,
    }


def _ppm(share: Fraction | None, *, up: bool = False) -> int | None:
    return None if share is None else cut(share, 1_000_000, up=up)


_EMPTY = Measured(
    ScopeKind.DEVICE, "", Axis.HEALTH, Availability(Interval(0, 0), Fraction(1), Sums(), Sums())
)

ROW_FIELDS: Final = tuple(values(_EMPTY))
"""The fields of every row, in order."""


def data_sha256(rows: Sequence[Measured]) -> str:
    """SHA-256, lower-case hex, of the rows as canonical JSON: sorted keys, no spaces, UTF-8.

    It depends on the figures alone, not on when or by which version they were printed.
    """
    text = json.dumps(
        [values(row) for row in rows], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def heading(report: Report) -> dict[str, Value]:
    """What every form of the report says of itself."""
    return {
        "schema": SCHEMA,
        "generator": report.generator,
        "generated_at_ms": report.generated_at,
        "data_sha256": data_sha256(report.rows),
        "lowest_bloc": lowest_bloc(report.rows),
        "notice": SIMULATED_NOTICE if report.simulated else "",
    }


def lowest_bloc(rows: Sequence[Measured]) -> str | None:
    """The bloc that stands lowest by what is known, as recorded; None without a bloc of which anything is known."""
    blocs = [row.bloc for row in rows if row.bloc is not None and not row.corrections]
    lowest = province_figures(blocs).lowest
    return None if lowest is None else lowest.bloc
