"""Who is asking: by session cookie or by bearer token. Sign-in checks passwords without telling which names exist."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request

from channelwatch.app.settings import AccountSettings, HttpSettings
from channelwatch.base.clock import Clock
from channelwatch.base.errors import Permanent
from channelwatch.base.passwords import Cost, PasswordHash, decoy, parse_hash
from channelwatch.base.secrets import Secret
from channelwatch.inventory.model import Role
from channelwatch_api.access import Right, may
from channelwatch_api.guard import FailureGuard
from channelwatch_api.limits import (
    ADDRESS_FAILURES,
    LOGIN_FAILURES,
    MAX_PASSWORD_CHARS,
    MIN_SESSION_SECRET_CHARS,
    MIN_TOKEN_CHARS,
    PASSWORD_CHECKS,
    PASSWORD_CHECKS_WAITING,
)
from channelwatch_api.meters import HttpMeters, SignIn
from channelwatch_api.problems import Problem
from channelwatch_api.scope import Scope
from channelwatch_api.sessions import SESSION_COOKIE, Session, Sessions

HOUR_MS = 3_600_000
CERTIFIED = "certified"
"""The connection's state under which the server notes that the client has shown a certificate that we trust."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whoever is asking. `session` is None for a bearer token."""

    name: str
    role: Role
    scope: Scope
    session: Session | None = None

    def may(self, right: Right) -> bool:
        """Does the account's role hold `right`?"""
        return may(self.role, right)


@dataclass(frozen=True, slots=True)
class _Known:
    settings: AccountSettings
    hash: PasswordHash

    @property
    def binding(self) -> str:
        """Ends the account's sessions when its password changes."""
        return self.settings.password.reveal()


class Gate:
    """Checks who is asking. Built once from the settings; Permanent when a hash or a secret is unfit."""

    def __init__(self, settings: HttpSettings, clock: Clock, meters: HttpMeters) -> None:
        _check_secrets(settings)
        self._settings = settings
        self._clock = clock
        self._meters = meters
        self._known = {item.name: _Known(item, _hash(item)) for item in settings.accounts}
        self._decoy = decoy(next((known.hash.cost for known in self._known.values()), Cost()))
        self.sessions = Sessions(settings.session_secret, lifetime_ms=settings.session_hours * HOUR_MS)
        self._by_name = FailureGuard(LOGIN_FAILURES)
        self._by_address = FailureGuard(ADDRESS_FAILURES)
        self._turns = asyncio.Semaphore(PASSWORD_CHECKS)
        self._waiting = 0

    def account(self, request: Request) -> Account | None:
        """The account behind a request, None when there is none."""
        token = _bearer(request)
        if token is not None:
            return self._by_token(token)
        cookie = request.cookies.get(SESSION_COOKIE)
        return None if cookie is None else self._by_cookie(cookie)

    def reads_metrics(self, request: Request) -> bool:
        """Does the request carry the metrics token, or come over a connection with a trusted certificate?"""
        if getattr(request.state, CERTIFIED, False):
            return True
        token = _bearer(request)
        return token is not None and _same(token, self._settings.metrics_token)

    @property
    def has_alertmanager(self) -> bool:
        """Does anybody post alerts here?"""
        return self._settings.alertmanager_token is not None

    def is_alertmanager(self, request: Request) -> bool:
        """Does the request carry the token of the Alertmanager that may post alerts?"""
        token, wanted = _bearer(request), self._settings.alertmanager_token
        return token is not None and wanted is not None and _same(token, wanted)

    async def sign_in(self, name: str, password: str, address: str) -> str:
        """The cookie for a right name and password. Problem 401 when they are not, 429 after too many failures."""
        key, now = (name[:64], address), self._clock.monotonic_ms()
        wait_ms = max(self._by_name.wait_ms(key, now), self._by_address.wait_ms(address, now))
        if wait_ms:
            self._meters.sign_in(SignIn.SLOWED_DOWN)
            raise Problem(429, "too_many_failures", headers={"Retry-After": str(wait_ms // 1000 + 1)})
        if self._waiting >= PASSWORD_CHECKS_WAITING:
            self._meters.sign_in(SignIn.BUSY)
            raise Problem(503, headers={"Retry-After": "5"})
        self._by_name.begin(key, now)
        self._by_address.begin(address, now)
        known = self._known.get(name)
        if not await self._verify(known, password) or known is None:
            self._meters.sign_in(SignIn.WRONG)
            raise Problem(401, "wrong_password")
        self._meters.sign_in(SignIn.OPENED)
        self._by_name.succeeded(key)
        self._by_address.succeeded(address)
        return self.sessions.issue(name, known.binding, self._clock.now())

    def sign_out(self, account: Account) -> None:
        """End the account's session before its time."""
        if account.session is not None:
            self.sessions.revoke(account.session, self._clock.now())

    async def _verify(self, known: _Known | None, password: str) -> bool:
        candidate = self._decoy if known is None else known.hash
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(candidate.verify, password[: MAX_PASSWORD_CHARS + 1])
        finally:
            self._waiting -= 1

    def _by_token(self, token: str) -> Account | None:
        found: _Known | None = None
        for known in self._known.values():
            if known.settings.api_token is not None and _same(token, known.settings.api_token):
                found = known
        return None if found is None else _account(found.settings, None)

    def _by_cookie(self, cookie: str) -> Account | None:
        session = self.sessions.claimed(cookie)
        known = None if session is None else self._known.get(session.account)
        if session is None or known is None:
            return None
        if not self.sessions.holds(cookie, session, known.binding, self._clock.now()):
            return None
        return _account(known.settings, session)


def _account(settings: AccountSettings, session: Session | None) -> Account:
    return Account(settings.name, settings.role, Scope.of(frozenset(settings.blocs)), session)


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _same(token: str, secret: Secret) -> bool:
    """Compared by digest: neither length nor content shows in the time taken."""
    given, wanted = (sha256(text.encode()).digest() for text in (token, secret.reveal()))
    return hmac.compare_digest(given, wanted)


def _hash(account: AccountSettings) -> PasswordHash:
    try:
        return parse_hash(account.password.reveal())
    except Permanent as error:
        raise Permanent(error.message, operation="account", subject=account.name) from None


def _check_secrets(settings: HttpSettings) -> None:
    names = [item.name for item in settings.accounts]
    if len(set(names)) != len(names):
        raise Permanent("two accounts have the same name", operation="http.accounts")
    _long_enough("http.session_secret", settings.session_secret, MIN_SESSION_SECRET_CHARS)
    tokens: Iterable[tuple[str, Secret | None]] = [
        ("http.metrics_token", settings.metrics_token),
        ("http.alertmanager_token", settings.alertmanager_token),
        *((f"http.accounts {item.name} api_token", item.api_token) for item in settings.accounts),
    ]
    for name, token in tokens:
        if token is not None:
            _long_enough(name, token, MIN_TOKEN_CHARS)


def _long_enough(name: str, secret: Secret, chars: int) -> None:
    if len(secret.reveal()) < chars:
        raise Permanent(
            f"is shorter than {chars} characters; make one with `openssl rand -hex 32`", operation=name
        )
