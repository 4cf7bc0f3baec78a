"""An engine as a process of its own, for tests to kill, freeze and race: `python -m tests.contract.engine_program
URL WEBHOOK DEVICES TTL_MS`, the last being how long its lease lasts.

Its part exposes one device after the other, those that have no incident yet, and says `done` when all have one.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from functools import partial
from pathlib import Path

from channelwatch.app import logs
from channelwatch.app.running.engine import Engine, Fittings
from channelwatch.app.running.limits import EngineLimits
from channelwatch.app.running.meters import Meters
from channelwatch.app.settings import CollectorSettings, InstanceSettings, Settings
from channelwatch.app.texts import word
from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import ChannelwatchError
from channelwatch.base.ids import LogId
from channelwatch.base.secrets import Secret
from channelwatch.incidents.restraint import Restraint
from channelwatch.inventory.model import Bloc
from channelwatch.notify.webhook.transport import WebhookChannel, WebhookConfig
from channelwatch.notify.words import Voice
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.events import CollectorAlive
from channelwatch.store.sqlstore import open_store
from tests.support import eventually
from tests.support.province import answer, bypass, encrypting, small_inventory, spoke
from tests.support.story import RULES


class Scripted:
    """Exposes devices 1 to `devices`, one every few milliseconds; heartbeats as a collector does."""

    name = "scripted"

    def __init__(self, devices: int) -> None:
        self.devices = devices

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        print("working", flush=True)
        told = {item.subject for item in engine.world.incidents.values()}
        for number in range(1, self.devices + 1):
            if stop.is_set():
                return
            now = engine.clock.now()
            if spoke(number) not in told:
                engine.submit(answer(spoke(number), now, encrypting(bypass())))
                engine.submit(CollectorAlive("col-1", now, now, lag_ms=0))
            await asyncio.sleep(0.004)
        all_told = lambda: stop.is_set() or len(engine.world.incidents) >= self.devices  # noqa: E731
        await eventually(all_told, 60, what="an incident for each")
        print("done", flush=True)
        await stop.wait()


async def work(url: str, webhook: str, devices: int, ttl_ms: int) -> None:
    """Run until SIGTERM."""
    clock, store = SystemClock(), open_store(url, Path())
    hook = WebhookChannel(
        {"duty": WebhookConfig(webhook, Secret("a secret of a test"), 2.0)},
        Voice(partial(word, language="vi"), "vi"),
        clock,
    )
    fittings = Fittings(
        clock=clock,
        store=store,
        history=store,
        world=World(
            small_inventory(0), RULES, LogId("col-1"), WorldPolicy(restraint=Restraint(most=1_000_000))
        ),
        channels={"webhook": hook},
        meters=Meters("test-1"),
        jitter=lambda: 0.0,
        closers=(hook.close,),
        limits=EngineLimits(lease_ttl_ms=ttl_ms),
    )
    settings = Settings.model_construct(
        instance=InstanceSettings(id="test-1", province="51", blocs=(Bloc.PARTY,)),
        collector=CollectorSettings(id="col-1"),
        http=None,
        credentials={},
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await Engine(settings, fittings).run([Scripted(devices)], stop)


def main(url: str, webhook: str, devices: str, ttl_ms: str) -> int:
    """Exit status 1 when the engine ended with an error, which is printed."""
    logs.set_up("info")
    try:
        asyncio.run(work(url, webhook, int(devices), int(ttl_ms)))
    except ChannelwatchError as error:
        print(f"ended: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
