"""The catalogue of metrics is what the program exports, and the document is made from it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from channelwatch.metrics import catalogue
from channelwatch.metrics.text import Kind
from tests.repo.tree import PACKAGES, repository_files, text_of
from tests.support.peers import ROOT

NAME = re.compile(r"channelwatch_[a-z0-9_]+")
OTHER_NAMES = {"channelwatch_collector", "channelwatch_api", "channelwatch_simulator", "channelwatch_writes"}
"""Packages, and an option of the database driver."""
BY_NAME = {family.name: family for family in catalogue.EVERY}


def test_the_document_is_made_from_the_catalogue(tmp_path: Path) -> None:
    made = tmp_path / "metrics.md"
    subprocess.run([sys.executable, ROOT / "tools/metrics_doc.py", made], cwd=ROOT, check=True)
    assert text_of(Path("docs/metrics.md")) == made.read_text(encoding="utf-8"), "run tools/metrics_doc.py"


def test_no_name_is_given_twice() -> None:
    assert len(BY_NAME) == len(catalogue.EVERY)


def literals() -> Iterator[tuple[Path, str]]:
    """Every text of the program that is a name and no more."""
    for path in repository_files():
        if path.suffix == ".py" and str(path).startswith(PACKAGES):
            for node in ast.walk(ast.parse(text_of(path))):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and NAME.fullmatch(node.value)
                ):
                    yield path, node.value


def test_every_metric_that_the_program_names_is_in_the_catalogue() -> None:
    """A metric of a new engine belongs into channelwatch/metrics/catalogue.py, and a panel or a rule shows it."""
    unknown = {
        (str(path), name) for path, name in literals() if name not in BY_NAME and name not in OTHER_NAMES
    }
    assert unknown == set()


UNITS = (
    "_seconds",
    "_bytes",
    "_ratio",
    "_celsius",
    "_volts",
    "_rpm",
    "_per_second",
    "_info",
    "_timestamp_seconds",
)


def test_names_follow_the_conventions() -> None:
    for name, family in BY_NAME.items():
        assert NAME.fullmatch(name)
        assert name.endswith("_total") == (family.kind is Kind.COUNTER), name
        assert not re.search(r"_(?:ms|milliseconds|minutes|hours|percent|kb|mb|count|sum|bucket)$", name), (
            name
        )
        assert family.help.endswith((".", ")")) and len(family.help) <= 160, name
        assert all(re.fullmatch(r"[a-z][a-z_]*", label) for label in family.labels), name
        assert (
            not {"job", "instance", "le", "quantile"} & set(family.labels)
            or name == "channelwatch_build_info"
        )
        if family.kind is Kind.HISTOGRAM:
            assert name.endswith(UNITS) and list(family.buckets) == sorted(set(family.buckets)), name


def test_identities_are_ones() -> None:
    infos = {name for name, family in BY_NAME.items() if family.kind is Kind.INFO}
    assert infos == {"channelwatch_device_info", "channelwatch_unit_info"}
