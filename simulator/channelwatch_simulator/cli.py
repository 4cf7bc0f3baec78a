"""`channelwatch-simulator`: a simulated province that runs alone, against any collector."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path

from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import ChannelwatchError
from channelwatch_simulator.files import SECRETS, RunFolder
from channelwatch_simulator.province import (
    CREDENTIAL_V2C,
    CREDENTIAL_V3,
    DEFAULT_PORT,
    Preset,
    SimulatedProvince,
    build_province,
)
from channelwatch_simulator.simulation import Simulation, Targets
from channelwatch_simulator.story import story

_MAX_SPEED = 10_000.0


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = _parser().parse_args(argv)
    try:
        return asyncio.run(_run(args))
    except ChannelwatchError as error:
        print(f"channelwatch-simulator: {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="channelwatch-simulator", description=__doc__)
    parser.add_argument("--preset", type=Preset, choices=list(Preset), default=Preset.DEMO)
    parser.add_argument(
        "--communes", type=int, metavar="N", help="number of communes (default: as the preset)"
    )
    parser.add_argument("--mixed", action="store_true", help="give some devices other categories")
    add_pace(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files are written")
    parser.add_argument("--traps", type=endpoint, metavar="HOST:PORT", help="send SNMP traps there")
    parser.add_argument("--syslog", type=endpoint, metavar="HOST:PORT", help="send syslog (UDP) there")
    parser.add_argument(
        "--seed-secrets", type=int, metavar="N", help="make the secrets from N: for tests only, not secret"
    )
    parser.add_argument("--calm", action="store_true", help="leave out the scripted opening")
    return parser


def add_pace(parser: argparse.ArgumentParser) -> None:
    """The options that every way to run a simulation has."""
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another story")
    parser.add_argument(
        "--speed", type=speed, default=1.0, metavar="X", help="tell the story X times as fast (default 1)"
    )
    parser.add_argument(
        "--agent-port",
        type=port,
        metavar="PORT",
        help=f"UDP port of all devices ({DEFAULT_PORT})",
    )
    parser.add_argument(
        "--for", dest="seconds", type=float, metavar="SECONDS", help="end by itself after that"
    )


def speed(text: str) -> float:
    """A speed above 0."""
    value = float(text)
    if not 0 < value <= _MAX_SPEED:
        raise argparse.ArgumentTypeError(f"a speed is above 0 and at most {_MAX_SPEED:.0f}")
    return value


def port(text: str) -> int:
    """A port that needs no privilege."""
    value = int(text)
    if not 1024 < value < 65536:
        raise argparse.ArgumentTypeError("a port is between 1025 and 65535")
    return value


def endpoint(text: str) -> tuple[str, int]:
    """`127.0.0.1:1162`: a simulation speaks to this machine only."""
    host, _, number = text.rpartition(":")
    if not host.startswith("127.") or not number.isdigit():
        raise argparse.ArgumentTypeError("expected 127.x.y.z:PORT; a simulation speaks to this machine only")
    return host, int(number)


async def _run(args: argparse.Namespace) -> int:
    agent_port = args.agent_port or DEFAULT_PORT
    province = build_province(
        args.preset, args.seed, commune_count=args.communes, port=agent_port, mixed=args.mixed
    )
    folder = RunFolder(args.out, secret_seed=args.seed_secrets)
    inventory = folder.write_inventory(province)
    simulation = Simulation(
        province,
        folder.keys(),
        SystemClock(),
        seed=args.seed,
        targets=Targets(args.traps, args.syslog),
        boots=folder.next_boot(),
    )
    async with simulation:
        _explain(args, province, inventory, simulation.agents)
        events = story(province.inventory, args.seed, opening=not args.calm)
        await until_stopped(simulation.play(events, args.speed), args.seconds)
    print(f"Stopped after {simulation.notices_sent} notices.")
    return 0


async def until_stopped(work: Coroutine[object, object, None], seconds: float | None) -> None:
    """Run `work` until it ends, SIGINT or SIGTERM comes, or `seconds` have passed."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        async with asyncio.timeout(seconds):
            await task
    except TimeoutError:
        pass
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
    finally:
        task.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _explain(args: argparse.Namespace, province: SimulatedProvince, inventory: Path, agents: int) -> None:
    first = next(item for item in province.inventory.devices if item.credential == CREDENTIAL_V3)
    old = next((item for item in province.inventory.devices if item.credential == CREDENTIAL_V2C), first)
    where = args.out / SECRETS
    print(f"DỮ LIỆU MÔ PHỎNG - simulated: {agents} agents answer on UDP port {first.port}.")
    print(f"  inventory    {inventory}")
    print(
        f"  credentials  {CREDENTIAL_V3}: v3 authPriv, SHA-256, AES-128, user cw, {where}/auth and {where}/priv"
    )
    print(f"               {CREDENTIAL_V2C}: v2c, {where}/community")
    print(f"  traps        {_shown(args.traps)}   syslog {_shown(args.syslog)}")
    print("Try:")
    print(
        f'  snmpget -v3 -l authPriv -u cw -a SHA-256 -A "$(cat {where}/auth)" -x AES -X "$(cat {where}/priv)"'
        f" {first.address}:{first.port} 1.3.6.1.2.1.1.5.0"
    )
    print(f'  snmpbulkwalk -v2c -c "$(cat {where}/community)" {old.address}:{old.port} 1.3.6.1.4.1.99999')
    print("Ctrl-C ends it.", flush=True)


def _shown(target: tuple[str, int] | None) -> str:
    return "not sent" if target is None else f"{target[0]}:{target[1]}"


if __name__ == "__main__":
    sys.exit(main())
