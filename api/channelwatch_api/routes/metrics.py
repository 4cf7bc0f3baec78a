"""`/metrics` and its two halves: the process' own figures, and the fleet's from text that is kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from channelwatch.inventory.model import Bloc
from channelwatch.metrics.fleet import Selection
from channelwatch_api.scrape import answer, joined, wants_openmetrics
from channelwatch_api.services import Shared, signed_in

router = APIRouter(tags=["metrics"], prefix="/metrics")

BlocQuery = Annotated[
    list[Bloc] | None, Query(max_length=4, description="These blocs only; may be repeated.")
]
UnitQuery = Annotated[
    str | None, Query(max_length=64, description="One unit only, without figures of blocs.")
]
SignalsQuery = Annotated[bool, Query(description="false leaves out the readings of the devices.")]


@router.get("", response_class=Response)
async def metrics(request: Request, shared: Shared) -> Response:
    """Everything. All blocs for the metrics token or a scraper's certificate; an account's own for an account."""
    blocs = _blocs(request, shared)
    openmetrics = wants_openmetrics(request.headers.get("accept", ""))
    fleet = await shared.scrapes.fleet(Selection(blocs), openmetrics=openmetrics)
    process = await shared.scrapes.process(openmetrics=openmetrics)
    return answer(joined(process, fleet), openmetrics=openmetrics)


@router.get("/process", response_class=Response)
async def process_metrics(request: Request, shared: Shared) -> Response:
    """The process' own figures alone."""
    _blocs(request, shared)
    openmetrics = wants_openmetrics(request.headers.get("accept", ""))
    text = await shared.scrapes.process(openmetrics=openmetrics)
    return answer([text], openmetrics=openmetrics)


@router.get("/fleet", response_class=Response)
async def fleet_metrics(
    request: Request,
    shared: Shared,
    bloc: BlocQuery = None,
    unit: UnitQuery = None,
    signals: SignalsQuery = True,
) -> Response:
    """The fleet's figures, or a part of them, so that a large site may split its scrapes."""
    may = _blocs(request, shared)
    chosen = tuple(item for item in may if bloc is None or item in bloc)
    openmetrics = wants_openmetrics(request.headers.get("accept", ""))
    pieces = await shared.scrapes.fleet(Selection(chosen, unit or None, signals), openmetrics=openmetrics)
    return answer(pieces, openmetrics=openmetrics)


def _blocs(request: Request, shared: Shared) -> tuple[Bloc, ...]:
    """What whoever is asking may see. Problem 401 when nobody known is."""
    if shared.gate.reads_metrics(request):
        return tuple(shared.house.settings.instance.blocs)
    return signed_in(request).scope.blocs
