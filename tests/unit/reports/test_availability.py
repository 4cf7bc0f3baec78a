"""The availability report, read back as a program and as a spreadsheet would."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from fractions import Fraction

import pytest

from channelwatch.app.history.text import lines as text_lines
from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Bloc
from channelwatch.reports.availability import Report, data_sha256
from channelwatch.reports.render import to_csv, to_json
from channelwatch.status.states import Axis
from channelwatch.uptime.figures import Availability, Sums, Verdict
from channelwatch.uptime.ledger import Measured, ScopeKind
from channelwatch.uptime.outages import Outage, RepairFigures, summarise
from channelwatch.uptime.rollup import BlocFigures

COLUMNS = [
    "scope_kind",
    "scope_code",
    "axis",
    "corrections",
    "period_start_ms",
    "period_end_ms",
    "total_ms",
    "maintenance_ms",
    "base_ms",
    "known_ms",
    "unknown_ms",
    "blind_ms",
    "silent_ms",
    "path_ms",
    "up_ms",
    "degraded_ms",
    "split_ms",
    "edge_ms",
    "down_lo_ms",
    "down_hi_ms",
    "down_self_ms",
    "down_link_ms",
    "down_upstream_ms",
    "attested_ms",
    "a_lo_ppm",
    "a_hi_ppm",
    "a_known_ppm",
    "half_width_ppm",
    "coverage_ppm",
    "attested_coverage_ppm",
    "observed_ppm",
    "strict_ppm",
    "unexcluded_a_lo_ppm",
    "unexcluded_a_hi_ppm",
    "unexcluded_a_known_ppm",
    "unexcluded_half_width_ppm",
    "unexcluded_coverage_ppm",
    "unexcluded_attested_coverage_ppm",
    "unexcluded_observed_ppm",
    "unexcluded_strict_ppm",
    "target_ppm",
    "verdict",
    "may_miss_short_outages",
    "failures",
    "planned_outages",
    "upstream_outages",
    "open_outages",
    "repaired",
    "mttr_ms",
    "mttr_median_ms",
    "mttr_p90_ms",
    "mtbf_ms",
    "detected",
    "mttd_ms",
    "mttd_median_ms",
    "mttd_p90_ms",
    "acknowledged",
    "mtta_ms",
    "mtta_median_ms",
    "mtta_p90_ms",
    "unacknowledged",
    "channels",
    "below_target",
    "not_proven",
    "worst_channel",
    "blackout_lo_ms",
    "blackout_hi_ms",
    "schema",
    "generator",
    "generated_at_ms",
    "data_sha256",
    "lowest_bloc",
    "notice",
]

MEASURED = Availability(
    period=Interval(0, 2_592_000_000),
    target=Fraction(999, 1000),
    sums=Sums(
        up_ms=2_573_400_000,
        down_self_ms=480_000,
        edge_ms=120_000,
        blind_ms=10_800_000,
        maintenance_ms=7_200_000,
    ),
    unexcluded=Sums(up_ms=2_580_600_000, down_self_ms=480_000, edge_ms=120_000, blind_ms=10_800_000),
)
NOTHING = Availability(Interval(0, 10), Fraction(1), Sums(), Sums())


def report(*rows: Measured, simulated: bool = False, generated_at: int = 5) -> Report:
    return Report(rows, "channelwatch 0.1.0", generated_at, simulated)


def row(code: str = "51-D-21548-1", availability: Availability = MEASURED) -> Measured:
    return Measured(ScopeKind.DEVICE, code, Axis.HEALTH, availability)


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def bloc(name: Bloc, availability: Availability, *corrections: int) -> Measured:
    figures = BlocFigures(name, availability, {}, None, dict.fromkeys(Verdict, 0), 0, 0)
    return Measured(ScopeKind.BLOC, name, Axis.HEALTH, availability, bloc=figures, corrections=corrections)


def test_the_lowest_bloc_is_named_as_recorded_whatever_was_corrected() -> None:
    better = MEASURED._replace(sums=MEASURED.sums._replace(down_self_ms=0, up_ms=2_573_880_000))
    rows = (bloc(Bloc.GOV, better), bloc(Bloc.PARTY, MEASURED), bloc(Bloc.PARTY, better, 1))
    assert json.loads(to_json(report(*rows)))["lowest_bloc"] == "party"
    assert list(text_lines(rows))[-1] == "lowest: bloc party"
    assert not any(line.startswith("lowest") for line in text_lines(rows[1:]))


def test_without_a_bloc_of_which_anything_is_known_none_is_lowest() -> None:
    assert json.loads(to_json(report(row())))["lowest_bloc"] is None
    rows = (bloc(Bloc.GOV, NOTHING), bloc(Bloc.PARTY, NOTHING))
    assert json.loads(to_json(report(*rows)))["lowest_bloc"] is None
    assert list(text_lines(rows))[-1] == "lowest: nothing is known of any bloc"


def test_csv_has_the_agreed_columns_even_without_rows() -> None:
    for found in (to_csv(report()), to_csv(report(row()))):
        assert found.startswith(b"\xef\xbb\xbf")
        assert next(csv.reader(io.StringIO(found.decode("utf-8-sig"), newline=""))) == COLUMNS


def test_both_forms_carry_the_same_figures() -> None:
    whole = report(row(), row(availability=NOTHING))
    in_json = json.loads(to_json(whole))
    for text, found in zip(lines(to_csv(whole)), in_json["rows"], strict=True):
        assert {name: text[name] for name in found} == {
            name: "" if value is None else str(value) for name, value in found.items()
        }
        assert {name: text[name] for name in COLUMNS[-6:]} == {
            name: "" if in_json[name] is None else str(in_json[name]) for name in COLUMNS[-6:]
        }


def test_ratios_are_cut_to_the_pessimistic_side() -> None:
    (found,) = json.loads(to_json(report(row())))["rows"]
    assert (found["a_lo_ppm"], found["a_hi_ppm"], found["a_known_ppm"]) == (995_589, 999_814, 999_790)
    assert (found["coverage_ppm"], found["half_width_ppm"]) == (995_821, 2_113)
    assert (found["verdict"], found["may_miss_short_outages"]) == ("not_proven", 1)
    assert (found["base_ms"], found["unknown_ms"], found["down_hi_ms"]) == (
        2_584_800_000,
        10_800_000,
        600_000,
    )


def test_no_data_prints_no_ratio() -> None:
    (found,) = lines(to_csv(report(row(availability=NOTHING))))
    assert (found["a_lo_ppm"], found["strict_ppm"], found["verdict"]) == ("", "", "no_data")


def test_repair_times_are_cut_to_the_pessimistic_side() -> None:
    lasting = Outage(5, 6, None, None)
    repair = RepairFigures(
        3, summarise([Fraction(3, 2), Fraction(1)]), (lasting,), Fraction(99, 2), planned=1, upstream=2
    )
    measured = Measured(ScopeKind.DEVICE, "x", Axis.HEALTH, MEASURED, repair, (lasting,))
    whole = json.loads(to_json(report(measured)))
    (found,) = whole["rows"]
    assert (found["failures"], found["repaired"], found["open_outages"]) == (3, 2, 1)
    assert (found["mttr_ms"], found["mttr_p90_ms"], found["mtbf_ms"]) == (2, 2, 49)
    assert (found["planned_outages"], found["upstream_outages"], found["channels"]) == (1, 2, None)
    assert whole["outages"] == [
        {
            "scope_kind": "device",
            "scope_code": "x",
            "axis": "health",
            "corrections": "",
            "down_lo_ms": 5,
            "down_hi_ms": 6,
            "up_lo_ms": None,
            "up_hi_ms": None,
            "cause": None,
        }
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_no_cell_is_a_formula(start: str) -> None:
    (found,) = lines(to_csv(report(row(code=start + 'HYPERLINK("http://192.0.2.1")'))))
    assert found["scope_code"].startswith("'" + start)


def test_the_hash_is_of_the_figures_alone() -> None:
    at_one_time, later = report(row(), generated_at=1), report(row(), generated_at=2)
    assert data_sha256(at_one_time.rows) == data_sha256(later.rows)
    assert data_sha256(at_one_time.rows) != data_sha256(report(row(code="51-D-21548-2")).rows)
    whole = json.loads(to_json(at_one_time))
    again = json.dumps(whole["rows"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert whole["data_sha256"] == hashlib.sha256(again.encode()).hexdigest()


def test_simulated_figures_say_so() -> None:
    assert lines(to_csv(report(row(), simulated=True)))[0]["notice"].startswith("DỮ LIỆU MÔ PHỎNG")
    assert json.loads(to_json(report(row(), simulated=True)))["notice"].startswith("DỮ LIỆU MÔ PHỎNG")
    assert json.loads(to_json(report(row())))["notice"] == ""
