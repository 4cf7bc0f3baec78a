"""Every route asks who is there, but for those that are named here; what is wrong with a request is said plainly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from channelwatch_api.app import create_app
from channelwatch_api.pages.shell import PREFIXES

from tests.unit.api.http_client import HTML, LY_SON, client_of, token
from tests.unit.api.memory_house import MemoryHouse

OPEN = {"/healthz", "/readyz", "/api/v1/openapi.json", "/static/{name}"} | {
    f"{prefix}/login" for prefix in PREFIXES
}
"""Read by anybody."""
BY_TOKEN = {"/api/v1/hooks/alertmanager", "/api/v1/hooks/sms"} | {
    f"{prefix}/ack/{{token}}" for prefix in PREFIXES
}
"""Prove themselves by what they carry; without it they are not there, or refused."""


VALUES = {"code": LY_SON, "number": "1", "name": "device-down", "token": "x"}


def doors(routes: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route, those of included routers too."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from doors(route.original_router.routes, prefix + route.include_context.prefix)
        else:
            yield from ((method, prefix + route.path) for method in route.methods - {"HEAD", "OPTIONS"})


async def test_whoever_is_not_signed_in_gets_nothing_but_what_is_open_to_all(house: MemoryHouse) -> None:
    house.open_incident(1, LY_SON)
    spare = MemoryHouse()
    assert spare.settings.http is not None
    found = set(doors(create_app(spare, spare.settings.http).routes))
    assert len(found) > 40
    assert {path for _, path in found} >= OPEN | BY_TOKEN
    async with client_of(house) as client:
        for method, path in sorted(found):
            address = re.sub(r"{(\w+)}", lambda part: VALUES[part[1]], path)
            status = (await client.request(method, address)).status_code
            if path in BY_TOKEN:
                assert status in {401, 404}, path
            elif path not in OPEN:
                assert status == 401, (method, path)
                page = await client.request(method, address, headers=HTML)
                assert page.status_code in {401, 303}, (method, path)
                assert page.status_code == 401 or "/login" in page.headers["location"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_load_balancer_may_ask_for_the_head_alone(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.head(path)).status_code == 200


@pytest.mark.parametrize(
    ("content", "kind", "field", "message"),
    [
        (b"{", "application/json", "body.1", "cannot be read as JSON"),
        (b"[]", "application/json", "body", "must be a JSON object"),
        (
            b'{"kind": "note", "reason": "x"}',
            "text/plain",
            "body",
            "sent with Content-Type: application/json",
        ),
        (b"{}", "application/json", "body.kind", "is required"),
        (b'{"kind": "note", "reason": "x", "y": 1}', "application/json", "body.y", "unknown key"),
        (b'{"kind": "note", "reason": 5}', "application/json", "body.reason", "must be text"),
    ],
)
async def test_what_is_wrong_with_a_body_is_said_in_plain_words(
    house: MemoryHouse, client: httpx.AsyncClient, content: bytes, kind: str, field: str, message: str
) -> None:
    house.open_incident(1, LY_SON)
    headers = {**token("chief"), "content-type": kind}
    answer = await client.post("/api/v1/incidents/1/acts", content=content, headers=headers)
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert any(item["field"] == field and message in item["message"] for item in errors), errors
