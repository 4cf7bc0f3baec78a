"""The page of unknown sources."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from channelwatch_api.board.screens import View
from channelwatch_api.limits import PAGE_DEFAULT
from channelwatch_api.pages.board import Framed
from channelwatch_api.services import Shared
from channelwatch_api.strangers import strangers

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/unknown-sources")
async def unknown_sources(page: Framed, shared: Shared) -> HTMLResponse:
    """Who sent traps or syslog without being in the inventory, the latest first."""
    found = await strangers(shared, page.account, PAGE_DEFAULT)
    return page.respond(
        "strangers.html",
        screen=await shared.screens.current(page.key(View.STILL)),
        sources=found[:PAGE_DEFAULT],
        more=len(found) > PAGE_DEFAULT,
    )
