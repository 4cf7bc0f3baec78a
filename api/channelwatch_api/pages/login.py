"""Signing in and out."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from channelwatch_api.limits import MAX_PASSWORD_CHARS
from channelwatch_api.pages.shell import Frame, chrome, frame, local_path, tongue
from channelwatch_api.problems import Problem
from channelwatch_api.services import Services, Shared, client_address
from channelwatch_api.sessions import FORM_COOKIE, SESSION_COOKIE

router = APIRouter(include_in_schema=False)

FORM_COOKIE_S = 3600


@router.get("/login")
async def form(request: Request, shared: Shared, next: str = "/") -> HTMLResponse:  # noqa: A002 - the query's name
    """The sign-in page."""
    return _page(request, shared, next, status=200)


@router.post("/login")
async def sign_in(
    request: Request,
    shared: Shared,
    name: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=MAX_PASSWORD_CHARS)],
    csrf: Annotated[str, Form(max_length=128)],
    next_path: Annotated[str, Form(alias="next", max_length=512)] = "/",
) -> Response:
    """Check name and password, set the session cookie, and go on to where the visitor wanted to be."""
    bound_to = request.cookies.get(FORM_COOKIE, "")
    if not bound_to or not shared.gate.sessions.form_token_holds(csrf, bound_to):
        return _page(request, shared, next_path, status=403, problem="stale_form")
    try:
        cookie = await shared.gate.sign_in(name, password, client_address(request))
    except Problem as refused:
        page = _page(request, shared, next_path, status=refused.status, problem=refused.kind)
        page.headers.update(refused.headers)
        return page
    http = shared.house.settings.http
    assert http is not None, "the server runs only with http settings"
    response = RedirectResponse(local_path(next_path), status_code=303)
    response.set_cookie(
        SESSION_COOKIE,
        cookie,
        max_age=http.session_hours * 3600,
        httponly=True,
        samesite="strict",
        secure=http.secure_cookie,
    )
    response.delete_cookie(FORM_COOKIE, httponly=True, samesite="strict", secure=http.secure_cookie)
    return response


@router.post("/logout")
async def sign_out(
    page: Annotated[Frame, Depends(frame)], csrf: Annotated[str, Form(max_length=128)]
) -> RedirectResponse:
    """End the session."""
    session = page.account.session
    if session is None or not page.shared.gate.sessions.form_token_holds(csrf, session.text):
        raise Problem(403, "stale_form")
    page.shared.gate.sign_out(page.account)
    response = RedirectResponse(page.url("login"), status_code=303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return response


def _page(
    request: Request, shared: Services, next_path: str, *, status: int, problem: str = ""
) -> HTMLResponse:
    http = shared.house.settings.http
    assert http is not None, "the server runs only with http settings"
    bound_to = secrets.token_urlsafe(16)
    spoken = tongue(request)
    html = shared.renderer.page(
        "login.html",
        spoken.language,
        spoken.prefix,
        csrf=shared.gate.sessions.form_token(bound_to),
        next_path=local_path(next_path),
        problem=problem,
        province=shared.house.world.inventory.province,
        **chrome(request),
    )
    response = HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        FORM_COOKIE,
        bound_to,
        max_age=FORM_COOKIE_S,
        httponly=True,
        samesite="strict",
        secure=http.secure_cookie,
    )
    return response
