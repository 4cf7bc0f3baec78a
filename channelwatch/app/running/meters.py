"""What the engine counts of itself, and what it shows of others at scrape time."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from typing import assert_never

from channelwatch import __version__
from channelwatch.base.clock import Clock, EpochMs
from channelwatch.incidents.model import Incident, IncidentStep, Severity, StepKind
from channelwatch.inventory.model import Bloc
from channelwatch.metrics import catalogue, process
from channelwatch.pipeline.arrivals import SetAside
from channelwatch.pipeline.ports import Claim, Dead, Effects, OutboxCounts, Outcome, Retry, Sent, Unsure
from channelwatch.pipeline.world import World
from channelwatch.status.events import CollectorAlive, Observation
from channelwatch.status.states import Health

OPENING = (StepKind.OPENED, StepKind.REOPENED)


class Meters:
    """The process' registry and the engine's own figures on it."""

    def __init__(self, instance: str) -> None:
        self.registry = registry = process.new_registry()
        process.build_info(registry, version=__version__, instance=instance)
        self._commits = process.commit_seconds(registry)
        self._commit_lag = process.histogram(registry, catalogue.COMMIT_LAG)
        self._deliveries = process.deliveries(registry)
        self._outbox_rows = process.outbox_rows(registry)
        self._outbox_age = process.outbox_age(registry)
        self._latency = process.histogram(registry, catalogue.ALERT_LATENCY)
        self._set_aside = process.counter(registry, catalogue.SET_ASIDE)
        self._opened = process.counter(registry, catalogue.INCIDENTS_OPENED)
        self._acknowledged = process.histogram(registry, catalogue.ACK_SECONDS)
        self._restored = process.histogram(registry, catalogue.RESTORE_SECONDS)
        self._heartbeat = process.gauge(registry, catalogue.HEARTBEAT)
        self._lease_held = process.gauge(registry, catalogue.LEASE_HELD)
        self._lease_epoch = process.gauge(registry, catalogue.LEASE_EPOCH)
        self._blind_seconds = process.counter(registry, catalogue.BLIND_SECONDS)
        self._renewed_ms: int | None = None
        self._looked_ms: int | None = None
        for reason in SetAside:
            self._set_aside.labels(reason)
        for severity in Severity:
            self._opened.labels(severity)
            self._acknowledged.labels(severity)
            self._restored.labels(severity)

    def watch(
        self,
        world: World,
        queue: process.Countable,
        clock: Clock,
        started_at: int,
        unheard: Callable[[], Sequence[Incident]],
    ) -> None:
        """Show the observation queue, the incidents and those that reach nobody at each scrape."""
        process.started(self.registry, started_at)
        process.queues(self.registry, {"observations": queue})
        process.devices_blind(self.registry, lambda: blind_devices(world))

        def live() -> Tally[Severity]:
            every = world.incidents.values()
            return Tally(item.severity for item in every if not item.state.is_over and not item.drill)

        def lease_age() -> float:
            return 0.0 if self._renewed_ms is None else (clock.monotonic_ms() - self._renewed_ms) / 1000

        process.incidents_open(self.registry, live)
        process.gauge(self.registry, catalogue.UNHEARD).set_function(lambda: len(unheard()))
        process.read_at_scrape(
            self.registry, catalogue.ONCALL_FILLED, lambda: oncall_filled(world, clock.now())
        )
        process.gauge(self.registry, catalogue.ONCALL_GAPS).set_function(lambda: len(world.duty_gaps))
        process.gauge(self.registry, catalogue.LEASE_AGE).set_function(lease_age)

    def leased(self, epoch: int, *, held: bool, at_ms: int) -> None:
        """The lease was asked for at `at_ms` (monotonic)."""
        self._lease_held.set(held)
        self._lease_epoch.set(epoch)
        if held:
            self._renewed_ms = at_ms

    def evaluated(self, at: EpochMs) -> None:
        """The rules were evaluated at `at`, and what followed is committed."""
        self._heartbeat.set(at / 1000)

    def looked(self, world: World, at_ms: int) -> None:
        """Add up blind time since the last call; `at_ms` is monotonic."""
        since, self._looked_ms = self._looked_ms, at_ms
        for bloc, count in blind_devices(world).items():
            self._blind_seconds.labels(bloc).inc(0 if since is None else count * (at_ms - since) / 1000)

    def ingested(self, batch: Sequence[Observation], now: EpochMs) -> None:
        """A batch is committed."""
        received = [
            item.received_at
            for item in batch
            if not isinstance(item, CollectorAlive) and hasattr(item, "received_at")
        ]
        if received:
            self._commit_lag.observe(max(0, now - min(received)) / 1000)

    def adopted(self, effects: Effects) -> None:
        """Incidents took these steps."""
        by_number = {incident.id: incident for incident in effects.incidents}
        for step in effects.steps:
            incident = by_number.get(step.incident)
            if incident is not None and not incident.drill:
                self._stepped(incident, step)

    def _stepped(self, incident: Incident, step: IncidentStep) -> None:
        took_s = max(0, step.at - max(incident.t0, incident.round_at)) / 1000
        if step.kind in OPENING:
            self._opened.labels(incident.severity).inc()
        elif step.kind is StepKind.ACKED:
            self._acknowledged.labels(incident.severity).observe(took_s)
        elif step.kind is StepKind.RESTORED:
            self._restored.labels(incident.severity).observe(took_s)

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


def blind_devices(world: World) -> dict[Bloc, int]:
    """Devices in service of which nothing is known, by each bloc that has devices in service."""
    inventory, counts = world.inventory, Tally[Bloc]()
    for code, state in world.devices.items():
        device = inventory.device.get(code)
        if device is not None and device.in_service:
            counts[inventory.site[device.site].bloc] += state.assessment.health is Health.UNKNOWN
    return dict(counts)


def oncall_filled(world: World, now: EpochMs) -> dict[tuple[str, ...], float]:
    """The share of the teams without a gap at `now`; nothing without teams."""
    teams = world.roster.teams
    open_now = {gap.team for gap in world.duty_gaps if gap.start <= now < gap.end}
    return {(): 1 - len(open_now) / len(teams)} if teams else {}


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
