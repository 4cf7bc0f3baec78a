"""`channelwatch oncall`: who is on call, the roster in and out, gaps, swaps, and what was done to it."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from channelwatch.app.arguments import config_argument, person, show_acts
from channelwatch.app.history import words
from channelwatch.app.keptstore import kept_store
from channelwatch.app.oncall.csvfile import Sheet, given_out, local_minute, take_in
from channelwatch.app.roster import gaps_ahead
from channelwatch.app.settings import Settings, load_settings
from channelwatch.base.clock import EpochMs, SystemClock, local_text
from channelwatch.base.errors import InputError
from channelwatch.base.ids import ContactCode
from channelwatch.incidents.oncall import Roster, Swap, Team
from channelwatch.inventory.model import Inventory
from channelwatch.store.desk import Act
from channelwatch.store.sqlstore import SqlStore

GAPS_SHOWN = 200
LOG_SHOWN = 50


@dataclass(frozen=True, slots=True)
class _Desk:
    settings: Settings
    store: SqlStore
    args: argparse.Namespace

    def inventory(self) -> Inventory:
        found = self.store.inventory()
        if found is None:
            raise InputError(["no inventory has been applied yet"])
        return found

    def change(self, wanted: Roster, *, base: int, what: str, reason: str = "") -> int:
        name: str = self.args.by or getpass.getuser()
        act = Act(name, SystemClock().now(), getpass.getuser(), reason)
        return self.store.change_roster(wanted, act, what=what, base=base)


class Oncall:
    """The on-call roster."""

    name = "oncall"
    help = "show who is on call; import, export, swap, and look for gaps"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """One subcommand for each act."""
        below = parser.add_subparsers(dest="act", metavar="ACT", required=True)
        who = _act(below, "who", "show who is on call", _who)
        who.add_argument("--at", metavar="WHEN", help="ISO 8601; without offset +07:00 (default: now)")
        take = _act(below, "import", "take in CSV files of teams, shifts, rotations or holidays", _import)
        take.add_argument("files", nargs="+", type=Path, metavar="FILE")
        take.add_argument("--dry-run", action="store_true", help="check them and change nothing")
        give = _act(below, "export", "print a part of the roster as CSV", _export)
        give.add_argument("sheet", choices=[sheet.value for sheet in Sheet])
        gaps = _act(
            below, "gaps", "show when a team has nobody on call; status 1 if there is such a time", _gaps
        )
        swap = _act(below, "swap", "let one contact stand in for another", _swap)
        swap.add_argument("--team", required=True)
        swap.add_argument("--out", required=True, metavar="CONTACT", help="who would be on call")
        swap.add_argument("--in", dest="taker", required=True, metavar="CONTACT", help="who is instead")
        swap.add_argument("--from", dest="first", required=True, metavar="WHEN")
        swap.add_argument("--to", dest="last", required=True, metavar="WHEN")
        swap.add_argument("--reason", default="")
        acts = _act(below, "log", "show what was done to the roster", _log)
        for changing in (take, swap):
            changing.add_argument(
                "--by", type=person, metavar="NAME", help="who does it (default: the login name)"
            )
        show_acts(parser, who, take, give, gaps, swap, acts)

    def run(self, args: argparse.Namespace) -> int:
        """Do what was chosen."""
        with _desk(args) as desk:
            status: int = args.do(desk)
        return status


def _act(
    below: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help_text: str,
    do: Callable[[_Desk], int],
) -> argparse.ArgumentParser:
    parser = below.add_parser(name, help=help_text, description=help_text)
    config_argument(parser)
    parser.set_defaults(do=do)
    return parser


@contextmanager
def _desk(args: argparse.Namespace) -> Iterator[_Desk]:
    settings = load_settings(args.config)
    with kept_store(settings) as store:
        yield _Desk(settings, store, args)


def _who(desk: _Desk) -> int:
    _, roster = desk.store.roster()
    at = SystemClock().now() if desk.args.at is None else EpochMs(words.when(desk.args.at, "--at").start)
    posts = {item.code: item.post for item in desk.inventory().contacts}
    print(local_text(at))
    for team in roster.teams:
        on_call = [code for code in roster.on_call(team.code, at) if code in posts]
        print(f"{team.code}  {team.role}  {team.name}: {_people(team, on_call, posts)}")
    if not roster.teams:
        print("no roster: every contact of a role is on call")
    return 0


def _people(team: Team, on_call: Iterable[ContactCode], posts: dict[ContactCode, str]) -> str:
    shown = [f"{code} ({posts[code]})" for code in on_call]
    if shown:
        return ", ".join(shown)
    return "nobody; the whole team is told: " + ", ".join(team.members)


def _import(desk: _Desk) -> int:
    base, roster = desk.store.roster()
    wanted, lines = take_in(desk.args.files, roster, desk.inventory())
    print("\n".join(lines))
    if desk.args.dry_run:
        print("nothing changed (dry run)")
    elif wanted == roster:
        print("no changes")
    else:
        number = desk.change(wanted, base=base, what=f"import {'; '.join(lines)}")
        print(f"roster version {number}")
    return 0


def _export(desk: _Desk) -> int:
    print(given_out(desk.store.roster()[1], Sheet(desk.args.sheet)), end="")
    return 0


def _gaps(desk: _Desk) -> int:
    _, roster = desk.store.roster()
    found = gaps_ahead(roster, desk.inventory(), desk.settings.oncall, SystemClock().now())
    for gap in found[:GAPS_SHOWN]:
        print(f"{gap.team}  {local_minute(gap.start)}  {local_minute(gap.end)}")
    if len(found) > GAPS_SHOWN:
        print(f"and {len(found) - GAPS_SHOWN} more")
    days = desk.settings.oncall.gap_days
    if not found:
        print(f"no gaps in the next {days} days")
    return 1 if found else 0


def _swap(desk: _Desk) -> int:
    args = desk.args
    base, roster = desk.store.roster()
    span = words.span(args.first, args.last)
    contacts = {item.code for item in desk.inventory().contacts}
    wrong = [f"no contact {code!r}" for code in (args.out, args.taker) if code not in contacts]
    wrong += [] if args.team in roster.team else [f"no team {args.team!r}"]
    if wrong:
        raise InputError(wrong)
    giver, taker = ContactCode(args.out), ContactCode(args.taker)
    swap = Swap(args.team, giver, taker, EpochMs(span.start), EpochMs(span.end), args.reason)
    what = f"swap {args.team}: {taker} for {giver}, {local_minute(span.start)} to {local_minute(span.end)}"
    number = desk.change(
        replace(roster, swaps=(*roster.swaps, swap)), base=base, what=what, reason=args.reason
    )
    print(f"{what}\nroster version {number}")
    return 0


def _log(desk: _Desk) -> int:
    for item in desk.store.roster_log(LOG_SHOWN):
        why = f" ({item.act.reason})" if item.act.reason else ""
        print(f"{item.version:>5}  {local_text(item.act.at)}  {item.act.by}: {item.what}{why}")
    return 0
