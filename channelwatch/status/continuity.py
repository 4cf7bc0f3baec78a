"""What a device's own counters prove about the time between two answers: pure, and never more than they say.

A device is *backed* over a span when its counters show that it served throughout: its uptime, and the age of every
tunnel that it carries, are at least as long as the span. Every answer backs, or does not back, the time since the last
answer in which it served, however long ago that was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from channelwatch.base.clock import EpochMs
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Health

WHOLE_DEVICE = "host"
"""The word of `sys.restart` that means more than the agent."""
Readings = Mapping[tuple[Signal, str], Reading]
_SERVING = frozenset({Health.UP, Health.DEGRADED})


class Continuity(StrEnum):
    """Words of the axis."""

    BACKED = "backed"
    UNBACKED = "unbacked"


@dataclass(frozen=True, slots=True)
class Backing:
    """Whether the present time is backed, since when that is so (epoch ms), and the last answer in which it served
    (0: none that still counts)."""

    is_backed: bool = False
    since: EpochMs = EpochMs(0)
    good_at: EpochMs = EpochMs(0)


@dataclass(frozen=True, slots=True)
class Witness:
    """What one answer, received at `at`, says.

    `age_ms`: for how long it has certainly served, by counters that rekeying leaves alone; None: they do not say.
    `long_age_ms`: the same with the age of a tunnel's present keys, which can prove a span and disproves none. It is
    not used from answer to answer, where every rekeying would end what is backed. `back_for_ms`: the least that its
    present service has lasted; an uptime tells that only after a restart, as it also begins anew when it wraps.
    `has_restarted`: the whole device did, by its uptime, since the answer before.
    """

    at: EpochMs
    serves: bool
    age_ms: int | None
    long_age_ms: int | None
    back_for_ms: int | None
    has_restarted: bool

    @property
    def back_at(self) -> EpochMs | None:
        """When its present service had begun at the latest; None when it does not say. It may have served before that,
        and fallen again between two polls."""
        return None if self.back_for_ms is None else EpochMs(self.at - self.back_for_ms)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The new backing and how it came to it: the words that the axis entered, each with its instant.

    `gap`: a restart hidden between two answers in which it served, from the first of them to the restart.
    """

    backing: Backing
    moves: tuple[tuple[Continuity, EpochMs], ...] = ()
    gap: tuple[EpochMs, EpochMs] | None = None


def serves(health: Health) -> bool:
    """Does a device of this health carry its traffic?"""
    return health in _SERVING


def witness(readings: Readings, *, at: EpochMs, health: Health) -> Witness:
    """What an answer with these readings says of how long it has served."""
    restart = readings.get((Signal.SYS_RESTART, ""))
    has_restarted = restart is not None and restart.value == WHOLE_DEVICE
    uptime = _ms(readings.get((Signal.SYS_UPTIME, "")))
    tunnels = _tunnels(readings)
    if uptime is None or tunnels is None:
        return Witness(at, serves(health), None, None, None, has_restarted)
    own = [age for age, _ in tunnels if age is not None]
    of_any = [longest for _, longest in tunnels if longest is not None]
    age = min([uptime, *own]) if len(own) == len(tunnels) else None
    long_age = min([uptime, *of_any]) if len(of_any) == len(tunnels) else None
    back = min(own) if own and age is not None else None
    if not tunnels and has_restarted:
        back = uptime
    return Witness(at, serves(health), age, long_age, back, has_restarted)


def judged(before: Backing, was: Health, told: Witness) -> Verdict:
    """The backing after an answer; `was` is the health before it."""
    good = before.good_at
    now = replace(before, good_at=told.at if told.serves else good)
    if not told.serves:
        return _closed(replace(now, good_at=EpochMs(0)), good)
    if not good or was is Health.DOWN:
        return Verdict(now)
    elapsed = max(0, told.at - good)
    if told.has_restarted and told.age_ms is not None and told.age_ms < elapsed:
        ended = _closed(now, good)
        return replace(ended, gap=(good, EpochMs(told.at - told.age_ms)))
    if _covers(told.age_ms, elapsed):
        return Verdict(now) if before.is_backed else _moved(now, (Continuity.BACKED, good))
    if was is Health.UNKNOWN and _covers(told.long_age_ms, elapsed):
        opened = () if before.is_backed else ((Continuity.BACKED, good),)
        return _moved(now, *opened, (Continuity.UNBACKED, told.at))
    return _closed(now, good)


def ended(before: Backing, at: EpochMs) -> Verdict:
    """It is known not to serve any more, or nothing will be heard of it: nothing is backed from `at` on."""
    return _closed(replace(before, good_at=EpochMs(0)), at)


def _covers(age_ms: int | None, elapsed: int) -> bool:
    return age_ms is not None and age_ms >= elapsed


def _closed(backing: Backing, at: EpochMs) -> Verdict:
    return _moved(backing, (Continuity.UNBACKED, at)) if backing.is_backed else Verdict(backing)


def _moved(backing: Backing, *moves: tuple[Continuity, EpochMs]) -> Verdict:
    """`backing` after `moves`, none of which lies before the one before it."""
    since, kept = backing.since, []
    for word, at in moves:
        since = EpochMs(max(since, at))
        kept.append((word, since))
    return Verdict(replace(backing, is_backed=moves[-1][0] is Continuity.BACKED, since=since), tuple(kept))


def _tunnels(readings: Readings) -> list[tuple[int | None, int | None]] | None:
    """How old each tunnel that is up says it is, and with the age of its keys; None where they are only counted."""
    ages: list[tuple[int | None, int | None]] = []
    named = counted = False
    for (signal, tunnel), reading in readings.items():
        if signal is Signal.CHANNEL_UP_COUNT:
            counted = counted or bool(reading.value)
        elif signal is Signal.CHANNEL_STATE:
            named = True
            if reading.state is SignalState.OK:
                own = _ms(readings.get((Signal.CHANNEL_AGE, tunnel)))
                of_keys = _ms(readings.get((Signal.CRYPTO_SA_AGE, tunnel)))
                ages.append((own, max((age for age in (own, of_keys) if age is not None), default=None)))
    return None if counted and not named else ages


def _ms(reading: Reading | None) -> int | None:
    """A reading in seconds as whole milliseconds; None without a number."""
    if reading is None or not isinstance(reading.value, int | float) or reading.value < 0:
        return None
    return int(reading.value * 1000)
