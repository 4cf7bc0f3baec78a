"""Signed session cookies and form tokens (HMAC-SHA-256). No session is stored; signing out revokes one in memory."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass

from channelwatch.base.secrets import Secret, sign
from channelwatch_api.limits import MAX_REVOKED

SESSION_COOKIE = "cw_session"
FORM_COOKIE = "cw_form"
MAX_COOKIE_CHARS = 512
_FUTURE_MS = 60_000
"""A cookie may come from so far ahead of our clock (a step back by NTP), not further."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a valid cookie says: who signed in, when (epoch ms), and the session's random name."""

    account: str
    issued_at: int
    nonce: str

    @property
    def text(self) -> str:
        """The signed part of the cookie."""
        return f"{self.account}|{self.issued_at}|{self.nonce}"


class Sessions:
    """Issues and checks cookies. `binding` is a text of the account (its password hash): changing it ends them."""

    def __init__(self, secret: Secret, *, lifetime_ms: int) -> None:
        self._secret = secret
        self._lifetime_ms = lifetime_ms
        self._revoked: dict[str, int] = {}

    def issue(self, account: str, binding: str, now: int) -> str:
        """The cookie's value for a sign-in at `now` (epoch ms)."""
        session = Session(account, now, secrets.token_urlsafe(12))
        packed = base64.urlsafe_b64encode(session.text.encode()).decode("ascii")
        return f"{packed}.{self._mac(session, binding)}"

    def claimed(self, cookie: str) -> Session | None:
        """What the cookie claims, unchecked: only good for looking up the account's binding."""
        if len(cookie) > MAX_COOKIE_CHARS:
            return None
        try:
            text = base64.urlsafe_b64decode(cookie.partition(".")[0].encode("ascii")).decode()
            account, issued, nonce = text.split("|")
            return Session(account, int(issued), nonce)
        except ValueError:
            return None

    def holds(self, cookie: str, session: Session, binding: str, now: int) -> bool:
        """Is the cookie ours, unexpired and not signed out?"""
        mac = cookie.partition(".")[2]
        age = now - session.issued_at
        return (
            hmac.compare_digest(mac.encode(), self._mac(session, binding).encode())
            and -_FUTURE_MS <= age < self._lifetime_ms
            and session.nonce not in self._revoked
        )

    def revoke(self, session: Session, now: int) -> None:
        """Sign a session out."""
        self._revoked = {nonce: end for nonce, end in self._revoked.items() if end > now}
        while len(self._revoked) >= MAX_REVOKED:
            self._revoked.pop(next(iter(self._revoked)))
        self._revoked[session.nonce] = session.issued_at + self._lifetime_ms

    def form_token(self, bound_to: str) -> str:
        """The token that a form must carry; `bound_to` is the session's text or the sign-in page's cookie."""
        return sign(self._secret, b"form\0" + bound_to.encode())

    def form_token_holds(self, token: str, bound_to: str) -> bool:
        """Was `token` made for `bound_to`?"""
        return hmac.compare_digest(token.encode(), self.form_token(bound_to).encode())

    def _mac(self, session: Session, binding: str) -> str:
        return sign(self._secret, f"session\0{session.text}\0{binding}".encode())
