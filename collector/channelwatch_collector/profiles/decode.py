"""From a device's answer to readings: (profile, answer, memory, moment) -> Decoded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from channelwatch.inventory.model import SignalLimit
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch_collector.profiles.again import read_own
from channelwatch_collector.profiles.counters import Restart, Uptimes, restart
from channelwatch_collector.profiles.damping import Damping, Held, damped, limited, rules_of
from channelwatch_collector.profiles.expression import Absent, Unusable
from channelwatch_collector.profiles.known import Known, KnownTable
from channelwatch_collector.profiles.model import TableSpec
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import (
    Answer,
    DeviceRow,
    Key,
    Memory,
    Moment,
    Watch,
    is_spoilt,
)
from channelwatch_collector.profiles.table import TableReader
from channelwatch_collector.profiles.vocabulary import CARRYING, MEANING, MISSING
from channelwatch_collector.snmp.port import AgentClock, PollAnswer

_BADNESS = {
    SignalState.OK: 0,
    SignalState.UNSUPPORTED: 1,
    SignalState.UNKNOWN: 2,
    SignalState.DEGRADED: 3,
    SignalState.FAILED: 4,
}
_FRESH = Held()
_CHANNEL_STATE = Signal.CHANNEL_STATE
_BAD = (SignalState.DEGRADED, SignalState.FAILED)


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
    limits: Sequence[SignalLimit] = (),
) -> Decoded:
    """Decode a poll's answer. `expected`: names or peers of tunnels that must be there; `limits`: the device's own."""
    seen = Answer(answer.scalars, answer.columns, answer.failed)
    device = DeviceRow(seen, profile.scalars, moment, Watch(memory, moment.tick))
    uptimes = _uptimes(profile, device, answer.agent)
    restarted = restart(memory.uptimes, uptimes) if memory.uptimes is not None else None
    if restarted is not None or answer.engine_changed_from is not None:
        memory = replace(memory, counters={}, known=None)
    watch = device.watch = Watch(memory, moment.tick)
    readings, known = _all_rows(profile, device, expected, _usable(memory.known, profile, device))
    readings += _of_the_agent(answer, restarted)
    held, kept = _held(limited(readings, limits), rules_of(profile.damping, limits), memory)
    return Decoded(
        readings=tuple(held),
        memory=Memory(watch.samples, watch.windows, kept, uptimes, known),
        restart=restarted,
        absent=profile.offered - {reading.signal for reading in held},
    )


def decode_rows(profile: Profile, device: DeviceRow, expected: Sequence[str] = ()) -> list[Reading]:
    """Every reading of an answer as it stands, before worsening is held back."""
    readings = [reading for read in profile.readers if (reading := read(device)) is not None]
    tunnels = _Tunnels()
    for table, plan, readers in profile.table_readers:
        found, _ = _table(TableReader(table, plan, readers, device, expected))
        _join(table, found, readings, tunnels)
    return readings + tunnels.missing_and_counts(expected)


def _usable(known: Known | None, profile: Profile, device: DeviceRow) -> Known | None:
    """What is known of the last answer, if this one can be read by its help: whole, later, by the same profile."""
    if known is None or known.profile is not profile or device.answer.failed:
        return None
    return known if device.moment.tick > known.tick else None


def _all_rows(
    profile: Profile, device: DeviceRow, expected: Sequence[str], before: Known | None
) -> tuple[list[Reading], Known | None]:
    """As `decode_rows`, by the help of the answer `before`, and what to know of this one."""
    own = read_own(profile.own_plan, profile.readers, device, None if before is None else before.own)
    readings, tunnels = list(own.told), _Tunnels()
    tables: list[KnownTable | None] = []
    for at, (table, plan, readers) in enumerate(profile.table_readers):
        reader = TableReader(table, plan, readers, device, expected)
        found, known = _table(reader, None if before is None else before.tables[at])
        tables.append(known)
        _join(table, found, readings, tunnels)
    readings += tunnels.missing_and_counts(expected)
    whole = not device.answer.failed
    return readings, Known(profile, device.moment.tick, own, tables) if whole else None


def _join(table: TableSpec, found: _Found | None, readings: list[Reading], tunnels: _Tunnels) -> None:
    if found is not None:
        readings += found.readings
        if table.peers:
            tunnels.add(found)


@dataclass(slots=True)
class _Found:
    """What one table gave: its readings, the expected names that were met, whether a part could not be read."""

    readings: list[Reading]
    met: set[str]
    spoilt: bool


@dataclass(slots=True)
class _Tunnels:
    """The tunnels of all tables of a device: a name is missing only if none of them has it."""

    readings: list[Reading] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    spoilt: bool = False
    told: bool = False

    def add(self, found: _Found) -> None:
        self.readings += (reading for reading in found.readings if reading.signal is _CHANNEL_STATE)
        self.met |= found.met
        self.spoilt = self.spoilt or found.spoilt
        self.told = True

    def missing_and_counts(self, expected: Sequence[str]) -> list[Reading]:
        if not self.told:
            return []
        state = SignalState.UNKNOWN if self.spoilt else SignalState.FAILED
        word = None if self.spoilt else MISSING
        missing = [
            Reading(_CHANNEL_STATE, state, word, component=name) for name in expected if name not in self.met
        ]
        return missing + _counts(self.readings + missing, expected)


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


def _table(reader: TableReader, before: KnownTable | None = None) -> tuple[_Found | None, KnownTable | None]:
    """The rows of a table, None if the device does not have it; and what to know of them at the next answer."""
    table, device = reader.table, reader.device
    if table.when is not None and not table.when.is_true(device):
        return None, None
    known, spoilt = None, bool(device.answer.failed) and is_spoilt(device.answer, table)
    try:
        known = reader.read(before, spoilt=spoilt)
        readings = reader.readings
    except Absent:
        return None, None
    except Unusable:
        spoilt = True
        readings = [
            Reading(signal, SignalState.UNKNOWN) for signal in {spec.signal: None for spec in table.signals}
        ]
    if not table.tells_each_once:
        readings = _one_each(readings, table.merge)
    return _Found(readings, reader.met, spoilt), known


def _counts(readings: Iterable[Reading], expected: Sequence[str]) -> list[Reading]:
    """Tunnels that should be there and those that carry traffic; rows are counted, not a device's own total."""
    states = [reading for reading in readings if reading.signal is _CHANNEL_STATE]
    wanted = [reading for reading in states if reading.value != "disabled"]
    if not states or all(reading.state is SignalState.UNKNOWN for reading in states):
        return []
    due = len(wanted)
    working = sum(reading.value in CARRYING for reading in states)
    unsure = any(reading.state is SignalState.UNKNOWN for reading in wanted)
    state = SignalState.UNKNOWN if unsure else SignalState.OK
    if any(reading.value not in CARRYING and reading.state in _BAD for reading in wanted):
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
        values = (one.value, other.value)
        if MEANING[one.signal].unit == "s":
            # Two that are each a minute old prove one minute, not two.
            longer_is_better = one.signal is not Signal.CHANNEL_LAST_HANDSHAKE_AGE
            pick = max if longer_is_better is (merge == "best") else min
            return replace(chosen, value=pick(values))
        return replace(chosen, value=sum(values))
    return chosen


def _held(
    readings: Sequence[Reading], rules: Mapping[Signal, Damping], memory: Memory
) -> tuple[list[Reading], dict[Key, Held]]:
    """The readings as they count by `rules`, and what to remember for the next answer."""
    held = list(readings)
    kept: dict[Key, Held] = {}
    for index, reading in enumerate(readings):
        rule = rules.get(reading.signal)
        if rule is not None:
            held[index], kept[reading.key] = damped(reading, memory.held.get(reading.key, _FRESH), rule)
    return held, kept
