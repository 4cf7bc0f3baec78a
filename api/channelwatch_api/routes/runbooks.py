"""The runbooks that alerts and dashboards point to, as the text that they are."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Path, Response

from channelwatch_api.problems import not_found
from channelwatch_api.services import SignedIn

router = APIRouter(prefix="/runbooks", tags=["runbooks"])

Name = Annotated[str, Path(pattern=r"^[a-z][a-z-]{0,63}$")]


@router.get("/{name}.md", response_class=Response)
async def runbook(account: SignedIn, name: Name) -> Response:
    """One runbook, in Vietnamese first. For whoever is signed in."""
    found = runbooks().get(name)
    if found is None:
        raise not_found()
    return Response(found, media_type="text/plain; charset=utf-8")


@cache
def runbooks() -> dict[str, bytes]:
    """Those that come with the product, by name: in a checkout beside the packages, else in share/."""
    checkout = File(__file__).resolve().parents[3] / "docs/runbooks"
    installed = File(sysconfig.get_path("data")) / "share/channelwatch/docs/runbooks"
    folder = checkout if checkout.is_dir() else installed
    return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.md")) if path.stem != "README"}
