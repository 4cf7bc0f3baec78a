"""The wheel that an air-gapped site gets: one file with everything in it, which installs and starts."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.repo.tree import PACKAGES, SHARED_DATA, repository_files
from tests.support.peers import ROOT

LOAD_ENTRY_POINTS = """
from importlib.metadata import distribution
points = distribution("channelwatch").entry_points
assert {point.group for point in points} == {"console_scripts", "channelwatch.parts", "channelwatch.commands"}
for point in points:
    found = point.load()
    assert callable(found.run if point.group == "channelwatch.commands" else found), point
    print(point.group, point.name)
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built without an index."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel and its locked dependencies, and nothing of this folder."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    run(*pip, "--disable-pip-version-check", wheel, cwd=folder)
    # A .pth line adds the dependencies but not the .pth files there, so the editable install stays out.
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def test_the_wheel_holds_every_file_of_the_packages_and_the_shared_data(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    data = next(name for name in held if ".data/" in name).partition("/")[0]
    expected = set()
    for path in map(str, repository_files()):
        for package in PACKAGES:
            if path.startswith(f"{package}/"):
                expected.add(f"{Path(package).name}/{path.removeprefix(package + '/')}")
        if path.startswith(tuple(f"{folder}/" for folder in SHARED_DATA)):
            expected.add(f"{data}/data/share/channelwatch/{path}")
    assert expected - held == set()
    assert {f"{Path(package).name}/py.typed" for package in PACKAGES} <= held


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    roots = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    extra = {root for root in roots if not root.endswith((".data", ".dist-info"))}
    assert extra == {Path(package).name for package in PACKAGES}


def test_the_installed_packages_are_those_of_the_wheel(clean_python: Path, tmp_path: Path) -> None:
    names = ", ".join(Path(package).name for package in PACKAGES)
    files = run(clean_python, "-c", f"import {names}; print(*(m.__file__ for m in ({names})))", cwd=tmp_path)
    assert str(ROOT) not in files
    assert files.count(str(clean_python.parent.parent)) == len(PACKAGES)


def test_every_entry_point_leads_to_something_that_runs(clean_python: Path, tmp_path: Path) -> None:
    assert "channelwatch.commands demo" in run(clean_python, "-c", LOAD_ENTRY_POINTS, cwd=tmp_path)


def test_the_installed_command_starts(clean_python: Path, tmp_path: Path) -> None:
    shown = run(clean_python.with_name("channelwatch"), "--help", cwd=tmp_path)
    assert "demo" in shown


def test_the_installed_program_finds_the_rules_that_ship_with_it(clean_python: Path, tmp_path: Path) -> None:
    script = (
        "from channelwatch.app.rulefile import *; p = shipped_rules(); print(p, len(load_rules(p).rules))"
    )
    folder, number = run(clean_python, "-c", script, cwd=tmp_path).split()
    assert folder == str(clean_python.parent.parent / "share/channelwatch/alert_rules")
    assert int(number) > 0
