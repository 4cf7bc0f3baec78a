"""What it costs to make readings of an answer: by the help of the last one, against in full."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.model import ObjectSpec, SignalSpec
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import Memory, Moment
from channelwatch_collector.profiles.values import TypeRule
from channelwatch_collector.snmp.port import Oid, PollAnswer, SnmpType, Value

from snmp.figures import Figure, interleaved

PROFILES = ("reference-encryptor", "net-snmp", "cisco-ipsec")
ROWS, POLLS, ROUNDS, PERIOD_MS = 4, 60, 9, 30_000
DEVICES = 500
FLOOR, TARGET = 2.0, 3.0
DATE = bytes((7, 234, 11, 22, 2, 0, 0, 0, 43, 7, 0))


def measure() -> list[Figure]:
    """Polls decoded per second of processor time for three profiles, and what is remembered of an idle device."""
    profiles = load_profiles()
    return [*(_speed(profiles[name]) for name in PROFILES), _memory(profiles[PROFILES[0]])]


def _speed(profile: Profile) -> Figure:
    answers = list(series(profile, device=1))
    figures = interleaved(
        ROUNDS, lambda: _rate(profile, answers, helped=True), lambda: _rate(profile, answers, helped=False)
    )
    return Figure(
        f"decode_{profile.name}_polls_per_cpu_second",
        "polls/CPU-s",
        floor=FLOOR,
        target=TARGET,
        measure="ratio",
        better="higher",
        peer="the same, every row read in full",
        notes={"rounds": ROUNDS, "objects": _size(answers[0]), "readings": _readings(profile, answers)},
        **figures,
    )


def _rate(profile: Profile, answers: Sequence[PollAnswer], *, helped: bool) -> float:
    memory = Memory()
    gc.collect()
    began = time.process_time()
    for number, answer in enumerate(answers):
        memory = decode(profile, answer, memory, _moment(number)).memory
        if not helped:
            memory = replace(memory, known=None)
    return len(answers) / (time.process_time() - began)


def _memory(profile: Profile) -> Figure:
    """With its readings, which the pipeline keeps as well."""
    helped, in_full = (_octets(profile, helped=helped) for helped in (True, False))
    return Figure(
        "decode_memory_per_device",
        "octets",
        helped,
        65_536,
        32_768,
        "value",
        "lower",
        peer="the same, every row read in full",
        peer_value=in_full,
        notes={"devices": DEVICES, "profile": profile.name},
    )


def _octets(profile: Profile, *, helped: bool) -> float:
    def kept(device: int) -> object:
        memory = Memory()
        for number, answer in enumerate(series(profile, device=device, polls=3)):
            decoded = decode(profile, answer, memory, _moment(number))
            memory = decoded.memory
        return memory if helped else replace(memory, known=None), decoded.readings

    first = DEVICES * helped
    kept(first)
    gc.collect()
    tracemalloc.start()
    found = [kept(first + device) for device in range(1, DEVICES + 1)]
    gc.collect()
    octets = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return octets / len(found)


def _moment(number: int) -> Moment:
    at = 1_795_312_800_000 + number * PERIOD_MS
    return Moment(at, at, number * PERIOD_MS)


def _size(answer: PollAnswer) -> int:
    return len(answer.scalars) + sum(len(rows) for rows in answer.columns.values())


def _readings(profile: Profile, answers: Sequence[PollAnswer]) -> int:
    return len(decode(profile, answers[0], Memory(), _moment(0)).readings)


def series(profile: Profile, *, device: int, polls: int = POLLS) -> Iterator[PollAnswer]:
    """The answers of a device that works: counters of traffic, ages and every fifth gauge move."""
    objects = list(_objects(profile, device))
    for number in range(polls):
        scalars: dict[Oid, Value] = {}
        columns: dict[Oid, dict[Oid, Value]] = {column: {} for column in profile.plan.columns}
        for column, suffix, first, step in objects:
            found = first
            if isinstance(first.value, int) and step:
                found = Value(first.type, first.value + number * step)
            if suffix:
                columns[column][suffix] = found
            else:
                scalars[column] = found
        missing = Value(SnmpType.NO_SUCH_OBJECT, None)
        yield PollAnswer({oid: scalars.get(oid, missing) for oid in profile.plan.scalars}, columns, None, 1.0)


def _objects(profile: Profile, device: int) -> Iterator[tuple[Oid, Oid, Value, int]]:
    """(object or column, index, value, how much more it is at each poll)."""
    for name, spec in profile.scalars.items():
        if not spec.column:
            yield (spec.oid[0], (), *_value(name, spec, profile.signals, f"{name}-{device}"))
    for table in profile.tables:
        named = table.component.names if table.component is not None else ()
        for name, spec in table.columns.items():
            for row in range(1, ROWS + 1):
                text = f"{name}-{device}-{row}" if name in named else ""
                yield (spec.oid[0], (row,), *_value(name, spec, table.signals, text))


def _value(name: str, spec: ObjectSpec, signals: Sequence[SignalSpec], text: str) -> tuple[Value, int]:
    counted = {counter: signal.signal.family for signal in signals for counter in signal.counters}
    if name in counted:
        return Value(SnmpType.COUNTER64, 10**9 + len(name)), 4_321 if counted[name] in (
            "channel",
            "if",
        ) else 0
    if spec.type is TypeRule.DATE:
        return _text(DATE), 0
    words = next((signal.enum for signal in signals if signal.enum and name in signal.value.names), None)
    if words is not None:
        return _number(int(next(iter(words))) if next(iter(words)).isdecimal() else 1), 0
    if text and (name.endswith(("name", "descr", "remote", "serial", "model")) or spec.type is TypeRule.IP):
        return _text(text.encode()), 0
    moves = name.endswith(("age", "uptime", "up_time", "active")) or len(name) % 5 == 0
    return (Value(SnmpType.GAUGE32, 100), 1) if moves else (_number(1), 0)


@cache
def _number(number: int) -> Value:
    """As the engine gives it: one object for all who answer the same."""
    return Value(SnmpType.INTEGER, number)


@cache
def _text(octets: bytes) -> Value:
    return Value(SnmpType.OCTET_STRING, octets)
