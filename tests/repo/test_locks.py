"""The locked requirements: complete, hashed, bound to no index, fit for our licence."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repo.tree import text_of

LOCKS = ("runtime", "server", "dev")
PIN = re.compile(
    r"^([\w.-]+)==(\S+)((?: ;.*?)?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
PERMISSIVE = re.compile(r"\b(?:MIT|MIT-0|BSD|Apache|PSF|ISC|0BSD|Python Software Foundation)\b")
REVIEWED = {
    "certifi": "MPL-2.0: a list of certificates, used unchanged",
    "pathspec": "MPL-2.0: a build requirement, not part of what runs",
    "psycopg": "LGPL-3.0: an option, imported unchanged",
    "psycopg-binary": "LGPL-3.0: an option, imported unchanged",
    "pysnmp": "BSD-2-Clause: its metadata does not say so, its LICENSE file does",
}


def lock_text(name: str) -> str:
    return text_of(Path(f"requirements/{name}.txt"))


def pins(name: str) -> dict[str, str]:
    """The locked version of each distribution."""
    return {canonicalize_name(match[1]): match[2] for match in PIN.finditer(lock_text(name))}


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_a_hashed_pin_or_a_comment(name: str) -> None:
    rest = PIN.sub("", lock_text(name))
    assert [line for line in rest.splitlines() if not re.match(r"\s*#", line)] == []
    assert pins(name)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host(name: str) -> None:
    assert re.findall(r"https?://\S+|file:\S+|--(?:extra-)?index-url|--find-links|@ ", lock_text(name)) == []


@pytest.mark.parametrize(("small", "large"), [("runtime", "server"), ("server", "dev")])
def test_the_larger_lock_holds_the_smaller_one(small: str, large: str) -> None:
    assert pins(small).items() <= pins(large).items()


def test_the_locks_satisfy_what_the_project_asks_for() -> None:
    project = tomllib.loads(text_of(Path("pyproject.toml")))
    extras = project["project"]["optional-dependencies"]
    asked = {
        "runtime": [*project["project"]["dependencies"], *extras["demo"]],
        "server": [line for extra in extras.values() for line in extra],
        "dev": [line for line in project["dependency-groups"]["dev"] if isinstance(line, str)],
    }
    for lock, wanted in asked.items():
        locked = pins(lock)
        for line in wanted:
            requirement = Requirement(line)
            version = locked.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement.name} is not in {lock}.txt: run make lock"
            assert requirement.specifier.contains(version), (
                f"{line} but {lock}.txt has {version}: run make lock"
            )


def licence_text(name: str) -> str:
    """What a distribution's metadata says of its licence, in one line."""
    metadata = distribution(name).metadata
    stated = [*(metadata.get_all("License-Expression") or []), *(metadata.get_all("License") or [])]
    classifiers = [line for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")]
    return " ".join([*stated, *classifiers])


def test_every_dependency_that_ships_has_a_permissive_licence() -> None:
    unclear = []
    for name in pins("server"):
        try:
            stated = licence_text(name)
        except PackageNotFoundError:  # needed on other systems only
            continue
        if name not in REVIEWED and (not PERMISSIVE.search(stated) or "GPL" in stated):
            unclear.append(f"{name}: {stated or 'says nothing'}")
    assert unclear == []
