"""What the receivers count. Nothing is dropped without one of these going up."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum


class Count(StrEnum):
    """Names of counters; each is kept by one label, given in the comment."""

    RECEIVED = "received"  # transport
    OCTETS = "octets"  # transport
    PARSED = "parsed"  # format
    RAW = "raw"  # reason
    MATCHED = "matched"  # pattern
    UNMATCHED = "unmatched"  # reason
    REFUSED = "refused"  # reason
    MASKED = "masked"  # (none)
    TRUNCATED = "truncated"  # (none)
    INVALID_UTF8 = "invalid_utf8"  # (none)
    SHED = "shed"  # severity
    ROGUE = "rogue"  # transport
    SKEWED = "skewed"  # (none)
    SEQUENCE_GAP = "sequence_gap"  # transport
    EMPTY = "empty"  # transport
    FRAME_ERROR = "frame_error"  # reason
    FRAME_TIMEOUT = "frame_timeout"  # transport
    LINE_CUT = "line_cut"  # transport
    CONNECTION = "connection"  # transport
    CONNECTION_REFUSED = "connection_refused"  # reason
    CONNECTION_LOST = "connection_lost"  # transport
    TLS_FAILED = "tls_failed"  # reason
    SOCKET_ERROR = "socket_error"  # transport
    KERNEL_DROPPED = "kernel_dropped"  # transport


class Counters:
    """All counters of one receiver."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Count, str]] = Counter()

    def add(self, count: Count, label: str = "", by: int = 1) -> None:
        """Count `by` more."""
        self._counts[count, label] += by

    def get(self, count: Count, label: str = "") -> int:
        """The count so far under one label."""
        return self._counts[count, label]

    def total(self, count: Count) -> int:
        """The count so far under all labels."""
        return sum(value for (name, _), value in self._counts.items() if name is count)

    def snapshot(self) -> dict[tuple[Count, str], int]:
        """All counters, for a metrics page."""
        return dict(self._counts)
