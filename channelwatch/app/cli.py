"""The command line: `channelwatch run|init|apply|check-config|version`, and the commands that other packages add."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import yaml

from channelwatch import __version__
from channelwatch.app import logs
from channelwatch.app.alertrules.commands import Rules
from channelwatch.app.arguments import config_argument, person
from channelwatch.app.database.commands import Backup, Database, Rebuild, Restore
from channelwatch.app.desk.commands import Correct, Maintenance
from channelwatch.app.drill.commands import DrillCommand
from channelwatch.app.grafana.commands import GrafanaCommand
from channelwatch.app.history.commands import Uptime
from channelwatch.app.inventoryfile import load_inventory
from channelwatch.app.oncall.commands import Oncall
from channelwatch.app.plugins import Command, load_commands, load_parts
from channelwatch.app.running.engine import Engine
from channelwatch.app.settings import Settings, load_settings, masked
from channelwatch.app.starter import Init
from channelwatch.app.watch.commands import Watchdog
from channelwatch.app.wiring import build_engine, build_store
from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import ChannelwatchError, InputError
from channelwatch.base.garbage import keep_what_is_there
from channelwatch.inventory.diff import diff

OK, FAILED, WRONG_INPUT = 0, 1, 2
SWITCH_S = 0.0005
"""How long the store's thread may hold up the event loop; Python's own 5 ms add up under a flood."""
SETTLE_S = 1.0
"""How often it is looked whether everything has begun."""
STOP_S = 4.6
"""How long after the wish to stop the process ends in any case. The engine needs less, unless something hangs."""

log = logging.getLogger(__name__)


class Run:
    """The main job."""

    name = "run"
    help = "poll, receive, decide, alert and serve until stopped"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        config_argument(parser)
        parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")

    def run(self, args: argparse.Namespace) -> int:
        settings = load_settings(args.config)
        logs.set_up(args.log_level)
        for name in settings.loose_secrets:
            log.warning("everybody on this machine may read a secret", extra={"file": name})
        if settings.inventory is not None:
            _apply(settings, settings.resolve(settings.inventory.file), by="configuration", dry_run=False)
        sys.setswitchinterval(SWITCH_S)
        asyncio.run(_serve(settings))
        return OK


class Apply:
    """Declarative inventory."""

    name = "apply"
    help = "make the stored inventory equal to a file; shows what changes"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        config_argument(parser)
        parser.add_argument("-f", "--file", type=Path, required=True, help="inventory file")
        parser.add_argument("--dry-run", action="store_true", help="show the changes, apply none")
        parser.add_argument(
            "--by", type=person, default=None, help="who applies it (default: the login name)"
        )

    def run(self, args: argparse.Namespace) -> int:
        settings = load_settings(args.config)
        lines = _apply(settings, args.file, by=args.by or _login_name(), dry_run=args.dry_run)
        print("\n".join(lines))
        return OK


class CheckConfig:
    """What the program understands of its configuration."""

    name = "check-config"
    help = "check the configuration and print it as understood, secrets masked"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        config_argument(parser)
        parser.add_argument("--json", action="store_true", help="print JSON instead of YAML")

    def run(self, args: argparse.Namespace) -> int:
        settings = load_settings(args.config)
        for name in settings.loose_secrets:
            print(f"{name}: everybody on this machine may read this secret; chmod 0640", file=sys.stderr)
        effective = masked(settings)
        if args.json:
            print(json.dumps(effective, ensure_ascii=False, indent=2))
        else:
            print(yaml.safe_dump(effective, allow_unicode=True, sort_keys=False), end="")
        return OK


class Version:
    """Which version this is."""

    name = "version"
    help = "print the version"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        pass

    def run(self, args: argparse.Namespace) -> int:
        print(f"channelwatch {__version__}")
        return OK


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script. Exit status 0, 1 (failed) or 2 (wrong input)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    commands: list[Command] = [
        Run(), Init(), Apply(), Uptime(), Maintenance(), Correct(), Oncall(), Backup(), Restore(), Rebuild(),
        Database(), CheckConfig(), Rules(), GrafanaCommand(), Watchdog(), DrillCommand(), Version(),
    ]  # fmt: skip
    if arguments[:1] not in ([command.name] for command in commands):
        commands += load_commands()
    parser = argparse.ArgumentParser(
        prog="channelwatch",
        description="Monitoring of channel-encryption devices: status, alerts, uptime history.",
    )
    below = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in commands:
        own = below.add_parser(command.name, help=command.help, description=command.help)
        command.configure(own)
        own.set_defaults(run=command.run)
    args = parser.parse_args(arguments)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except ChannelwatchError as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT if isinstance(error, InputError) else FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader, `head` say, has what it wanted; the interpreter's own flush at exit must not complain either.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        return OK
    except OSError as error:
        print(f"{error.filename or arguments[0]}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    return status


def _apply(settings: Settings, path: Path, *, by: str, dry_run: bool) -> list[str]:
    wanted = load_inventory(path, settings)
    store = build_store(settings)
    try:
        if not dry_run:
            store.upgrade()
        changes = diff(store.inventory() if store.is_made() else None, wanted)
        lines = [str(change) for change in changes]
        if not changes:
            return ["no changes"]
        count = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
        if dry_run:
            return [*lines, f"{count}, none applied (dry run)"]
        version = store.apply_inventory(wanted, changes, by=by, at=SystemClock().now())
        return [*lines, f"{count} applied as inventory version {version} by {by}"]
    finally:
        store.close()


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # A container's user may stand in no password file.


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    guard = asyncio.create_task(_end_in_time(stop))
    wanted = frozenset({"collector"} | ({"api"} if settings.http is not None else set()))
    engine = build_engine(settings)
    settling = asyncio.create_task(_settle(engine))
    await engine.run(load_parts(wanted), stop)
    settling.cancel()
    await guard


async def _settle(engine: Engine) -> None:
    while not engine.readiness().ready:  # noqa: ASYNC110 - readiness is asked, it tells nobody
        await asyncio.sleep(SETTLE_S)
    keep_what_is_there()


async def _end_in_time(stop: asyncio.Event) -> None:
    """What is still at work so long after the stop, in a thread or a task that heeds nobody, is left behind."""
    await stop.wait()
    timer = threading.Timer(STOP_S, _break_off)
    timer.daemon = True
    timer.start()


def _break_off() -> None:
    log.error("did not stop in time; the store keeps what was committed", extra={"seconds": STOP_S})
    os._exit(FAILED)
