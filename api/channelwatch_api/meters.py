"""What the HTTP side counts of itself: sign-ins by result, and how near the streams are to their limit."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge


class SignIn(StrEnum):
    """How an attempt to sign in ended."""

    OPENED = "opened"
    WRONG = "wrong"
    SLOWED_DOWN = "slowed_down"
    BUSY = "busy"


class HttpMeters:
    """Metrics of one server on the process' registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sign_ins = Counter(
            "channelwatch_sign_ins_total", "Attempts to sign in, by result.", ["result"], registry=registry
        )
        self._refused = Counter(
            "channelwatch_board_streams_refused_total", "Event streams refused: too many.", registry=registry
        )
        self._streams = Gauge("channelwatch_board_streams", "Open event streams.", registry=registry)
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
