"""Answers as an engine would give them, written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import Moment
from channelwatch_collector.snmp.port import AgentClock, Oid, PollAnswer, PollFailure, SnmpType, Value

from channelwatch.status.signals import Reading, Scalar, Signal, SignalState

NOW = 1_795_312_800_000
"""2026-11-22T02:00:00Z."""

PROFILES = load_profiles()
"""Those that come with the product."""

OK, DEGRADED, FAILED, UNKNOWN = (
    SignalState.OK,
    SignalState.DEGRADED,
    SignalState.FAILED,
    SignalState.UNKNOWN,
)

Cell = Value | int | str | bytes
Cells = dict[int, Cell]
Given = Mapping[str, Cell]


def oid(text: str) -> Oid:
    return tuple(int(part) for part in text.split("."))


def value(given: Cell) -> Value:
    """An INTEGER of an int, an OCTET STRING of text."""
    if isinstance(given, Value):
        return given
    if isinstance(given, int):
        return Value(SnmpType.INTEGER, given)
    return Value(SnmpType.OCTET_STRING, given.encode() if isinstance(given, str) else given)


def counter32(number: int) -> Value:
    return Value(SnmpType.COUNTER32, number)


def counter64(number: int) -> Value:
    return Value(SnmpType.COUNTER64, number)


def ticks(number: int) -> Value:
    return Value(SnmpType.TIME_TICKS, number)


def table(base: str, *rows: Cells) -> Given:
    """Cells by column, rows numbered from 1."""
    return {
        f"{base}.{column}.{row}": cell for row, cells in enumerate(rows, 1) for column, cell in cells.items()
    }


def answer(
    profile: Profile,
    objects: Given,
    *,
    agent: AgentClock | None = None,
    failed: Mapping[str, PollFailure] | None = None,
) -> PollAnswer:
    """What a device with exactly `objects` answers to the profile's plan."""
    held = {oid(name): value(given) for name, given in objects.items()}
    spoilt = {oid(name): why for name, why in (failed or {}).items()}
    missing = Value(SnmpType.NO_SUCH_OBJECT, None)
    return PollAnswer(
        scalars={name: held.get(name, missing) for name in profile.plan.scalars if name not in spoilt},
        columns={
            column: {name[len(column) :]: held[name] for name in held if name[: len(column)] == column}
            for column in profile.plan.columns
            if column not in spoilt
        },
        agent=agent,
        rtt_ms=1.0,
        failed=spoilt,
    )


def moment(after_s: float = 0.0) -> Moment:
    """An exchange without duration, `after_s` after NOW by both clocks."""
    at = NOW + round(after_s * 1000)
    return Moment(at, at, round(after_s * 1000))


def profile_of(folder: Path, text: str, name: str = "own") -> Profile:
    """The profile `name` written in `text`, beside the built-in ones."""
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    return load_profiles(folder)[name]


def state_of(readings: tuple[Reading, ...], signal: Signal, component: str = "") -> SignalState | None:
    """The state of one reading, None if there is none. Two of one key are our bug."""
    found = [item.state for item in readings if item.key == (signal, component)]
    assert len(found) <= 1
    return found[0] if found else None


def value_of(readings: tuple[Reading, ...], signal: Signal, component: str = "") -> Scalar:
    """The value of one reading that must be there."""
    (found,) = [item.value for item in readings if item.key == (signal, component)]
    return found


def none_of(readings: tuple[Reading, ...], *signals: Signal) -> bool:
    return not [item for item in readings if item.signal in signals]


def quiet(readings: tuple[Reading, ...]) -> bool:
    """Nothing is told to be worse than it should be."""
    return not [item for item in readings if item.state in (SignalState.DEGRADED, SignalState.FAILED)]
