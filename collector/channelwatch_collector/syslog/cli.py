"""`channelwatch syslog parse [--json] < FILE`: what the product makes of syslog lines, one by one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from channelwatch.base.clock import Clock, SystemClock
from channelwatch.base.errors import InputError
from channelwatch_collector.syslog.line import parse_line
from channelwatch_collector.syslog.packfile import load_packs
from channelwatch_collector.syslog.parse.classify import Classifier
from channelwatch_collector.syslog.parse.header import MAX_MESSAGE_OCTETS


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare `parse` and its options."""
    actions = parser.add_subparsers(dest="action", required=True)
    parse = actions.add_parser("parse", help="read syslog lines from standard input and show what each means")
    parse.add_argument("--json", action="store_true", help="one JSON object for each line")
    parse.add_argument("--zone", default="Asia/Ho_Chi_Minh", help="time zone of stamps that name none")
    parse.add_argument(
        "--pack",
        type=Path,
        action="append",
        metavar="FILE",
        help="use these packs instead of the built-in ones",
    )


def run(args: argparse.Namespace, *, clock: Clock | None = None, source: BinaryIO | None = None) -> int:
    """0 when every line was read. InputError when packs or options are wrong; a line without a kind is no failure."""
    classifier = Classifier(load_packs(args.pack))
    try:
        zone = ZoneInfo(args.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError([f"--zone: unknown time zone {args.zone!r}"]) from None
    received_at = (clock or SystemClock()).now()
    for raw in _lines(source or sys.stdin.buffer):
        shown = parse_line(raw, received_at=received_at, classifier=classifier, zone=zone)
        print(json.dumps(shown, ensure_ascii=False) if args.json else _as_text(shown))
    return 0


def _lines(source: BinaryIO) -> Iterable[bytes]:
    while line := source.readline(MAX_MESSAGE_OCTETS + 1):
        if line.strip():
            yield line


def _as_text(shown: dict[str, object]) -> str:
    kind = shown["kind"] or f"- ({shown['reason']})"
    when = shown["device_time"] or "no time"
    head = f"{kind}  {when}  {shown['hostname'] or '-'}  {shown['app_name'] or '-'}"
    parts = [head, f"    {shown['text']}"]
    if shown["format_reason"]:
        parts.append(f"    format: {shown['format']} ({shown['format_reason']})")
    if shown["kind"]:
        parts.append(f"    pattern: {shown['pattern']}  component: {shown['component'] or '-'}")
        parts.append(f"    fields: {json.dumps(shown['fields'], ensure_ascii=False)}")
        why = f" ({shown['signal_reason']})" if shown["signal_reason"] else ""
        parts.append(f"    readings: {json.dumps(shown['readings'], ensure_ascii=False)}{why}")
    return "\n".join(parts)
