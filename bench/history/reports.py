"""A year's report: from kept months, from the history itself, and from raw samples in the same database."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sqlalchemy import text

from channelwatch.base.intervals import Interval
from channelwatch.pipeline.availability import ALL, Asked, Question, Terms, availability
from channelwatch.pipeline.snapshots import EVERYTHING, brief, ground_of, make_month, shares, stale_months
from channelwatch.store.sqlstore import SqlStore
from channelwatch.uptime.shares import months_within
from history import province

TERMS = Terms(province.YEAR, province.YEAR.end, Fraction(999, 1000), province.POLL_MS)
EVERY_DEVICE = Question(Asked.DEVICE, ALL)
RUNS = 5
RAW_DEVICES, RAW_DAYS = 40, 30
"""How much of raw samples is laid out: what a device-year costs is computed from it."""
LONGEST_GAP_MS = 5 * province.POLL_MS // 2

# What raw samples cost at the least: the numbers of a device and a state, and nothing else beside the instant.
_RAW = (
    "CREATE TABLE raw_sample (device integer, at bigint, up boolean, PRIMARY KEY (device, at))",
    (
        "INSERT INTO raw_sample SELECT d, :start + n * 60000::bigint, random() > 0.01"
        " FROM generate_series(1, :devices) d, generate_series(0, :samples - 1) n"
    ),
)
_RAW_REPORT = (
    "SELECT device, sum(gap) FILTER (WHERE gap <= :longest AND up AND was_up),"
    " sum(gap) FILTER (WHERE gap <= :longest AND NOT up AND NOT was_up),"
    " sum(gap) FILTER (WHERE gap <= :longest AND up <> was_up), sum(gap) FILTER (WHERE gap > :longest)"
    " FROM (SELECT device, up, at - lag(at) OVER mine AS gap, lag(up) OVER mine AS was_up"
    " FROM raw_sample WINDOW mine AS (PARTITION BY device ORDER BY at)) AS pair GROUP BY device"
)
"""The same sums as ours: up, down, edges and blind time for each device."""


@dataclass(frozen=True)
class Raw:
    """What a device-year of raw samples takes."""

    report_ms: float
    bytes: float


def keep_months(store: SqlStore) -> float:
    """Measure and keep every month of the year, and what is longer; seconds for each month."""
    began = time.perf_counter()
    months = months_within(province.YEAR, province.YEAR.end)
    for one in months:
        assert make_month(store, one, TERMS), "nobody else writes"
    took = time.perf_counter() - began
    keep_longer(store)
    return took / len(months)


def keep_longer(store: SqlStore) -> float:
    """Add up the quarters and the year; seconds for all five."""
    began = time.perf_counter()
    for one in stale_months(store, TERMS):
        assert make_month(store, one, TERMS), "every month is kept"
    took = time.perf_counter() - began
    with store.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    return took


def keep_copies(store: SqlStore) -> float:
    """Measure one month and keep it as every month of the year; seconds for the measuring."""
    months = months_within(province.YEAR, province.YEAR.end)
    began = time.perf_counter()
    once = list(shares(store, EVERYTHING, replace(TERMS, period=months[0])))
    took = time.perf_counter() - began
    for one in months:
        store.begin_month(one)
        assert store.keep_month(one, ground_of(one, store.ground(), TERMS.poll_ms), once)
    return took


def compare(store: SqlStore) -> None:
    """RuntimeError when the months add up to anything but what the history says."""
    direct = [row.availability for row in availability(store, EVERY_DEVICE, TERMS)]
    if [row.availability for row in brief(store, EVERY_DEVICE, TERMS)] != direct:
        raise RuntimeError("the months do not add up to the year")


def in_brief_ms(store: SqlStore, months: int = 12) -> float:
    """The year of every device, or its first `months`, from what is kept: the median of several runs."""
    within = months_within(province.YEAR, province.YEAR.end)[:months]
    terms = replace(TERMS, period=Interval(within[0].start, within[-1].end))
    return _median_ms(lambda: brief(store, EVERY_DEVICE, terms))


def directly_ms(store: SqlStore) -> float:
    """The same year from the history itself, with every outage: one run."""
    return _once_ms(lambda: availability(store, EVERY_DEVICE, TERMS))


def raw(store: SqlStore) -> Raw:
    """Raw samples beside the intervals, and the report from them, for a device-year."""
    samples = RAW_DAYS * 86_400_000 // province.POLL_MS
    share = RAW_DAYS * 86_400_000 / province.YEAR.length * RAW_DEVICES
    with store.engine.begin() as connection:
        connection.execute(text(_RAW[0]))
        connection.execute(
            text(_RAW[1]), {"start": province.YEAR.start, "devices": RAW_DEVICES, "samples": samples}
        )
        connection.execute(text("ANALYZE raw_sample"))

    def report() -> Sequence[object]:
        with store.engine.connect() as connection:
            return connection.execute(text(_RAW_REPORT), {"longest": LONGEST_GAP_MS}).all()

    took, size = _median_ms(report), size_of(store, "raw_sample")
    with store.engine.begin() as connection:
        connection.execute(text("DROP TABLE raw_sample"))
    return Raw(took / share, size / share)


def size_of(store: SqlStore, *tables: str) -> int:
    """Bytes on disk of tables with their indexes."""
    with store.engine.connect() as connection:
        return sum(
            int(connection.scalar(text("SELECT pg_total_relation_size(:name)"), {"name": name}) or 0)
            for name in tables
        )


def _median_ms(work: Callable[[], object]) -> float:
    return sorted(_once_ms(work) for _ in range(RUNS))[RUNS // 2]


def _once_ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
