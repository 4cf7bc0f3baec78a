"""What counters say between two answers: rates, wraps, resets, and whether the device restarted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import NamedTuple

WRAP_TICKS = 1 << 32
"""sysUpTime wraps after 497.1 days (facts on MIBs, rule 4)."""

WRAP_TOLERANCE_TICKS = 12_000
"""120 s in hundredths: how near to the expected value a wrapped uptime must come."""

WRAP_SHARE = 4
"""A fall counts as a wrap only if the counter then rose by less than a quarter of its range; else it is a reset."""

HOUR_MS = 3_600_000
HOURS_KEPT = 24


class Sample(NamedTuple):
    """A counter's value at an instant of the monotonic clock (ms), with the bits after which it wraps (0: never).

    A tuple rather than a dataclass: thousands are made for each answer.
    """

    value: int
    at: int
    width: int = 0


make_sample = partial(tuple.__new__, Sample)
"""A sample of its three parts: what the generated constructor does, without its call."""


def rise(before: Sample, after: Sample) -> int | None:
    """By how much the counter rose, None when it was reset in between."""
    if after.value >= before.value:
        return after.value - before.value
    span = 1 << after.width if after.width else 0
    if span and before.value < span:
        wrapped = after.value + span - before.value
        if wrapped < span // WRAP_SHARE:
            return wrapped
    return None


def per_second(before: Sample, after: Sample) -> float | None:
    """The mean rate between two samples, None after a reset or without time in between."""
    risen = rise(before, after)
    elapsed_ms = after.at - before.at
    return None if risen is None or elapsed_ms <= 0 else risen * 1000 / elapsed_ms


@dataclass(frozen=True, slots=True)
class Window:
    """How much a counter rose in each of the last 24 hours: (hour number, rise), the oldest first."""

    hours: tuple[tuple[int, int], ...] = ()

    def add(self, amount: int, at: int) -> Window:
        """With `amount` more at monotonic `at` (ms)."""
        hour = at // HOUR_MS
        kept = {number: risen for number, risen in self.hours if number > hour - HOURS_KEPT}
        kept[hour] = kept.get(hour, 0) + amount
        return Window(tuple(sorted(kept.items())))

    @property
    def total(self) -> int:
        return sum(risen for _, risen in self.hours)


class Restart(StrEnum):
    """What restarted: the whole device, its SNMP agent alone, or one of them (nobody can tell)."""

    HOST = "host"
    AGENT = "agent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Uptimes:
    """What an answer says of time since a start: `agent` and `host` in 1/100 s, the engine's boots; None = not said.

    `at` is the monotonic clock (ms).
    """

    at: int
    agent: int | None = None
    host: int | None = None
    boots: int | None = None
    engine_id: bytes = b""


def restart(before: Uptimes, after: Uptimes) -> Restart | None:
    """Whether something restarted between two answers (facts on MIBs, section 3, in its order).

    None also when another engine answered: two boxes' uptimes say nothing of each other.
    """
    if before.engine_id and after.engine_id and before.engine_id != after.engine_id:
        return None
    host_fell = _fell(before.host, after.host, after.at - before.at)
    if host_fell:
        return Restart.HOST
    host_rose = host_fell is False
    if before.boots is not None and after.boots is not None and after.boots > before.boots:
        return Restart.AGENT if host_rose else Restart.UNKNOWN
    if _fell(before.agent, after.agent, after.at - before.at):
        return Restart.AGENT if host_rose else Restart.UNKNOWN
    return None


def _fell(before: int | None, after: int | None, elapsed_ms: int) -> bool | None:
    """Did an uptime start anew, without merely wrapping? None when it is not known at both ends."""
    if before is None or after is None:
        return None
    if after >= before:
        return after + WRAP_TOLERANCE_TICKS < elapsed_ms // 10
    wrapped = (before + elapsed_ms // 10) % WRAP_TICKS
    return abs(wrapped - after) > WRAP_TOLERANCE_TICKS
