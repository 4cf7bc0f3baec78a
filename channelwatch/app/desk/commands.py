"""`channelwatch maintenance` and `channelwatch correct`: every act names who does it, and stays for ever."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from channelwatch.app.arguments import config_argument, number, person, show_acts
from channelwatch.app.desk.exceptions import left_out
from channelwatch.app.history import words
from channelwatch.app.keptstore import kept_store
from channelwatch.app.roster import calendar_of
from channelwatch.app.settings import load_settings, read_secret
from channelwatch.app.signing import sign, signers
from channelwatch.base.clock import EpochMs, SystemClock, local_text
from channelwatch.base.errors import InputError
from channelwatch.base.intervals import Interval
from channelwatch.inventory.maintenance import (
    Every,
    Window,
    WindowScope,
    problems,
    same_person,
    scope_problems,
)
from channelwatch.inventory.model import Inventory
from channelwatch.store.desk import Act
from channelwatch.store.sqlstore import SqlStore
from channelwatch.uptime.corrections import CorrectedState, Correction, Decision, decided_fact, requested_fact

Run = Callable[[SqlStore, argparse.Namespace], None]


class Maintenance:
    """Planned work."""

    name = "maintenance"
    help = "plan, approve, list and end maintenance windows"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """One subcommand for each act."""
        below = parser.add_subparsers(dest="act", metavar="ACT", required=True)
        add = _act(below, "add", "ask for a window", _add_window)
        _what_and_when(add)
        add.add_argument("--owner", required=True, help="the post that answers for the work")
        _again(add)
        add.add_argument(
            "--approved-by", type=person, metavar="NAME", help="who has approved it, another person"
        )
        approve = _act(below, "approve", "approve a window that somebody else asked for", _approve_window)
        approve.add_argument("number", type=number)
        end = _act(below, "end", "end a window now, and for good", _end_window)
        end.add_argument("number", type=number)
        end.add_argument("--reason", default="")
        every = _act(below, "list", "list the windows that may still take place", _list_windows)
        every.add_argument("--all", action="store_true", help="past ones too")
        show_acts(parser, add, approve, end, every)

    def run(self, args: argparse.Namespace) -> int:
        """Do what was chosen."""
        with kept_store(load_settings(args.config)) as store:
            args.do(store, args)
        return 0


class Correct:
    """Corrections of the record."""

    name = "correct"
    help = "ask for, approve, refuse and list corrections of what was recorded"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """One subcommand for each act."""
        below = parser.add_subparsers(dest="act", metavar="ACT", required=True)
        request = _act(below, "request", "ask for a correction", _request)
        _what_and_when(request)
        request.add_argument("--state", required=True, choices=[state.value for state in CorrectedState])
        approve = _act(below, "approve", "approve a correction that somebody else asked for", _decide)
        refuse = _act(below, "refuse", "refuse one", _decide)
        _key(request)
        for decide, decision in ((approve, Decision.APPROVED), (refuse, Decision.REFUSED)):
            decide.set_defaults(decision=decision)
            decide.add_argument("number", type=number)
            decide.add_argument("--reason", default="")
            _key(decide)
        every = _act(below, "list", "list all corrections", _list_corrections)
        show_acts(parser, request, approve, refuse, every)

    def run(self, args: argparse.Namespace) -> int:
        """Do what was chosen."""
        with kept_store(load_settings(args.config)) as store:
            args.do(store, args)
        return 0


def _act(
    below: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help_text: str, do: Run
) -> argparse.ArgumentParser:
    parser = below.add_parser(name, help=help_text, description=help_text)
    config_argument(parser)
    parser.add_argument("--by", type=person, metavar="NAME", help="who does it (default: the login name)")
    parser.set_defaults(do=do)
    return parser


_TOLD = {
    Every.DAY: "daily",
    Every.WEEK: "weekly",
    Every.MONTH: "monthly",
    Every.MONTH_WEEKDAY: "monthly-weekday",
}
_HELP = {
    Every.DAY: "again every day until then",
    Every.WEEK: "again every week until then",
    Every.MONTH: "again on the same day of every month that has it",
    Every.MONTH_WEEKDAY: "again on the same weekday of every month, such as its second Tuesday",
}


def _again(parser: argparse.ArgumentParser) -> None:
    ways = parser.add_mutually_exclusive_group()
    for every, word in _TOLD.items():
        ways.add_argument(
            f"--{word}-until",
            dest="again",
            metavar="WHEN",
            type=partial(_every, every),
            help=_HELP[every],
        )
    parser.add_argument(
        "--except",
        dest="exceptions",
        action="append",
        default=[],
        metavar="DAYS",
        help="days that it would touch and is left out on: 2027-02-09, 2027-02-05..2027-02-11, or holidays"
        " (those that are known now, with those of `oncall import`)",
    )


def _every(every: Every, when: str) -> tuple[Every, str]:
    return every, when


def _key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key", metavar="FILE", help="file:PATH or env:NAME of your private key, Ed25519 in PEM"
    )


def _what_and_when(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scope", required=True, help="device:CODE, site:CODE, pair:CODE or bloc:NAME")
    parser.add_argument(
        "--from", dest="first", required=True, metavar="WHEN", help="ISO 8601; without offset +07:00"
    )
    parser.add_argument("--to", dest="last", required=True, metavar="WHEN")
    parser.add_argument("--reason", required=True)


def _add_window(store: SqlStore, args: argparse.Namespace) -> None:
    scope, code = _scope(args.scope)
    period = words.span(args.first, args.last)
    now, by = SystemClock().now(), _name(args)
    every, until = args.again or (Every.WEEK, None)
    window = Window(
        id=0,
        scope=scope,
        code=code,
        start=EpochMs(period.start),
        end=EpochMs(period.end),
        owner=args.owner,
        reason=args.reason,
        requested_by=by,
        requested_at=now,
        every=every,
        again_until=None if until is None else EpochMs(words.when(until, f"--{_TOLD[every]}-until").end),
    )
    if args.exceptions and window.again_until is None:
        raise InputError(["--except: only a window that comes again may have such days"])
    if args.exceptions:
        calendar = calendar_of(load_settings(args.config).oncall, store.roster()[1])
        window = left_out(window, args.exceptions, calendar.days_off)
    wrong = problems(window, _inventory(store))
    if args.approved_by is not None and same_person(by, args.approved_by):
        wrong.append("--approved-by: whoever asks for it cannot approve it")
    if wrong:
        raise InputError(wrong)
    number = store.plan_window(window, origin=getpass.getuser())
    if args.exceptions:
        print(f"left out on {len(window.except_days)} days: {_days_of(window) or 'none that it would touch'}")
    if args.approved_by is None:
        print(f"maintenance {number} asked for; it counts for nothing until somebody else approves it")
        return
    store.approve_window(number, Act(args.approved_by, now, getpass.getuser()))
    print(f"maintenance {number} planned, approved by {args.approved_by}")


def _approve_window(store: SqlStore, args: argparse.Namespace) -> None:
    window = store.approve_window(args.number, _now_by(args))
    print(f"maintenance {window.id} approved by {window.approved_by}")
    if window.approved_at is not None and window.approved_at >= window.start:
        print(
            "it has begun: it keeps pages back from now on, and is not left out of the availability of that time"
        )


def _end_window(store: SqlStore, args: argparse.Namespace) -> None:
    window = store.end_window(args.number, _now_by(args, args.reason))
    print(f"maintenance {window.id} ended by {window.ended_by}")


def _list_windows(store: SqlStore, args: argparse.Namespace) -> None:
    now = SystemClock().now()
    for window in store.windows(since=0 if args.all else now):
        print(_window_line(window, now))


def _window_line(window: Window, now: EpochMs) -> str:
    state = "on" if window.is_on(now) else "approved" if window.approved_at is not None else "not approved"
    state = "ended" if window.ended_at is not None else state
    again = (
        "" if window.again_until is None else f" {_TOLD[window.every]} until {local_text(window.again_until)}"
    )
    again += f" except {_days_of(window)}" if window.except_days else ""
    approved = "" if window.approved_by is None else f", approved by {window.approved_by}"
    when = f"{local_text(window.start)} to {local_text(window.end)}{again}"
    people = f"asked for by {window.requested_by}{approved}, owner {window.owner}"
    return f"{window.id:>6}  {state:<12}  {window.scope}:{window.code}  {when}  {people}: {window.reason}"


def _days_of(window: Window) -> str:
    return ", ".join(day.isoformat() for day in sorted(window.except_days))


def _request(store: SqlStore, args: argparse.Namespace) -> None:
    scope, code = _scope(args.scope)
    state = CorrectedState(args.state)
    period = words.span(args.first, args.last)
    now = SystemClock().now()
    wrong = _unlisted(store, scope, code, period)
    if state is not CorrectedState.MAINTENANCE and scope not in (WindowScope.DEVICE, WindowScope.PAIR):
        wrong.append("--scope: a state is that of one device or one pair")
    if period.end > now:
        wrong.append("--to: only the past can be corrected")
    if not args.reason.strip():
        wrong.append("--reason: must say why")
    if wrong:
        raise InputError(wrong)
    wanted = Correction(0, scope, code, state, period.start, period.end, args.reason, _name(args), now)
    wanted = replace(wanted, signature=_signed(args, wanted.requested_by, requested_fact(wanted)))
    number = store.request_correction(wanted, origin=getpass.getuser())
    print(f"correction {number} asked for; it counts for nothing until somebody else approves it")


def _decide(store: SqlStore, args: argparse.Namespace) -> None:
    act = _now_by(args, args.reason)
    found = store.decide_correction(
        args.number, args.decision, act, sign=lambda item: _signed(args, act.by, decided_fact(item))
    )
    print(f"correction {found.id} {found.decision} by {found.decided_by}")


def _signed(args: argparse.Namespace, by: str, fact: bytes) -> str:
    """The signature of `by`: needed where the configuration names signers, and then by the key that it has of them."""
    known = signers(load_settings(args.config))
    if args.key is None:
        if known:
            raise InputError(["--key: corrections are signed here (signers in the configuration)"])
        return ""
    signature = sign(read_secret(args.key), fact)
    if known and not known.has_signed(by, fact, signature):
        raise InputError([f"--key: is not the key that signers has of {by!r}"])
    return signature


def _list_corrections(store: SqlStore, args: argparse.Namespace) -> None:
    known = signers(load_settings(args.config))
    for item in store.corrections():
        genuine = "" if known.approve(item) else ", SIGNATURE MISSING OR WRONG: it counts for nothing"
        decided = "" if item.decided_by is None else f", {item.decision} by {item.decided_by}"
        when = f"{local_text(item.start)} to {local_text(item.end)}"
        people = f"asked for by {item.requested_by}{decided}{genuine}"
        print(
            f"{item.id:>6}  {item.decision:<9}  {item.scope}:{item.code} {item.state}  {when}  {people}: {item.reason}"
        )


def _scope(text: str) -> tuple[WindowScope, str]:
    kind, _, code = text.partition(":")
    if kind not in list(WindowScope) or not code:
        raise InputError([f"--scope {text!r}: must be device:CODE, site:CODE, pair:CODE or bloc:NAME"])
    return WindowScope(kind), code


def _unlisted(store: SqlStore, scope: WindowScope, code: str, period: Interval) -> list[str]:
    """Why nothing of `code` can be corrected: no inventory in force in `period` listed it, whatever became of it."""
    then = [edition.inventory for edition in store.editions(period)] or [_inventory(store)]
    return min((list(scope_problems(scope, code, inventory)) for inventory in then), key=len)


def _inventory(store: SqlStore) -> Inventory:
    found = store.inventory()
    if found is None:
        raise InputError(["no inventory has been applied yet"])
    return found


def _name(args: argparse.Namespace) -> str:
    name: str = args.by or getpass.getuser()
    return name


def _now_by(args: argparse.Namespace, reason: str = "") -> Act:
    return Act(_name(args), SystemClock().now(), getpass.getuser(), reason)
