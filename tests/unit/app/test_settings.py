"""The configuration file: what is refused, where it says so, and that no secret shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from channelwatch.app.settings import load_settings, masked
from channelwatch.base.errors import InputError
from tests.support.files import CONFIG, ENVIRON, write_config


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_settings(write_config(folder, text), ENVIRON if environ is None else environ)
    return [line.removeprefix(f"{folder}/") for line in caught.value.problems]


def test_the_example_is_understood(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path), ENVIRON)
    assert settings.instance.blocs == ("party",)
    assert settings.resolve(Path("x")) == tmp_path / "x"


def test_no_secret_shows_in_what_is_printed_or_represented(tmp_path: Path) -> None:
    settings = load_settings(write_config(tmp_path), ENVIRON)
    shown = f"{masked(settings)} {settings!r} {settings}"
    assert "***" in shown
    assert "secret of a test" not in shown
    assert ENVIRON["CW_PRIV"] not in shown


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("province:", "provinz:", "channelwatch.yaml:1: instance.provinz: unknown key"),
        ('"51"', '"\u0665\u0661"', "channelwatch.yaml:1: instance.province:"),
        ("poll_s: 1,", "poll_s: 0,", "channelwatch.yaml:5: collector.snmp.poll_s:"),
        (
            "blocs: [party]",
            "blocs: [party, gov]",
            "channelwatch.yaml:1: instance: a real instance holds one bloc",
        ),
        ("blocs: [party]", "blocs: [navy]", "channelwatch.yaml:1: instance.blocs[0]:"),
        (
            '"file:secrets/auth"',
            "plain-text",
            "channelwatch.yaml:8: credentials.encryptors.auth_pass: must be a reference",
        ),
        ('"file:secrets/auth"', "file:secrets/none", "secret file secrets/none: No such file"),
        ('"env:CW_PRIV"', '"env:CW_NONE"', "environment variable CW_NONE is not set"),
        ("http://127.0.0.1:9/alert", "ftp://127.0.0.1/alert", "notify.webhooks.duty.url:"),
        (
            "http://127.0.0.1:9/alert",
            "http://127.0.0.1:99999/alert",
            "must be an http:// or https:// address",
        ),
        ("http://127.0.0.1:9/alert", "http:///alert", "must be an http:// or https:// address with a host"),
        ("http://127.0.0.1:9/alert", "http://[::1/alert", "must be an http:// or https:// address"),
        (
            "  webhooks:",
            "  smtp: {host: relay.example.test, from: cw@example.test, user: cw}\n  webhooks:",
            "channelwatch.yaml:10: notify.smtp: user and password are given together",
        ),
        (
            "id: col-1\n",
            'id: col-1\n  traps: {listen: "localhost:1162"}\n',
            "listen: must begin with an IP address",
        ),
        ("id: col-1\n", 'id: col-1\n  traps: {listen: "1162"}\n', "listen: must be ADDRESS:PORT"),
        ("auth: SHA-256", "auth: none", "auth_pass is given exactly when auth is not none"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_key(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in CONFIG
    found = problems(tmp_path, CONFIG.replace(old, new, 1))
    assert any(expected in line for line in found), found


def test_a_default_secret_and_a_short_pass_phrase_are_refused(tmp_path: Path) -> None:
    assert any("well-known default" in line for line in problems(tmp_path, CONFIG, {"CW_PRIV": "changeme"}))
    assert any("at least 8 characters" in line for line in problems(tmp_path, CONFIG, {"CW_PRIV": "seven77"}))


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    text = (
        CONFIG.replace("poll_s: 1,", "poll_s: 0,")
        .replace("id: col-1", "id: col 1")
        .replace("duty:", "duty!:")
    )
    assert len(problems(tmp_path, text)) >= 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("instance: [", "not valid YAML"),
        ("a: 1\na: 2\n", "channelwatch.yaml:2: a: key stands twice (first on line 1)"),
        ("- 1\n", "must be a mapping"),
        ("? [1]\n: 2\n", "a key must be plain text"),
        ("", "instance: is required"),
        ("a: 2026-13-45\n", "channelwatch.yaml:1: there is no such date or number: 2026-13-45"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_sentence(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert any(expected in line for line in problems(tmp_path, text))


@pytest.mark.parametrize(
    ("folder", "file", "told"),
    [(0o755, 0o644, ("secrets/auth",)), (0o755, 0o640, ()), (0o700, 0o644, ())],
)
def test_a_secret_that_everybody_may_read_is_told_of(
    tmp_path: Path, folder: int, file: int, told: tuple[str, ...]
) -> None:
    path = write_config(tmp_path)
    (tmp_path / "secrets").chmod(folder)
    for secret in (tmp_path / "secrets").iterdir():
        secret.chmod(file if secret.name == "auth" else 0o600)
    assert load_settings(path, ENVIRON).loose_secrets == told


def test_a_secret_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    text = CONFIG.replace("file:secrets/auth", "file:/dev/zero")
    assert any("secret file /dev/zero: too long for a secret" in line for line in problems(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml: no such file"):
        load_settings(tmp_path / "none.yaml", {})


def test_a_recursive_anchor_is_an_error_and_not_an_endless_loop(tmp_path: Path) -> None:
    assert problems(tmp_path, "instance: &a {id: *a}\n") == [
        "channelwatch.yaml:1: aliases and deep nesting are not used here"
    ]


def test_thousands_of_nested_brackets_are_an_error_and_not_a_crash(tmp_path: Path) -> None:
    assert problems(tmp_path, "a: " + "[" * 50_000)
