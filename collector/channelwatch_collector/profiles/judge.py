"""One signal of a profile made ready: from a row to a reading. What a profile says once is worked out once. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from channelwatch.status.signals import Reading, Scalar, Signal, SignalState
from channelwatch_collector.profiles.expression import Absent, Expression, Unusable
from channelwatch_collector.profiles.model import Judgement, Limits, SignalSpec, enum_key
from channelwatch_collector.profiles.rows import DeviceRow
from channelwatch_collector.profiles.values import MAX_TEXT
from channelwatch_collector.profiles.vocabulary import MEANING, Meaning

Read = Callable[[DeviceRow], Reading | None]
"""The reading of a signal in one row; None where the device does not offer it."""

_Judged = tuple[SignalState, Scalar, Scalar]
"""(state, value to show, raw value)."""

_Judge = Callable[[Scalar, DeviceRow], _Judged]
_State = Callable[[Scalar, DeviceRow], SignalState | None]
_Limited = Callable[[float, DeviceRow], SignalState]


@dataclass(frozen=True, slots=True)
class _FromRow:
    """A limit that each row has of its own."""

    limit: Expression

    def of(self, row: DeviceRow) -> float | None:
        try:
            value = self.limit.evaluate(row)
        except (Absent, Unusable):
            return None
        return value if isinstance(value, int | float) else None


_Limit = float | _FromRow | None
_Pair = tuple[_Limit, _Limit]
"""The limits of degraded and failed."""

_DIGITS = 3
_OK = SignalState.OK


def reader(spec: SignalSpec) -> Read:
    """How `spec` is read."""
    signal, value, when, own = spec.signal, spec.value.evaluate, spec.when, spec.component
    meaning = MEANING[signal]
    counters = () if spec.value.is_rate and len(spec.counters) == 1 else spec.counters
    names = spec.value.names
    unit = "" if spec.enum is not None else meaning.unit if spec.unit is None else spec.unit
    judge = _judge(spec, meaning)

    def read(row: DeviceRow) -> Reading | None:
        if when is not None and not when.is_true(row):
            return None
        for counter in counters:
            row.remember(counter)
        component = row.component
        try:
            if own is not None:
                component = str(own.evaluate(row))[:MAX_TEXT]
            state, shown, raw = judge(value(row), row)
        except Absent:
            return None
        except Unusable:
            state, shown, raw = SignalState.UNKNOWN, None, None
        return Reading(signal, state, shown, component, unit, _source(names, row), raw)

    return read


def _source(names: tuple[str, ...], row: DeviceRow) -> str:
    """Where the first of the names that was read came from."""
    for name in names:
        found = row.source(name)
        if found:
            return found
    return ""


def _judge(spec: SignalSpec, meaning: Meaning) -> _Judge:
    if spec.enum is not None:
        return _of_words(spec, meaning)
    return _of_text(spec) if meaning.text else _of_number(spec, meaning)


def _of_words(spec: SignalSpec, meaning: Meaning) -> _Judge:
    assert spec.enum is not None and meaning.words is not None
    words = meaning.words
    meant = {key: (entry.state or words[entry.word], entry.word) for key, entry in spec.enum.items()}
    numbers: dict[Scalar, tuple[SignalState, str]] = {
        int(key): found for key, found in meant.items() if key.isdecimal()
    }
    decided = _by_judgement(spec.judge)

    def judge(value: Scalar, row: DeviceRow) -> _Judged:
        raw = int(value) if isinstance(value, bool) else value
        found = numbers.get(raw) or meant.get(enum_key(raw))
        if found is None:
            return SignalState.UNKNOWN, None, raw
        state, word = found
        return (decided(word, row) if decided is not None else None) or state, word, raw

    return judge


def _of_text(spec: SignalSpec) -> _Judge:
    def judge(value: Scalar, row: DeviceRow) -> _Judged:
        shown = str(value)
        if spec.allow and not any(pattern.search(shown) for pattern in spec.allow):
            return SignalState.DEGRADED, shown, None
        return _OK, shown, None

    return judge


def _of_number(spec: SignalSpec, meaning: Meaning) -> _Judge:
    decided = _by_judgement(spec.judge)
    limited = _by_limits(
        meaning.above if spec.above is None else _both(spec.above),
        meaning.at_most if spec.at_most is None else _both(spec.at_most),
    )
    if meaning.absolute and limited is not None:
        limited = _absolute(limited, doubted=spec.signal is Signal.TIME_SKEW)

    def judge(value: Scalar, row: DeviceRow) -> _Judged:
        if isinstance(value, float):
            if not isfinite(value):
                return SignalState.UNKNOWN, None, str(value)
            value = round(value, _DIGITS)
        elif isinstance(value, bool):
            value = int(value)
        elif not isinstance(value, int):
            return SignalState.UNKNOWN, None, str(value)
        state = decided(value, row) if decided is not None else None
        return state or (limited(value, row) if limited is not None else _OK), value, None

    return judge


def _by_judgement(judgements: tuple[Judgement, ...]) -> _State | None:
    if not judgements:
        return None

    def decided(value: Scalar, row: DeviceRow) -> SignalState | None:
        row.judging(value)
        for judgement in judgements:
            if judgement.if_.is_true(row):
                return judgement.state
        return None

    return decided


def _by_limits(above: _Pair, at_most: _Pair) -> _Limited | None:
    """The gravest state whose limit a number passes; None where there are no limits."""
    steps = [
        (state, high, low)
        for state, high, low in (
            (SignalState.FAILED, above[1], at_most[1]),
            (SignalState.DEGRADED, above[0], at_most[0]),
        )
        if high is not None or low is not None
    ]

    def limited(number: float, row: DeviceRow) -> SignalState:
        for state, high, low in steps:
            most = high.of(row) if isinstance(high, _FromRow) else high
            least = low.of(row) if isinstance(low, _FromRow) else low
            if (most is not None and number > most) or (least is not None and number <= least):
                return state
        return _OK

    return limited if steps else None


def _absolute(limited: _Limited, *, doubted: bool) -> _Limited:
    """By the number without its sign; of a clock's error, what the exchange itself may have cost is forgiven."""
    return lambda number, row: limited(max(0, abs(number) - (row.moment.doubt_s if doubted else 0)), row)


def _both(limits: Limits) -> _Pair:
    return _limit(limits.degraded), _limit(limits.failed)


def _limit(limit: Expression | None) -> _Limit:
    if limit is None:
        return None
    text = limit.text.removeprefix("-")
    return float(limit.text) if text.replace(".", "", 1).isdecimal() else _FromRow(limit)
