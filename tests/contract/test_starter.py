"""`channelwatch init`: what it writes is a working installation, and it overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from channelwatch.app.cli import OK, WRONG_INPUT, main
from channelwatch.app.inventoryfile import load_inventory
from channelwatch.app.settings import load_settings


def test_the_folder_it_writes_passes_the_checks_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "site"
    assert main(["init", str(folder), "--bloc", "gov"]) == OK
    settings = load_settings(folder / "channelwatch.yaml", {})
    inventory = load_inventory(folder / "inventory.yaml", settings)
    assert [device.code for device in inventory.devices] == ["51-C-T0001-1"]
    password = capsys.readouterr().out.split("password ")[1].split(" ")[0]
    hashed = (folder / "secrets" / "truong-ca.hash").read_text(encoding="utf-8")
    assert hashed.startswith("scrypt$")
    assert password not in hashed
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "secrets").iterdir())


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "inventory.yaml").write_text("mine", encoding="utf-8")
    assert main(["init", str(tmp_path)]) == WRONG_INPUT
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["inventory.yaml"]


@pytest.mark.parametrize("province", ["5", "051", "\u0665\u0661", "ab"])
def test_a_province_is_two_digits(tmp_path: Path, province: str) -> None:
    assert main(["init", str(tmp_path / "x"), "--province", province]) == WRONG_INPUT
    assert not (tmp_path / "x").exists()
