"""The process' own metrics on a registry."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from channelwatch.base.queue import BoundedQueue
from channelwatch.incidents.model import Severity
from channelwatch.metrics import process


def full_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    process.build_info(registry, version="1.2.3", instance="qn-1")
    process.started(registry, 1_500)
    process.incidents_open(registry, lambda: {Severity.P1: 2})
    process.outbox_rows(registry).labels("pending").set(3)
    process.outbox_age(registry).set(1.5)
    process.loop_lag(registry).observe(0.002)
    process.commit_seconds(registry).observe(0.004)
    process.polls(registry).labels("answered").inc()
    process.traps(registry).labels("accepted").inc()
    process.syslog_messages(registry).labels("udp", "accepted").inc()
    process.deliveries(registry).labels("smtp", "sent").inc()
    return registry


async def test_a_queue_is_read_at_scrape_time() -> None:
    registry, queue = CollectorRegistry(), BoundedQueue[int](2)
    process.queues(registry, {"observations": queue})
    keys = {"queue": "observations"}
    assert registry.get_sample_value("channelwatch_queue_length", keys) == 0
    for item in range(3):
        queue.offer(item)
    assert registry.get_sample_value("channelwatch_queue_length", keys) == 2
    assert registry.get_sample_value("channelwatch_queue_limit", keys) == 2
    assert registry.get_sample_value("channelwatch_queue_accepted_total", keys) == 2
    assert registry.get_sample_value("channelwatch_queue_dropped_total", keys) == 1


def test_every_severity_has_a_figure_even_if_it_is_zero() -> None:
    registry = full_registry()
    told = {
        severity: registry.get_sample_value("channelwatch_incidents_open", {"severity": severity})
        for severity in Severity
    }
    assert told == {Severity.P1: 2, Severity.P2: 0, Severity.P3: 0, Severity.P4: 0}


def test_times_are_seconds() -> None:
    registry = full_registry()
    assert registry.get_sample_value("channelwatch_start_time_seconds") == 1.5
    assert registry.get_sample_value("channelwatch_commit_duration_seconds_sum") == 0.004
