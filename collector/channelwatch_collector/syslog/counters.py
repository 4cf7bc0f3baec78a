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
    UNREAD_PASSED_OVER = "unread_passed_over"  # reason
    UNMATCHED = "unmatched"  # reason
    REFUSED = "refused"  # reason
    MASKED = "masked"  # (none)
    TRUNCATED = "truncated"  # (none)
    INVALID_UTF8 = "invalid_utf8"  # (none)
    SHED = "shed"  # severity
    REPEATED = "repeated"  # severity
    NO_ROOM = "no_room"  # transport
    ROGUE = "rogue"  # transport
    UNNAMED = "unnamed"  # transport
    DUPLICATE = "duplicate"  # transport
    MISMATCH = "mismatch"  # reason
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
    PAUSED = "paused"  # (none)


class Counters:
    """All counters of one receiver."""

    def __init__(self) -> None:
        self._counts: dict[Count, Counter[str]] = {count: Counter() for count in Count}

    def of(self, count: Count) -> Counter[str]:
        """One counter by label, to be counted up in place where that happens for every line."""
        return self._counts[count]

    def add(self, count: Count, label: str = "", by: int = 1) -> None:
        """Count `by` more."""
        self._counts[count][label] += by

    def get(self, count: Count, label: str = "") -> int:
        """The count so far under one label."""
        return self._counts[count][label]

    def total(self, count: Count) -> int:
        """The count so far under all labels."""
        return self._counts[count].total()

    def snapshot(self) -> dict[tuple[Count, str], int]:
        """All counters, for a metrics page."""
        return {(count, label): value for count, by in self._counts.items() for label, value in by.items()}
