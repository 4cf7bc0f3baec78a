"""Incidents: lists, one with its steps and pages, the acknowledgement and what else people do."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from channelwatch.base.errors import ChannelwatchError
from channelwatch.incidents.model import Incident
from channelwatch_api import views
from channelwatch_api.access import Right
from channelwatch_api.acts import act_of
from channelwatch_api.auth import Account
from channelwatch_api.limits import PAGE_DEFAULT
from channelwatch_api.lookup import Number, find_incident
from channelwatch_api.problems import from_error
from channelwatch_api.routes.parameters import Limit, Since
from channelwatch_api.schemas import ActIn, IncidentDetail, IncidentOut, Page, SpokenCode
from channelwatch_api.services import Services, Shared, SignedIn, commands, origin
from channelwatch_api.taking import taken

router = APIRouter(tags=["incidents"])


class Which(StrEnum):
    """Which incidents to list."""

    LIVE = "live"
    ALL = "all"


@router.get("/incidents")
async def incidents(
    shared: Shared,
    account: SignedIn,
    which: Which = Which.LIVE,
    since: Since = 0,
    limit: Limit = PAGE_DEFAULT,
) -> Page[IncidentOut]:
    """`live`: those not over, the gravest first. `all`: opened from `since` on, the newest first."""
    house = shared.house
    if which is Which.LIVE:
        found = live(shared, account)
    else:
        stored = await house.look_up(
            house.history.incidents, blocs=account.scope.blocs, since=since, limit=limit + 1
        )
        found = [item for item in stored if account.scope.sees_incident(item)]
    notes = account.may(Right.READ_NOTES)
    items = [views.incident(house.world, item, account.scope, notes=notes) for item in found[:limit]]
    return Page(items=items, limit=limit, truncated=len(found) > limit)


def live(shared: Services, account: Account) -> list[Incident]:
    """Incidents that are not over, the gravest first, then the oldest."""
    found = [item for item in account.scope.incidents(shared.house.world) if not item.state.is_over]
    return sorted(found, key=lambda item: (item.severity, item.t0, item.id))


@router.get("/incidents/{number}")
async def incident(shared: Shared, account: SignedIn, number: Number) -> IncidentDetail:
    """One incident with every step and page. Notes are withheld from whoever may not read them."""
    house = shared.house
    item = await find_incident(shared, account, number)
    steps = await house.look_up(house.history.steps, number)
    pages = await house.look_up(house.history.pages, number)
    notes = account.may(Right.READ_NOTES)
    return IncidentDetail(
        **dict(views.incident(house.world, item, account.scope, notes=notes)),
        steps=[views.step(found, notes=notes) for found in steps],
        pages=[views.page(found) for found in pages],
    )


@router.post("/incidents/{number}/ack")
async def acknowledge(
    request: Request,
    shared: Shared,
    account: Annotated[Account, Depends(commands(Right.ACKNOWLEDGE))],
    number: Number,
    spoken: SpokenCode | None = None,
) -> IncidentOut:
    """The account takes the incident: the ladder stops. Saying so twice changes nothing.

    With the `code` that a contact has said to the account, that contact takes it.
    """
    item = await find_incident(shared, account, number)
    code = spoken.code if spoken is not None else None
    found = await taken(shared, account, item, code=code, origin=origin("api", request))
    return views.incident(shared.house.world, found, account.scope, notes=account.may(Right.READ_NOTES))


@router.post("/incidents/{number}/acts")
async def act(
    request: Request,
    shared: Shared,
    account: Annotated[Account, Depends(commands(Right.NOTE))],
    number: Number,
    wanted: ActIn,
) -> IncidentOut:
    """Start, resolve, approve, close, dismiss, merge, grade or note: one step in the incident's history."""
    item = await find_incident(shared, account, number)
    if wanted.into is not None:
        await find_incident(shared, account, wanted.into)
    done = act_of(account, item, wanted, origin=origin("api", request))
    try:
        moved = await shared.house.act(item.id, done)
    except ChannelwatchError as error:
        raise from_error(error) from error
    return views.incident(shared.house.world, moved, account.scope, notes=account.may(Right.READ_NOTES))
