"""The command `channelwatch demo`."""

from __future__ import annotations

import argparse
import asyncio
import functools
import importlib.util
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import Permanent
from channelwatch_simulator.cli import add_pace, port, until_stopped
from channelwatch_simulator.demo import Demo, Plan, check_port_free


class DemoCommand:
    """A simulated province, its alerts and the board, on this machine alone."""

    name = "demo"
    help = "show everything at work: a simulated province with 64 devices, alerts and the board"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        add_pace(parser)
        parser.add_argument(
            "--port", type=port, default=8080, metavar="PORT", help="port of the board (8080)"
        )
        parser.add_argument(
            "--dir",
            type=Path,
            metavar="DIR",
            help="folder to keep (default: a temporary one, removed at the end)",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the measured figures there")

    def run(self, args: argparse.Namespace) -> int:
        """Run until stopped; 0, or an error when something did not stay up, which leaves the folder for a look."""
        if importlib.util.find_spec("aiosmtpd") is None:
            raise Permanent("The demo's mail inbox needs aiosmtpd: pip install 'channelwatch[demo]'.")
        check_port_free(args.port)
        root = args.dir or Path(tempfile.mkdtemp(prefix="channelwatch-demo-"))
        plan = Plan(root.resolve(), args.seed, args.speed, args.port, args.agent_port, args.seconds)
        figures: dict[str, Any] = {}
        asyncio.run(_run(plan, figures))
        if figures:
            _report(figures)
            if args.json is not None:
                args.json.write_text(json.dumps(figures, indent=2) + "\n")
        if args.dir is None:
            shutil.rmtree(root)
        return 0


demo = DemoCommand()


async def _run(plan: Plan, figures: dict[str, Any]) -> None:
    await until_stopped(
        Demo(plan, SystemClock(), functools.partial(print, flush=True)).run(figures), plan.seconds
    )


def _report(figures: dict[str, Any]) -> None:
    print(
        f"Alerts: {figures['webhooks']} by webhook, {figures['mails']} by mail, {figures['refused']} refused."
    )
    print("From the packet to the webhook, new incidents only; some rules wait on purpose before they speak:")
    for rule, latency in {**figures["latency_ms_by_rule"], "all": figures["latency_ms"]}.items():
        if latency["count"]:
            print(
                f"  {rule:20} {latency['count']:4}   p50 {latency['p50']} ms   p95 {latency['p95']} ms"
                f"   longest {latency['max']} ms"
            )
