"""The receiver under test: the engine, the store and the syslog station of `channelwatch run`, and nothing else.

Usage: sink.py CONFIG. Says `ready` once it listens, and its counters as a JSON line when it is told to end.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from channelwatch_collector.engines import search_for_cycles_less_often
from channelwatch_collector.sources import watched_devices
from channelwatch_collector.syslog.station import Station

from channelwatch.app.cli import SWITCH_S
from channelwatch.app.inventoryfile import load_inventory
from channelwatch.app.running.engine import Engine
from channelwatch.app.settings import load_settings
from channelwatch.app.wiring import build_engine


class SyslogOnly:
    """A part that receives syslog and asks for no polls."""

    name = "syslog"

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        """Receive until `stop` is set."""
        station = Station(engine, poll_now=lambda _: None)
        blocs = frozenset(engine.settings.instance.blocs)
        station.set_devices(watched_devices(engine.world.inventory, blocs))
        await station.start()
        print("ready", flush=True)
        await stop.wait()
        await station.close()
        counts: dict[str, int] = {}
        for (name, _), value in station.counters.snapshot().items():
            counts[name.value] = counts.get(name.value, 0) + value
        print(json.dumps({**counts, "queue_dropped": engine.observations.dropped}), flush=True)


def main() -> None:
    path = Path(sys.argv[1])
    settings = load_settings(path)
    engine = build_engine(settings)
    engine.store.upgrade()
    assert settings.inventory is not None
    wanted = load_inventory(path.parent / settings.inventory.file, settings)
    engine.store.apply_inventory(wanted, (), by="bench", at=engine.clock.now())

    sys.setswitchinterval(SWITCH_S)
    search_for_cycles_less_often()

    async def run() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await engine.run([SyslogOnly()], stop)

    if len(sys.argv) > 2:
        import cProfile

        with cProfile.Profile() as profile:
            asyncio.run(run())
        profile.dump_stats(sys.argv[2])
    else:
        asyncio.run(run())


if __name__ == "__main__":
    main()
