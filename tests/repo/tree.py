"""The files that belong to the repository."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support import require_binary
from tests.support.peers import ROOT

PACKAGES = (
    "channelwatch",
    "collector/channelwatch_collector",
    "api/channelwatch_api",
    "simulator/channelwatch_simulator",
)
SHARED_DATA = ("dashboards", "alert_rules", "deploy", "docs/runbooks")


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file that is committed or could be by `git add .`, relative to the root, sorted."""
    git = str(require_binary("git", package="git"))
    # A clone may belong to another user than the one who runs the tests in it.
    command = [
        git,
        "-c",
        f"safe.directory={ROOT}",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()))


@cache
def text_of(path: Path) -> str:
    """The text of a file of the repository; empty for one that is not UTF-8 text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def lines(*, suffixes: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield `("path:line", text)` of every text file, or of those whose name ends in one of `suffixes`."""
    for path in repository_files():
        if suffixes and not path.name.endswith(suffixes):
            continue
        for number, line in enumerate(text_of(path).splitlines(), 1):
            yield f"{path}:{number}", line
