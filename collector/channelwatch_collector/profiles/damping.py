"""Limits of one device in place of its profile's, and how long a signal must be worse, or stays so. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from channelwatch.inventory.model import SignalLimit
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch_collector.profiles.vocabulary import MEANING

_BAD = (SignalState.DEGRADED, SignalState.FAILED)
_SAID = (*_BAD, SignalState.OK)


class Damping(NamedTuple):
    """A signal worsens once `hold` of the last `of` polls say so, and then stays worse for `stays` polls at least."""

    hold: int = 1
    of: int = 1
    stays: int = 1

    @property
    def is_idle(self) -> bool:
        """Whatever a poll says counts at once."""
        return self == Damping()


class Held(NamedTuple):
    """What is remembered of one signal: the polls that said it was worse (a bit each, the newest lowest), the state
    that counts now, and for how many polls it has."""

    said: int = 0
    state: SignalState = SignalState.OK
    polls: int = 0


def damped(reading: Reading, before: Held, rule: Damping) -> tuple[Reading, Held]:
    """`reading` as it counts, and what to remember of it. A poll that could not tell changes nothing."""
    if reading.state is SignalState.OK and before == (0, SignalState.OK, rule.stays):
        return reading, before
    if reading.state not in _SAID:
        return reading, before
    is_bad = reading.state in _BAD
    said = ((before.said << 1) | is_bad) & ((1 << rule.of) - 1)
    if said.bit_count() >= rule.hold:
        counts = reading.state if is_bad else before.state if before.state in _BAD else SignalState.DEGRADED
    elif before.state in _BAD and before.polls < rule.stays:
        counts = before.state
    else:
        counts = SignalState.OK
    was_bad, is_worse = before.state in _BAD, counts in _BAD
    polls = min(before.polls + 1, rule.stays) if was_bad == is_worse else 1
    return (reading if counts is reading.state else replace(reading, state=counts)), Held(said, counts, polls)


def rules_of(profile: Mapping[Signal, Damping], limits: Sequence[SignalLimit]) -> Mapping[Signal, Damping]:
    """The profile's damping with what the device's own limits say in its place; none that is idle."""
    if not limits:
        return profile
    found = dict(profile)
    for limit in limits:
        signal = Signal(limit.signal)
        usual = found.get(signal, Damping())
        hold = usual.hold if limit.hold is None else limit.hold
        of = max(hold, usual.of if limit.hold is None else hold) if limit.of is None else limit.of
        found[signal] = Damping(hold, of, usual.stays if limit.stays is None else limit.stays)
    return {signal: rule for signal, rule in found.items() if not rule.is_idle}


def limited(readings: list[Reading], limits: Sequence[SignalLimit]) -> list[Reading]:
    """`readings` judged by the device's own limits, where there are some for a number that was read."""
    own = {
        Signal(limit.signal): limit
        for limit in limits
        if limit.degraded is not None or limit.failed is not None
    }
    if not own:
        return readings
    return [
        _judged(reading, own[reading.signal]) if reading.signal in own else reading for reading in readings
    ]


def _judged(reading: Reading, limit: SignalLimit) -> Reading:
    if reading.state not in _SAID or not isinstance(reading.value, int | float):
        return reading
    value = abs(reading.value) if MEANING[reading.signal].absolute else reading.value
    state = SignalState.OK
    for bound, worse in ((limit.degraded, SignalState.DEGRADED), (limit.failed, SignalState.FAILED)):
        if bound is not None and (value <= bound if limit.at_most else value > bound):
            state = worse
    return replace(reading, state=state)
