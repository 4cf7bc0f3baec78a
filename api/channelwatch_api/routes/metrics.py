"""`/metrics`: process metrics from the registry, then the fleet from cached text."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from prometheus_client import generate_latest

from channelwatch.metrics.text import CONTENT_TYPE
from channelwatch_api.services import Shared, signed_in

router = APIRouter(tags=["metrics"])


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, shared: Shared) -> Response:
    """All blocs for the metrics token; an account's own blocs for an account."""
    house = shared.house
    everything = shared.gate.reads_metrics(request)
    blocs = house.settings.instance.blocs if everything else signed_in(request).scope.blocs
    world = house.world
    pieces = shared.fleet.families(world.inventory, world.devices, world.pairs, blocs=blocs)
    process = generate_latest(house.registry)
    fleet = await asyncio.to_thread("".join, pieces)
    return Response(process + fleet.encode(), media_type=CONTENT_TYPE)
