"""Drills: the list, starting and stopping one, and how each went."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from channelwatch.app.drill.desk import DrillDesk, people
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import ChannelwatchError
from channelwatch.incidents.drills import MAX_MINUTES, Drill, Scenario
from channelwatch_api.access import Right
from channelwatch_api.board.drills import approvers, drill_row, outcomes, stages
from channelwatch_api.board.screens import View
from channelwatch_api.limits import PAGE_DEFAULT
from channelwatch_api.lookup import Number
from channelwatch_api.pages.board import Framed, Token
from channelwatch_api.pages.shell import Frame
from channelwatch_api.problems import Problem, from_error, not_found
from channelwatch_api.services import Shared, origin

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

MINUTE_MS = 60_000
MINUTES = 30


class DrillForm(BaseModel):
    """The fields of the form."""

    csrf: str = Field(max_length=128)
    scenario: Scenario
    code: str = Field(max_length=64)
    minutes: int = Field(default=MINUTES, ge=1, le=MAX_MINUTES)
    approved_by: str = Field(max_length=64, min_length=1)


@router.get("/drills")
async def drills(page: Framed) -> HTMLResponse:
    """Every drill, the newest first, and a form to start one."""
    return await _list(page)


@router.post("/drills")
async def start(
    request: Request, page: Framed, shared: Shared, form: Annotated[DrillForm, Form()]
) -> Response:
    """Ask for a drill; then its page. What stands against it is said above the form."""
    page.check(form.csrf, Right.DRILL)
    now = shared.house.clock.now()
    wanted = Drill(
        number=0,
        scenario=form.scenario,
        code=form.code,
        requested_by=page.account.name,
        approved_by=form.approved_by.strip(),
        requested_at=now,
        ends_at=EpochMs(now + form.minutes * MINUTE_MS),
    )
    if not page.account.scope.sees_drill(shared.house.world.inventory, wanted):
        raise not_found()
    try:
        number = await _desk(page).start(wanted, origin=origin("board", request))
    except ChannelwatchError as error:
        return await _list(page, asked=form, refused=from_error(error))
    return RedirectResponse(page.url("drills", number), status_code=303)


@router.get("/drills/{number}")
async def drill(page: Framed, shared: Shared, number: Number) -> HTMLResponse:
    """One drill, and what each post did in it."""
    found = await _find(page, number)
    world, scope = shared.house.world, page.account.scope
    played = await _desk(page).played(found)
    return page.respond(
        "drill.html",
        screen=await shared.screens.current(page.key(View.STILL)),
        row=drill_row(world.inventory, found),
        outcomes=outcomes(world, scope, found, played),
        may_drill=page.may_do(Right.DRILL),
    )


@router.post("/drills/{number}/stop")
async def stop(request: Request, page: Framed, number: Number, csrf: Token) -> RedirectResponse:
    """Ask for a drill's end; then back to it."""
    page.check(csrf, Right.DRILL)
    found = await _find(page, number)
    try:
        await _desk(page).stop(found.number, by=page.account.name, origin=origin("board", request))
    except ChannelwatchError as error:
        raise from_error(error) from error
    return RedirectResponse(page.url("drills", number), status_code=303)


async def _list(
    page: Frame, *, asked: DrillForm | None = None, refused: Problem | None = None
) -> HTMLResponse:
    shared, scope = page.shared, page.account.scope
    inventory = shared.house.world.inventory
    known = [item for item in await _desk(page).every() if scope.sees_drill(inventory, item)]
    rows = [drill_row(inventory, item) for item in known[:PAGE_DEFAULT]]
    html = page.respond(
        "drills.html",
        screen=await shared.screens.current(page.key(View.STILL)),
        on=[row for row in rows if row.ended_at is None],
        past=[row for row in rows if row.ended_at is not None],
        more=len(known) - len(rows),
        may_drill=page.may_do(Right.DRILL),
        scenarios=list(Scenario),
        places=stages(inventory, scope),
        owners=approvers(inventory, scope, people(inventory, shared.house.settings).owners),
        asked=asked,
        minutes=MINUTES if asked is None else asked.minutes,
        most_minutes=MAX_MINUTES,
        refused=refused,
    )
    if refused is not None:
        html.status_code = refused.status
    return html


async def _find(page: Frame, number: int) -> Drill:
    """The drill; Problem 404 when it is not there or not to be seen."""
    inventory = page.shared.house.world.inventory
    for found in await _desk(page).every():
        if found.number == number and page.account.scope.sees_drill(inventory, found):
            return found
    raise not_found()


def _desk(page: Frame) -> DrillDesk:
    desk = page.shared.drills
    if desk is None:
        raise not_found()
    return desk
