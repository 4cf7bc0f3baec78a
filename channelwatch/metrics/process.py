"""Metrics of the process itself, on a registry that the caller owns.

Each helper registers one family of the catalogue and returns what its caller increments; figures that somebody
already keeps (queue lengths, incidents) are read at scrape time instead of being counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from channelwatch.incidents.model import Severity
from channelwatch.inventory.model import Bloc
from channelwatch.metrics import catalogue
from channelwatch.metrics.text import Family, Kind

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


class AtScrape(Collector):
    """Metrics read at scrape time."""

    def __init__(self, read: Callable[[], Iterator[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """What stands now."""
        return self._read()

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read what may not be there yet."""
        return iter(())


def new_registry() -> CollectorRegistry:
    """An empty registry. When a counter was made is told by none of its series: it would double them."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    return CollectorRegistry()


def counter(registry: CollectorRegistry, family: Family) -> Counter:
    """A counter of the catalogue."""
    return Counter(family.name, family.help, list(family.labels), registry=registry)


def gauge(registry: CollectorRegistry, family: Family) -> Gauge:
    """A gauge of the catalogue."""
    return Gauge(family.name, family.help, list(family.labels), registry=registry)


def histogram(registry: CollectorRegistry, family: Family) -> Histogram:
    """A histogram of the catalogue."""
    return Histogram(family.name, family.help, list(family.labels), buckets=family.buckets, registry=registry)


def read_at_scrape(
    registry: CollectorRegistry, family: Family, read: Callable[[], Mapping[tuple[str, ...], float]]
) -> None:
    """A family whose samples are asked for when they are told; `read` gives values by label values."""

    def told() -> Iterator[Metric]:
        made = family_of(family)
        for values, value in read().items():
            made.add_metric(list(values), value)
        yield made

    registry.register(AtScrape(told))


def family_of(family: Family) -> Metric:
    """An empty family of the client library."""
    kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    return kind(family.name, family.help, labels=list(family.labels))


def build_info(registry: CollectorRegistry, *, version: str, instance: str) -> None:
    """`channelwatch_build_info`: which version runs under which instance name."""
    gauge(registry, catalogue.BUILD_INFO).labels(version, instance).set(1)


def started(registry: CollectorRegistry, at_ms: int) -> None:
    """`channelwatch_start_time_seconds`: when this process began to watch (Unix time)."""
    gauge(registry, catalogue.START_TIME).set(at_ms / 1000)


def queues(registry: CollectorRegistry, by_name: Mapping[str, Countable]) -> None:
    """Length, limit, accepted and dropped items of the process' bounded queues."""
    figures: tuple[tuple[Family, Callable[[Countable], int]], ...] = (
        (catalogue.QUEUE_LENGTH, len),
        (catalogue.QUEUE_LIMIT, lambda items: items.limit),
        (catalogue.QUEUE_ACCEPTED, lambda items: items.accepted),
        (catalogue.QUEUE_DROPPED, lambda items: items.dropped),
    )

    def read() -> Iterator[Metric]:
        for family, figure in figures:
            made = family_of(family)
            for name, items in by_name.items():
                made.add_metric([name], figure(items))
            yield made

    registry.register(AtScrape(read))


def incidents_open(registry: CollectorRegistry, count: Callable[[], Mapping[Severity, int]]) -> None:
    """`channelwatch_incidents_open`: incidents that are not over, by severity, zeros included."""

    def read() -> dict[tuple[str, ...], float]:
        counts = count()
        return {(severity,): counts.get(severity, 0) for severity in Severity}

    read_at_scrape(registry, catalogue.INCIDENTS_OPEN, read)


def devices_blind(registry: CollectorRegistry, count: Callable[[], Mapping[Bloc, int]]) -> None:
    """`channelwatch_devices_blind`: devices in service of which nothing is known, by bloc."""
    read_at_scrape(
        registry, catalogue.DEVICES_BLIND, lambda: {(bloc,): number for bloc, number in count().items()}
    )


def outbox_rows(registry: CollectorRegistry) -> Gauge:
    """`channelwatch_outbox_rows{state}`: alerts in the outbox."""
    return gauge(registry, catalogue.OUTBOX_ROWS)


def outbox_age(registry: CollectorRegistry) -> Gauge:
    """`channelwatch_outbox_oldest_unsent_age_seconds`: how long the oldest unsent alert has waited."""
    return gauge(registry, catalogue.OUTBOX_AGE)


def loop_lag(registry: CollectorRegistry) -> Histogram:
    """`channelwatch_event_loop_lag_seconds`: how late the event loop woke a timer."""
    return histogram(registry, catalogue.LOOP_LAG)


def commit_seconds(registry: CollectorRegistry) -> Histogram:
    """`channelwatch_commit_duration_seconds`: how long one batch took to be committed."""
    return histogram(registry, catalogue.COMMIT_SECONDS)


def polls(registry: CollectorRegistry) -> Counter:
    """`channelwatch_polls_total{result}`: `answered`, or the word of the miss."""
    return counter(registry, catalogue.POLLS)


class Projection:
    """How many status intervals were not what the transitions say, and when that was last looked at."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._found = gauge(registry, catalogue.PROJECTION_DIFFERENCES)
        self._at = gauge(registry, catalogue.PROJECTION_COMPARED)

    def compared(self, differences: int, at_ms: int) -> None:
        """They were compared at `at_ms`."""
        self._found.set(differences)
        self._at.set(at_ms / 1000)


def traps(registry: CollectorRegistry) -> Counter:
    """`channelwatch_traps_total{result}`: `accepted`, or the reason of the rejection."""
    return counter(registry, catalogue.TRAPS)


def syslog_messages(registry: CollectorRegistry) -> Counter:
    """`channelwatch_syslog_messages_total{transport,result}`: `accepted`, or the reason of the rejection."""
    return counter(registry, catalogue.SYSLOG)


def deliveries(registry: CollectorRegistry) -> Counter:
    """`channelwatch_deliveries_total{channel,result}`: `sent`, `retry`, `unsure` or `dead`."""
    return counter(registry, catalogue.DELIVERIES)
