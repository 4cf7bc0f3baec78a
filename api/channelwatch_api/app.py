"""The ASGI application: routes, errors, limits and headers put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from channelwatch import __version__
from channelwatch.app.acks import AckDesk
from channelwatch.app.channels import ack_signer
from channelwatch.app.drill.desk import DrillDesk
from channelwatch.app.settings import HttpSettings
from channelwatch.app.yamlfile import plain_words
from channelwatch_api.auth import Gate
from channelwatch_api.board.assets import Asset, load_assets
from channelwatch_api.board.compose import compose, density
from channelwatch_api.board.render import Renderer
from channelwatch_api.board.stream import Screens
from channelwatch_api.house import House
from channelwatch_api.limits import MAX_BODY_BYTES, MAX_HOOK_BYTES
from channelwatch_api.meters import HttpMeters
from channelwatch_api.middleware import BoundedBody, SafeHeaders
from channelwatch_api.pages import ack, acts, board, drills, login, strangers
from channelwatch_api.pages.shell import PREFIXES, chrome, tongue
from channelwatch_api.problems import MEDIA_TYPE, Problem, not_found
from channelwatch_api.routes import (
    devices,
    hooks,
    house,
    incidents,
    metrics,
    overview,
    probes,
    replies,
    runbooks,
    uptime,
)
from channelwatch_api.schemas import ProblemOut
from channelwatch_api.scrape import Scrapes
from channelwatch_api.services import Services, Shared, services
from channelwatch_api.texts import load_catalogue
from channelwatch_api.uptime import Figures

Handler = Callable[[Request, Exception], Awaitable[Response]]

_MACHINE_PATHS = ("/api/", "/metrics", "/healthz", "/readyz", "/static/")
YEAR_S = 31_536_000

BEARER = HTTPBearer(
    auto_error=False, description="An account's api_token; a browser's session works as well."
)
"""Only tells the API's description how to authenticate; `signed_in` decides."""

BODY = {
    "model_attributes_type": "must be a JSON object, sent with Content-Type: application/json",
    "json_invalid": "cannot be read as JSON",
}
"""What FastAPI says of a body as a whole, in plain words."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Problem details (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": ProblemOut.model_json_schema()}},
    }
}

WIDER = {f"/api/v1{hooks.ALERTMANAGER}": MAX_HOOK_BYTES}
"""Paths whose bodies may be longer than others."""

static = APIRouter(include_in_schema=False)


@static.get("/static/{name}")
async def asset(shared: Shared, name: Annotated[str, Path(max_length=64)]) -> Response:
    """A static file. Its address changes with its content, so a browser may keep it."""
    found = shared.assets.get(name)
    if found is None:
        raise not_found()
    headers = {"Cache-Control": f"public, max-age={YEAR_S}, immutable"}
    return Response(found.body, media_type=found.media_type, headers=headers)


def create_app(engine: House, http: HttpSettings) -> FastAPI:
    """The application over a running house. Permanent when a secret or a password hash is unfit."""
    app = FastAPI(
        title="channelwatch",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = _services(engine, http)
    app.add_middleware(BoundedBody, limit=MAX_BODY_BYTES, refuse=_too_large, others=WIDER)
    app.add_middleware(SafeHeaders)
    app.include_router(probes.router)
    app.include_router(metrics.router)
    app.include_router(runbooks.router)
    app.include_router(static)
    for room in (
        devices.router,
        incidents.router,
        house.router,
        overview.router,
        uptime.router,
        hooks.router,
        replies.router,
    ):
        app.include_router(room, prefix="/api/v1", dependencies=[Depends(BEARER)], responses=PROBLEMS)
    for prefix in PREFIXES:
        app.include_router(board.router, prefix=prefix)
        app.include_router(acts.router, prefix=prefix)
        app.include_router(drills.router, prefix=prefix)
        app.include_router(strangers.router, prefix=prefix)
        app.include_router(login.router, prefix=prefix)
        app.include_router(ack.router, prefix=prefix)
    for kind, handler in _handlers().items():
        app.add_exception_handler(kind, handler)
    return app


def _services(engine: House, http: HttpSettings) -> Services:
    catalogue, assets, meters = load_catalogue(), load_assets(), HttpMeters(engine.registry)
    renderer = Renderer(catalogue, _facts(engine, assets))
    signer = ack_signer(engine.settings)
    return Services(
        house=engine,
        gate=Gate(http, engine.clock, meters),
        catalogue=catalogue,
        scrapes=Scrapes(engine, meters),
        screens=Screens(
            engine,
            compose,
            renderer.fragment,
            meters,
            say=lambda language, text: catalogue.words(language).said(text),
        ),
        renderer=renderer,
        assets=assets,
        acks=AckDesk(engine, signer) if signer is not None else None,
        figures=Figures(engine),
        drills=DrillDesk(engine, engine.drills) if engine.drills is not None else None,
    )


def _facts(engine: House, assets: dict[str, Asset]) -> dict[str, object]:
    return {
        "instance": engine.settings.instance,
        "version": __version__,
        "static": {name: f"/static/{name}?{found.tag}" for name, found in assets.items()},
        "density": density,
    }


def _handlers() -> dict[type[Exception], Handler]:
    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return _answer(request, error)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _answer(request, Problem(error.status_code, headers=error.headers))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [
            {
                "field": ".".join(str(part) for part in item["loc"]),
                "message": BODY.get(item["type"]) or plain_words(item["type"], str(item["msg"])),
            }
            for item in error.errors()
        ]
        return _answer(request, Problem(422, errors=errors))

    async def failure(request: Request, error: Exception) -> Response:
        return _answer(request, Problem(500))

    return {
        Problem: problem,
        HTTPException: http_error,
        RequestValidationError: invalid,
        Exception: failure,
    }


def _too_large(request: Request) -> Response:
    return _answer(request, Problem(413))


def _answer(request: Request, problem: Problem) -> Response:
    """Problem details for machines, a page for people; whoever is not signed in is led to the sign-in page."""
    shared, path = services(request), request.url.path
    if path.startswith(_MACHINE_PATHS) or "text/html" not in request.headers.get("accept", ""):
        return problem.response(shared.catalogue, path)
    spoken = tongue(request)
    if problem.status == 401 and request.method == "GET":
        return RedirectResponse(f"{spoken.prefix}/login?next={quote(path, safe='/')}", status_code=303)
    html = shared.renderer.page(
        "error.html",
        spoken.language,
        spoken.prefix,
        problem=problem,
        province=shared.house.world.inventory.province,
        **chrome(request),
    )
    return Response(html, problem.status, headers=problem.headers, media_type="text/html")
