"""What the routes share, made once per running server, and how a route asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from channelwatch.app.acks import AckDesk
from channelwatch.app.drill.desk import DrillDesk
from channelwatch_api.access import Right
from channelwatch_api.auth import Account, Gate
from channelwatch_api.board.assets import Asset
from channelwatch_api.board.render import Renderer
from channelwatch_api.board.stream import Screens
from channelwatch_api.house import House
from channelwatch_api.problems import Problem
from channelwatch_api.scrape import Scrapes
from channelwatch_api.texts import Catalogue
from channelwatch_api.uptime import Figures

CSRF_HEADER = "x-csrf-token"


@dataclass(frozen=True, slots=True)
class Services:
    """The house and what this package adds to it."""

    house: House
    gate: Gate
    catalogue: Catalogue
    scrapes: Scrapes
    screens: Screens
    renderer: Renderer
    assets: Mapping[str, Asset]
    acks: AckDesk | None
    figures: Figures
    drills: DrillDesk | None


def services(request: Request) -> Services:
    """The services of the application that serves `request`."""
    found: Services = request.app.state.services
    return found


def signed_in(request: Request) -> Account:
    """Whoever is asking; Problem 401 when nobody known is."""
    account = services(request).gate.account(request)
    if account is None:
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    return account


def commands(right: Right) -> Callable[[Request], Account]:
    """A dependency: whoever is asking holds `right` and, if by cookie, sent the session's token in a header."""

    def check(request: Request) -> Account:
        account = signed_in(request)
        if not account.may(right):
            raise Problem(403)
        if account.session is not None:
            token = request.headers.get(CSRF_HEADER, "")
            if not services(request).gate.sessions.form_token_holds(token, account.session.text):
                raise Problem(403, "stale_form")
        return account

    return check


def origin(kind: str, request: Request) -> str:
    """Where a person's command came from, for the incident's steps: `api 192.0.2.7`."""
    return f"{kind} {client_address(request)}"


def client_address(request: Request) -> str:
    """The peer's address; no forwarding header is believed."""
    return request.client.host if request.client is not None else ""


Shared = Annotated[Services, Depends(services)]
SignedIn = Annotated[Account, Depends(signed_in)]
