"""`channelwatch drill start|stop|report`."""

from __future__ import annotations

import argparse
import getpass
import json

from channelwatch.app.arguments import config_argument, number, person, show_acts
from channelwatch.app.drill.desk import check, people, played_in
from channelwatch.app.drill.report import lines, report
from channelwatch.app.keptstore import kept_store
from channelwatch.app.settings import Settings, load_settings
from channelwatch.base.clock import EpochMs, SystemClock
from channelwatch.base.errors import InputError
from channelwatch.incidents.drills import Drill, Scenario
from channelwatch.store.desk import Act
from channelwatch.store.drills import STOP
from channelwatch.store.sqlstore import SqlStore

MINUTE_MS = 60_000


class DrillCommand:
    """Drills."""

    name = "drill"
    help = "play a fault to the real ladder, flagged as a drill; stop it; report how it went"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """One subcommand for each act."""
        below = parser.add_subparsers(dest="act", metavar="start|stop|report", required=True)
        begin = _act(below, "start", "ask the running service to play a fault")
        begin.add_argument("--scenario", required=True, choices=[item.value for item in Scenario])
        begin.add_argument("--on", required=True, metavar="CODE", help="a device, an HA group or a bloc")
        begin.add_argument("--minutes", type=int, default=30, help="how long at most (default: 30)")
        begin.add_argument(
            "--by", type=person, required=True, metavar="NAME", help="the chief who asks for it"
        )
        begin.add_argument(
            "--approved-by", type=person, required=True, metavar="NAME", help="the owner who agrees"
        )
        stop = _act(below, "stop", "end the drill that is on: the fault is over")
        stop.add_argument("--by", type=person, required=True, metavar="NAME", help="who ends it")
        tell = _act(below, "report", "when it was detected, told, acknowledged and over, for each person")
        tell.add_argument("number", type=number, nargs="?", help="which drill (default: the newest)")
        tell.add_argument("--json", action="store_true", help="print JSON")
        show_acts(parser, begin, stop, tell)

    def run(self, args: argparse.Namespace) -> int:
        """Do what was chosen."""
        settings = load_settings(args.config)
        with kept_store(settings) as store:
            match args.act:
                case "start":
                    _start(store, settings, args)
                case "stop":
                    _stop(store, args)
                case _:
                    _report(store, args)
        return 0


def _act(
    below: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    own = below.add_parser(name, help=text, description=text)
    config_argument(own)
    return own


def _start(store: SqlStore, settings: Settings, args: argparse.Namespace) -> None:
    now, inventory = SystemClock().now(), store.inventory()
    wanted = Drill(
        number=0,
        scenario=Scenario(args.scenario),
        code=args.on,
        requested_by=args.by,
        approved_by=args.approved_by,
        requested_at=now,
        ends_at=EpochMs(now + args.minutes * MINUTE_MS),
    )
    if inventory is None:
        raise InputError(["there is no inventory yet"])
    check(wanted, inventory, people(inventory, settings))
    number = store.ask_drill(wanted, origin=getpass.getuser())
    print(f"drill {number}: the running service begins it within a second or two")


def _stop(store: SqlStore, args: argparse.Namespace) -> None:
    drill = _chosen(store, None)
    store.mark_drill(drill.number, STOP, Act(args.by, SystemClock().now(), getpass.getuser()))
    print(f"drill {drill.number}: the running service ends it within a second or two")


def _report(store: SqlStore, args: argparse.Namespace) -> None:
    drill = _chosen(store, args.number)
    played = played_in(store, drill, SystemClock().now())
    if args.json:
        print(json.dumps(report(drill, played), ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines(drill, played)))


def _chosen(store: SqlStore, number: int | None) -> Drill:
    every = store.drills()
    found = [item for item in every if number in (None, item.number)]
    if not found:
        raise InputError(["there is no such drill"])
    return found[-1]
