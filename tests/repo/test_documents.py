"""What the documents promise exists."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo.tree import repository_files, text_of
from tests.support import require_binary
from tests.support.peers import ROOT

LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"(?:`|^\s*\$?\s*)make(?: [A-Z]+=\S+)* ([a-z][\w-]*)", re.MULTILINE)
TARGET = re.compile(r"^([a-z][\w%-]*):", re.MULTILINE)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
MARKDOWN = [path for path in repository_files() if path.suffix == ".md"]


def anchors(text: str) -> set[str]:
    """The fragment of each heading, as forges make them."""
    plain = (re.sub(r"[`*\[\]]|\([^)]*\)", "", heading).lower() for heading in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def broken_links(path: Path) -> Iterator[str]:
    """Yield the relative links of a document that lead nowhere."""
    for link in LINK.findall(FENCE.sub("", text_of(path))):
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, fragment = link.partition("#")
        target = (ROOT / path).parent / name if name else ROOT / path
        if not target.exists() or (
            fragment
            and target.suffix == ".md"
            and fragment not in anchors(target.read_text(encoding="utf-8"))
        ):
            yield link


@pytest.mark.parametrize("path", MARKDOWN, ids=str)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    assert list(broken_links(path)) == []


@pytest.mark.parametrize("path", MARKDOWN, ids=str)
def test_every_make_command_in_a_document_is_a_target(path: Path) -> None:
    targets = set(TARGET.findall(text_of(Path("Makefile"))))
    named = set(MAKE.findall(text_of(path)))
    benches = {name for name in named if name.startswith("bench-")}
    assert named - benches <= targets
    scripts = {
        f"bench-{file.stem.replace('_', '-')}" for file in repository_files() if file.parts[0] == "bench"
    }
    assert benches - {"bench-NAME", "bench-"} <= scripts


def test_the_reader_finds_the_commands_of_a_document() -> None:
    sample = (
        "Run `make run`, or\n\n    make PYTHON=python3.12 test\n\n```\n$ make bench-poll\n```\nthen make tea."
    )
    assert set(MAKE.findall(sample)) == {"run", "test", "bench-poll"}


def test_the_readme_shows_how_to_run_and_how_to_test() -> None:
    assert {"run", "test"} <= set(MAKE.findall(text_of(Path("README.md"))))


def test_make_alone_lists_every_target() -> None:
    make = require_binary("make", package="make")
    listed = subprocess.run([make, "--silent"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    shown = set(re.findall(r"^  make ([\w%-]+)", listed, re.MULTILINE))
    assert shown == set(TARGET.findall(text_of(Path("Makefile")))) - {"bench-%"}


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    assert "\n## [Unreleased]\n" in text_of(Path("CHANGELOG.md"))


def test_the_licence_is_the_whole_apache_licence() -> None:
    text = text_of(Path("LICENSE"))
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_decisions_are_numbered_without_a_gap_and_fit_a_page() -> None:
    records = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    assert [path.name for path in records if len(path.read_text(encoding="utf-8").splitlines()) > 60] == []
