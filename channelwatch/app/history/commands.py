"""`channelwatch uptime`: the figures of the store, for people, programs and spreadsheets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from channelwatch import __version__
from channelwatch.app.arguments import config_argument
from channelwatch.app.history import text, words
from channelwatch.app.keptstore import kept_store
from channelwatch.app.settings import Settings, load_settings
from channelwatch.app.signing import signers
from channelwatch.base.clock import SystemClock
from channelwatch.pipeline.availability import Terms, availability
from channelwatch.pipeline.snapshots import brief
from channelwatch.reports.availability import Report
from channelwatch.reports.render import to_csv, to_json
from channelwatch.uptime.ledger import Measured

DEFAULT_TARGET = "99.9"


class Uptime:
    """Availability of one thing or of all, by one calculator."""

    name = "uptime"
    help = "how available a device, pair, channel, commune, bloc or the province was"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """What, from when to when, and in which form."""
        config_argument(parser)
        parser.add_argument(
            "--scope",
            required=True,
            help="device:CODE, pair:CODE, channel:CODE, commune:UNIT, bloc:NAME (or :all), province",
        )
        parser.add_argument(
            "--from",
            dest="first",
            required=True,
            metavar="WHEN",
            help="year, month, day (in Viet Nam's time) or ISO 8601 instant",
        )
        parser.add_argument(
            "--to", dest="last", metavar="WHEN", help="the same, to its end (default: the end of --from)"
        )
        parser.add_argument("--target", default=DEFAULT_TARGET, help=f"percent (default: {DEFAULT_TARGET})")
        parser.add_argument(
            "--brief",
            action="store_true",
            help="without outages and repair times: quick, months that are over were measured before",
        )
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="print JSON")
        form.add_argument("--csv", action="store_true", help="print CSV for spreadsheets")

    def run(self, args: argparse.Namespace) -> int:
        """Measure and print; status 0 whatever the verdict is."""
        question, period = words.question(args.scope), words.span(args.first, args.last)
        target = words.target(args.target)
        settings = load_settings(args.config)
        now = SystemClock().now()
        with kept_store(settings) as store:
            poll_ms = settings.collector.snmp.poll_s * 1000
            terms = Terms(period, now, target, poll_ms, trusts=signers(settings).approve)
            rows = (brief if args.brief else availability)(store, question, terms)
        if args.json or args.csv:
            sys.stdout.buffer.write((to_json if args.json else to_csv)(_report(settings, rows, now)))
        else:
            for line in (*text.lines(rows), *text.remarks(rows, period, now)):
                print(line)
        return 0


def _report(settings: Settings, rows: Sequence[Measured], now: int) -> Report:
    return Report(rows, f"channelwatch {__version__}", now, settings.instance.simulated)
