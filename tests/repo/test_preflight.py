"""Somebody whose machine lacks something gets one sentence with the remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import free_port, require_binary
from tests.support.peers import ROOT

sys.path.insert(0, str(ROOT / "tools"))  # the way Python itself starts a script there
import preflight  # type: ignore[import-not-found]
import setup_env  # type: ignore[import-not-found]

sys.path.pop(0)


def test_nothing_is_wrong_with_the_python_that_runs_the_tests() -> None:
    assert preflight.problem() == ""


def test_an_old_python_is_told_which_one_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(preflight.shutil, "which", lambda name: name if name == "python3.12" else None)
    assert preflight.problem() == (
        "Python 3.9 is too old, 3.11 or newer is needed: run `make PYTHON=python3.12 ...`."
    )
    monkeypatch.setattr(preflight.shutil, "which", lambda name: None)
    assert "apt install python3" in preflight.problem()


def test_a_python_without_venv_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    assert "apt install python3-venv" in preflight.problem()


def test_an_index_out_of_reach_is_explained(tmp_path: Path) -> None:
    closed = f"http://127.0.0.1:{free_port()}/simple"
    command = [sys.executable, "-m", "pip", "--isolated", "download", "--retries", "0", "--index-url", closed]
    failed = subprocess.run([*command, "six"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert failed.returncode != 0
    sentence = setup_env.explain(failed.stdout + failed.stderr, "requirements/dev.txt")
    assert sentence.startswith("pip could not get a package that requirements/dev.txt lists")
    assert "\n" not in sentence


def test_an_altered_package_is_explained(tmp_path: Path) -> None:
    wheel = tmp_path / "six-1.0-py3-none-any.whl"
    wheel.write_bytes(b"not what was locked")
    (tmp_path / "lock.txt").write_text(f"six==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "download",
        "--no-index",
        "--find-links",
        str(tmp_path),
    ]
    failed = subprocess.run(
        [*command, "--require-hashes", "-r", "lock.txt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "altered" in setup_env.explain(failed.stdout + failed.stderr, "requirements/dev.txt")


def test_a_new_kind_of_failure_shows_its_last_lines() -> None:
    log = "\n".join(f"line {number}" for number in range(100))
    shown = setup_env.explain(log, "requirements/dev.txt")
    assert "line 99" in shown
    assert "line 50" not in shown


def test_make_without_python_says_what_to_install(tmp_path: Path) -> None:
    make = require_binary("make", package="make")
    for name in ("Makefile", "pyproject.toml", "requirements"):
        (tmp_path / name).symlink_to(ROOT / name)
    failed = subprocess.run(
        [make, "PYTHON=no-such-python", "run"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert failed.returncode != 0
    assert failed.stderr.splitlines()[0] == (
        "no-such-python is missing: run `apt install python3 python3-venv`, then try again."
    )
