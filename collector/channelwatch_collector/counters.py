"""What the collector shows of itself on the process' registry."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter

from channelwatch.metrics import catalogue, process
from channelwatch.status.events import MissCause


class PollMeters:
    """Polls as they happen."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._polls = process.polls(registry)
        self._lag = process.loop_lag(registry)
        self._took = process.histogram(registry, catalogue.POLL_SECONDS)
        self._late = process.histogram(registry, catalogue.POLL_LATENESS)
        for word in ("answered", *MissCause):
            self._polls.labels(word)

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
