"""The only module that reads the machine's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NewType, Protocol
from zoneinfo import ZoneInfo

EpochMs = NewType("EpochMs", int)
"""An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted."""

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for how long something took."""

    def now(self) -> EpochMs:
        """The wall clock, UTC."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds of a clock that never steps back; its zero has no meaning."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> EpochMs:
        return EpochMs(time.time_ns() // 1_000_000)

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class ManualClock:
    """A clock that moves only when told: for tests, simulation and rehearsed drills."""

    def __init__(self, now: int = 0) -> None:
        self._now = now
        self._monotonic = 0

    def now(self) -> EpochMs:
        return EpochMs(self._now)

    def monotonic_ms(self) -> int:
        return self._monotonic

    def advance(self, ms: int) -> None:
        """Let `ms` of real time pass: both clocks move."""
        self._now += ms
        self._monotonic += ms


def iso_utc(at: int) -> str:
    """`at` (epoch ms) as RFC 3339 with milliseconds and Z."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_text(at: int) -> str:
    """`at` (epoch ms) as people in Viet Nam write it: `22/11/2026 08:55:03`, UTC+7."""
    return datetime.fromtimestamp(at / 1000, LOCAL_ZONE).strftime("%d/%m/%Y %H:%M:%S")
