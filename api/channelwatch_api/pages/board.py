"""Pages of the board. Every form works without a script; links carry the language in front of the path."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from pydantic import BeforeValidator

from channelwatch.base.errors import ChannelwatchError
from channelwatch.incidents.model import Severity
from channelwatch.inventory.model import Bloc
from channelwatch.status.states import Axis
from channelwatch_api.access import Right
from channelwatch_api.acts import acts_of
from channelwatch_api.board.compose import incident_piece, table_row
from channelwatch_api.board.device import DAY_MS, band
from channelwatch_api.board.marks import Mark
from channelwatch_api.board.model import board as board_model
from channelwatch_api.board.model import incident_row
from channelwatch_api.board.people import person
from channelwatch_api.board.screens import View
from channelwatch_api.board.telling import step_told
from channelwatch_api.limits import PAGE_DEFAULT
from channelwatch_api.lookup import Number, find_device, find_incident
from channelwatch_api.pages.shell import Frame, frame, local_path
from channelwatch_api.problems import from_error, not_found
from channelwatch_api.services import Shared, origin
from channelwatch_api.strangers import is_about_strangers, may_read
from channelwatch_api.taking import taken
from channelwatch_api.texts import plain

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Framed = Annotated[Frame, Depends(frame)]
Blank = BeforeValidator(lambda value: value or None)
"""A form sends a choice that was not made as an empty text."""
Token = Annotated[str, Form(max_length=128)]


@router.get("/")
async def board(page: Framed, shared: Shared) -> HTMLResponse:
    """The wall board."""
    screen = await shared.screens.current(page.key(View.BOARD))
    return page.respond(
        "board.html", screen=screen, model=board_model(shared.house.world, page.account.scope)
    )


@router.get("/board/events")
async def events(
    request: Request,
    page: Framed,
    shared: Shared,
    view: View = View.BOARD,
    subject: Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9_-]*$")] = "",
    after: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The event stream of a page. `Last-Event-ID`, which a browser sends by itself, goes before `after`."""
    if view is View.INCIDENT and not subject.isdecimal():
        raise not_found()
    last_id = request.headers.get("last-event-id", after)
    stream = await shared.screens.open(
        page.key(view, subject), last_id, lambda: shared.gate.account(request) is not None
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@router.get("/devices")
async def devices(
    page: Framed,
    shared: Shared,
    bloc: Annotated[Bloc | None, Blank] = None,
    mark: Annotated[Mark | None, Blank] = None,
    find: Annotated[str, Query(max_length=64)] = "",
    sort: Annotated[str, Query(pattern="^(place|worst)$")] = "worst",
) -> HTMLResponse:
    """Every device as a table: what the matrix shows, for a screen reader or a keyboard."""
    world = shared.house.world
    every = [table_row(world, state) for state in page.account.scope.devices(world)]
    rows = [
        row.spot
        for row in every
        if (bloc is None or row.spot.bloc is bloc)
        and (mark is None or row.spot.mark is mark)
        and _matches(find, row.spot.unit_name, row.spot.device)
    ]
    if sort == "worst":
        rows.sort(key=lambda item: item.mark.gravity)
    screen = await shared.screens.current(page.key(View.TABLE))
    return page.respond(
        "devices.html",
        screen=screen,
        rows=[f"row-{item.device}" for item in rows],
        total=len(every),
        asked={"bloc": bloc, "mark": mark, "find": find, "sort": sort},
        marks=list(Mark),
        strangers=may_read(shared, page.account),
    )


@router.get("/devices/{code}")
async def device(page: Framed, shared: Shared, code: str, done: str = "") -> HTMLResponse:
    """One device."""
    house = shared.house
    state = find_device(shared, page.account, code)
    now = house.clock.now()
    transitions = await house.look_up(house.history.transitions, subjects=[state.device], limit=PAGE_DEFAULT)
    received = await house.look_up(house.history.events, devices=[state.device], limit=PAGE_DEFAULT)
    own = [
        incident_row(house.world, item, page.account.scope)
        for item in page.account.scope.incidents(house.world)
        if item.subject == state.device
    ]
    return page.respond(
        "device.html",
        screen=await shared.screens.current(page.key(View.DEVICE, state.device)),
        state=state,
        unit=house.world.inventory.unit_of(state.device),
        transitions=transitions,
        received=received,
        incidents=own,
        bands=(
            (Axis.HEALTH, band(transitions, Axis.HEALTH, state.assessment.health, now=now)),
            (Axis.PROTECTION, band(transitions, Axis.PROTECTION, state.assessment.protection, now=now)),
        ),
        band_from=now - DAY_MS,
        notice=page.words("device.cleared") if done else "",
    )


@router.post("/devices/{code}/clear-latch")
async def clear_latch(
    page: Framed, shared: Shared, code: str, csrf: Token, signal: Annotated[str, Form(max_length=64)]
) -> RedirectResponse:
    """A person has looked at the device."""
    page.check(csrf, Right.CLEAR_LATCH)
    state = find_device(shared, page.account, code)
    try:
        await shared.house.clear_latch(state.device, signal, by=page.account.name)
    except ChannelwatchError as error:
        raise from_error(error) from error
    return RedirectResponse(page.url("devices", state.device) + "?done=1", status_code=303)


@router.get("/circuits")
async def circuits(page: Framed, shared: Shared) -> HTMLResponse:
    """The clear circuits that several devices share, the gravest first."""
    return page.respond("circuits.html", screen=await shared.screens.current(page.key(View.CIRCUITS)))


@router.get("/incidents")
async def incidents(page: Framed, shared: Shared) -> HTMLResponse:
    """Open incidents, and those that are over, newest first."""
    house = shared.house
    stored = await house.look_up(house.history.incidents, blocs=page.account.scope.blocs, limit=PAGE_DEFAULT)
    past = [
        incident_row(house.world, item, page.account.scope)
        for item in stored
        if item.state.is_over and page.account.scope.sees_incident(item)
    ]
    screen = await shared.screens.current(page.key(View.INCIDENTS))
    return page.respond("incidents.html", screen=screen, past=past)


@router.get("/incidents/{number}")
async def incident(page: Framed, shared: Shared, number: Number) -> HTMLResponse:
    """One incident with every step and page."""
    house, scope = shared.house, page.account.scope
    item = await find_incident(shared, page.account, number)
    key = page.key(View.INCIDENT, str(number))
    live = scope.incident(house.world, number) is not None
    steps = await house.look_up(house.history.steps, number)
    pages = await house.look_up(house.history.pages, number)
    world = house.world
    return page.respond(
        "incident.html",
        codes=shared.acks is not None and page.account.may(Right.ACKNOWLEDGE),
        screen=await shared.screens.current(key if live else page.key(View.STILL)),
        still=page.fragment(key, "incident-now", incident_piece(house.world, item, scope)),
        item=item,
        steps=[step_told(step, page.words, world.inventory, world.rules) for step in steps],
        pages=[(found, person(found.page.contact, world.inventory)) for found in pages],
        notes=page.account.may(Right.READ_NOTES),
        strangers=may_read(shared, page.account) and is_about_strangers(world.rules, item),
        acts=acts_of(page.account) if live and page.account.session is not None else [],
        severities=list(Severity),
    )


@router.post("/incidents/{number}/ack")
async def acknowledge(
    request: Request,
    page: Framed,
    shared: Shared,
    number: Number,
    csrf: Token,
    next_path: Annotated[str, Form(alias="next", max_length=512)] = "/",
    code: Annotated[str, Form(max_length=8)] = "",
) -> RedirectResponse:
    """The account takes the incident, or the contact who said `code` to it; then back to where it was."""
    page.check(csrf, Right.ACKNOWLEDGE)
    item = await find_incident(shared, page.account, number)
    await taken(shared, page.account, item, code=code.strip() or None, origin=origin("board", request))
    return RedirectResponse(local_path(next_path), status_code=303)


def _matches(wanted: str, *texts: str) -> bool:
    sought = plain(wanted)
    return any(sought in plain(text) for text in texts)
