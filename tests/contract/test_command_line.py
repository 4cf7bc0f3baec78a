"""The commands as a person or a script calls them: what they print, what they leave, and their exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from channelwatch import __version__
from channelwatch.app import cli
from channelwatch.app.cli import FAILED, OK, WRONG_INPUT, main
from channelwatch.base.errors import Bug, Transient
from channelwatch.inventory.diff import ChangeKind
from channelwatch.store.sqlstore import SqlStore, open_store
from tests.support.files import ENVIRON, INVENTORY, write_config, write_inventory
from tests.support.peers import ROOT


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and an inventory."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    write_config(tmp_path)
    write_inventory(tmp_path)
    return tmp_path


def call(place: Path, command: str, *more: str) -> int:
    return main([command, "--config", str(place / "channelwatch.yaml"), *more])


def apply(place: Path, *more: str) -> int:
    return call(place, "apply", "--file", str(place / "inventory.yaml"), *more)


def files(place: Path) -> set[str]:
    return {str(path.relative_to(place)) for path in place.rglob("*")}


def stored(place: Path) -> SqlStore:
    return open_store("sqlite:///data/channelwatch.db", place)


Printed = pytest.CaptureFixture[str]


def test_a_dry_run_shows_every_change_and_makes_nothing(place: Path, capsys: Printed) -> None:
    before = files(place)
    assert apply(place, "--dry-run") == OK
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "+ units 21548"
    assert shown[-1] == "4 changes, none applied (dry run)"
    assert files(place) == before


@pytest.mark.parametrize(
    "words",
    [
        "uptime --scope province --from 2026-11",
        "maintenance list",
        "maintenance approve 1",
        "correct list",
        "oncall who",
        "oncall export shifts",
        "drill report",
        "rebuild",
        "rebuild --check",
        "db check",
        "backup copy.db",
    ],
)
def test_a_command_that_asks_or_adds_makes_no_store_where_there_is_none(
    place: Path, words: str, capsys: Printed
) -> None:
    before = files(place)
    assert main([*words.split(), "--config", str(place / "channelwatch.yaml")]) == WRONG_INPUT
    assert f"{place / 'data/channelwatch.db'}: no such store" in capsys.readouterr().err
    assert files(place) == before


def test_a_dry_run_over_an_old_store_changes_nothing_either(place: Path, capsys: Printed) -> None:
    assert apply(place) == OK
    write_inventory(place, INVENTORY.replace("127.11.0.5", "127.11.0.9"))
    capsys.readouterr()
    assert apply(place, "--dry-run") == OK
    assert capsys.readouterr().out.splitlines() == [
        "~ devices 51-D-21548-1 (address: 127.11.0.5 -> 127.11.0.9)",
        "1 change, none applied (dry run)",
    ]
    store = stored(place)
    assert store.inventory_version() == 1
    store.close()


def test_applying_twice_changes_nothing_and_who_and_when_is_kept(place: Path, capsys: Printed) -> None:
    assert apply(place, "--by", "truong-ca") == OK
    assert capsys.readouterr().out.splitlines()[-1] == "4 changes applied as inventory version 1 by truong-ca"
    assert apply(place, "--by", "khac") == OK
    assert capsys.readouterr().out == "no changes\n"
    store = stored(place)
    entries = store.inventory_log(10)
    store.close()
    assert {(entry.by, entry.change.kind) for entry in entries} == {("truong-ca", ChangeKind.ADD)}
    assert len({entry.at for entry in entries}) == 1


def test_the_name_of_whoever_applies_is_the_login_name_or_the_users_number(
    place: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 12345)
    assert apply(place) == OK
    assert capsys.readouterr().out.splitlines()[-1].endswith("by uid 12345")


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("inventory.yaml", "level: 4", "level: 9", "inventory.yaml:12: devices[0].level:"),
        ("inventory.yaml", "level: 4", "lvl: 4", "inventory.yaml:12: devices[0].lvl: unknown key"),
        ("inventory.yaml", "devices:", "devices: [", "inventory.yaml:"),
        ("channelwatch.yaml", "poll_s: 1", "poll_s: soon", "channelwatch.yaml:5: collector.snmp.poll_s:"),
        ("channelwatch.yaml", "province:", "provinz:", "channelwatch.yaml:1: instance.provinz: unknown key"),
    ],
)
def test_a_wrong_file_is_told_with_file_and_line_and_status_two(
    place: Path, capsys: Printed, name: str, old: str, new: str, expected: str
) -> None:
    path = place / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    before = files(place)
    assert apply(place) == WRONG_INPUT
    printed = capsys.readouterr()
    assert expected in printed.err
    assert printed.out == ""
    assert files(place) == before


def test_a_missing_file_is_named(place: Path, capsys: Printed) -> None:
    (place / "inventory.yaml").unlink()
    assert apply(place) == WRONG_INPUT
    assert "inventory.yaml: no such file" in capsys.readouterr().err


def test_check_config_prints_what_is_understood_with_its_secrets_masked(place: Path, capsys: Printed) -> None:
    assert call(place, "check-config", "--json") == OK
    printed = capsys.readouterr().out
    shown = json.loads(printed)
    assert shown["collector"]["snmp"]["poll_s"] == 1
    assert shown["notify"]["webhooks"]["duty"]["secret"] == "***"
    assert "secret of a test" not in printed and ENVIRON["CW_PRIV"] not in printed
    assert call(place, "check-config") == OK
    assert "secret: '***'" in capsys.readouterr().out
    assert files(place) == files(place) - {"data"}


def test_version_is_one_line(capsys: Printed) -> None:
    assert main(["version"]) == OK
    assert capsys.readouterr().out == f"channelwatch {__version__}\n"


def test_a_command_that_is_none_is_refused_with_status_two(capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["aply"])
    assert ended.value.code == WRONG_INPUT
    assert "invalid choice: 'aply'" in capsys.readouterr().err


def test_run_refuses_a_wrong_inventory_before_anything_is_made(place: Path, capsys: Printed) -> None:
    config = place / "channelwatch.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "inventory: {file: none.yaml}\n", encoding="utf-8")
    assert call(place, "run") == WRONG_INPUT
    assert "none.yaml: no such file" in capsys.readouterr().err


def test_run_refuses_wrong_rule_files(place: Path, capsys: Printed) -> None:
    (place / "rules").mkdir()
    (place / "rules" / "own.yaml").write_text("version: 1\nrules: [{id: x}]\n", encoding="utf-8")
    config = place / "channelwatch.yaml"
    config.write_text(config.read_text(encoding="utf-8") + "alert_rules: rules\n", encoding="utf-8")
    assert call(place, "run") == WRONG_INPUT
    assert "own.yaml:2: rules[0].subject: is required" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (
            Transient("database is locked", operation="commit", subject="store"),
            FAILED,
            "commit store: database is locked\n",
        ),
        (Bug("a contradiction"), FAILED, "a contradiction\n"),
        (PermissionError(13, "Permission denied", "/var/lib/x"), FAILED, "/var/lib/x: Permission denied\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_failure_is_one_sentence_and_a_status(
    place: Path,
    capsys: Printed,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
    said: str,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "load_settings", fail)
    assert call(place, "check-config") == status
    assert capsys.readouterr().err == said


def test_init_in_a_folder_that_may_not_be_written_is_one_sentence(tmp_path: Path, capsys: Printed) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["init", str(tmp_path / "file" / "below")]) == FAILED
    assert "Not a directory" in capsys.readouterr().err


def test_the_program_and_the_module_are_the_same(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "channelwatch.app", "version"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert ran.stdout == f"channelwatch {__version__}\n"


def test_a_reader_that_has_gone_is_no_error(place: Path) -> None:
    command = f"{sys.executable} -m channelwatch.app check-config --config {place}/channelwatch.yaml"
    ran = subprocess.run(
        ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", **ENVIRON}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert (ran.stdout, ran.stderr) == ("0\n", "")
