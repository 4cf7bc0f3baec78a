"""`channelwatch grafana push`: our dashboards into a Grafana that others use too."""

from __future__ import annotations

import argparse
import json
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from channelwatch.app.arguments import show_acts
from channelwatch.app.grafana.plan import Folder, Plan, Step, Wanted, plan
from channelwatch.app.settings import read_secret
from channelwatch.base.errors import Bug, InputError

if TYPE_CHECKING:
    from channelwatch.app.grafana.port import Grafana

TIMEOUT_S = 10.0
TITLES = {"vi": "Giám sát kênh truyền", "en": "channelwatch (English)"}
ROUNDS = 3
"""A service account is there before its token can be made: so often is looked again."""


class GrafanaCommand:
    """A shared Grafana."""

    name = "grafana"
    help = "put the dashboards into a shared Grafana over its HTTP API"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """`push` and its options."""
        below = parser.add_subparsers(dest="act", metavar="ACT", required=True)
        push = below.add_parser("push", help="make folders and dashboards equal to ours; shows what changes")
        push.add_argument("--url", required=True, help="address of Grafana, with its path prefix if any")
        push.add_argument("--token", required=True, metavar="REF", help="file:PATH or env:NAME of its token")
        push.add_argument("--dry-run", action="store_true", help="show the changes, make none")
        push.add_argument("--lang", choices=("vi", "en", "both"), default="both", help="languages (both)")
        push.add_argument("--prune", action="store_true", help="delete dashboards of ours that are no more")
        push.add_argument(
            "--alertmanager", default="", metavar="URL", help="contact point for Grafana's alerts"
        )
        push.add_argument(
            "--token-file", type=Path, metavar="FILE", help="make a reading token and keep it there"
        )
        push.add_argument("--ca", metavar="FILE", help="authority of Grafana's certificate (PEM)")
        push.add_argument(
            "--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS", help="for each call (10)"
        )
        push.add_argument(
            "--dashboards", type=Path, metavar="FOLDER", help="other dashboards than those shipped"
        )
        show_acts(parser, push)

    def run(self, args: argparse.Namespace) -> int:
        """Show what differs, and change it unless told not to."""
        # Brings a whole HTTP client, which no other command needs.
        from channelwatch.app.grafana.port import GrafanaServer

        languages = tuple(TITLES) if args.lang == "both" else (args.lang,)
        folders = tuple(load(args.dashboards or shipped_dashboards(), languages))
        wanted = Wanted(folders, args.alertmanager, args.token_file is not None, args.prune)
        token = read_secret(args.token)
        if args.token_file is not None and args.token_file.exists():
            raise InputError([f"--token-file {args.token_file}: is there already; a token is written once"])
        server = GrafanaServer(args.url, token, ca=args.ca, timeout_s=args.timeout)
        try:
            push(server, wanted, dry_run=args.dry_run, token_file=args.token_file)
        finally:
            server.close()
        return 0


def shipped_dashboards() -> Path:
    """The folder of the dashboards that come with the product."""
    checkout = Path(__file__).resolve().parents[3] / "dashboards"
    return (
        checkout if checkout.is_dir() else Path(sysconfig.get_path("data")) / "share/channelwatch/dashboards"
    )


def load(folder: Path, languages: tuple[str, ...]) -> Iterator[Folder]:
    """The dashboards of each language. InputError when there are none or one cannot be read."""
    for language in languages:
        paths = sorted((folder / language).glob("*.json"))
        if not paths:
            raise InputError([f"{folder / language}: no dashboards there"])
        yield Folder(f"channelwatch-{language}", TITLES[language], tuple(map(_read, paths)))


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError([f"{path}: {error}"]) from None
    return found


def push(grafana: Grafana, wanted: Wanted, *, dry_run: bool, token_file: Path | None = None) -> int:
    """Make `grafana` as `wanted`; how many things were, or would be, changed."""
    changed = 0
    for _ in range(ROUNDS):
        decided = plan(grafana, wanted)
        show(decided, dry_run=dry_run)
        changed += len(decided.steps)
        if dry_run or not decided.steps:
            break
        for step in decided.steps:
            _keep(_done(grafana, step), token_file) if step.makes_token else _done(grafana, step)
    return changed


def show(decided: Plan, *, dry_run: bool) -> None:
    """What differs, in plain lines."""
    for sentence in decided.left:
        print(f"left alone: {sentence}")
    for step in decided.steps:
        print(f"{'would ' if dry_run else ''}{step.act} {step.what}")
        for line in step.diff:
            print(f"    {line}")
    print(f"{len(decided.steps)} to change, {decided.same} as they ought to be")


def _done(grafana: Grafana, step: Step) -> Any:
    match step.method:
        case "POST":
            return grafana.post(step.path, step.body)
        case "PUT":
            return grafana.put(step.path, step.body)
        case "DELETE":
            return grafana.delete(step.path)
        case other:
            raise Bug(f"no such method: {other}", operation="grafana push")


def _keep(answer: Any, path: Path | None) -> None:
    """Write the new token down, for its owner's eyes only: Grafana tells it once."""
    if path is None:
        raise Bug("a token without a file", operation="grafana push")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{answer['key']}\n")
    print(f"the token is in {path}")
