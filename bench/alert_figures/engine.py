"""The engine over a store of its own in this process, for what needs thousands of devices or a death."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from channelwatch_collector.engines import search_for_cycles_less_often

from alert_figures.peers import memory_mib
from alert_figures.sink import Sink, sink
from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.app.running.engine import Engine, Fittings
from channelwatch.app.running.limits import EngineLimits
from channelwatch.app.running.meters import Meters
from channelwatch.app.settings import CollectorSettings, InstanceSettings, Settings
from channelwatch.app.texts import word
from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import LogId
from channelwatch.base.secrets import Secret
from channelwatch.incidents.restraint import Restraint
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.notify.webhook.transport import WebhookChannel, WebhookConfig
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import OutboxState
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.states import Protection
from channelwatch.store.engine import open_engine
from channelwatch.store.sqlstore import SqlStore, open_store
from tests.support.house import one_way
from tests.support.province import answer, bypass, encrypting, miss, small_inventory, spoke, trap, tunnel_down
from tests.support.waiting import eventually

RULES = load_rules(shipped_rules())
LOG = LogId("col-1")
UNRESTRAINED = Restraint(most=1_000_000)


def engine_over(store: SqlStore, webhook: str, *, restraint: Restraint, lease_ttl_ms: int = 5_000) -> Engine:
    """The engine with the shipped rules and one webhook."""
    clock = SystemClock()
    voice = Voice(partial(word, language="vi"), "vi")
    hook = WebhookChannel({"duty": WebhookConfig(webhook, Secret("a secret of a bench"), 5.0)}, voice, clock)
    fittings = Fittings(
        clock=clock,
        store=store,
        history=store,
        archive=store,
        world=World(small_inventory(0), RULES, LOG, WorldPolicy(restraint=restraint)),
        channels={"webhook": hook},
        meters=Meters("bench"),
        jitter=random.random,
        closers=(hook.close,),
        limits=EngineLimits(lease_ttl_ms=lease_ttl_ms, begin_ttl_ms=lease_ttl_ms),
    )
    settings = Settings.model_construct(
        instance=InstanceSettings(id="bench", province="51", blocs=(Bloc.PARTY,)),
        collector=CollectorSettings(id=str(LOG), queue_limit=50_000),
        http=None,
        credentials={},
    )
    return Engine(settings, fittings)


def prepare(folder: Path, inventory: Inventory) -> None:
    """A store in `folder` with the inventory applied."""
    folder.mkdir(parents=True, exist_ok=True)
    store = open_store("sqlite:///store.db", folder)
    store.upgrade()
    store.apply_inventory(one_way(inventory), [], by="bench", at=SystemClock().now())
    store.close()


# A storm ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Storm:
    """How long until the last message that says something new, how many there were, and how much memory grew."""

    seconds: float
    messages: int
    growth_mib: float


def storm(folder: Path, devices: int, groups: int) -> Storm:
    """So many devices fall at once, `groups` of them hubs that take the others with them. It happens in a process of
    its own, whose memory is measured."""
    prepare(folder, _starred(devices, groups))
    with sink() as duty:
        ours, theirs = get_context("spawn").Pipe()
        process = get_context("spawn").Process(
            target=_storm, args=(theirs, folder, duty.url, devices, groups)
        )
        process.start()
        try:
            if not ours.poll(120):
                raise RuntimeError("the storm did not end")
            began, growth = ours.recv()
        finally:
            process.join(20)
        moments = [moment for moment, _ in duty.came if moment >= began]
        return Storm(max(moments, default=began) - began, len(moments), growth)


def _starred(devices: int, groups: int) -> Inventory:
    """Devices 1 to `groups` are hubs, each of its share of the others."""
    inventory = small_inventory(devices)
    channels = (
        replace(item, hub=spoke(number % groups + 1)) for number, item in enumerate(inventory.channels, 1)
    )
    return replace(inventory, channels=tuple(item for item in channels if item.spoke > spoke(groups)))


def _storm(pipe: Connection, folder: Path, webhook: str, devices: int, groups: int) -> None:
    asyncio.run(_storming(pipe, folder, webhook, devices, groups))


async def _storming(pipe: Connection, folder: Path, webhook: str, devices: int, groups: int) -> None:
    search_for_cycles_less_often()
    store = open_store("sqlite:///store.db", folder)
    engine = engine_over(store, webhook, restraint=UNRESTRAINED)
    stop = asyncio.Event()
    began = 0.0
    growth = 0.0

    class Part:
        name = "storm"

        async def run(self, engine: Engine, stop: asyncio.Event) -> None:
            nonlocal began, growth
            for number in range(1, devices + 1):
                engine.submit(answer(spoke(number), engine.clock.now()))
            await eventually(lambda: all(s.seen_at for s in list(engine.world.devices.values())[2:]), 60)
            await asyncio.sleep(2)
            before, began = memory_mib(os.getpid()), time.monotonic()
            now = engine.clock.now()
            for poll in range(3):
                for number in range(1, groups + 1):
                    engine.submit(miss(spoke(number), now - 2 + poll))
            for number in range(groups + 1, devices + 1):
                engine.submit(trap(spoke(number), engine.clock.now(), tunnel_down()))
            await asyncio.sleep(8)
            growth = memory_mib(os.getpid()) - before
            stop.set()

    await engine.run([Part()], stop)
    pipe.send((began, growth))


# Deaths -------------------------------------------------------------------------------------------------------

DEVICES = 400
GAP_S = 0.05
"""A fault begins or ends so often: 20 messages a second, of which the worst minute of a province has a part."""
LONGEST_LIFE_S = 3.0
"""A life ends at any moment of its first seconds."""


@dataclass(frozen=True)
class Deaths:
    """How often it died after how many seconds of work in all; messages committed, never told, and told again.

    `unpaged`: incidents without a message. `foreign`: keys of messages that no committed row has, among them any that
    would tell the same again under another key.
    """

    kills: int
    alive_s: float
    messages: int
    lost: int
    repeated: int
    unpaged: int
    foreign: int


def deaths(folder: Path, kills: int, limit_s: float, seed: int) -> Deaths:
    """Kill the engine again and again at any moment of its work, then let it finish, and compare store and receiver."""
    prepare(folder, small_inventory(DEVICES))
    chance, ends, done, alive_s = random.Random(seed), time.monotonic() + limit_s, 0, 0.0
    with sink() as duty:
        while done < kills and time.monotonic() < ends:
            began, begins = os.pipe()
            pid = os.fork()
            if pid == 0:
                _die_working(folder, duty.url, chance.random(), begins)
            os.close(begins)
            os.read(began, 1)
            life = chance.uniform(0.0, LONGEST_LIFE_S)
            time.sleep(life)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(began)
            done, alive_s = done + 1, alive_s + life
        messages, unpaged = _finish(folder, duty)
        heard = Counter(body["key"] for _, body in duty.came)
    return Deaths(
        kills=done,
        alive_s=alive_s,
        messages=len(messages),
        lost=len(messages - heard.keys()),
        repeated=sum(heard.values()) - len(heard),
        unpaged=unpaged,
        foreign=len(heard.keys() - messages),
    )


class _Made(SqlStore):
    """A store whose schema is known to be there: a life is short here."""

    def upgrade(self) -> None:
        pass


def _die_working(folder: Path, webhook: str, chance: float, begins: int) -> None:
    """Faults begin and end, at random moments, until it is killed. Never returns."""
    try:
        asyncio.run(_toggling(folder, webhook, random.Random(chance), begins))
    finally:
        os._exit(1)


async def _toggling(folder: Path, webhook: str, chance: random.Random, begins: int) -> None:
    store = _Made(open_engine("sqlite:///store.db", folder))
    engine = engine_over(store, webhook, restraint=UNRESTRAINED, lease_ttl_ms=100)
    devices = [spoke(number) for number in range(1, DEVICES + 1)]

    class Part:
        name = "toggle"

        async def run(self, engine: Engine, stop: asyncio.Event) -> None:
            os.write(begins, b"x")
            while not stop.is_set():
                device = chance.choice(devices)
                exposed = engine.world.devices[device].assessment.protection is Protection.EXPOSED
                readings = encrypting() if exposed else encrypting(bypass())
                engine.submit(answer(device, engine.clock.now(), readings))
                await asyncio.sleep(chance.expovariate(1 / GAP_S))

    await engine.run([Part()], asyncio.Event())


def _finish(folder: Path, duty: Sink) -> tuple[set[str], int]:
    """Let the engine deliver what is left; the keys of all messages committed, and incidents opened without one."""
    return asyncio.run(_finishing(folder, duty))


async def _finishing(folder: Path, duty: Sink) -> tuple[set[str], int]:
    store = open_store("sqlite:///store.db", folder)
    reader = open_store("sqlite:///store.db", folder)
    engine, stop = engine_over(store, duty.url, restraint=UNRESTRAINED), asyncio.Event()

    class Idle:
        name = "idle"

        async def run(self, engine: Engine, stop: asyncio.Event) -> None:
            await stop.wait()

    task = asyncio.create_task(engine.run([Idle()], stop))

    def is_done() -> bool:
        counts = reader.outbox_counts(SystemClock().now())
        return counts.pending + counts.claimed == 0

    await eventually(is_done, 60, what="the outbox to be empty")
    # It must be still before it is counted: an incident that nobody has acknowledged is told again at any moment.
    stop.set()
    await task
    final = frozenset({OutboxState.SENT, OutboxState.DEAD, OutboxState.SPARED})
    keys: set[str] = set()
    unpaged = 0
    for incident in reader.load(LOG, now=SystemClock().now()).incidents:
        pages = reader.pages(incident.id)
        keys |= {item.page.key for item in pages if item.state in final}
        unpaged += 0 if pages else 1
    reader.close()
    return keys, unpaged


# An outage of the receiver ------------------------------------------------------------------------------------


def after_outage(folder: Path, seconds: float) -> float | None:
    """Seconds from a receiver's return until the last of 20 alerts that came while it was down."""
    prepare(folder, small_inventory(25))
    return asyncio.run(_after_outage(folder, seconds))


async def _after_outage(folder: Path, seconds: float) -> float | None:
    store = open_store("sqlite:///store.db", folder)
    with sink() as duty:
        engine, stop, back = engine_over(store, duty.url, restraint=UNRESTRAINED), asyncio.Event(), 0.0
        duty.refuses = True

        class Part:
            name = "outage"

            async def run(self, engine: Engine, stop: asyncio.Event) -> None:
                nonlocal back
                for number in range(1, 21):
                    engine.submit(answer(spoke(number), engine.clock.now(), encrypting(bypass())))
                    await asyncio.sleep(seconds / 25)
                await asyncio.sleep(seconds / 5)
                duty.refuses, back = False, time.monotonic()
                wanted = {spoke(number) for number in range(1, 21)}
                told = lambda: {body["subject"] for _, body in list(duty.came)} >= wanted  # noqa: E731
                await eventually(told, 60, what="every alert")
                stop.set()

        await engine.run([Part()], stop)
        return duty.came[-1][0] - back
