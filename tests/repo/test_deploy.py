"""The files for a server name commands, options and paths that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from tests.repo.tree import repository_files, text_of
from tests.support.peers import ROOT, require_binary

UNIT = Path("deploy/channelwatch.service")
WATCHDOG = Path("deploy/channelwatch-watchdog.service")
MOST_EXPOSED = {UNIT: 25, WATCHDOG: 20}
"""What `systemd-analyze security` may find at most, in tenths of its scale from 0 to 10."""
COMMAND = re.compile(r"/bin/channelwatch ([a-z][a-z-]*)((?: --?[a-z-]+ \S+)*)")
COMMANDS = sorted(
    {
        (match[1], option)
        for path in repository_files()
        if path.parts[0] == "deploy"
        for match in COMMAND.finditer(text_of(path))
        for option in re.findall(r"--[a-z-]+", match[2])
    }
)


def unit(path: Path = UNIT) -> RawConfigParser:
    """A unit's sections; of a key that stands twice, the last one counts here."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text_of(path))
    return parser


def test_the_unit_and_the_guide_run_the_command_with_a_configuration() -> None:
    assert ("run", "--config") in COMMANDS


@pytest.mark.parametrize(("command", "option"), COMMANDS)
def test_a_command_shown_for_a_server_exists(command: str, option: str) -> None:
    program = Path(sys.executable).with_name("channelwatch")
    shown = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert option in shown.stdout


def test_the_service_keeps_one_privilege_and_writes_to_its_own_folder_alone() -> None:
    service = unit()["Service"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"
    assert service["NoNewPrivileges"] == service["ProtectHome"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert service["User"] not in ("", "root")


@pytest.mark.parametrize("path", [UNIT, WATCHDOG], ids=lambda path: path.stem)
def test_a_service_is_started_again_however_it_ended(path: Path) -> None:
    assert unit(path)["Service"]["Restart"] == "always"
    assert unit(path)["Unit"]["StartLimitIntervalSec"] == "0"


def test_the_watchdog_shares_nothing_with_what_it_watches() -> None:
    watched, dog = unit(), unit(WATCHDOG)
    assert dog["Service"]["User"] not in ("", "root", watched["Service"]["User"])
    assert dog["Service"]["ConfigurationDirectory"] != watched["Service"]["ConfigurationDirectory"]
    assert dog["Service"]["CapabilityBoundingSet"] == dog["Service"]["AmbientCapabilities"] == ""
    assert "StateDirectory" not in dog["Service"], "it keeps nothing"
    joined = {key: value for key, value in dog["Unit"].items() if UNIT.name in value}
    assert joined == {}, "it starts and stays whatever becomes of the other"


@pytest.mark.parametrize("path", [UNIT, WATCHDOG], ids=lambda path: path.stem)
def test_systemd_finds_nothing_wrong_with_a_unit_and_little_exposed(path: Path, tmp_path: Path) -> None:
    analyze = require_binary("systemd-analyze", package="systemd")
    program = Path(sys.executable).with_name("channelwatch")
    copy = tmp_path / path.name
    copy.write_text(
        text_of(path).replace("/opt/channelwatch/bin/channelwatch", str(program)), encoding="utf-8"
    )
    for command in (
        ["verify", "--man=no", copy],
        ["security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED[path]}", copy],
    ):
        ran = subprocess.run([analyze, *command], capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert path.name not in ran.stderr, ran.stderr


def test_the_kernel_settings_are_settings() -> None:
    lines = [
        line
        for line in text_of(Path("deploy/90-channelwatch.conf")).splitlines()
        if line[:1] not in ("", "#")
    ]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9_.]+ = \d+", line)] == []


def is_explained(path: Path) -> bool:
    """Does a README beside `path` or above it, within `deploy`, link to it?"""
    above = [parent for parent in path.parents if parent.parts[:1] == ("deploy",)]
    pages = [parent for parent in above if (ROOT / parent / "README.md").exists()]
    return any(f"]({path.relative_to(parent)})" in text_of(parent / "README.md") for parent in pages)


def test_every_file_for_a_server_is_explained() -> None:
    files = [path for path in repository_files() if path.parts[0] == "deploy" and path.name != "README.md"]
    assert files
    assert [path for path in files if not is_explained(path)] == []
