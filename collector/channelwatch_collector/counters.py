"""What the collector shows of itself on the process' registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from channelwatch.metrics import process

Metric = CounterMetricFamily | GaugeMetricFamily
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class PollMeters:
    """Polls as they happen."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._polls = process.polls(registry)
        self._lag = process.loop_lag(registry)
        self._took = Histogram(
            "channelwatch_poll_duration_seconds",
            "From the first question of a poll to its outcome.",
            buckets=SECONDS,
            registry=registry,
        )
        self._late = Histogram(
            "channelwatch_poll_lateness_seconds", "How late a poll began.", buckets=SECONDS, registry=registry
        )

    def outcome(self, word: str, took_s: float) -> None:
        """A poll ended as `word`."""
        self._polls.labels(word).inc()
        self._took.observe(took_s)

    def late(self, late_s: float) -> None:
        """A poll began so late."""
        self._late.observe(late_s)

    def lag(self, lag_s: float) -> None:
        """The event loop was so late."""
        self._lag.observe(lag_s)


class Shown(Collector):
    """Counts that others keep, read at scrape time: `counts` by label for each family."""

    def __init__(
        self, name: str, help_text: str, label: str, read: Callable[[], Mapping[str, float]]
    ) -> None:
        self._name = name
        self._help = help_text
        self._label = label
        self._read = read

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self._name, self._help, labels=[self._label])
        for value, count in sorted(self._read().items()):
            family.add_metric([value], count)
        yield family

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read what may not be there yet."""
        return iter(())


class Mirror:
    """Keeps a counter with labels equal to counts that somebody else keeps."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._shown: dict[tuple[str, ...], int] = {}

    def follow(self, counts: Mapping[tuple[str, ...], int]) -> None:
        """Add what has been counted since the last call."""
        for labels, count in counts.items():
            self._counter.labels(*labels).inc(count - self._shown.get(labels, 0))
            self._shown[labels] = count
