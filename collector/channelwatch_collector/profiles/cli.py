"""`channelwatch profile`: list, check, try and draft device profiles."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from channelwatch.base.clock import Clock, EpochMs, SystemClock
from channelwatch.base.errors import InputError
from channelwatch_collector.profiles.draft import draft
from channelwatch_collector.profiles.load import check_profile, load_profiles
from channelwatch_collector.profiles.model import json_schema
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.recording import read_recording
from channelwatch_collector.profiles.replay import AUTO, replay
from channelwatch_collector.profiles.shown import as_json, as_text
from channelwatch_collector.profiles.smi import read_modules
from channelwatch_collector.profiles.values import dotted


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = commands.add_parser("list", help="list the profiles and how each recognises its devices")
    _folder(listed)
    listed.add_argument("--json", action="store_true", help="print JSON")
    checked = commands.add_parser("check", help="name file, line and key of every mistake")
    checked.add_argument("path", type=Path, metavar="FILE|DIR")
    tried = commands.add_parser("test", help="show what a profile makes of a recorded walk")
    tried.add_argument(
        "profile", metavar=f"PROFILE|{AUTO}", help=f"a profile, or {AUTO}: recognise the device"
    )
    tried.add_argument(
        "--walk",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help=".snmprec, or the output of `snmpwalk -On`; again for a walk taken a minute later",
    )
    _folder(tried)
    tried.add_argument(
        "--expect", action="append", default=[], metavar="PEER", help="a tunnel that must be there"
    )
    tried.add_argument(
        "--at", metavar="TIME", help="when it was recorded (ISO 8601), if the device's clock is not in it"
    )
    tried.add_argument("--json", action="store_true", help="print JSON")
    commands.add_parser("schema", help="print the JSON Schema of a profile file")
    new = commands.add_parser("new", help="draft a profile from a vendor's MIB")
    new.add_argument(
        "--mib",
        type=Path,
        action="extend",
        nargs="+",
        required=True,
        metavar="FILE",
        help="the MIB module, and those that it imports from",
    )
    new.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profiles", type=Path, metavar="DIR", help="further profiles, beside the built-in ones"
    )


def run(args: argparse.Namespace, *, clock: Clock | None = None, out: TextIO | None = None) -> int:
    """0: done. InputError says what is wrong with arguments or files."""
    out = out or sys.stdout
    if args.action == "list":
        print(_listed(args), file=out)
    elif args.action == "check":
        print(f"{args.path}: {_checked(args.path)} without a mistake", file=out)
    elif args.action == "test":
        print(_tested(args, clock or SystemClock()), file=out)
    elif args.action == "schema":
        print(json.dumps(json_schema(), indent=2), file=out)
    else:
        _new(args, out)
    return 0


def _listed(args: argparse.Namespace) -> str:
    profiles = load_profiles(args.profiles)
    if args.json:
        entries = [
            {
                "name": name,
                "description": " ".join(profile.description.split()),
                "recognised_by": _recognised_by(profile),
                "signals": sorted(signal.value for signal in profile.offered),
            }
            for name, profile in sorted(profiles.items())
        ]
        return json.dumps(entries, ensure_ascii=False, indent=2)
    lines = []
    for name, profile in sorted(profiles.items()):
        lines.append(f"{name}: {' '.join(profile.description.split())}")
        lines += [f"    {text}" for text in _recognised_by(profile)]
    return "\n".join(lines)


def _recognised_by(profile: Profile) -> list[str]:
    found = [f"sysObjectID {dotted(prefix)}" for prefix in profile.match.sysobjectid]
    if profile.match.sysdescr is not None:
        found.append(f"sysDescr {profile.match.sysdescr.pattern}")
    if profile.match.probe is not None:
        found.append(f"object {dotted(profile.match.probe)}")
    return found


def _checked(path: Path) -> str:
    if path.is_dir():
        before = len(load_profiles())
        after = load_profiles(path)
        return f"{len(after)} profiles, {len(after) - before} of them new,"
    return f"profile {check_profile(path).name}"


def _tested(args: argparse.Namespace, clock: Clock) -> str:
    shown = replay(
        load_profiles(args.profiles),
        [read_recording(path) for path in args.walk],
        name=args.walk[0].name,
        profile=args.profile,
        now=clock.now() if args.at is None else _instant(args.at),
        expected=args.expect,
    )
    return as_json(shown) if args.json else as_text(shown)


def _instant(text: str) -> EpochMs:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError([f"--at: {text!r} is no ISO 8601 time"]) from None
    return EpochMs(round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000))


def _new(args: argparse.Namespace, out: TextIO) -> None:
    text = draft(read_modules(args.mib))
    if args.out is None:
        print(text, end="", file=out)
        return
    if args.out.exists():
        raise InputError([f"{args.out}: is there already; nothing was written"])
    try:
        args.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError([f"{args.out}: cannot be written: {error}"]) from None
    print(f"{args.out}: written; every enum in it is unknown until you have judged it", file=out)
