"""Public probes for a supervisor or a load balancer. They tell nothing of any device."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response

from channelwatch_api.schemas import ReadinessOut
from channelwatch_api.services import Shared

router = APIRouter(tags=["probes"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> dict[str, Literal["alive"]]:
    """The process answers."""
    return {"status": "alive"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"model": ReadinessOut}})
async def readyz(shared: Shared, response: Response) -> ReadinessOut:
    """The pipeline does its work; 503 with the problems when it does not."""
    readiness = shared.house.readiness()
    if not readiness.ready:
        response.status_code = 503
    return ReadinessOut(ready=readiness.ready, problems=list(readiness.problems))
