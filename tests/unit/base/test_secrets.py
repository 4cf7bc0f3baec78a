"""Secrets that cannot be printed by accident."""

from __future__ import annotations

import copy
import pickle

import pytest

from channelwatch.base.secrets import Secret, sign


def test_a_secret_shows_only_when_it_is_revealed() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {secret!s:>20}"
    assert secret.reveal() == "hunter2"


def test_secrets_are_compared_in_any_script() -> None:
    assert Secret("mật khẩu") == Secret("mật khẩu")
    assert Secret("mật khẩu") != Secret("mat khau")
    assert Secret("x") != "x"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_serialised_or_copied(act: object) -> None:
    with pytest.raises(TypeError, match="not serialised"):
        act(Secret("hunter2"))  # type: ignore[operator]


def test_a_signature_is_that_of_rfc_4231() -> None:
    # Test case 2 of RFC 4231, HMAC-SHA-256.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign(Secret("Jefe"), b"what do ya want for nothing?") == expected
