"""Reading by the help of the last answer against reading in full: never a different reading."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from channelwatch_collector.profiles.decode import Decoded, decode
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import Memory, Moment
from channelwatch_collector.snmp.port import AgentClock, Oid, PollAnswer, PollFailure, SnmpType, Value

from channelwatch.inventory.model import SignalLimit
from tests.unit.profiles.answers import NOW

PROFILES = load_profiles()
POLLS = 40
EXPECTED = ("ab", "1", "not there")
SUFFIXES = ((1,), (2,), (3,), (7, 1))
LIMITS = (SignalLimit("platform.cpu", degraded=1.0, hold=2), SignalLimit("channel.rx_bytes", failed=3.0))
TEXTS = (
    b"ab",
    b"c",
    b"1",
    b"",
    b"c [3]",
    b"[monitor] x",
    b"\x07\xea\x0b\x16\x02\x00\x00\x00",
    b"\x0a\x00\x00\x01",
)
WIDE = (SnmpType.COUNTER32, SnmpType.COUNTER64, SnmpType.TIME_TICKS, SnmpType.GAUGE32)


def some_value(rng: random.Random) -> Value:
    """Anything that an agent may answer, mostly numbers that an enumeration knows."""
    kind = rng.random()
    if kind < 0.4:
        return Value(SnmpType.INTEGER, rng.choice((1, 1, 2, 3, 5, 6, 0, -1)))
    if kind < 0.65:
        return Value(rng.choice(WIDE), rng.randrange(5000))
    if kind < 0.9:
        return Value(SnmpType.OCTET_STRING, rng.choice(TEXTS))
    if kind < 0.94:
        return Value(SnmpType.OPAQUE_FLOAT, rng.choice((1.5, float("nan"), float("inf"))))
    return Value(rng.choice((SnmpType.NO_SUCH_INSTANCE, SnmpType.NULL)), None)


def risen(found: Value, rng: random.Random) -> Value:
    """The same a little later: a counter has risen, most others are another number."""
    if isinstance(found.value, int) and found.type in WIDE:
        return Value(found.type, max(0, found.value + rng.choice((1, 60, 600, -10_000))))
    return some_value(rng)


@dataclass
class Agent:
    """A device whose objects stand still or move by chance, come and go."""

    profile: Profile
    rng: random.Random

    def __post_init__(self) -> None:
        plan = self.profile.plan
        self.scalars = {oid: some_value(self.rng) for oid in plan.scalars if self.rng.random() < 0.8}
        self.columns: dict[Oid, dict[Oid, Value]] = {
            oid: {suffix: some_value(self.rng) for suffix in SUFFIXES} for oid in plan.columns
        }
        self.restless = self.rng.choice((0.0, 0.02, 0.3))
        self.boots = 1

    def live(self) -> None:
        """A poll's time passes."""
        for objects in (self.scalars, *self.columns.values()):
            for oid, found in list(objects.items()):
                if self.rng.random() < self.restless:
                    objects[oid] = risen(found, self.rng)
                elif self.rng.random() < self.restless / 20:
                    del objects[oid]
        self.boots += self.rng.random() < 0.03

    def answer(self) -> PollAnswer:
        """What it answers now; now and then a part cannot be read."""
        failed: dict[Oid, PollFailure] = {}
        if self.rng.random() < 0.1:
            everything = (*self.profile.plan.columns, *self.profile.plan.scalars)
            failed = dict.fromkeys(self.rng.sample(everything, 1), PollFailure.GEN_ERR)
        missing = Value(SnmpType.NO_SUCH_OBJECT, None)
        return PollAnswer(
            {oid: self.scalars.get(oid, missing) for oid in self.profile.plan.scalars if oid not in failed},
            {oid: dict(rows) for oid, rows in self.columns.items() if oid not in failed},
            AgentClock(b"engine", self.boots, 1),
            1.0,
            engine_changed_from=b"other" if self.rng.random() < 0.02 else None,
            failed=failed,
        )


def moments(rng: random.Random) -> Iterator[Moment]:
    """Polls a minute apart, some at the same instant, some an hour late."""
    tick = 0
    while True:
        at = NOW + tick
        yield Moment(at, at + rng.choice((0, 4)), tick)
        tick += rng.choice((60_000, 60_000, 60_000, 0, 3_600_000))


def same(one: Decoded, other: Decoded) -> None:
    """Equal, by text: a number that is none is not equal to itself."""
    assert repr(one.readings) == repr(other.readings)
    assert repr(sorted(one.memory.counters.items())) == repr(sorted(other.memory.counters.items()))
    assert one.memory.windows == other.memory.windows
    assert one.memory.held == other.memory.held
    assert (one.restart, one.absent) == (other.restart, other.absent)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_no_reading_differs_from_one_that_is_read_in_full(name: str) -> None:
    profile = PROFILES[name]
    for seed in range(3):
        rng = random.Random(f"{name} {seed}")
        agent, memory, in_full = Agent(profile, rng), Memory(), Memory()
        for _, moment in zip(range(POLLS), moments(rng), strict=False):
            found = agent.answer()
            expected = EXPECTED if rng.random() < 0.9 else ()
            limits = LIMITS if seed == 1 else ()
            ours = decode(profile, found, memory, moment, expected=expected, limits=limits)
            full = decode(profile, found, in_full, moment, expected=expected, limits=limits)
            same(ours, full)
            memory, in_full = ours.memory, replace(full.memory, known=None)
            agent.live()


def test_what_stands_still_is_the_same_reading_and_no_other() -> None:
    """Else the test above would compare two readings in full."""
    profile = PROFILES["reference-encryptor"]
    agent = Agent(profile, random.Random(1))
    agent.restless, memory, decoded = 0.0, Memory(), []
    for poll in range(4):
        moment = Moment(NOW + 60_000 * poll, NOW + 60_000 * poll, 60_000 * poll)
        answer = replace(agent.answer(), failed={}, engine_changed_from=None)
        answer = replace(answer, scalars=agent.scalars, columns=agent.columns)
        decoded.append(decode(profile, answer, memory, moment))
        memory = decoded[-1].memory
    last = {id(reading) for reading in decoded[-2].readings}
    kept = [reading for reading in decoded[-1].readings if id(reading) in last]
    assert len(kept) > 0.8 * len(decoded[-1].readings)
