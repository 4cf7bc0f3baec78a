"""The page behind a link in a message: it shows the incident, and a button takes it. No account is needed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from channelwatch.base.errors import ChannelwatchError
from channelwatch.incidents.ack import LINK_MAX, AckRefusal
from channelwatch.incidents.model import Incident
from channelwatch_api.board.people import person
from channelwatch_api.pages.shell import chrome, tongue
from channelwatch_api.problems import from_error, not_found
from channelwatch_api.services import Services, Shared, client_address

router = APIRouter(include_in_schema=False)

Token = Annotated[str, Path(max_length=LINK_MAX)]


@router.get("/ack/{token}")
async def look(request: Request, shared: Shared, token: Token) -> HTMLResponse:
    """What the link would take. Looking takes nothing: mail programs open links by themselves."""
    if shared.acks is None:
        raise not_found()
    found = shared.acks.claimed(token)
    return _page(request, shared, found if isinstance(found, AckRefusal) else found[1])


@router.post("/ack/{token}")
async def take(request: Request, shared: Shared, token: Token) -> HTMLResponse:
    """The link's contact takes the incident. The link is proof enough: it was sent to nobody else."""
    if shared.acks is None:
        raise not_found()
    try:
        found = await shared.acks.by_link(token, client_address(request))
    except ChannelwatchError as error:
        raise from_error(error) from error
    return _page(request, shared, found)


def _page(request: Request, shared: Services, found: Incident | AckRefusal) -> HTMLResponse:
    spoken, inventory = tongue(request), shared.house.world.inventory
    incident = found if isinstance(found, Incident) else None
    html = shared.renderer.page(
        "ack.html",
        spoken.language,
        spoken.prefix,
        incident=incident,
        taker=person(incident.acked_by, inventory) if incident and incident.acked_by else None,
        refusal=found if isinstance(found, AckRefusal) else None,
        here=request.url.path,
        province=inventory.province,
        **chrome(request),
    )
    status = 410 if isinstance(found, AckRefusal) else 200
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
