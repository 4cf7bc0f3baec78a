"""The collector part on real sockets: simulated encryptors are polled, and their traps and syslog are taken."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest
from channelwatch_collector.part import Collector
from channelwatch_simulator.simulation import Simulation, Targets
from channelwatch_simulator.story import Act, Cause, Event
from prometheus_client import generate_latest

from channelwatch.app.running.engine import Engine
from channelwatch.app.settings import load_settings
from channelwatch.app.wiring import build_engine
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import DeviceCode
from channelwatch.status.events import (
    CollectorAlive,
    EventKind,
    EventReceived,
    Observation,
    PollAnswered,
    PollMissed,
    RogueSource,
    Transport,
)
from channelwatch.status.signals import Signal, SignalState
from tests.support import eventually, free_port
from tests.unit.simulator.running import AUTH, COMMUNITY, PRIV, running

T = TypeVar("T", bound=Observation)
SPOKE, HUB = "51-D-21548-1", "51-D-T0001-A"
STOP_S = 15.0
"""A collector has nothing to wait for when it is to stop, so that it takes a moment; the rest is a slow machine's."""

CONFIG = """
instance: {{id: test, province: "51", blocs: [party, gov, na, front], simulated: true}}
store: {{url: "sqlite:///data/channelwatch.db"}}
collector:
  id: col-test
  snmp: {{timeout_s: 1.5, retries: 0, poll_s: 60, confirm_s: 0.2}}
  traps: {{listen: "127.0.0.1:{traps}"}}
  syslog: {{udp: "127.0.0.1:{syslog}"}}
credentials:
  encryptors: {{version: "3", user: cw, auth_pass: "env:AUTH", priv_pass: "env:PRIV"}}
  legacy: {{version: 2c, community: "env:COMMUNITY"}}
"""


@dataclass
class House:
    """An engine that only queues, with the collector running in it."""

    engine: Engine
    collector: Collector
    simulation: Simulation
    told: list[Observation] = field(default_factory=list)

    async def listen(self) -> None:
        while True:
            self.told += await self.engine.observations.take_batch(1000)

    def of(self, kind: type[T], test: Callable[[T], object] = lambda item: True) -> list[T]:
        return [item for item in self.told if isinstance(item, kind) and test(item)]

    async def first(self, kind: type[T], test: Callable[[T], object] = lambda item: True) -> T:
        return (await eventually(lambda: self.of(kind, test), 30, what=kind.__name__))[0]

    def happen(self, act: Act, device: str, cause: Cause | None = None) -> None:
        self.simulation.happen(Event(0, act, (device,), cause))


def engine_in(folder: Path, *, traps: int, syslog: int) -> Engine:
    path = folder / "channelwatch.yaml"
    path.write_text(CONFIG.format(traps=traps, syslog=syslog), encoding="utf-8")
    environ = {"AUTH": AUTH, "PRIV": PRIV, "COMMUNITY": COMMUNITY}
    return build_engine(load_settings(path, environ))


@asynccontextmanager
async def collecting(folder: Path) -> AsyncIterator[House]:
    traps, syslog = free_port("udp"), free_port("udp")
    targets = Targets(("127.0.0.1", traps), ("127.0.0.1", syslog))
    async with running(targets=targets) as simulation:
        engine = engine_in(folder, traps=traps, syslog=syslog)
        engine.world.set_inventory(replace(simulation.inventory, version=1))
        house = House(engine, Collector(engine), simulation)
        await house.collector.start()
        stop = asyncio.Event()
        tasks = [asyncio.create_task(house.collector.serve(stop)), asyncio.create_task(house.listen())]
        try:
            yield house
        finally:
            began = time.monotonic()
            stop.set()
            await tasks[0]
            await house.collector.close()
            assert time.monotonic() - began < STOP_S
            tasks[1].cancel()
            if len(engine.observations):
                house.told += await engine.observations.take_batch(1000)
            await engine.in_store(engine.store.close)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with collecting(tmp_path) as found:
        yield found


async def test_every_device_is_polled_soon_and_found_well(house: House) -> None:
    everyone = {item.code for item in house.simulation.inventory.devices}
    await eventually(lambda: {item.device for item in house.of(PollAnswered)} == everyone, 30)
    assert house.of(PollMissed) == []
    bad = [
        (item.device, reading)
        for item in house.of(PollAnswered)
        for reading in item.readings
        if reading.state in (SignalState.DEGRADED, SignalState.FAILED)
    ]
    assert bad == []


async def test_an_authenticated_trap_is_trusted_and_followed_by_a_poll(house: House) -> None:
    await house.first(PollAnswered, lambda item: item.device == HUB)
    await house.first(PollAnswered, lambda item: item.device == SPOKE)
    house.told.clear()
    house.happen(Act.TUNNEL_DOWN, SPOKE)
    event = await house.first(
        EventReceived, lambda item: item.kind is EventKind.TUNNEL_DOWN and item.transport is Transport.TRAP
    )
    assert event.trusted
    assert [(item.signal, item.value) for item in event.readings] == [(Signal.CHANNEL_STATE, "down")]
    poll = await house.first(PollAnswered, lambda item: item.device == event.device)
    assert (Signal.CHANNEL_STATE, event.component) in {item.key for item in poll.readings}
    line = await house.first(EventReceived, lambda item: item.transport is Transport.SYSLOG_UDP)
    assert not line.trusted


async def test_a_bypass_is_seen_by_trap_and_by_poll(house: House) -> None:
    await house.first(PollAnswered, lambda item: item.device == SPOKE)
    house.told.clear()
    house.happen(Act.BYPASS_ON, SPOKE)
    event = await house.first(EventReceived, lambda item: item.kind is EventKind.BYPASS_ON and item.trusted)
    assert event.readings[0].value == "bypass_plaintext"
    poll = await house.first(PollAnswered, lambda item: item.device == SPOKE)
    (mode,) = [item for item in poll.readings if item.signal is Signal.CRYPTO_MODE]
    assert mode.state is SignalState.FAILED


async def test_a_trap_under_a_community_is_not_trusted(house: House) -> None:
    legacy = next(item.code for item in house.simulation.inventory.devices if item.credential == "legacy")
    await house.first(PollAnswered, lambda item: item.device == legacy)
    house.happen(Act.BYPASS_ON, legacy)
    event = await house.first(EventReceived, lambda item: item.transport is Transport.TRAP)
    assert (event.device, event.trusted) == (legacy, False)


async def test_a_silent_device_is_missed_three_times_within_seconds(house: House) -> None:
    await house.first(PollAnswered, lambda item: item.device == SPOKE)
    house.happen(Act.OUTAGE, SPOKE, Cause.AGENT)
    assert house.collector.poller.poll_now(DeviceCode(SPOKE))
    await eventually(lambda: len(house.of(PollMissed, lambda item: item.device == SPOKE)) >= 3, 30)
    assert all(item.collector_healthy for item in house.of(PollMissed))


async def test_a_stranger_is_kept_apart(house: House) -> None:
    assert house.collector.traps is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.200.0.9", 0))
        for _ in range(3):
            stranger.sendto(b"\x30\x00", house.collector.traps.address)
        rogue = await house.first(RogueSource)
    assert (rogue.address, rogue.transport, rogue.count) == ("127.200.0.9", Transport.TRAP, 1)


async def test_a_newer_inventory_is_followed_without_a_restart(house: House) -> None:
    await house.first(PollAnswered, lambda item: item.device == SPOKE)
    old = house.engine.world.inventory
    kept = tuple(item for item in old.devices if item.code != SPOKE)
    house.engine.world.set_inventory(replace(old, devices=kept, version=2))
    await eventually(lambda: SPOKE not in house.collector.poller.watching, 30)
    house.engine.world.set_inventory(replace(old, version=3))
    await eventually(lambda: SPOKE in house.collector.poller.watching, 30)
    house.told.clear()
    await house.first(PollAnswered, lambda item: item.device == SPOKE)


async def test_it_tells_that_it_lives_and_what_it_counted(house: House) -> None:
    alive = await house.first(CollectorAlive)
    assert alive.collector == "col-test"
    assert 4_000 < alive.until - alive.since < 15_000
    page = generate_latest(house.engine.registry).decode()
    assert 'channelwatch_polls_total{result="answered"}' in page
    assert 'channelwatch_collector_total{event="snmp_sent"}' in page
    assert "channelwatch_event_loop_lag_seconds_count" in page


async def test_an_orderly_stop_leaves_no_time_unaccounted_for(tmp_path: Path) -> None:
    async with collecting(tmp_path) as house:
        await house.first(PollAnswered)
        stopped_at = house.engine.clock.now()
    last = house.of(CollectorAlive)[-1]
    assert last.until >= stopped_at
    assert last.since <= stopped_at


async def test_it_remembers_its_boots_and_who_answered(tmp_path: Path) -> None:
    for boots in (1, 2):
        async with collecting(tmp_path) as house:
            await house.first(PollAnswered, lambda item: item.device == SPOKE)
        kept = json.loads((tmp_path / "data" / "collector-col-test.json").read_text(encoding="utf-8"))
        assert kept["boots"] == boots
        assert kept["boxes"][SPOKE]["serial"]
        assert house.of(EventReceived, lambda item: item.kind is EventKind.ENGINE_CHANGED) == []


async def test_a_port_in_use_ends_the_start_with_a_reason(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        taken = holder.getsockname()[1]
        engine = engine_in(tmp_path, traps=taken, syslog=free_port("udp"))
        collector = Collector(engine)
        with pytest.raises(Permanent, match=f"listen for traps 127.0.0.1:{taken}"):
            await collector.start()
        await collector.close()
        await engine.in_store(engine.store.close)
