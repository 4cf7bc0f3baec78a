"""What devices add up to now: the province's blocs, communes, sites and clear circuits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query
from pydantic import BaseModel

from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.world import World
from channelwatch.status.device import DeviceState
from channelwatch.status.service import site_worst
from channelwatch.status.states import Health
from channelwatch.status.topology import circuit_state
from channelwatch_api import views
from channelwatch_api.limits import PAGE_DEFAULT
from channelwatch_api.routes.parameters import Limit
from channelwatch_api.schemas import (
    BlocNow,
    ChannelNow,
    CircuitOut,
    CountsOut,
    Instant,
    OverviewOut,
    Page,
    PlaceOut,
    SiteOut,
)
from channelwatch_api.scope import Scope
from channelwatch_api.services import Shared, SignedIn

router = APIRouter(tags=["overview"])
T = TypeVar("T", bound=BaseModel)
Offset = Annotated[int, Query(ge=0, le=100_000)]


@router.get("/overview")
async def overview(shared: Shared, account: SignedIn) -> OverviewOut:
    """The blocs of the province side by side, as far as the account's reach."""
    world = shared.house.world
    held = {world.inventory.bloc_of(state.device) for state in account.scope.devices(world)}
    blocs = [_bloc(world, bloc) for bloc in account.scope.blocs if bloc in held]
    return OverviewOut(province=world.inventory.province.name, blocs=blocs)


@router.get("/communes")
async def communes(
    shared: Shared, account: SignedIn, offset: Offset = 0, limit: Limit = PAGE_DEFAULT
) -> Page[PlaceOut]:
    """Every unit that a channel leads to, in each bloc by itself, in inventory order."""
    return _page(list(_places(shared.house.world, account.scope)), offset, limit)


@router.get("/circuits")
async def circuits(shared: Shared, account: SignedIn) -> Page[CircuitOut]:
    """Every clear circuit that carries several devices. There are few: the whole list is one piece."""
    found = list(_circuits(shared.house.world, account.scope.blocs))
    return Page(items=found, limit=len(found))


@router.get("/sites")
async def sites(
    shared: Shared, account: SignedIn, offset: Offset = 0, limit: Limit = PAGE_DEFAULT
) -> Page[SiteOut]:
    """Every site with a device in service, in inventory order."""
    return _page(list(_sites(shared.house.world, account.scope)), offset, limit)


def _page(rows: list[T], offset: int, limit: int) -> Page[T]:
    following = offset + limit
    return Page(
        items=rows[offset:following], limit=limit, next=str(following) if len(rows) > following else None
    )


def _bloc(world: World, bloc: Bloc) -> BlocNow:
    channels = Counter(
        world.overview.channels[code].health
        for place, codes in world.overview.channels_at.items()
        if place.bloc is bloc
        for code in codes
    )
    return BlocNow(
        bloc=bloc,
        communes=_counts(world.overview.communes.get(bloc, Counter())),
        channels=_counts(channels),
        circuits_lost=[item.code for item in _circuits(world, (bloc,)) if item.lost],
    )


def _counts(found: Counter[Health]) -> CountsOut:
    return CountsOut(**{health.value: found[health] for health in Health})


def _places(world: World, scope: Scope) -> Iterator[PlaceOut]:
    for place, codes in world.overview.channels_at.items():
        if place.bloc not in scope.blocs:
            continue
        now = world.overview.places[place]
        own = [(code, world.overview.channels[code]) for code in codes]
        yield PlaceOut(
            unit=views.unit_ref(world.inventory.unit[place.unit]),
            bloc=place.bloc,
            health=now.health,
            cause=now.part,
            channels=[ChannelNow(code=code, health=item.health, cause=item.part) for code, item in own],
        )


def _circuits(world: World, blocs: Iterable[Bloc]) -> Iterator[CircuitOut]:
    for code, devices in world.circuits.items():
        view, bloc = world.circuit_views[code], world.inventory.bloc_of(devices[0])
        if bloc in blocs:
            yield CircuitOut(
                code=code,
                bloc=bloc,
                state=circuit_state(view, (world.devices[device] for device in devices)),
                lost=view.lost,
                since=Instant.maybe(view.since),
                devices=list(devices),
            )


def _sites(world: World, scope: Scope) -> Iterator[SiteOut]:
    inventory = world.inventory
    standing: defaultdict[str, list[DeviceState]] = defaultdict(list)
    for state in scope.devices(world):
        if inventory.device[state.device].in_service:
            standing[inventory.device[state.device].site].append(state)
    for site in inventory.sites:
        worst = site_worst(standing[site.code])
        if worst is not None:
            yield SiteOut(
                code=site.code,
                bloc=site.bloc,
                unit=views.unit_ref(inventory.unit[site.unit]),
                device=worst.device,
                health=worst.assessment.health,
                protection=worst.assessment.protection,
                devices=len(standing[site.code]),
            )
