"""Months that are over: brief reports read them, `rebuild` compares and mends them, the nightly job measures them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from channelwatch.app.cli import main
from channelwatch.app.jobs import measure_months
from channelwatch.base.clock import ManualClock
from channelwatch.store.errors import StoreReason, StoreTransient
from channelwatch.store.sqlstore import open_store
from channelwatch.uptime.period import month
from tests.support.house import FailingStore, engine_over
from tests.support.province import spoke
from tests.support.recorded import HOUR, Recorder, silent

MINUTE = 60_000
SEPTEMBER = month(2026, 9)
Bytes = pytest.CaptureFixture[bytes]
Text = pytest.CaptureFixture[str]


@pytest.fixture
def recorder(config: Path) -> Iterator[Recorder]:
    """Polled around the first and the last midnight of September, when a spoke was lost, and blind in between."""
    store = open_store("sqlite:///store.db", config.parent)
    store.upgrade()
    found = Recorder(store, SEPTEMBER.start - 10 * MINUTE)
    for edge in (SEPTEMBER.start, SEPTEMBER.end):
        found.sleep(edge - 5 * MINUTE - found.now)
        found.live(10 * MINUTE, talk={spoke(1): silent})
        found.live(5 * MINUTE)
    found.sleep(4 * HOUR)
    found.live(2 * MINUTE)
    yield found
    store.close()


def report(config: Path, output: Bytes, *arguments: str) -> dict[str, Any]:
    """September of the lost spoke."""
    about = ["--scope", f"device:{spoke(1)}", "--from", "2026-09", "--json", *arguments]
    assert main(["uptime", "-c", str(config), *about]) == 0
    found: dict[str, Any] = json.loads(output.readouterr().out)
    return found


def spoil(recorder: Recorder) -> None:
    """Let the kept September say something else of the lost spoke."""
    with recorder.store.engine.begin() as connection:  # type: ignore[attr-defined]
        changed = connection.execute(
            text(
                "UPDATE month_share SET up_ms = up_ms + 7000, down_self_ms = down_self_ms - 7000"
                " WHERE code = :code AND axis = 'health' AND kind = 'device' AND t_from = :start"
            ),
            {"code": spoke(1), "start": SEPTEMBER.start},
        )
        assert changed.rowcount == 1


def test_a_brief_report_has_the_same_figures_from_a_kept_month_and_no_outages(
    config: Path, recorder: Recorder, capsysbinary: Bytes
) -> None:
    whole = report(config, capsysbinary)
    unkept = report(config, capsysbinary, "--brief")
    assert main(["rebuild", "-c", str(config)]) == 0
    capsysbinary.readouterr()
    kept = report(config, capsysbinary, "--brief")
    times = [name for name in whole["rows"][0] if name.endswith("_ms") and name.startswith(("up", "down"))]
    assert times and whole["outages"] and kept["outages"] == unkept["outages"] == []
    assert kept["rows"] == unkept["rows"]
    for mine, other in zip(kept["rows"], whole["rows"], strict=True):
        assert {name: mine[name] for name in times} == {name: other[name] for name in times}
    spoil(recorder)
    told = report(config, capsysbinary, "--brief")["rows"][0]
    assert told["up_ms"] == kept["rows"][0]["up_ms"] + 7000
    assert report(config, capsysbinary)["rows"] == whole["rows"]


def test_rebuild_finds_a_month_that_is_not_what_the_history_says_and_measures_it_anew(
    config: Path, recorder: Recorder, capsys: Text
) -> None:
    command = ["rebuild", "-c", str(config)]
    assert main(command) == 0
    assert re.search(r"^[1-9]\d* months measured$", capsys.readouterr().out, re.MULTILINE)
    assert main([*command, "--check"]) == 0
    assert "the months that are kept are what the history says" in capsys.readouterr().out
    spoil(recorder)
    assert main([*command, "--check"]) == 1
    assert "month from 01/09/2026 00:00:00: 1 sums" in capsys.readouterr().out
    assert main(command) == 0
    assert "1 months measured" in capsys.readouterr().out
    assert main([*command, "--check"]) == 0


async def test_the_nightly_job_measures_the_months_that_are_over_and_each_only_once(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    store = FailingStore(recorder.store)
    engine = engine_over(store, inventory=recorder.inventory, clock=ManualClock(recorder.now))
    store.fail(StoreTransient(StoreReason.BUSY, "database is locked"), "begin_month")
    await measure_months(engine, store)
    assert "months not measured" in caplog.text and store.ground().months == []
    store.heal()
    await measure_months(engine, store)
    assert [kept.span for kept in store.ground().months] == [month(2026, 8), SEPTEMBER]
    assert store.calls["keep_month"] == 2
    await measure_months(engine, store)
    assert store.calls["keep_month"] == 2
