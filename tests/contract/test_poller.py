"""The poller around an engine in memory, on the real event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from channelwatch_collector.poll.poller import Poller, PollLimits, Reports
from channelwatch_collector.poll.schedule import Schedule, Timing
from channelwatch_collector.poll.watched import Box
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.snmp.port import AgentClock, PollFailure, SnmpType, Target, V2c, Value

from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import DeviceCode, SiteCode
from channelwatch.base.secrets import Secret
from channelwatch.inventory.model import Device
from channelwatch.status.events import (
    EventKind,
    EventReceived,
    MissCause,
    Observation,
    PollAnswered,
    PollMissed,
)
from channelwatch.status.signals import Signal
from tests.support import eventually
from tests.unit.poll.fakes import MemoryEngine
from tests.unit.profiles.answers import oid, ticks, value

SYS_OBJECT_ID = oid("1.3.6.1.2.1.1.2.0")
SERIAL = oid("1.3.6.1.4.1.99999.1.1.1.1.0")
UPTIME = oid("1.3.6.1.2.1.1.3.0")
ENCRYPTOR = Value(SnmpType.OBJECT_IDENTIFIER, oid("1.3.6.1.4.1.99999.1.3.1"))
PROFILES: Mapping[str, Profile] = load_profiles()


def device(number: int, profile: str | None = None) -> Device:
    code = DeviceCode(f"51-D-{number:05d}-1")
    return Device(code, SiteCode("s"), f"127.0.0.{number}", "c", profile=profile)


def target(item: Device) -> Target:
    return Target(item.address, V2c(Secret("community")), retries=2)


@dataclass
class Rig:
    """A poller with everything it told."""

    engine: MemoryEngine = field(default_factory=MemoryEngine)
    told: list[Observation] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    faltered: list[DeviceCode] = field(default_factory=list)
    agents: list[AgentClock] = field(default_factory=list)
    timing: Timing = Timing(confirm_ms=20, misses_before_down=3, hint_spacing_ms=50, first_spread_ms=1)
    limits: PollLimits = PollLimits(max_lag_ms=60_000)
    poller: Poller = field(init=False)

    def __post_init__(self) -> None:
        def submit(observation: Observation) -> bool:
            self.told.append(observation)
            return True

        reports = Reports(
            submit,
            outcome=lambda word, took_s: self.outcomes.append(word),
            faltered=self.faltered.append,
            agent=lambda item, clock: self.agents.append(clock),
        )
        self.poller = Poller(
            self.engine,
            Schedule(self.timing),
            PROFILES,
            clock=SystemClock(),
            reports=reports,
            limits=self.limits,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Rig]:
        stop = asyncio.Event()
        task = asyncio.create_task(self.poller.run(stop))
        try:
            yield self
        finally:
            stop.set()
            await asyncio.wait_for(task, 30)

    def answers(self) -> list[PollAnswered]:
        return [item for item in self.told if isinstance(item, PollAnswered)]

    def misses(self) -> list[PollMissed]:
        return [item for item in self.told if isinstance(item, PollMissed)]

    def events(self) -> list[EventReceived]:
        return [item for item in self.told if isinstance(item, EventReceived)]


async def test_a_device_is_recognised_once_and_then_polled_under_its_profile() -> None:
    rig, item = Rig(), device(1)
    rig.engine.objects[item.address] = {SYS_OBJECT_ID: ENCRYPTOR, SERIAL: value("RE1"), UPTIME: ticks(100)}
    async with rig.running():
        rig.poller.watch(item, target(item), 100)
        await eventually(lambda: len(rig.answers()) >= 3)
    assert {answer.profile for answer in rig.answers()} == {"reference-encryptor"}
    assert sum(len(plan.scalars) == 2 for _, plan in rig.engine.asked) == 1
    assert Signal.INV_SERIAL in {reading.signal for reading in rig.answers()[0].readings}


async def test_a_profile_set_in_the_inventory_is_taken_at_its_word() -> None:
    rig, item = Rig(), device(1, profile="reference-encryptor")
    async with rig.running():
        rig.poller.watch(item, target(item), 60_000)
        await eventually(rig.answers)
    assert rig.answers()[0].profile == "reference-encryptor"
    assert rig.engine.asked[0][1] == PROFILES["reference-encryptor"].plan


async def test_a_profile_that_does_not_exist_falls_back_to_recognising() -> None:
    rig, item = Rig(), device(1, profile="no-such-profile")
    async with rig.running():
        rig.poller.watch(item, target(item), 60_000)
        await eventually(rig.answers)
    assert rig.answers()[0].profile == "generic"


async def test_a_silent_device_is_confirmed_then_asked_once_at_its_period() -> None:
    rig, item = Rig(), device(1, profile="generic")
    rig.engine.failing[item.address] = PollFailure.NO_ANSWER
    async with rig.running():
        rig.poller.watch(item, target(item), 150)
        await eventually(lambda: len(rig.misses()) >= 5)
    assert {miss.cause for miss in rig.misses()} == {MissCause.NO_ANSWER}
    assert all(miss.collector_healthy for miss in rig.misses())
    retries = [asked.retries for asked, _ in rig.engine.asked]
    assert retries[:5] == [2, 2, 2, 0, 0]


async def test_the_first_miss_of_each_row_is_told_and_no_other() -> None:
    rig, item = Rig(), device(1, profile="generic")
    rig.engine.failing[item.address] = PollFailure.NO_ANSWER
    async with rig.running():
        rig.poller.watch(item, target(item), 100)
        await eventually(lambda: len(rig.misses()) >= 4)
        assert rig.faltered == [item.code]
        del rig.engine.failing[item.address]
        await eventually(lambda: bool(rig.answers()))
        rig.engine.failing[item.address] = PollFailure.NO_ANSWER
        await eventually(lambda: len(rig.faltered) >= 2)


async def test_every_failure_has_its_own_word() -> None:
    rig, item = Rig(), device(1, profile="generic")
    rig.engine.failing[item.address] = PollFailure.WRONG_KEY
    async with rig.running():
        rig.poller.watch(item, target(item), 60_000)
        await eventually(rig.misses)
    assert rig.misses()[0].cause is MissCause.WRONG_KEY
    assert rig.outcomes[0] == "wrong_key"


async def test_our_own_limit_is_not_held_against_the_device() -> None:
    rig, item = Rig(), device(1, profile="generic")
    rig.engine.failing[item.address] = PollFailure.BUSY
    async with rig.running():
        rig.poller.watch(item, target(item), 60_000)
        await eventually(rig.misses)
    assert not rig.misses()[0].collector_healthy


async def test_a_miss_while_the_loop_lags_is_the_collectors_own() -> None:
    rig, item = Rig(limits=PollLimits(max_lag_ms=150)), device(1, profile="generic")
    rig.engine.failing[item.address] = PollFailure.NO_ANSWER
    rig.engine.delay_s = 0.3
    async with rig.running():
        rig.poller.watch(item, target(item), 60_000)
        await eventually(lambda: rig.engine.asked)
        time.sleep(0.4)  # noqa: ASYNC251 - the very thing that must be noticed
        await eventually(rig.misses)
    assert not rig.misses()[0].collector_healthy
    assert rig.outcomes[0] == "collector_lag"


async def test_while_no_device_is_heard_nobody_is_counted_out_until_one_is() -> None:
    rig = Rig()
    one, other = device(1, profile="generic"), device(2, profile="generic")
    for item in (one, other):
        rig.engine.failing[item.address] = PollFailure.NO_ANSWER
    async with rig.running():
        for item in (one, other):
            rig.poller.watch(item, target(item), 100)
        await eventually(lambda: rig.outcomes.count("nobody_heard") >= 4)
        mine = [miss.collector_healthy for miss in rig.misses() if miss.device == one.code]
        assert mine[:2] == [True, True]
        assert not any(mine[2:])
        del rig.engine.failing[other.address]
        await eventually(
            lambda: [miss for miss in rig.misses() if miss.device == one.code][-1].collector_healthy
        )


async def test_one_silent_device_among_two_is_down_as_fast_as_alone() -> None:
    rig = Rig()
    silent, living = device(1, profile="generic"), device(2, profile="generic")
    async with rig.running():
        for item in (silent, living):
            rig.poller.watch(item, target(item), 60_000)
        await eventually(lambda: len(rig.answers()) >= 2)
        rig.engine.failing[silent.address] = PollFailure.NO_ANSWER
        rig.poller.poll_now(silent.code)
        await eventually(lambda: len(rig.misses()) >= 3)
    assert all(miss.collector_healthy for miss in rig.misses())


async def test_a_refusal_shows_that_there_is_a_way() -> None:
    rig = Rig()
    one, other = device(1, profile="generic"), device(2, profile="generic")
    rig.engine.failing[one.address] = PollFailure.NO_ANSWER
    rig.engine.failing[other.address] = PollFailure.WRONG_KEY
    async with rig.running():
        for item in (one, other):
            rig.poller.watch(item, target(item), 60)
        await eventually(lambda: len([m for m in rig.misses() if m.device == one.code]) >= 5)
    assert "nobody_heard" not in rig.outcomes[-4:]


async def test_never_more_in_flight_than_the_limit() -> None:
    rig = Rig(limits=PollLimits(max_in_flight=4, max_slow=0))
    rig.engine.delay_s = 0.02
    async with rig.running():
        for number in range(1, 31):
            item = device(number, profile="generic")
            rig.poller.watch(item, target(item), 60_000)
        await eventually(lambda: len(rig.answers()) >= 30)
    assert rig.engine.most_in_flight == 4


async def test_devices_that_never_answer_keep_nobody_waiting() -> None:
    """As many silent ones as there are places, each for a minute: the living are polled all the same."""
    rig = Rig(limits=PollLimits(max_in_flight=4, max_slow=8, slow_after_s=0.02, max_lag_ms=60_000))
    silent = [device(number, profile="generic") for number in range(1, 9)]
    living = [device(number, profile="generic") for number in range(9, 12)]
    rig.engine.hanging.update(item.address for item in silent)
    async with rig.running():
        for item in silent:
            rig.poller.watch(item, target(item), 60_000)
        await eventually(lambda: len(rig.engine.asked) >= len(silent))
        for item in living:
            rig.poller.watch(item, target(item), 100)
        await eventually(
            lambda: {answer.device for answer in rig.answers()} == {item.code for item in living}
        )
        assert rig.poller.in_flight >= len(silent)


async def test_a_hint_polls_before_the_period_is_over() -> None:
    rig, item = Rig(), device(1, profile="generic")
    async with rig.running():
        rig.poller.watch(item, target(item), 60_000)
        await eventually(rig.answers)
        assert rig.poller.poll_now(item.code)
        await eventually(lambda: len(rig.answers()) >= 2, 30)
        assert not rig.poller.poll_now(DeviceCode("51-D-99999-1"))


async def test_a_device_that_is_no_longer_watched_is_left_alone() -> None:
    rig, item = Rig(), device(1, profile="generic")
    async with rig.running():
        rig.poller.watch(item, target(item), 30)
        await eventually(rig.answers)
        rig.poller.unwatch(item.code)
        await asyncio.sleep(0.05)
        count = len(rig.engine.asked)
        await asyncio.sleep(0.2)
        assert len(rig.engine.asked) == count


async def test_new_profiles_are_used_from_the_next_poll_on_and_spoil_no_counter() -> None:
    rig, item = Rig(), device(1)
    rig.engine.objects[item.address] = {SYS_OBJECT_ID: ENCRYPTOR, UPTIME: ticks(100)}
    async with rig.running():
        rig.poller.watch(item, target(item), 30)
        await eventually(lambda: len(rig.answers()) >= 2)
        generic_only = {"generic": PROFILES["generic"]}
        rig.poller.use(generic_only)
        assert rig.poller.profile_of(item.code).name == "reference-encryptor"
        await eventually(lambda: rig.answers()[-1].profile == "generic")
        rig.poller.use(PROFILES)
        await eventually(lambda: rig.answers()[-1].profile == "reference-encryptor")
    assert "bug" not in rig.outcomes


async def test_a_changed_credential_is_used_at_the_next_poll() -> None:
    rig, item = Rig(), device(1, profile="generic")
    async with rig.running():
        rig.poller.watch(item, target(item), 50)
        await eventually(rig.answers)
        rig.poller.watch(item, replace(target(item), credential=V2c(Secret("another"))), 50)
        await eventually(lambda: rig.engine.asked[-1][0].credential == V2c(Secret("another")))


async def test_another_serial_at_the_address_is_a_security_event() -> None:
    rig, item = Rig(), device(1, profile="reference-encryptor")
    rig.engine.objects[item.address] = {SERIAL: value("NEW")}
    async with rig.running():
        rig.poller.watch(item, target(item), 60_000, Box(serial="OLD"))
        await eventually(rig.events)
    (event,) = rig.events()
    assert (event.kind, event.trusted, event.severity) == (EventKind.ENGINE_CHANGED, True, 1)
    assert "serial number" in event.text and "OLD" not in event.text
    assert rig.poller.boxes() == {item.code: Box(serial="NEW")}


async def test_the_engine_of_an_authenticated_answer_is_passed_on() -> None:
    rig, item = Rig(), device(1, profile="generic")
    rig.engine.agents[item.address] = AgentClock(b"\x80\x01", 4, 1000)
    async with rig.running():
        rig.poller.watch(item, target(item), 60_000)
        await eventually(lambda: rig.agents)
        rig.engine.agents[item.address] = AgentClock(b"\x80\x02", 1, 5)
        rig.poller.poll_now(item.code)
        await eventually(rig.events)
    assert rig.events()[0].kind is EventKind.ENGINE_CHANGED
    assert rig.poller.boxes()[item.code].engine_id == "8002"


async def test_a_restart_is_told_as_an_event() -> None:
    rig, item = Rig(), device(1, profile="generic")
    objects = rig.engine.objects.setdefault(item.address, {})
    host = oid("1.3.6.1.2.1.25.1.1.0")
    objects |= {UPTIME: ticks(900_000), host: ticks(900_000)}
    async with rig.running():
        rig.poller.watch(item, target(item), 60_000)
        await eventually(rig.answers)
        objects |= {UPTIME: ticks(10), host: ticks(10)}
        rig.poller.poll_now(item.code)
        await eventually(rig.events)
    assert rig.events()[0].kind is EventKind.COLD_START


async def test_a_fault_of_ours_spoils_one_poll_and_not_the_poller() -> None:
    class Broken(MemoryEngine):
        async def poll(self, target: Target, plan: object) -> object:  # type: ignore[override]
            raise RuntimeError("our own bug")

    rig, item, other = Rig(engine=Broken()), device(1, profile="generic"), device(2, profile="generic")
    async with rig.running():
        for each in (item, other):
            rig.poller.watch(each, target(each), 50)
        await eventually(lambda: len(rig.outcomes) >= 4)
    assert set(rig.outcomes) == {"bug"}
    assert rig.told == []


async def test_stopping_gives_up_what_is_in_flight() -> None:
    rig, item = Rig(), device(1, profile="generic")
    rig.engine.delay_s = 60
    began = time.monotonic()
    with suppress(asyncio.CancelledError):
        async with rig.running():
            rig.poller.watch(item, target(item), 60_000)
            await eventually(lambda: rig.engine.asked)
    assert time.monotonic() - began < 30
    assert rig.told == []
