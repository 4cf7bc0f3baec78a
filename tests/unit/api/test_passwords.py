"""Password hashes: what they accept, what they refuse, and the command that makes them."""

from __future__ import annotations

import argparse
import io

import pytest
from channelwatch_api.commands import hash_password as command

from channelwatch.base.errors import Permanent
from channelwatch.base.passwords import Cost, decoy, hash_password, parse_hash

CHEAP = Cost(n=16, r=1, p=1)


def test_the_right_password_alone_opens() -> None:
    held = hash_password("đúng mật khẩu", CHEAP)
    assert held.verify("đúng mật khẩu")
    assert not held.verify("dung mat khau")
    assert not held.verify("")


def test_a_hash_is_read_back_from_its_text() -> None:
    held = hash_password("một hai ba", CHEAP)
    assert parse_hash(str(held)) == held
    assert str(held).startswith("scrypt$16$1$1$")


def test_two_hashes_of_one_password_differ() -> None:
    assert str(hash_password("cùng một", CHEAP)) != str(hash_password("cùng một", CHEAP))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("đúng mật khẩu", "is not scrypt"),
        ("bcrypt$16$1$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA", "is not scrypt"),
        ("scrypt$x$1$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA", "cannot be read"),
        ("scrypt$16$1$1$***$AAAAAAAAAAAAAAAAAAAAAAAA", "cannot be read"),
        ("scrypt$15$1$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA", "outside the allowed range"),
        ("scrypt$16$0$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA", "outside the allowed range"),
        ("scrypt$4194304$8$1$AAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAA", "outside the allowed range"),
        ("scrypt$16$1$1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAA", "too short"),
        ("scrypt$16$1$1$AAAAAAAAAAAAAAAA$", "too short"),
    ],
)
def test_a_text_that_is_no_sound_hash_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(Permanent, match=reason) as refused:
        parse_hash(text)
    assert text not in str(refused.value)


def test_a_decoy_opens_to_nobody() -> None:
    assert not decoy(CHEAP).verify("")


def run_command(monkeypatch: pytest.MonkeyPatch, typed: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return command.run(argparse.Namespace())


@pytest.mark.parametrize(
    ("typed", "reason"),
    [("mật khẩu đủ dài\nmật khẩu khác đi\n", "differ"), ("ngắn\nngắn\n", "12 to 256 characters")],
)
def test_the_command_refuses_a_slip_and_a_short_password(
    monkeypatch: pytest.MonkeyPatch, typed: str, reason: str
) -> None:
    with pytest.raises(Permanent, match=reason):
        run_command(monkeypatch, typed)


def test_the_command_takes_no_password_as_an_argument() -> None:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["mật khẩu"])
