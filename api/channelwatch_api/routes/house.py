"""The product about itself: its status, and the inventory's changes."""

from __future__ import annotations

from fastapi import APIRouter

from channelwatch import __version__
from channelwatch_api import views
from channelwatch_api.limits import PAGE_DEFAULT
from channelwatch_api.routes.parameters import Limit
from channelwatch_api.schemas import ChangeOut, Instant, OutboxOut, Page, QueueOut, StatusOut, StrangerOut
from channelwatch_api.services import Shared, SignedIn
from channelwatch_api.strangers import strangers

router = APIRouter(tags=["house"])


@router.get("/status")
async def status(shared: Shared, account: SignedIn) -> StatusOut:
    """Queue, outbox, blind devices, version."""
    house = shared.house
    now, instance, queue = house.clock.now(), house.settings.instance, house.observations
    outbox = await house.look_up(house.store.outbox_counts, now)
    readiness = house.readiness()
    return StatusOut(
        version=__version__,
        instance=instance.id,
        province=instance.province,
        simulated=instance.simulated,
        now=Instant.at(now),
        started_at=Instant.at(house.started_at),
        revision=house.world.revision,
        ready=readiness.ready,
        problems=list(readiness.problems),
        queue=QueueOut(length=len(queue), limit=queue.limit, accepted=queue.accepted, dropped=queue.dropped),
        outbox=OutboxOut(
            pending=outbox.pending,
            claimed=outbox.claimed,
            sent=outbox.sent,
            dead=outbox.dead,
            oldest_unsent_s=outbox.oldest_unsent_ms / 1000,
        ),
        blind=views.blind(house.world, account.scope),
        board_streams=shared.screens.streams,
    )


@router.get("/inventory/changes")
async def changes(shared: Shared, account: SignedIn, limit: Limit = PAGE_DEFAULT) -> Page[ChangeOut]:
    """Applied inventory changes, the newest first, as far as the account's blocs reach."""
    house = shared.house
    every = frozenset(house.settings.instance.blocs)
    inventory = house.world.inventory
    logged = await house.look_up(house.store.inventory_log, limit + 1)
    seen = [item for item in logged if account.scope.sees_change(inventory, item.change, every)]
    return Page(
        items=[views.change(item) for item in seen[:limit]], limit=limit, truncated=len(logged) > limit
    )


@router.get("/unknown-sources")
async def unknown_sources(
    shared: Shared, account: SignedIn, limit: Limit = PAGE_DEFAULT
) -> Page[StrangerOut]:
    """Who sent traps or syslog without being in the inventory, the latest first."""
    found = await strangers(shared, account, limit)
    return Page(
        items=[views.stranger(item) for item in found[:limit]], limit=limit, truncated=len(found) > limit
    )
