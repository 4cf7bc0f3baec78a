"""Engines that die at a statement of the write and send path: `python -m tests.contract.failpoint_program URL WEBHOOK
LIVES`.

Life after life exposes one device more and ends by SIGKILL at a point of its own: before or after a statement on what
is written or sent, before a commit, before or after a message is handed over. The first lives end at the points that
`NAMED` lists, the others each a point later than the one before: at which of them depends on what the threads do
first. The last life ends in peace once every message is out. Each life is a fork, so that what takes long, the
imports, is done once.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event

from channelwatch.app.running.engine import Engine, Fittings
from channelwatch.app.running.limits import EngineLimits
from channelwatch.app.running.meters import Meters
from channelwatch.app.settings import CollectorSettings, InstanceSettings, Settings
from channelwatch.app.texts import word
from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import LogId
from channelwatch.base.secrets import Secret
from channelwatch.incidents.restraint import Restraint
from channelwatch.inventory.model import Bloc
from channelwatch.notify.webhook.transport import WebhookChannel, WebhookConfig
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert, Outcome
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.store.engine import open_engine
from channelwatch.store.sqlstore import SqlStore
from tests.support import eventually
from tests.support.province import answer, bypass, encrypting, small_inventory, spoke
from tests.support.story import RULES

LIFE_S = 60.0
NAMED = (
    "before INSERT INTO incident",
    "after INSERT INTO outbox",
    "before COMMIT",
    "before UPDATE outbox",
    "before send",
    "after send",
)
"""Points that every life passes."""
PATH = re.compile(r"^(?:INSERT INTO|UPDATE) (?!lease\b|collector_alive\b)(\w+)")
"""Statements that write what is committed or what becomes of a message; not the lease and the heartbeats."""


class Made(SqlStore):
    """A store whose schema is known to be there: lives are short."""

    def upgrade(self) -> None:
        pass


class Fate:
    """Dies at the first point named `at`, or at the one with that number, counted from the moment when `is_on`; 0 lets
    live. Tells where it died."""

    def __init__(self, at: int | str) -> None:
        self.at = at
        self.is_on = False
        self.passed = 0

    def pass_point(self, name: str) -> None:
        """One more point."""
        if not self.is_on:
            return
        self.passed += 1
        if self.at in (self.passed, name):
            os.write(1, f"died {name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, store: SqlStore) -> None:
        """Every statement of the path, and every commit that holds one."""
        writing = False

        def before(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            nonlocal writing
            found = PATH.match(statement)
            if found:
                writing = True
                self.pass_point(f"before {found[0]}")

        def after(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            found = PATH.match(statement)
            if found:
                self.pass_point(f"after {found[0]}")

        def commit(_: Any) -> None:
            nonlocal writing
            if writing:
                writing = False
                self.pass_point("before COMMIT")

        event.listen(store.engine, "before_cursor_execute", before)
        event.listen(store.engine, "after_cursor_execute", after)
        event.listen(store.engine, "commit", commit)


class Mortal(WebhookChannel):
    """A webhook in whose hands one may die."""

    fate: Fate

    async def send(self, alert: Alert, destination: str) -> Outcome:
        self.fate.pass_point("before send")
        outcome = await super().send(alert, destination)
        self.fate.pass_point("after send")
        return outcome


class Exposing:
    """Exposes devices 1 to `devices` that have no incident yet, and waits until everything is told."""

    name = "exposing"

    def __init__(self, devices: int, fate: Fate, stop: asyncio.Event) -> None:
        self.devices = devices
        self.fate = fate
        self.stop = stop

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        told = {item.subject for item in engine.world.incidents.values()}
        self.fate.is_on = True
        for number in range(1, self.devices + 1):
            if spoke(number) not in told:
                engine.submit(answer(spoke(number), engine.clock.now(), encrypting(bypass())))

        async def is_told() -> bool:
            counts = await engine.in_store(engine.store.outbox_counts, engine.clock.now())
            return len(engine.world.incidents) >= self.devices and counts.pending + counts.claimed == 0

        await eventually(is_told, LIFE_S, what="every message")
        self.stop.set()


async def live(url: str, webhook: str, devices: int, fate: Fate) -> None:
    """One life."""
    clock, store, stop = SystemClock(), Made(open_engine(url, Path())), asyncio.Event()
    fate.watch(store)
    voice = Voice(partial(word, language="vi"), "vi")
    hook = Mortal({"duty": WebhookConfig(webhook, Secret("a secret of a test"), 5.0)}, voice, clock)
    hook.fate = fate
    fittings = Fittings(
        clock=clock,
        store=store,
        history=store,
        archive=store,
        world=World(
            small_inventory(0), RULES, LogId("col-1"), WorldPolicy(restraint=Restraint(most=1_000_000))
        ),
        channels={"webhook": hook},
        meters=Meters("test-1"),
        jitter=lambda: 0.0,
        closers=(hook.close,),
        limits=EngineLimits(lease_ttl_ms=200, begin_ttl_ms=200),
    )
    settings = Settings.model_construct(
        instance=InstanceSettings(id="test-1", province="51", blocs=(Bloc.PARTY,)),
        collector=CollectorSettings(id="col-1"),
        http=None,
        credentials={},
    )
    await Engine(settings, fittings).run([Exposing(devices, fate, stop)], stop)


def in_a_fork(work: Callable[[], None]) -> int:
    """Do `work` in a process of its own; its exit status, minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - the fork must end here
            os.write(1, f"failed: {error!r}\n".encode())
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(url: str, webhook: str, lives: str) -> int:
    """Exit status 1 when a life ended otherwise than it was to."""
    points: list[int | str] = [*NAMED, *range(1, int(lives) - len(NAMED) + 1)]
    for number, point in enumerate(points, start=1):
        fate = Fate(point)
        status = in_a_fork(lambda fate=fate, number=number: asyncio.run(live(url, webhook, number, fate)))
        if status not in (0, -signal.SIGKILL):
            return 1
    return in_a_fork(lambda: asyncio.run(live(url, webhook, int(lives), Fate(0))))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
