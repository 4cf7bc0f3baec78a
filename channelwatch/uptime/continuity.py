"""What a counter of uptime, or a last-change stamp, proves about the gap between two good samples."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

TIMETICKS_WRAP_MS: Final = 2**32 * 10
"""sysUpTime and every other TimeTicks object (RFC 2578, 7.1.8) wraps after 497.1 days."""


@dataclass(frozen=True, slots=True)
class CounterRules:
    """How the counter of one device behaves. All in ms."""

    tick_ms: int = 10
    """Its resolution: the true value is less than one tick above what it reads."""
    wrap_ms: int | None = None
    """Where it starts again from zero, or None when it does not within the life of a device."""
    slack_ms: int = 2_000
    """How far reading and sample time may disagree (time on the network, retries)."""
    wrap_slack_ms: int = 120_000
    """How near a wrap a fall of the counter proves nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one good sample says of continuity.

    `uptime_ms`: since the service last came up. `stamp`: any value that stays the same as long as the service
    lasts, such as a last-change time.
    """

    uptime_ms: int | None = None
    stamp: int | str | None = None


class Proof(Enum):
    """What may be concluded about a gap."""

    CONTINUOUS = auto()
    RESTARTED = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Continuity:
    """`back_for_ms`: with RESTARTED, for how long the service had been back at the later sample (exact to the
    counter's tick); None when only a stamp changed.
    """

    proof: Proof
    back_for_ms: int | None = None


NO_PROOF: Final = Continuity(Proof.NOTHING)


def judge(before: Reading, after: Reading, elapsed_ms: int, rules: CounterRules) -> Continuity:
    """Did the service run without a break over the `elapsed_ms` between two good samples?"""
    by_counter = _by_counter(before.uptime_ms, after.uptime_ms, elapsed_ms, rules)
    if by_counter.proof is not Proof.NOTHING:
        return by_counter
    if before.stamp is None or after.stamp is None:
        return NO_PROOF
    if before.stamp == after.stamp:
        return Continuity(Proof.CONTINUOUS)
    return Continuity(Proof.RESTARTED)


def _by_counter(before: int | None, after: int | None, elapsed_ms: int, rules: CounterRules) -> Continuity:
    if after is None:
        return NO_PROOF
    if after >= elapsed_ms:
        return Continuity(Proof.CONTINUOUS)
    if before is None:
        # A counter that may have wrapped, without an earlier reading to expect it from, proves no restart.
        return NO_PROOF if rules.wrap_ms is not None else Continuity(Proof.RESTARTED, after)
    expected = before + elapsed_ms
    if abs(expected - after) <= rules.slack_ms or _wrapped(expected, after, rules):
        return NO_PROOF
    return Continuity(Proof.RESTARTED, after)


def _wrapped(expected: int, after: int, rules: CounterRules) -> bool:
    if rules.wrap_ms is None or expected < rules.wrap_ms - rules.wrap_slack_ms:
        return False
    distance = (expected - after) % rules.wrap_ms
    return min(distance, rules.wrap_ms - distance) <= rules.wrap_slack_ms
