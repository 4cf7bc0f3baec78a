"""The list of unknown sources: what it says, who reads it, and from where one comes to it."""

from __future__ import annotations

import re

import httpx
import pytest
from channelwatch_api.limits import PAGE_DEFAULT

from channelwatch.base.clock import EpochMs
from channelwatch.inventory.model import Role
from channelwatch.status.events import RogueSource, Transport
from tests.unit.api.http_client import HTML, token
from tests.unit.api.memory_house import T0, MemoryHouse

LINE = "<34>su: 'su root' failed"
READERS = set(Role) - {Role.ONSITE, Role.SHARE_OFFICER}


def stranger(address: str = "192.0.2.66", count: int = 3, ms: int = 0, sample: str = LINE) -> RogueSource:
    return RogueSource(address, Transport.SYSLOG_UDP, EpochMs(T0 + ms), count, sample)


async def text_of(client: httpx.AsyncClient, path: str, name: str = "watch") -> str:
    answer = await client.get(path, headers={**HTML, **token(name)})
    assert answer.status_code == 200, path
    return answer.text


async def test_strangers_are_listed_the_latest_first_with_what_they_sent(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.record(rogues=(stranger(), stranger("gw by way of 192.0.2.9", 1500, 60_000, "")))
    page = await text_of(client, "/unknown-sources")
    assert page.index("gw qua 192.0.2.9") < page.index("192.0.2.66")
    assert "1.500" in page
    assert "Syslog UDP" in page
    assert "&lt;34&gt;su: &#39;su root&#39; failed" in page
    english = await text_of(client, "/en/unknown-sources")
    assert "gw by way of 192.0.2.9" in english
    answer = await client.get("/api/v1/unknown-sources?limit=1", headers=token("watch"))
    (item,) = answer.json()["items"]
    assert answer.json()["truncated"] is True
    assert (item["address"], item["transport"], item["count"]) == (
        "gw by way of 192.0.2.9",
        "syslog_udp",
        1500,
    )
    assert item["last_at"]["ms"] == T0 + 60_000


async def test_a_long_list_says_that_it_is_cut(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    assert "Chưa có nguồn lạ nào" in await text_of(client, "/unknown-sources")
    house.record(rogues=tuple(stranger(f"192.0.2.{number}", ms=number) for number in range(PAGE_DEFAULT)))
    assert "Chỉ liệt kê" not in await text_of(client, "/unknown-sources")
    house.record(rogues=(stranger("198.51.100.1", ms=-1),))
    page = await text_of(client, "/unknown-sources")
    assert f"Chỉ liệt kê {PAGE_DEFAULT} nguồn gần nhất" in page
    assert len(re.findall(r"<tr><th scope=.row", page)) == PAGE_DEFAULT
    assert "198.51.100.1" not in page


@pytest.mark.parametrize("name", [*Role, "party-watch"])
async def test_only_who_looks_after_the_whole_instance_reads_of_strangers(
    house: MemoryHouse, client: httpx.AsyncClient, name: str
) -> None:
    house.record(rogues=(stranger(),))
    house.open_incident(1, "test-1", rule="unknown-source")
    for path in ("/unknown-sources", "/api/v1/unknown-sources"):
        answer = await client.get(path, headers={**HTML, **token(name)})
        assert (answer.status_code, LINE in answer.text) == (
            (200, path.startswith("/api/")) if name in READERS else (403, False)
        )
    for path in ("/devices", "/incidents/1"):
        assert ('href="/unknown-sources"' in await text_of(client, path, name)) is (name in READERS), path


async def test_an_incident_about_something_else_leads_to_no_strangers(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.open_incident(1, "test-1", rule="collector-blind")
    assert 'href="/unknown-sources"' not in await text_of(client, "/incidents/1")
