"""Commands about the database itself: `rebuild`, `backup`, `restore` and `db`."""

from __future__ import annotations

import argparse
import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from channelwatch.app.arguments import config_argument, person, show_acts
from channelwatch.app.keptstore import kept_store
from channelwatch.app.running.engine import LEASE
from channelwatch.app.settings import Settings, load_settings
from channelwatch.app.wiring import build_store
from channelwatch.base.clock import LOCAL_ZONE, EpochMs, SystemClock, local_text
from channelwatch.base.errors import InputError, Permanent
from channelwatch.base.intervals import Interval
from channelwatch.pipeline.availability import Terms
from channelwatch.pipeline.snapshots import make_month, stale_months, wrong_months
from channelwatch.store import backup
from channelwatch.store.desk import Act
from channelwatch.store.errors import StorePermanent, StoreReason
from channelwatch.store.sqlstore import SqlStore, open_store

SHOWN = 100
"""Differences, runs of pruning and rebuilds that are printed."""
MOST_SHOWN = 10_000
"""Runs of pruning that may be asked for."""
LEASE_MS = 60_000


class Rebuild:
    """The projection of the transitions, compared or made anew."""

    name = "rebuild"
    help = "make the status intervals, and the sums of past months, anew from the recorded transitions"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Only to look, or to repair."""
        config_argument(parser)
        ways = parser.add_mutually_exclusive_group()
        ways.add_argument(
            "--check",
            action="store_true",
            help="only compare, also while the service runs; status 1 if they differ",
        )
        ways.add_argument("--log", action="store_true", help="only list what earlier rebuilds repaired")
        parser.add_argument(
            "--by", type=person, metavar="NAME", help="who repairs it (default: the login name)"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Status 1 when `--check` finds a difference."""
        settings = load_settings(args.config)
        with kept_store(settings) as store:
            terms = _whole_past(settings)
            if args.log:
                return _list_rebuilds(store)
            if args.check:
                return max(_compare(store), _compare_months(store, terms))
            act = Act(args.by or getpass.getuser(), SystemClock().now(), getpass.getuser())
            with sole_writer(store, "rebuild") as epoch:
                print(f"{store.repair(act, epoch=epoch)} status intervals repaired")
            wrong = [month for month, _ in wrong_months(store, terms)]
            made = [make_month(store, month, terms) for month in [*wrong, *stale_months(store, terms)]]
            print(f"{sum(made)} months measured")
        return 0


def _list_rebuilds(store: SqlStore) -> int:
    done = store.rebuilds(SHOWN)
    for item in done:
        print(f"{local_text(item.at)} (+07:00) by {item.by}: {item.differences} status intervals repaired")
        for line in item.examples:
            print(f"  {line}")
        if item.differences > len(item.examples):
            print(f"  and {item.differences - len(item.examples)} more")
    if not done:
        print("nothing was rebuilt yet")
    return 0


def _whole_past(settings: Settings) -> Terms:
    now = SystemClock().now()
    return Terms(Interval(0, now), now, Fraction(1), settings.collector.snmp.poll_s * 1000)


def _compare_months(store: SqlStore, terms: Terms) -> int:
    wrong = wrong_months(store, terms)
    for month, figures in wrong:
        print(f"month from {local_text(EpochMs(month.start))}: {figures} sums are not what the history says")
    if not wrong:
        print("the months that are kept are what the history says")
    return 1 if wrong else 0


def _compare(store: SqlStore) -> int:
    found = store.differences(limit=SHOWN + 1)
    for difference in found[:SHOWN]:
        print(difference)
    if not found:
        print("the status intervals are what the transitions say")
        return 0
    print(f"{'more than ' if len(found) > SHOWN else ''}{min(len(found), SHOWN)} status intervals differ")
    return 1


class Backup:
    """A copy of a SQLite store, made while the service runs."""

    name = "backup"
    help = "copy the store to a new file while the service runs, and read the copy back"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Where to."""
        config_argument(parser)
        parser.add_argument("file", type=Path, help="a file that is not there yet")

    def run(self, args: argparse.Namespace) -> int:
        """Print what the copy holds, once it was read."""
        with opened(load_settings(args.config), must_exist=True) as store:
            _describe("wrote", backup.back_up(store.engine, args.file))
        return 0


class Restore:
    """A copy put back in its place."""

    name = "restore"
    help = "put a copy made by `backup` in the place of the store; the service must be stopped"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Which copy, and whether what is there may go aside."""
        config_argument(parser)
        parser.add_argument("file", type=Path, help="the copy")
        parser.add_argument("--check", action="store_true", help="only read the copy")
        parser.add_argument(
            "--replace", action="store_true", help="a store that is there is renamed, never removed"
        )

    def run(self, args: argparse.Namespace) -> int:
        """Read the copy; put it back; bring its schema to the newest version; read it again."""
        settings = load_settings(args.config)
        copy = backup.examine(args.file)
        _describe("read", copy)
        if args.check:
            return 0
        with opened(settings) as store:
            target = backup.path_of(store.engine)
            if target.exists():
                if not args.replace:
                    raise InputError([f"{target} is there: --replace puts it aside"])
                _refuse_if_in_use(store)
        now = datetime.fromtimestamp(SystemClock().now() / 1000, LOCAL_ZONE)
        aside = target.with_name(f"{target.name}.before-restore-{now:%Y%m%dT%H%M%S}")
        backup.put_back(copy, target, aside=aside)
        with opened(settings) as store:
            store.upgrade()
            _, problems = store.health()
        if problems:
            raise Permanent("; ".join(problems), operation="restore", subject=str(target))
        print(f"{target} is in place" + (f"; what was there is {aside.name}" if aside.exists() else ""))
        return 0


class Database:
    """The database as a whole."""

    name = "db"
    help = "upgrade the store's schema, check the store, list what was pruned, or move it to another database"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """One subcommand for each act."""
        below = parser.add_subparsers(dest="act", metavar="ACT", required=True)
        acts = []
        for name, help_text, do in (
            ("upgrade", "bring the schema to the newest version, as every start does", _upgrade),
            ("check", "read everything and say what is wrong; status 1 if anything is", _check),
            ("pruned", "list what was deleted by age, run by run, the newest first", _pruned),
            ("migrate-to", "copy the store into an empty database; the service must be stopped", _move),
        ):
            act = below.add_parser(name, help=help_text, description=help_text)
            config_argument(act)
            act.set_defaults(do=do)
            if do is _pruned:
                act.add_argument(
                    "--last", type=_positive, default=SHOWN, help="so many runs (default: %(default)s)"
                )
            if do is _move:
                act.add_argument("url", help="postgresql+psycopg://USER@HOST/NAME or sqlite:///PATH")
            acts.append(act)
        show_acts(parser, *acts)

    def run(self, args: argparse.Namespace) -> int:
        """Do what was chosen."""
        with opened(load_settings(args.config), must_exist=True) as store:
            status: int = args.do(store, args)
        return status


def _upgrade(store: SqlStore, args: argparse.Namespace) -> int:
    before, _ = store.health()
    store.upgrade()
    print(f"schema {before or 'none'} -> {store.health()[0]}")
    return 0


def _check(store: SqlStore, args: argparse.Namespace) -> int:
    version, problems = store.health()
    print(f"schema {version or 'none'}")
    print(
        "\n".join(problems) or "whole: numbered without a gap, and the status intervals are what they must be"
    )
    return 1 if problems else 0


def _positive(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and 0 < int(text) <= MOST_SHOWN):
        raise argparse.ArgumentTypeError(f"must be from 1 to {MOST_SHOWN}")
    return int(text)


def _pruned(store: SqlStore, args: argparse.Namespace) -> int:
    store.upgrade()
    runs = store.purges(args.last)
    if not runs:
        print("nothing was pruned yet: the service does it each night")
        return 0
    print(f"{'run at (+07:00)':<20} {'what':<9} {'older than (+07:00)':<20} {'deleted':>10}")
    for run in runs:
        print(
            f"{local_text(run.happened_at):<20} {run.what:<9} {local_text(run.before):<20} {run.removed:>10}"
        )
    return 0


def _move(store: SqlStore, args: argparse.Namespace) -> int:
    settings = load_settings(args.config)
    store.upgrade()
    other = open_store(args.url, settings.folder)
    try:
        other.upgrade()
        with sole_writer(store, "move") as epoch:
            moved = store.move_to(other, epoch=epoch, told=lambda name, rows: print(f"{rows:>10}  {name}"))
        _, problems = other.health()
    finally:
        other.close()
    if problems:
        raise Permanent("; ".join(problems), operation="move")
    print(f"{moved} rows moved and compared; now let store.url name the new database")
    return 0


@contextmanager
def opened(settings: Settings, *, must_exist: bool = False) -> Iterator[SqlStore]:
    """The store of the settings, closed at the end. InputError for a SQLite file that is not there but must be."""
    store = build_store(settings)
    try:
        if must_exist and store.engine.dialect.name == "sqlite":
            path = backup.path_of(store.engine)
            if not path.exists():
                raise InputError([f"{path}: no such store"])
        yield store
    finally:
        store.close()


@contextmanager
def sole_writer(store: SqlStore, operation: str) -> Iterator[int]:
    """The right to write, and its epoch. Permanent while the service holds it."""
    holder = f"{operation}:{os.getpid()}"
    epoch = store.take_lease(LEASE, holder, now=SystemClock().now(), ttl_ms=LEASE_MS)
    if epoch is None:
        raise Permanent("the service runs on this store: stop it first", operation=operation)
    try:
        yield epoch
    finally:
        store.release_lease(LEASE, holder)


def _refuse_if_in_use(store: SqlStore) -> None:
    """A store that cannot be read any more is in nobody's use: it is why somebody restores."""
    try:
        store.upgrade()
        with sole_writer(store, "restore"):
            pass
    except StorePermanent as error:
        if error.reason not in (StoreReason.CORRUPT, StoreReason.SCHEMA_NEWER):
            raise
        print(f"what is there cannot be used: {error}")


def _describe(verb: str, copy: backup.Copy) -> None:
    print(f"{verb} {copy.path}: {copy.size} bytes, schema {copy.schema}, whole")
    print(f"sha256 {copy.sha256}")
    for log, entries in sorted(copy.entries.items()):
        print(f"log {log}: {entries} entries")
    if copy.alive_until is not None:
        print(
            f"last heartbeat {local_text(copy.alive_until)} (+07:00); what came after it is not in the copy"
        )
