"""Programs and recordings that a machine may lack: a developer's run skips, continuous integration fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
SYSTEM_FOLDERS = (
    "/usr/sbin",
    "/usr/local/sbin",
    "/sbin",
    *map(str, Path("/usr/lib/postgresql").glob("*/bin")),
)
"""Where Debian keeps daemons; an ordinary user's PATH leaves them out."""


def on_ci() -> bool:
    """Whether this run must not leave anything out."""
    return os.environ.get("CI") == "true"


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test because of `reason`; with CI=true fail it."""
    if on_ci():
        pytest.fail(reason)
    pytest.skip(reason)


def require_binary(name: str, *, package: str) -> Path:
    """The path of program `name`, which the Debian package `package` installs."""
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))
    found = shutil.which(name, path=folders)
    if found is None:
        skip_or_fail(f"{name} is missing: apt install {package}")
    return Path(found)


def recording(*parts: str) -> Path:
    """A file of the recordings kept beside the repository, never in it; without them the test is skipped.

    Continuous integration has no recordings, so this skips there too.
    """
    path = ROOT.parent.joinpath("shared", *parts)
    if not path.exists():
        pytest.skip(f"the recording {'/'.join(parts)} is not beside this repository")
    return path
