"""The commands about the past, on a store that the pipeline filled."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from channelwatch.app.cli import main
from channelwatch.base.clock import SystemClock
from channelwatch.store.sqlstore import open_store
from tests.support.province import START, spoke
from tests.support.recorded import Recorder, silent

MINUTE = 60_000
FIRST = spoke(1)
FROM, TO = "2026-09-21T13:00", "2026-09-21T13:20"


@pytest.fixture
def recorder(config: Path) -> Iterator[Recorder]:
    """Twenty minutes in which one spoke was down for five."""
    store = open_store("sqlite:///store.db", config.parent)
    store.upgrade()
    recorder = Recorder(store, START)
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    recorder.live(5 * MINUTE)
    yield recorder
    store.close()


def uptime(config: Path, *arguments: str, scope: str = f"device:{FIRST}") -> int:
    return main(["uptime", "-c", str(config), "--scope", scope, "--from", FROM, "--to", TO, *arguments])


def test_uptime_prints_text(config: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    assert uptime(config) == 0
    told = capsys.readouterr().out
    assert f"device {FIRST}, health" in told
    assert "FAIL against 99.900 %" in told
    assert "1 began, 0 open at the end, MTTR 300 s" in told
    assert "MTTD 30 s" in told
    health, protection = told.split(f"device {FIRST}, protection")
    assert "\n  down          290 s for certain" in health
    assert "\n  exposed       0 s for certain" in protection
    assert "; weakened 0 s" in protection
    assert "1 not acknowledged" in told


def test_uptime_prints_the_same_figures_as_json_and_as_csv(
    config: Path, recorder: Recorder, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert uptime(config, "--json", "--target", "75") == 0
    whole = json.loads(capsysbinary.readouterr().out)
    assert uptime(config, "--csv", "--target", "75") == 0
    table = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode("utf-8-sig"), newline="")))
    assert [row["down_lo_ms"] for row in whole["rows"]] == [290_000, 0]
    assert [row["verdict"] for row in whole["rows"]] == ["not_proven", "not_proven"]
    assert [row["down_lo_ms"] for row in table] == ["290000", "0"]
    assert whole["data_sha256"] == table[0]["data_sha256"]
    assert whole["notice"].startswith("DỮ LIỆU MÔ PHỎNG")
    (outage,) = whole["outages"]
    assert (outage["scope_code"], outage["up_hi_ms"] - outage["down_lo_ms"]) == (FIRST, 310_000)


def test_uptime_of_the_province_has_a_row_for_each_bloc(
    config: Path, recorder: Recorder, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert uptime(config, "--json", scope="province") == 0
    whole = json.loads(capsysbinary.readouterr().out)
    (row,) = whole["rows"]
    assert whole["lowest_bloc"] == "party"
    assert (row["scope_kind"], row["scope_code"], row["channels"], row["below_target"]) == (
        "bloc",
        "party",
        4,
        1,
    )
    assert row["worst_channel"] == "51-D-20001"


@pytest.mark.parametrize(("last", "is_told"), [(TO, False), ("2199", True)])
def test_a_period_that_is_not_over_says_until_when_it_is_counted(
    config: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str], last: str, is_told: bool
) -> None:
    scope = ["--scope", f"device:{FIRST}", "--from", FROM, "--to", last]
    assert main(["uptime", "-c", str(config), *scope]) == 0
    assert ("the period is not over: counted until " in capsys.readouterr().out) is is_told


def test_a_period_that_has_not_begun_counts_nothing_and_says_so(
    config: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["uptime", "-c", str(config), "--scope", "province", "--from", "2199"]) == 0
    told = capsys.readouterr().out
    assert "NO DATA" in told
    assert "the period has not begun: nothing is counted" in told
    assert "counted until" not in told


@pytest.mark.parametrize("scope", ["province", "device:all"])
def test_a_period_before_anything_was_listed_says_that_nothing_was(
    config: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str], scope: str
) -> None:
    assert main(["uptime", "-c", str(config), "--scope", scope, "--from", "2020"]) == 0
    assert capsys.readouterr().out == "nothing of the kind was listed in the period\n"


def test_uptime_of_what_is_not_there_is_wrong_input(
    config: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert uptime(config, scope="device:51-D-99999-1") == 2
    assert "no inventory in force in the period lists it" in capsys.readouterr().err


def spoil(config: Path) -> None:
    """Lose what the projection says of one device."""
    with sqlite3.connect(config.parent / "store.db") as connection:
        mine = "SELECT id FROM series WHERE subject = ?"
        connection.execute(f"DELETE FROM status_interval WHERE series IN ({mine})", [FIRST])
    connection.close()


def test_rebuild_finds_what_differs_and_repairs_it(
    config: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["rebuild", "-c", str(config)]
    assert main([*command, "--check"]) == 0
    spoil(config)
    assert main([*command, "--check"]) == 1
    told = capsys.readouterr().out
    assert f"missing {FIRST} health test:" in told
    assert "status intervals differ" in told
    assert main(command) == 0
    assert "status intervals repaired" in capsys.readouterr().out
    assert main([*command, "--check"]) == 0
    assert uptime(config) == 0


def test_rebuild_leaves_a_running_service_alone(
    config: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.store.take_lease("engine", "running", now=SystemClock().now(), ttl_ms=60_000)
    assert main(["rebuild", "-c", str(config)]) == 1
    assert "stop it first" in capsys.readouterr().err
