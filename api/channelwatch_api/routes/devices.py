"""Devices, HA groups and the matrix of units."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from channelwatch.base.errors import ChannelwatchError
from channelwatch.inventory.model import Bloc
from channelwatch.status.device import DeviceState
from channelwatch.status.states import Health, Protection
from channelwatch_api import views
from channelwatch_api.access import Right
from channelwatch_api.auth import Account
from channelwatch_api.limits import PAGE_DEFAULT
from channelwatch_api.lookup import find_device
from channelwatch_api.problems import from_error
from channelwatch_api.routes.parameters import After, Limit, Since
from channelwatch_api.schemas import ClearLatch, DeviceDetail, DeviceSummary, GroupOut, Page, UnitOut
from channelwatch_api.services import Shared, SignedIn, commands

router = APIRouter(tags=["devices"])


@router.get("/devices")
async def devices(
    shared: Shared,
    account: SignedIn,
    bloc: Bloc | None = None,
    health: Health | None = None,
    protection: Protection | None = None,
    after: After = "",
    limit: Limit = PAGE_DEFAULT,
) -> Page[DeviceSummary]:
    """Devices in code order."""

    def wanted(state: DeviceState) -> bool:
        return (
            state.device > after
            and (bloc is None or world.inventory.bloc_of(state.device) is bloc)
            and (health is None or state.assessment.health is health)
            and (protection is None or state.assessment.protection is protection)
        )

    world = shared.house.world
    found = sorted(filter(wanted, account.scope.devices(world)), key=lambda state: state.device)
    items = [views.device_summary(world.inventory, state) for state in found[:limit]]
    return Page(items=items, limit=limit, next=items[-1].code if len(found) > limit else None)


@router.get("/devices/{code}")
async def device(
    shared: Shared, account: SignedIn, code: str, since: Since = 0, limit: Limit = PAGE_DEFAULT
) -> DeviceDetail:
    """One device: axes, flags, signals; `since` and `limit` bound its transitions and its events, each."""
    house = shared.house
    state = find_device(shared, account, code)
    transitions = await house.look_up(
        house.history.transitions, subjects=[state.device], since=since, limit=limit
    )
    events = await house.look_up(house.history.events, devices=[state.device], since=since, limit=limit)
    return views.device_detail(house.world.inventory, state, transitions, events, now=house.clock.now())


@router.post("/devices/{code}/clear-latch", status_code=204)
async def clear_latch(
    shared: Shared,
    account: Annotated[Account, Depends(commands(Right.CLEAR_LATCH))],
    code: str,
    wanted: ClearLatch,
) -> None:
    """A person has looked at the device: the latched signal counts as ok until the device says otherwise."""
    state = find_device(shared, account, code)
    try:
        await shared.house.clear_latch(state.device, wanted.signal, by=account.name)
    except ChannelwatchError as error:
        raise from_error(error) from error


@router.get("/groups")
async def groups(shared: Shared, account: SignedIn) -> Page[GroupOut]:
    """Every HA group. There are few: the whole list is one piece."""
    world = shared.house.world
    items = [views.group(world, code, view) for code, view in account.scope.pairs(world)]
    return Page(items=items, limit=len(items))


@router.get("/units")
async def units(
    shared: Shared,
    account: SignedIn,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
    limit: Limit = PAGE_DEFAULT,
) -> Page[UnitOut]:
    """The board's matrix in inventory order: each unit with the worst state of each bloc."""
    rows = views.units(shared.house.world, account.scope)
    following = offset + limit
    return Page(
        items=rows[offset:following], limit=limit, next=str(following) if len(rows) > following else None
    )
