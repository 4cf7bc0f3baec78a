"""`channelwatch watchdog`: the second small process."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from channelwatch.app import logs
from channelwatch.app.settings.heartbeat import WatchdogSettings, load_watchdog
from channelwatch.app.watch.dog import Dog
from channelwatch.base.clock import SystemClock


class Watchdog:
    """Listens to the heartbeat of a service on another machine."""

    name = "watchdog"
    help = "listen to a service's heartbeat; tell people by ways of its own when it stops"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Its own configuration file."""
        parser.add_argument(
            "-c", "--config", type=Path, default=Path("watchdog.yaml"), help="its own configuration file"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Until stopped."""
        settings = load_watchdog(args.config)
        logs.set_up("info")
        asyncio.run(_run(settings))
        return 0


async def _run(settings: WatchdogSettings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Dog(settings, SystemClock()).run(stop)
