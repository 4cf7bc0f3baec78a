"""Session cookies and form tokens."""

from __future__ import annotations

import base64

import pytest
from channelwatch_api import sessions as module
from channelwatch_api.sessions import MAX_COOKIE_CHARS, Sessions

from channelwatch.base.secrets import Secret

HOUR = 3_600_000
NOW = 1_790_000_000_000


def sessions(secret: str = "k" * 40) -> Sessions:
    return Sessions(Secret(secret), lifetime_ms=12 * HOUR)


def accepted(held: Sessions, cookie: str, *, binding: str = "hash-1", now: int = NOW) -> bool:
    session = held.claimed(cookie)
    return session is not None and held.holds(cookie, session, binding, now)


def test_an_issued_cookie_holds_until_its_lifetime_ends() -> None:
    held = sessions()
    cookie = held.issue("truc", "hash-1", NOW)
    assert accepted(held, cookie)
    assert accepted(held, cookie, now=NOW + 12 * HOUR - 1)
    assert not accepted(held, cookie, now=NOW + 12 * HOUR)


def test_a_cookie_from_far_ahead_is_refused() -> None:
    held = sessions()
    assert not accepted(held, held.issue("truc", "hash-1", NOW + HOUR))


def test_another_secret_or_another_password_ends_the_session() -> None:
    cookie = sessions().issue("truc", "hash-1", NOW)
    assert not accepted(sessions("another" * 8), cookie)
    assert not accepted(sessions(), cookie, binding="hash-2")


def test_a_cookie_rewritten_for_another_account_is_refused() -> None:
    held = sessions()
    packed, _, mac = held.issue("truc", "hash-1", NOW).partition(".")
    forged = base64.urlsafe_b64encode(base64.urlsafe_b64decode(packed).replace(b"truc", b"chief")).decode()
    assert held.claimed(f"{forged}.{mac}") is not None
    assert not accepted(held, f"{forged}.{mac}")


@pytest.mark.parametrize(
    "cookie",
    ["", ".", "%%%.x", "ääää.x", base64.urlsafe_b64encode(b"no bars").decode(), "A" * (MAX_COOKIE_CHARS + 1)],
)
def test_a_cookie_that_is_none_claims_nothing(cookie: str) -> None:
    assert not accepted(sessions(), cookie)


def test_a_mac_that_is_no_ascii_text_is_refused_without_an_error() -> None:
    held = sessions()
    assert not accepted(held, held.issue("truc", "hash-1", NOW).partition(".")[0] + ".é")


def test_signing_out_ends_one_session_and_no_other() -> None:
    held = sessions()
    first, second = (held.issue("truc", "hash-1", NOW) for _ in range(2))
    session = held.claimed(first)
    assert session is not None
    held.revoke(session, NOW)
    assert not accepted(held, first)
    assert accepted(held, second)


def test_the_list_of_signed_out_sessions_stays_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REVOKED", 3)
    held = sessions()
    cookies = [held.issue("truc", "hash-1", NOW) for _ in range(5)]
    for cookie in cookies:
        session = held.claimed(cookie)
        assert session is not None
        held.revoke(session, NOW)
    assert [accepted(held, cookie) for cookie in cookies] == [True, True, False, False, False]


def test_a_form_token_belongs_to_one_session() -> None:
    held = sessions()
    token = held.form_token("session one")
    assert held.form_token_holds(token, "session one")
    assert not held.form_token_holds(token, "session two")
    assert not held.form_token_holds("", "session one")
    assert not held.form_token_holds("é", "session one")
