"""From a device's answer to readings: (profile, answer, memory, moment) -> Decoded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from channelwatch.status.signals import Reading, Scalar, Signal, SignalState
from channelwatch_collector.profiles.counters import Restart, Uptimes, restart
from channelwatch_collector.profiles.expression import Absent, Expression, Unusable
from channelwatch_collector.profiles.model import Limits, SignalSpec, TableSpec, enum_key
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import (
    Answer,
    DeviceRow,
    Key,
    Memory,
    Moment,
    Watch,
    is_spoilt,
    rows,
)
from channelwatch_collector.profiles.values import MAX_TEXT
from channelwatch_collector.profiles.vocabulary import CARRYING, MEANING, MISSING, Meaning
from channelwatch_collector.snmp.port import AgentClock, PollAnswer

_BADNESS = {
    SignalState.OK: 0,
    SignalState.UNSUPPORTED: 1,
    SignalState.UNKNOWN: 2,
    SignalState.DEGRADED: 3,
    SignalState.FAILED: 4,
}
_BAD = (SignalState.DEGRADED, SignalState.FAILED)
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Decoded:
    """The readings of one answer, what to remember for the next, and a restart that it shows.

    `absent`: signals that the profile could see and this device does not offer: unsupported here.
    """

    readings: tuple[Reading, ...]
    memory: Memory
    restart: Restart | None
    absent: frozenset[Signal]


def decode(
    profile: Profile,
    answer: PollAnswer,
    memory: Memory,
    moment: Moment,
    *,
    expected: Sequence[str] = (),
) -> Decoded:
    """Decode a poll's answer. `expected`: names or peers of tunnels that must be there."""
    seen = Answer(answer.scalars, answer.columns, answer.failed)
    probe = DeviceRow(seen, profile.scalars, moment, Watch(memory, moment.tick))
    uptimes = _uptimes(profile, probe, answer.agent)
    restarted = restart(memory.uptimes, uptimes) if memory.uptimes is not None else None
    if restarted is not None or answer.engine_changed_from is not None:
        memory = replace(memory, counters={})
    watch = Watch(memory, moment.tick)
    readings = decode_rows(profile, DeviceRow(seen, profile.scalars, moment, watch), expected)
    readings += _of_the_agent(answer, restarted)
    held, streaks = _held(profile, readings, memory)
    return Decoded(
        readings=tuple(held),
        memory=Memory(watch.samples, watch.windows, streaks, uptimes),
        restart=restarted,
        absent=profile.offered - {reading.signal for reading in held},
    )


def decode_rows(profile: Profile, device: DeviceRow, expected: Sequence[str] = ()) -> list[Reading]:
    """Every reading of an answer as it stands, before worsening is held back."""
    readings = [reading for spec in profile.signals for reading in read_signal(spec, device)]
    for table in profile.tables:
        readings += _table(table, device, expected)
    return readings


def _uptimes(profile: Profile, device: DeviceRow, agent: AgentClock | None) -> Uptimes:
    def ticks(name: str | None) -> int | None:
        if name is None:
            return None
        try:
            value = device.value(name)
        except (Absent, Unusable):
            return None
        return value if isinstance(value, int) else None

    return Uptimes(
        at=device.moment.tick,
        agent=ticks(profile.continuity.agent),
        host=ticks(profile.continuity.host),
        boots=None if agent is None else agent.boots,
        engine_id=b"" if agent is None else agent.engine_id,
    )


def _of_the_agent(answer: PollAnswer, restarted: Restart | None) -> list[Reading]:
    readings = []
    if restarted is not None:
        readings.append(Reading(Signal.SYS_RESTART, SignalState.OK, restarted.value, source="uptime"))
    if answer.agent is not None:
        engine_id = answer.agent.engine_id.hex()
        readings.append(Reading(Signal.INV_ENGINE_ID, SignalState.OK, engine_id, source="engine"))
    return readings


def _table(table: TableSpec, device: DeviceRow, expected: Sequence[str]) -> list[Reading]:
    readings: list[Reading] = []
    met: set[str] = set()
    taken: set[str] = set()
    spoilt = is_spoilt(device.answer, table)
    try:
        for row in rows(device, table):
            if table.where is not None and not table.where.is_true(row):
                continue
            row.component = _component(table, row)
            if table.merge is None and row.component in taken:
                row.component = f"{row.component} [{row.value('index')}]"
            taken.add(row.component)
            # Several rows may be one component; their counters are still counters of their own.
            row.counted_as = row.component if table.merge is None else str(row.value("index"))
            met |= _peers(table, row)
            readings += [reading for spec in table.signals for reading in read_signal(spec, row)]
    except Absent:
        return []
    except Unusable:
        spoilt = True
        readings = [
            Reading(signal, SignalState.UNKNOWN) for signal in {spec.signal: None for spec in table.signals}
        ]
    readings = _one_each(readings, table.merge)
    if not table.peers:
        return readings
    state = SignalState.UNKNOWN if spoilt else SignalState.FAILED
    word = None if spoilt else MISSING
    missing = [
        Reading(Signal.CHANNEL_STATE, state, word, component=name) for name in expected if name not in met
    ]
    return readings + missing + _counts(readings + missing, expected)


def _component(table: TableSpec, row: DeviceRow) -> str:
    """The name of a row; its whole index where the device gives no name."""
    name: Scalar = None
    if table.component is not None:
        try:
            name = table.component.evaluate(row)
        except (Absent, Unusable):
            name = None
    if name is None or (name == "" and not table.may_be_nameless):
        name = row.value("index")
    return str(name)[:MAX_TEXT]


def _peers(table: TableSpec, row: DeviceRow) -> set[str]:
    found = {row.component} if table.peers else set()
    for peer in table.peers:
        try:
            found.add(str(peer.evaluate(row)))
        except (Absent, Unusable):
            continue
    return found


def _counts(readings: Iterable[Reading], expected: Sequence[str]) -> list[Reading]:
    """Tunnels that should be there and those that carry traffic; rows are counted, not a device's own total."""
    states = [reading for reading in readings if reading.signal is Signal.CHANNEL_STATE]
    wanted = [reading for reading in states if reading.value != "disabled"]
    if not states or all(reading.state is SignalState.UNKNOWN for reading in states):
        return []
    due = len(wanted)
    working = sum(reading.value in CARRYING for reading in states)
    state = SignalState.OK
    if working < due:
        unsure = any(reading.state is SignalState.UNKNOWN for reading in wanted)
        state = SignalState.DEGRADED if working or unsure else SignalState.FAILED
    return [
        Reading(
            Signal.CHANNEL_EXPECTED_COUNT, SignalState.OK, due, source="inventory" if expected else "rows"
        ),
        Reading(Signal.CHANNEL_UP_COUNT, state, working, source="rows"),
    ]


def _one_each(readings: list[Reading], merge: Literal["best", "worst"] | None) -> list[Reading]:
    """One reading for each signal and component."""
    found: dict[Key, Reading] = {}
    for reading in readings:
        earlier = found.get(reading.key)
        joined = reading if earlier is None or merge is None else _merged(earlier, reading, merge)
        found[reading.key] = joined
    return list(found.values())


def _merged(one: Reading, other: Reading, merge: Literal["best", "worst"]) -> Reading:
    better, worse = sorted((one, other), key=lambda reading: _BADNESS[reading.state])
    chosen = better if merge == "best" else worse
    if isinstance(one.value, int | float) and isinstance(other.value, int | float):
        return replace(chosen, value=one.value + other.value)
    return chosen


def read_signal(spec: SignalSpec, row: DeviceRow) -> list[Reading]:
    """The reading of one signal in one row; none where the device does not offer it."""
    if spec.when is not None and not spec.when.is_true(row):
        return []
    for name in spec.counters:
        row.remember(name)
    component = row.component
    source = row.source(spec.value.names[0]) if spec.value.names else ""
    meaning = MEANING[spec.signal]
    unit = meaning.unit if spec.unit is None else spec.unit
    if spec.enum is not None:
        unit = ""
    try:
        if spec.component is not None:
            component = str(spec.component.evaluate(row))[:MAX_TEXT]
        value = spec.value.evaluate(row)
    except Absent:
        return []
    except Unusable:
        return [Reading(spec.signal, SignalState.UNKNOWN, component=component, unit=unit, source=source)]
    state, shown, raw = _judged(spec, meaning, value, row)
    return [Reading(spec.signal, state, shown, component=component, unit=unit, source=source, raw=raw)]


def _judged(
    spec: SignalSpec, meaning: Meaning, value: Scalar, row: DeviceRow
) -> tuple[SignalState, Scalar, Scalar]:
    """(state, value to show, raw value)."""
    if spec.enum is not None:
        return _worded(spec, meaning, value, row)
    if meaning.text:
        shown = str(value)
        if spec.allow and not any(pattern.search(shown) for pattern in spec.allow):
            return SignalState.DEGRADED, shown, None
        return SignalState.OK, shown, None
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, int | float) or not isfinite(value):
        return SignalState.UNKNOWN, None, str(value)
    number = round(value, _DIGITS) if isinstance(value, float) else value
    decided = _by_judgement(spec, number, row)
    if decided is None:
        doubt = row.moment.doubt_s if spec.signal is Signal.TIME_SKEW else 0
        decided = _by_limits(spec, meaning, max(0, abs(number) - doubt) if meaning.absolute else number, row)
    return decided, number, None


def _worded(
    spec: SignalSpec, meaning: Meaning, value: Scalar, row: DeviceRow
) -> tuple[SignalState, Scalar, Scalar]:
    assert spec.enum is not None and meaning.words is not None
    entry = spec.enum.get(enum_key(value))
    raw = int(value) if isinstance(value, bool) else value
    if entry is None:
        return SignalState.UNKNOWN, None, raw
    decided = _by_judgement(spec, entry.word, row)
    return decided or entry.state or meaning.words[entry.word], entry.word, raw


def _by_judgement(spec: SignalSpec, value: Scalar, row: DeviceRow) -> SignalState | None:
    row.own = value
    for judgement in spec.judge:
        if judgement.if_.is_true(row):
            return judgement.state
    return None


def _by_limits(spec: SignalSpec, meaning: Meaning, number: float, row: DeviceRow) -> SignalState:
    above = _limits(spec.above, row) if spec.above is not None else meaning.above
    at_most = _limits(spec.at_most, row) if spec.at_most is not None else meaning.at_most
    for state, high, low in (
        (SignalState.FAILED, above[1], at_most[1]),
        (SignalState.DEGRADED, above[0], at_most[0]),
    ):
        if (high is not None and number > high) or (low is not None and number <= low):
            return state
    return SignalState.OK


def _limits(limits: Limits, row: DeviceRow) -> tuple[float | None, float | None]:
    return _limit(limits.degraded, row), _limit(limits.failed, row)


def _limit(limit: Expression | None, row: DeviceRow) -> float | None:
    try:
        found = limit.evaluate(row) if limit is not None else None
    except (Absent, Unusable):
        return None
    return found if isinstance(found, int | float) else None


def _held(
    profile: Profile, readings: Iterable[Reading], memory: Memory
) -> tuple[list[Reading], dict[Key, int]]:
    """Hold back a worsening that has not lasted its number of polls; the streaks to remember."""
    polls = profile.holds
    held: list[Reading] = []
    streaks: dict[Key, int] = {}
    for reading in readings:
        needed = polls.get(reading.signal, 1)
        if needed > 1 and reading.state in _BAD:
            streak = memory.streaks.get(reading.key, 0) + 1
            streaks[reading.key] = min(streak, needed)
            if streak < needed:
                held.append(replace(reading, state=SignalState.OK))
                continue
        held.append(reading)
    return held, streaks
