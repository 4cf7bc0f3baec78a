"""A storm: every device of a nation flips at once, through the engine, into status, incident, outbox and store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import func, select

from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.app.running.engine import Engine, Fittings
from channelwatch.app.running.meters import Meters
from channelwatch.app.settings import CollectorSettings, InstanceSettings, Settings
from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import ContactCode, DeviceCode, LogId
from channelwatch.inventory.model import Bloc, Contact, Inventory, Province, Role
from channelwatch.pipeline.ports import Alert, Outcome, Sent
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.events import PollAnswered
from channelwatch.status.signals import Reading
from channelwatch.store.sqlstore import SqlStore
from channelwatch.store.tables import incident, outbox, transition
from history import province
from tests.support.province import bypass, encrypting

LOG = "storm"
HELD_OUT_S = 60.0
"""How long a storm may take: a nation's flips within the minute."""


class Receiver:
    """A delivery channel that takes everything at once."""

    name = "webhook"

    def __init__(self) -> None:
        self.taken = 0

    async def send(self, alert: Alert, destination: str) -> Outcome:
        self.taken += 1
        return Sent()


@dataclass(frozen=True)
class Storm:
    """What came of it. `seconds`: from the first flip handed over to the last one committed with its page."""

    devices: int
    seconds: float
    transitions: int
    incidents: int
    pages: int
    sent_meanwhile: int

    @property
    def rate(self) -> float:
        """Transitions per second."""
        return self.transitions / self.seconds


@dataclass
class Load:
    """The part that hands over the flips, as fast as the queue takes them."""

    codes: Sequence[DeviceCode]
    receiver: Receiver
    name: str = "load"
    seconds: float = 0.0
    sent: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        await self._all(engine, encrypting())
        before = self.receiver.taken
        began = time.perf_counter()
        await self._all(engine, encrypting(bypass()))
        self.seconds = time.perf_counter() - began
        self.sent = self.receiver.taken - before
        self.done.set()
        await stop.wait()

    async def _all(self, engine: Engine, readings: tuple[Reading, ...]) -> None:
        """Every device answers with `readings`; returns once the last one is committed."""
        receipts: list[asyncio.Future[None]] = []
        while len(receipts) < len(self.codes):
            now = engine.clock.now()
            answer = PollAnswered(self.codes[len(receipts)], now, now, readings, "bench")
            receipt = engine.submit_acknowledged(answer)
            if receipt is None:
                await asyncio.sleep(0.002)
            else:
                receipts.append(receipt)
        await receipts[-1]


def storm(store: SqlStore, devices: int) -> Storm:
    """Let every device of an estate flip, over an empty `store` and an engine as it runs in service."""
    estate = with_people(province.estate(devices).inventory)
    clock = SystemClock()
    store.apply_inventory(estate, [], by="bench", at=clock.now())
    receiver = Receiver()
    settings = Settings.model_construct(
        instance=InstanceSettings(id="bench", province="51", blocs=(Bloc.PARTY,)),
        collector=CollectorSettings(id=LOG),
        http=None,
        credentials={},
    )
    fittings = Fittings(
        clock=clock,
        store=store,
        history=store,
        world=World(
            Inventory(Province("51", "")),
            load_rules(shipped_rules()),
            LogId(LOG),
            WorldPolicy(poll_ms=600_000),
        ),
        channels={receiver.name: receiver},
        meters=Meters("bench"),
        jitter=lambda: 0.0,
    )
    load = Load([item.code for item in estate.devices], receiver)
    before = _count(store)
    asyncio.run(_run(Engine(settings, fittings), load))
    transitions, incidents, pages = (after - then for after, then in zip(_count(store), before, strict=True))
    # What the first answers moved was not part of the storm: each device came up once, on two axes.
    return Storm(devices, load.seconds, transitions - 2 * devices, incidents, pages, load.sent)


async def _run(engine: Engine, load: Load) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(engine.run([load], stop))
    done = asyncio.create_task(load.done.wait())
    await asyncio.wait({running, done}, return_when=asyncio.FIRST_COMPLETED)
    done.cancel()
    stop.set()
    await running


def _count(store: SqlStore) -> list[int]:
    with store.engine.connect() as connection:
        return [
            int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in (transition, incident, outbox)
        ]


def with_people(inventory: Inventory) -> Inventory:
    """`inventory` with a watch that is paged."""
    watch = Contact(ContactCode("watch"), Role.WATCH, "Trực giám sát", (Bloc.PARTY,), ("webhook:duty",))
    return replace(inventory, contacts=(watch,))
