from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from channelwatch_simulator import cli, commands
from channelwatch_simulator.demo import Demo, Plan, Ports, configuration
from channelwatch_simulator.files import RunFolder
from channelwatch_simulator.province import Preset, build_province

from channelwatch.app.inventoryfile import load_inventory
from channelwatch.app.settings import load_settings
from channelwatch.base.clock import ManualClock
from channelwatch.base.passwords import parse_hash

PORTS = Ports(board=8080, traps=20162, syslog=20514, webhook=20999, smtp=20025)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_secrets_are_the_owners_alone(tmp_path: Path) -> None:
    keys = RunFolder(tmp_path).keys()
    files = sorted((tmp_path / "secrets").iterdir())
    assert [path.name for path in files] == ["auth", "community", "priv"]
    assert {mode(path) for path in files} == {0o600}
    assert mode(tmp_path / "secrets") == 0o700
    assert len({keys.auth.reveal(), keys.priv.reveal(), keys.community.reveal()}) == 3
    assert all(len(secret.reveal()) >= 24 for secret in (keys.auth, keys.priv, keys.community))


def test_secrets_are_kept_and_differ_between_folders(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "a").keys()
    assert RunFolder(tmp_path / "a").keys() == first
    assert RunFolder(tmp_path / "b").keys() != first


def test_seeded_secrets_repeat(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "a", secret_seed=1).keys()
    assert RunFolder(tmp_path / "b", secret_seed=1).keys() == first
    assert RunFolder(tmp_path / "b", secret_seed=2).keys() != first


def test_engine_boots_never_fall(tmp_path: Path) -> None:
    assert [RunFolder(tmp_path).next_boot() for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("preset", Preset)
def test_the_product_understands_what_is_written(preset: Preset, tmp_path: Path) -> None:
    demo = Demo(Plan(tmp_path, 1, 1.0, 8080, None, None), ManualClock(), print)
    passwords = demo._configure(PORTS)
    folder = RunFolder(tmp_path)
    folder.keys()
    folder.secret("webhook")
    province = build_province(preset, 1)
    path = folder.write_inventory(province)
    settings = load_settings(tmp_path / "channelwatch.yaml", {})
    assert settings.instance.simulated
    assert load_inventory(path, settings) == province.inventory
    assert settings.http is not None
    for account in settings.http.accounts:
        assert parse_hash(account.password.reveal()).verify(passwords[account.name])


def test_the_configuration_holds_no_secret() -> None:
    text = yaml.safe_dump(configuration(PORTS))
    for word in ("pass:", "community:", "secret:", "password:", "token:"):
        assert text.count(word) == text.count(f"{word} file:")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--traps", "192.0.2.1:162"), ("--traps", "127.0.0.1"), ("--syslog", "localhost:514"), ("--speed", "0"),
        ("--speed", "1e9"), ("--agent-port", "161"), ("--preset", "nation"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--out", "x", option, value])
    assert option in capsys.readouterr().err


def test_the_demo_is_a_command_of_the_product() -> None:
    assert (commands.demo.name, bool(commands.demo.help)) == ("demo", True)
