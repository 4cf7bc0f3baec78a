"""What the engine counts of itself, and what it shows of others at scrape time."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from typing import assert_never

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from channelwatch import __version__
from channelwatch.incidents.model import Incident, Severity
from channelwatch.metrics import process
from channelwatch.pipeline.draft import SetAside
from channelwatch.pipeline.ports import Claim, Dead, OutboxCounts, Outcome, Retry, Sent, Unsure
from channelwatch.pipeline.world import World

LATENCY_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Meters:
    """The process' registry and the engine's own figures on it."""

    def __init__(self, instance: str) -> None:
        self.registry = CollectorRegistry()
        process.build_info(self.registry, version=__version__, instance=instance)
        self._commits = process.commit_seconds(self.registry)
        self._deliveries = process.deliveries(self.registry)
        self._outbox_rows = process.outbox_rows(self.registry)
        self._outbox_age = process.outbox_age(self.registry)
        self._latency = Histogram(
            "channelwatch_alert_latency_seconds",
            "From receiving what caused an alert to its first delivery, by channel.",
            ["channel"],
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self._set_aside = Counter(
            "channelwatch_observations_set_aside",
            "Observations that were not taken into account, by reason.",
            ["reason"],
            registry=self.registry,
        )
        for reason in SetAside:
            self._set_aside.labels(reason)

    def watch(
        self,
        world: World,
        queue: process.Countable,
        started_at: int,
        unheard: Callable[[], Sequence[Incident]],
    ) -> None:
        """Show the observation queue, the incidents and those that reach nobody at each scrape."""
        process.started(self.registry, started_at)
        process.queues(self.registry, {"observations": queue})

        def live() -> Tally[Severity]:
            return Tally(item.severity for item in world.incidents.values() if not item.state.is_over)

        process.incidents_open(self.registry, live)
        Gauge(
            "channelwatch_incidents_unheard",
            "Incidents that await a person and that nobody can be told of.",
            registry=self.registry,
        ).set_function(lambda: len(unheard()))

    def set_aside(self, reason: SetAside) -> None:
        """One observation was not taken into account."""
        self._set_aside.labels(reason).inc()

    def committed(self, took_ms: int) -> None:
        """One batch was written."""
        self._commits.observe(took_ms / 1000)

    def delivered(self, claim: Claim, outcome: Outcome, latency_ms: int) -> None:
        """One delivery attempt ended."""
        self._deliveries.labels(claim.channel, _result(outcome)).inc()
        if isinstance(outcome, Sent) and claim.alert.kind == "opened":
            self._latency.labels(claim.channel).observe(latency_ms / 1000)

    def outbox(self, counts: OutboxCounts) -> None:
        """How the outbox stands."""
        for state in ("pending", "claimed", "sent", "dead"):
            self._outbox_rows.labels(state).set(getattr(counts, state))
        self._outbox_age.set(counts.oldest_unsent_ms / 1000)


def _result(outcome: Outcome) -> str:
    match outcome:
        case Sent():
            return "sent"
        case Retry():
            return "retry"
        case Unsure():
            return "unsure"
        case Dead():
            return "dead"
        case _:
            assert_never(outcome)
