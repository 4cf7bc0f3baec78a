"""The house itself: every room is on a floor, and every room is a package."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.repo.tree import PACKAGES, repository_files, text_of
from tools import check_sizes


def contract(name: str) -> dict[str, list[str]]:
    """One contract of the import linter, as pyproject.toml writes it."""
    contracts = tomllib.loads(text_of(Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    (found,) = [item for item in contracts if item["id"] == name]
    return found  # type: ignore[no-any-return]


def rooms() -> set[str]:
    """The import packages directly below `channelwatch`."""
    return {f"channelwatch.{path.parts[1]}" for path in sources("channelwatch") if len(path.parts) > 2}


def sources(package: str) -> list[Path]:
    return [path for path in repository_files() if path.suffix == ".py" and path.is_relative_to(package)]


def test_every_room_of_the_heart_is_on_a_floor() -> None:
    on_floors = set(re.findall(r"channelwatch\.\w+", " ".join(contract("floors")["layers"])))
    assert rooms() <= on_floors


def test_every_room_below_the_third_floor_is_kept_from_input_and_output() -> None:
    outer = {f"channelwatch.{name}" for name in ("store", "notify", "metrics", "reports", "app")}
    assert rooms() - outer <= set(contract("domain")["source_modules"])


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_code_is_a_package(package: str) -> None:
    folders = {path.parent for path in sources(package)}
    assert {folder for folder in folders if folder / "__init__.py" not in sources(package)} == set()


def test_no_test_module_shares_its_import_name_with_a_package() -> None:
    clashes = {Path(package).name for package in PACKAGES} & {path.parts[1] for path in sources("tests")}
    assert clashes == set()


def test_long_files_and_functions_are_found(tmp_path: Path) -> None:
    body = "\n".join("    x = 1" for _ in range(check_sizes.MAX_FUNCTION_LINES))
    path = tmp_path / "long.py"
    path.write_text(f"def f():\n{body}\n" + "\n" * check_sizes.MAX_FILE_LINES, encoding="utf-8")
    assert [line.partition(": ")[2].split(" ")[0] for line in check_sizes.oversize(path)] == ["file", "f"]


@pytest.mark.parametrize("name", ["preflight", "setup_env"])
def test_what_an_old_python_must_read_keeps_to_old_syntax(name: str) -> None:
    ast.parse(text_of(Path(f"tools/{name}.py")), feature_version=(3, 6))
