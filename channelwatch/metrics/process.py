"""Metrics of the process itself, on a registry that the caller owns.

Each helper registers one thing once and returns what its caller increments; figures that somebody already keeps
(queue lengths, incidents) are read at scrape time instead of being counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from channelwatch.incidents.model import Severity

COMMIT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LAG_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

Metric = CounterMetricFamily | GaugeMetricFamily


class Countable(Protocol):
    """What a bounded queue tells of itself."""

    @property
    def dropped(self) -> int:
        """Items refused since the start."""
        ...

    @property
    def accepted(self) -> int:
        """Items taken since the start."""
        ...

    @property
    def limit(self) -> int:
        """The most items that it holds."""
        ...

    def __len__(self) -> int: ...


class _AtScrape(Collector):
    """Metrics read at scrape time."""

    def __init__(self, read: Callable[[], Iterator[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        return self._read()

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read what may not be there yet."""
        return iter(())


def build_info(registry: CollectorRegistry, *, version: str, instance: str) -> None:
    """`channelwatch_build_info`: which version runs under which instance name."""
    gauge = Gauge(
        "channelwatch_build_info",
        "The running version; always 1.",
        ["version", "instance"],
        registry=registry,
    )
    gauge.labels(version, instance).set(1)


def started(registry: CollectorRegistry, at_ms: int) -> None:
    """`channelwatch_start_time_seconds`: when this process began to watch (Unix time)."""
    Gauge("channelwatch_start_time_seconds", "Start of the process, Unix time.", registry=registry).set(
        at_ms / 1000
    )


def queues(registry: CollectorRegistry, by_name: Mapping[str, Countable]) -> None:
    """Length, limit, accepted and dropped items of the process' bounded queues."""

    def read() -> Iterator[Metric]:
        length = GaugeMetricFamily("channelwatch_queue_length", "Items waiting in a queue.", labels=["queue"])
        limit = GaugeMetricFamily(
            "channelwatch_queue_limit", "The most items a queue holds.", labels=["queue"]
        )
        taken = CounterMetricFamily("channelwatch_queue_accepted", "Items taken.", labels=["queue"])
        lost = CounterMetricFamily("channelwatch_queue_dropped", "Items refused: full.", labels=["queue"])
        for name, items in by_name.items():
            length.add_metric([name], len(items))
            limit.add_metric([name], items.limit)
            taken.add_metric([name], items.accepted)
            lost.add_metric([name], items.dropped)
        yield from (length, limit, taken, lost)

    registry.register(_AtScrape(read))


def incidents_open(registry: CollectorRegistry, count: Callable[[], Mapping[Severity, int]]) -> None:
    """`channelwatch_incidents_open`: incidents that are not over, by severity, zeros included."""

    def read() -> Iterator[Metric]:
        counts = count()
        gauge = GaugeMetricFamily("channelwatch_incidents_open", "Incidents not over.", labels=["severity"])
        for severity in Severity:
            gauge.add_metric([severity], counts.get(severity, 0))
        yield gauge

    registry.register(_AtScrape(read))


def outbox_rows(registry: CollectorRegistry) -> Gauge:
    """`channelwatch_outbox_rows{state}`: alerts in the outbox."""
    return Gauge("channelwatch_outbox_rows", "Alerts in the outbox.", ["state"], registry=registry)


def outbox_age(registry: CollectorRegistry) -> Gauge:
    """`channelwatch_outbox_oldest_unsent_age_seconds`: how long the oldest unsent alert has waited."""
    return Gauge(
        "channelwatch_outbox_oldest_unsent_age_seconds", "Age of the oldest unsent alert.", registry=registry
    )


def loop_lag(registry: CollectorRegistry) -> Histogram:
    """`channelwatch_event_loop_lag_seconds`: how late the event loop woke a timer."""
    return Histogram(
        "channelwatch_event_loop_lag_seconds",
        "How late the event loop woke a timer.",
        buckets=LAG_BUCKETS_S,
        registry=registry,
    )


def commit_seconds(registry: CollectorRegistry) -> Histogram:
    """`channelwatch_commit_duration_seconds`: how long one batch took to be committed."""
    return Histogram(
        "channelwatch_commit_duration_seconds",
        "Time to commit one batch.",
        buckets=COMMIT_BUCKETS_S,
        registry=registry,
    )


def polls(registry: CollectorRegistry) -> Counter:
    """`channelwatch_polls_total{result}`: `answered`, or the word of the miss."""
    return Counter("channelwatch_polls_total", "Polls by result.", ["result"], registry=registry)


class Projection:
    """`channelwatch_projection_differences`: how many status intervals were not what the transitions say, and
    `channelwatch_projection_compared_seconds`: when that was last looked at (Unix time, 0: not since the start).
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._found = Gauge(
            "channelwatch_projection_differences",
            "Status intervals that are not what the transitions say.",
            registry=registry,
        )
        self._at = Gauge(
            "channelwatch_projection_compared_seconds",
            "When the status intervals were last compared, Unix time.",
            registry=registry,
        )

    def compared(self, differences: int, at_ms: int) -> None:
        """They were compared at `at_ms`."""
        self._found.set(differences)
        self._at.set(at_ms / 1000)


def traps(registry: CollectorRegistry) -> Counter:
    """`channelwatch_traps_total{result}`: `accepted`, or the reason of the rejection."""
    return Counter("channelwatch_traps_total", "Traps and informs by result.", ["result"], registry=registry)


def syslog_messages(registry: CollectorRegistry) -> Counter:
    """`channelwatch_syslog_messages_total{transport,result}`: `accepted`, or the reason of the rejection."""
    return Counter(
        "channelwatch_syslog_messages_total",
        "Syslog messages by transport and result.",
        ["transport", "result"],
        registry=registry,
    )


def deliveries(registry: CollectorRegistry) -> Counter:
    """`channelwatch_deliveries_total{channel,result}`: `sent`, `retry`, `unsure` or `dead`."""
    return Counter(
        "channelwatch_deliveries_total",
        "Attempts to deliver an alert, by channel and result.",
        ["channel", "result"],
        registry=registry,
    )
