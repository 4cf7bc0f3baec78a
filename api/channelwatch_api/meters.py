"""What the HTTP side counts of itself: sign-ins by result, and how near the streams are to their limit."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry

from channelwatch.metrics import catalogue, process


class SignIn(StrEnum):
    """How an attempt to sign in ended."""

    OPENED = "opened"
    WRONG = "wrong"
    SLOWED_DOWN = "slowed_down"
    BUSY = "busy"


class HttpMeters:
    """Metrics of one server on the process' registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sign_ins = process.counter(registry, catalogue.SIGN_INS)
        self._refused = process.counter(registry, catalogue.STREAMS_REFUSED)
        self._streams = process.gauge(registry, catalogue.STREAMS)
        self._rendered = process.histogram(registry, catalogue.SCRAPE_SECONDS)
        self._fleet_bytes = process.gauge(registry, catalogue.SCRAPE_BYTES)
        self._scrapes_refused = process.counter(registry, catalogue.SCRAPES_REFUSED)
        for result in SignIn:
            self._sign_ins.labels(result)

    def sign_in(self, result: SignIn) -> None:
        """One attempt ended so."""
        self._sign_ins.labels(result).inc()

    def stream_refused(self) -> None:
        """One stream was one too many."""
        self._refused.inc()

    def watch_streams(self, count: Callable[[], int]) -> None:
        """Ask `count` at each scrape."""
        self._streams.set_function(count)

    def rendered(self, took_s: float, size: int) -> None:
        """The fleet was rendered for a scrape: `size` bytes."""
        self._rendered.observe(took_s)
        self._fleet_bytes.set(size)

    def scrape_refused(self) -> None:
        """One scrape was one too many."""
        self._scrapes_refused.inc()
