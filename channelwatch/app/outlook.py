"""Availability from the store, computed now and then beside everything else, for dashboards to show."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.errors import InputError, Permanent, Transient
from channelwatch.base.intervals import Interval
from channelwatch.metrics import catalogue, process
from channelwatch.pipeline.availability import Archive, Asked, Question, Terms, availability
from channelwatch.uptime.ledger import Measured

if TYPE_CHECKING:
    from channelwatch.app.running.engine import Engine, Job

log = logging.getLogger(__name__)

FIRST_AFTER_S = 20.0
AT_LEAST_EVERY_S = 300.0
REST = 20
"""The pause before the next time is so many times what the last one took."""

TARGET = Fraction(999, 1000)
DAY_MS = 86_400_000


class ClosableArchive(Archive, Protocol):
    """An archive of one's own."""

    def close(self) -> None:
        """Release every connection."""
        ...


class AvailabilityMeters:
    """The figures of the newest computation."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ratio = process.gauge(registry, catalogue.AVAILABILITY)
        self._coverage = process.gauge(registry, catalogue.AVAILABILITY_COVERAGE)
        self._below = process.gauge(registry, catalogue.BELOW_TARGET)
        self._at = process.gauge(registry, catalogue.AVAILABILITY_AT)

    def computed(self, rows: list[tuple[str, Measured]], at: EpochMs) -> None:
        """Show `rows`, each with the name of its period, in place of those before."""
        for gauge in (self._ratio, self._coverage, self._below):
            gauge.clear()
        for period, row in rows:
            found = row.availability.figures
            bounds = {"low": found.a_lo, "known": found.a_known, "high": found.a_hi}
            for bound, value in bounds.items():
                if value is not None:
                    self._ratio.labels(row.code, period, bound).set(float(value))
            if found.coverage is not None:
                self._coverage.labels(row.code, period).set(float(found.coverage))
            if row.bloc is not None:
                self._below.labels(row.code, period).set(row.bloc.below_target)
        self._at.set(at / 1000)


def follow_availability(archive: Callable[[], ClosableArchive]) -> Job:
    """A job of the engine that computes the figures again and again over an archive of its own."""

    async def outlook(engine: Engine) -> None:
        meters = AvailabilityMeters(engine.registry)
        poll_ms = engine.settings.collector.snmp.poll_s * 1000
        pause_s = FIRST_AFTER_S
        while True:
            await asyncio.sleep(pause_s)
            now, began = engine.clock.now(), engine.clock.monotonic_ms()
            try:
                rows = await asyncio.to_thread(compute, archive, now, poll_ms)
            except (Transient, Permanent) as error:
                log.warning("availability not computed; will be tried again", extra={"reason": str(error)})
            else:
                meters.computed(rows, now)
            pause_s = max(AT_LEAST_EVERY_S, REST * (engine.clock.monotonic_ms() - began) / 1000)

    return outlook


def compute(archive: Callable[[], ClosableArchive], now: EpochMs, poll_ms: int) -> list[tuple[str, Measured]]:
    """The blocs' figures over each period that has something to measure."""
    opened = archive()
    try:
        return [(name, row) for name, period in periods(now) for row in _blocs(opened, period, now, poll_ms)]
    finally:
        opened.close()


def periods(now: EpochMs) -> Iterator[tuple[str, Interval]]:
    """The periods of the dashboards, by name; months are Viet Nam's."""
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(LOCAL_ZONE)
    month = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before = (month - timedelta(days=1)).replace(day=1)
    starts = round(month.timestamp() * 1000)
    yield "1d", Interval(now - DAY_MS, now)
    yield "30d", Interval(now - 30 * DAY_MS, now)
    if starts < now:
        yield "month", Interval(starts, now)
    yield "last_month", Interval(round(before.timestamp() * 1000), starts)


def _blocs(archive: Archive, period: Interval, now: EpochMs, poll_ms: int) -> Iterator[Measured]:
    try:
        rows = availability(archive, Question(Asked.PROVINCE), Terms(period, now, TARGET, poll_ms))
    except InputError:
        return  # Nothing was listed in that period.
    yield from (row for row in rows if not row.corrections)
