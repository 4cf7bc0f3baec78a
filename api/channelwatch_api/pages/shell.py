"""What every page has around its content: who is signed in, the language, the form token, the stream's address."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse

from channelwatch_api.access import Right
from channelwatch_api.auth import Account
from channelwatch_api.board.compose import drill_piece
from channelwatch_api.board.model import newest_answer
from channelwatch_api.board.render import Speech
from channelwatch_api.board.screens import Piece, Screen, ScreenKey, View
from channelwatch_api.problems import Problem
from channelwatch_api.services import Services, services
from channelwatch_api.texts import Language, Words

PREFIXES = ("", *(f"/{language}" for language in Language))
"""The board hangs below each of these; the first one speaks the instance's language."""


@dataclass(frozen=True, slots=True)
class Tongue:
    """The language of a request, from the beginning of its path."""

    language: Language
    prefix: str
    rest: str


def tongue(request: Request) -> Tongue:
    """The language that the path asks for."""
    path = request.url.path
    for language in Language:
        if path == f"/{language}" or path.startswith(f"/{language}/"):
            return Tongue(language, f"/{language}", path[len(language) + 1 :] or "/")
    own = services(request).house.settings.instance.language
    return Tongue(Language(own), "", path)


def local_path(text: str) -> str:
    """`text` if it is a path on this server, else the board: a form must not lead elsewhere."""
    safe = text.startswith("/") and not text.startswith("//") and text.isprintable() and "\\" not in text
    return text if safe else "/"


@dataclass(frozen=True, slots=True)
class Frame:
    """One request for a page by a signed-in account."""

    request: Request
    shared: Services
    account: Account
    tongue: Tongue

    @property
    def words(self) -> Words:
        """The words of the page's language."""
        return self.shared.catalogue.words(self.tongue.language)

    def url(self, *parts: object) -> str:
        """A link inside the board."""
        return Speech(self.words, self.tongue.prefix).url(*parts)

    def key(self, view: View, subject: str = "") -> ScreenKey:
        """The screen that this account sees."""
        return ScreenKey(
            view=view,
            language=self.tongue.language,
            prefix=self.tongue.prefix,
            scope=self.account.scope,
            may_ack=self.account.may(Right.ACKNOWLEDGE),
            may_clear=self.account.may(Right.CLEAR_LATCH),
            subject=subject,
        )

    def may_do(self, right: Right) -> bool:
        """May the account do this on a page, where only a session posts forms?"""
        return self.account.session is not None and self.account.may(right)

    def check(self, token: str, right: Right) -> None:
        """Problem 403 unless the account holds `right` and the form came from its own session."""
        session = self.account.session
        if not self.account.may(right):
            raise Problem(403)
        if session is None or not self.shared.gate.sessions.form_token_holds(token, session.text):
            raise Problem(403, "stale_form")

    def fragment(self, key: ScreenKey, name: str, piece: Piece) -> str:
        """A live fragment without a stream behind it."""
        return self.shared.renderer.fragment(key, name, piece)

    def respond(self, template: str, *, screen: Screen, **context: Any) -> HTMLResponse:
        """The page, which `screen` keeps current."""
        session, house = self.account.session, self.shared.house
        html = self.shared.renderer.page(
            template,
            self.tongue.language,
            self.tongue.prefix,
            account=self.account,
            csrf=self.shared.gate.sessions.form_token(session.text) if session is not None else "",
            may_ack=self.account.may(Right.ACKNOWLEDGE),
            here=self.request.url.path,
            stream=self._stream(screen),
            screen=screen,
            now=house.clock.now(),
            seen_at=newest_answer(house.world, self.account.scope),
            province=house.world.inventory.province,
            blocs=self.account.scope.blocs,
            problems=house.readiness().problems,
            drill=self._drill(),
            **chrome(self.request),
            **context,
        )
        return _compressed(self.request, html)

    def _drill(self) -> str:
        house, scope = self.shared.house, self.account.scope
        return self.fragment(self.key(View.STILL), "drill", drill_piece(house.world, scope, house.drill))

    def _stream(self, screen: Screen) -> str:
        key = screen.key
        query = {"view": key.view, "subject": key.subject, "after": self.shared.screens.event_id(screen)}
        return f"{self.url('board', 'events')}?{urlencode(query)}"


def chrome(request: Request) -> dict[str, Any]:
    """The link to this page in the other language, and where the path points inside the board."""
    spoken = tongue(request)
    other = next(language for language in Language if language is not spoken.language)
    query = f"?{request.url.query}" if request.url.query else ""
    return {
        "other_language": other,
        "other_url": f"/{other}{quote(spoken.rest)}{query}",
        "section": spoken.rest,
    }


def _compressed(request: Request, html: str) -> HTMLResponse:
    """The page, packed if the browser takes that: a board of 130 communes shrinks to a tenth.

    What packs secrets together with a stranger's text could leak them (BREACH); here a request from another site
    carries no cookie at all (SameSite=Strict), so there is nothing to guess.
    """
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return HTMLResponse(html, headers=headers)
    packed = gzip.compress(html.encode(), compresslevel=5, mtime=0)
    return HTMLResponse(packed, headers={**headers, "Content-Encoding": "gzip"})


def frame(request: Request) -> Frame:
    """The frame of a page. Problem 401, which leads to the sign-in page, when nobody is signed in."""
    shared = services(request)
    account = shared.gate.account(request)
    if account is None:
        raise Problem(401)
    return Frame(request, shared, account, tongue(request))
