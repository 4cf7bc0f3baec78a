"""A client for the application in this process, and what a browser does by itself."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from channelwatch_api.app import create_app

from tests.unit.api.memory_house import PASSWORD, MemoryHouse

LY_SON = "51-D-21548-1"
HTML = {"accept": "text/html"}
ADDRESS = "192.0.2.7"


def token(name: str) -> dict[str, str]:
    """The header of an account's API token."""
    text = f"token-of-{name}-0123456789"
    return {"authorization": f"Bearer {text[:26] if name.endswith('-watch') else text}"}


@asynccontextmanager
async def client_of(house: MemoryHouse) -> AsyncIterator[httpx.AsyncClient]:
    """A client at `ADDRESS` of the application over `house`."""
    assert house.settings.http is not None
    app = create_app(house, house.settings.http)
    transport = httpx.ASGITransport(app=app, client=(ADDRESS, 50_000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://board.test") as client:
        yield client


async def sign_in(
    client: httpx.AsyncClient, name: str = "watch", password: str = PASSWORD, next_path: str = "/"
) -> httpx.Response:
    """Fill in the sign-in form and send it."""
    form = await client.get("/login", params={"next": next_path})
    fields = dict(re.findall(r'name="(csrf|next)" value="([^"]*)"', form.text))
    return await client.post("/login", data={**fields, "name": name, "password": password})


def form_token(page: httpx.Response) -> str:
    """The token of the page's forms."""
    (found,) = set(re.findall(r'name="csrf" value="([0-9a-f]{64})"', page.text))
    return str(found)
