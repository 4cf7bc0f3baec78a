"""What the API adds up: within the account's blocs, and never across them."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from channelwatch.status.states import Assessment, Cause, Health, Protection
from tests.unit.api.http_client import LY_SON, token
from tests.unit.api.memory_house import MemoryHouse

PATHS = ("overview", "communes", "circuits", "sites")


@pytest.fixture
def house() -> MemoryHouse:
    found = MemoryHouse()
    lines = tuple(replace(item, circuit=f"line-{item.spoke[3]}") for item in found.world.inventory.channels)
    found.world.set_inventory(replace(found.world.inventory, channels=lines))
    found.all_up()
    return found


def falls(house: MemoryHouse, code: str, cause: Cause) -> None:
    state = house.world.devices[code]  # type: ignore[index]
    house.world.put_device(replace(state, assessment=Assessment(Health.DOWN, Protection.UNKNOWN, cause)))


async def get(client: httpx.AsyncClient, path: str, who: str = "party-watch") -> dict[str, object]:
    answer = await client.get(f"/api/v1/{path}", headers=token(who))
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_an_account_sees_the_sums_of_its_own_blocs_alone(client: httpx.AsyncClient) -> None:
    whole = str([await get(client, path) for path in PATHS])
    assert "51-D-" in whole
    assert not any(word in whole for word in ("51-C-", "51-Q-", "51-M-", "gov", "front", "line-C"))


async def test_a_lost_tunnel_counts_in_its_bloc_and_in_no_other(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    before = (await get(client, "overview", "auditor"))["blocs"]
    falls(house, LY_SON, Cause.TUNNEL_DOWN)
    after = (await get(client, "overview", "auditor"))["blocs"]
    assert isinstance(before, list) and isinstance(after, list)
    assert [row["bloc"] for row in after] == ["party", "gov", "na", "front"]
    assert after[1:] == before[1:]
    assert after[0]["communes"]["down"] == before[0]["communes"]["down"] + 1
    items = (await get(client, "communes"))["items"]
    assert isinstance(items, list)
    (commune,) = (row for row in items if row["health"] == "down")
    assert (commune["cause"], commune["unit"]["code"]) == ("link", "21548")
    sites = (await get(client, "sites"))["items"]
    assert isinstance(sites, list)
    assert [row["device"] for row in sites if row["health"] == "down"] == [LY_SON]


async def test_a_lost_circuit_is_named(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    items = (await get(client, "circuits"))["items"]
    assert isinstance(items, list)
    (line,) = items
    assert (line["code"], line["state"], line["lost"], line["bloc"]) == ("line-D", "carrying", False, "party")
    assert len(line["devices"]) > 1
    view = house.world.circuit_views[line["code"]]
    house.world.circuit_views[line["code"]] = replace(view, lost=True)
    blocs = (await get(client, "overview"))["blocs"]
    assert isinstance(blocs, list)
    assert blocs[0]["circuits_lost"] == ["line-D"]
    (line,) = (await get(client, "circuits"))["items"]  # type: ignore[misc]
    assert line["state"] == "lost"


async def test_nobody_unknown_is_answered(client: httpx.AsyncClient) -> None:
    for path in PATHS:
        assert (await client.get(f"/api/v1/{path}")).status_code == 401
