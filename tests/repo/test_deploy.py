"""The files for a server name commands, options and paths that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from tests.repo.tree import repository_files, text_of
from tests.support.peers import ROOT

UNIT = Path("deploy/channelwatch.service")
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


def unit() -> RawConfigParser:
    parser = RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text_of(UNIT))
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


def test_the_service_is_started_again_however_it_ended() -> None:
    assert unit()["Service"]["Restart"] == "always"
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0"


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
    assert [path for path in files if not is_explained(path)] == []
