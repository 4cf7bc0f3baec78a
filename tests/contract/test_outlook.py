"""The availability figures for dashboards: which periods, what is shown of them, and what a failing store leaves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from channelwatch.app import outlook
from channelwatch.app.outlook import AvailabilityMeters, compute, follow_availability, periods
from channelwatch.base.clock import LOCAL_ZONE, EpochMs, ManualClock
from channelwatch.base.errors import Transient
from channelwatch.metrics.process import new_registry
from channelwatch.store.sqlstore import open_store
from tests.support.province import small_inventory

NOW = EpochMs(round(datetime(2026, 9, 21, 10, 0, tzinfo=LOCAL_ZONE).timestamp() * 1000))
DAY_MS = 86_400_000


def local(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1000, LOCAL_ZONE).strftime("%d/%m %H:%M")


def test_months_are_those_of_viet_nam() -> None:
    found = {name: (local(period.start), local(period.end)) for name, period in periods(NOW)}
    assert found == {
        "1d": ("20/09 10:00", "21/09 10:00"),
        "30d": ("22/08 10:00", "21/09 10:00"),
        "month": ("01/09 00:00", "21/09 10:00"),
        "last_month": ("01/08 00:00", "01/09 00:00"),
    }


def test_a_month_that_begins_now_has_nothing_to_measure_yet() -> None:
    first = EpochMs(round(datetime(2026, 9, 1, tzinfo=LOCAL_ZONE).timestamp() * 1000))
    assert "month" not in dict(periods(first))


def test_a_bloc_that_nobody_has_looked_at_is_known_for_no_time(tmp_path: Path) -> None:
    def archive() -> Any:
        return open_store("sqlite:///store.db", tmp_path)

    store = archive()
    store.upgrade()
    store.apply_inventory(small_inventory(), [], by="test", at=EpochMs(NOW - 2 * DAY_MS))
    store.close()
    registry = new_registry()
    rows = compute(archive, NOW, 60_000)
    AvailabilityMeters(registry).computed(rows, NOW)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"channelwatch_{name}", {"bloc": "party", **labels})

    assert value("availability_ratio", period="1d", bound="low") == 0
    assert value("availability_ratio", period="1d", bound="high") == 1
    assert value("availability_ratio", period="1d", bound="known") is None
    assert value("availability_coverage_ratio", period="1d") == 0
    assert value("availability_ratio", period="last_month", bound="low") is None
    assert registry.get_sample_value("channelwatch_availability_computed_timestamp_seconds") == NOW / 1000


async def test_a_store_that_fails_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook, "FIRST_AFTER_S", 0)
    monkeypatch.setattr(outlook, "AT_LEAST_EVERY_S", 0)
    asked = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    def archive() -> Any:
        loop.call_soon_threadsafe(asked.release)
        raise Transient("busy")

    engine: Any = SimpleNamespace(
        registry=new_registry(),
        clock=ManualClock(NOW),
        settings=SimpleNamespace(collector=SimpleNamespace(snmp=SimpleNamespace(poll_s=60))),
    )
    task = asyncio.create_task(follow_availability(archive)(engine))
    for _ in range(3):
        await asyncio.wait_for(asked.acquire(), 30)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
