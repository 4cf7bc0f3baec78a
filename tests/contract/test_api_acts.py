"""What people do to incidents over the API and the board, each as far as its role goes."""

from __future__ import annotations

import httpx
import pytest

from channelwatch.incidents.model import IncidentState, Severity
from channelwatch.inventory.model import Role
from tests.unit.api.http_client import LY_SON, form_token, sign_in, token
from tests.unit.api.memory_house import MemoryHouse


async def do(
    client: httpx.AsyncClient, role: str, kind: str, number: int = 1, **more: object
) -> httpx.Response:
    return await client.post(
        f"/api/v1/incidents/{number}/acts", headers=token(role), json={"kind": kind, **more}
    )


async def test_a_p1_goes_from_the_watch_to_the_chief(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    house.open_incident(1, LY_SON, severity=Severity.P1, state=IncidentState.RESTORED, restored_at=1)
    assert (await do(client, "watch", "note", reason="đã gọi")).status_code == 200
    assert (await do(client, "responder", "close")).json()["detail"].endswith("cause is named")
    resolved = await do(client, "responder", "resolve", reason="đứt cáp")
    assert (resolved.json()["state"], resolved.json()["resolution"]) == ("resolved", "đứt cáp")
    assert (await do(client, "responder", "close")).status_code == 409
    assert (await do(client, "responder", "approve")).status_code == 403
    assert (await do(client, "chief", "approve")).json()["approved_by"] == "chief"
    assert (await do(client, "watch", "close")).status_code == 403
    assert (await do(client, "responder", "close")).json()["state"] == "closed"
    steps = (await client.get("/api/v1/incidents/1", headers=token("auditor"))).json()["steps"]
    assert [(item["kind"], item["by"], item["origin"]) for item in steps[-4:]] == [
        ("note", "watch", "api 192.0.2.7"), ("resolved", "responder", "api 192.0.2.7"),
        ("approved", "chief", "api 192.0.2.7"), ("closed", "responder", "api 192.0.2.7"),
    ]  # fmt: skip


@pytest.mark.parametrize("role", Role)
async def test_each_role_does_what_the_table_lets_it(
    house: MemoryHouse, client: httpx.AsyncClient, role: Role
) -> None:
    house.open_incident(1, LY_SON, severity=Severity.P3)
    may = {
        "note": {Role.WATCH, Role.ONSITE, Role.RESPONDER, Role.CHIEF},
        "start": {Role.RESPONDER, Role.CHIEF},
        "dismiss": {Role.CHIEF},
    }
    for kind, roles in may.items():
        answer = await do(client, role, kind, reason="vì sao")
        assert answer.status_code == (200 if role in roles else 403), (role, kind)


async def test_an_administrator_does_not_read_the_cause(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.open_incident(1, LY_SON, resolution="đứt cáp")
    for role, seen in (("admin", None), ("auditor", "đứt cáp")):
        found = (await client.get("/api/v1/incidents/1", headers=token(role))).json()
        assert found["resolution"] == seen
        assert ("đứt cáp" in (await client.get("/incidents/1", headers=token(role))).text) is bool(seen)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "resolve"}, 422),
        ({"kind": "note", "reason": "x" * 501}, 422),
        ({"kind": "burn", "reason": "x"}, 422),
        ({"kind": "merge", "reason": "x", "into": 99}, 404),
        ({"kind": "approve"}, 409),
        ({"kind": "grade", "reason": "x", "severity": "p9"}, 422),
    ],
)
async def test_an_act_that_cannot_be_is_refused(
    house: MemoryHouse, client: httpx.AsyncClient, body: dict[str, object], status: int
) -> None:
    house.open_incident(1, LY_SON)
    answer = await client.post("/api/v1/incidents/1/acts", headers=token("chief"), json=body)
    assert answer.status_code == status


async def test_nobody_acts_in_another_bloc(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    house.open_incident(1, "51-C-21548-1")
    house.open_incident(2, LY_SON)
    assert (await do(client, "party-watch", "note", reason="x")).status_code == 404


async def test_the_board_offers_what_the_account_may_do(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.open_incident(1, LY_SON, severity=Severity.P3)
    await sign_in(client, "chief")
    page = await client.get("/en/incidents/1")
    assert 'value="dismiss"' in page.text
    form = {"csrf": form_token(page), "kind": "dismiss", "reason": "thử", "into": "", "severity": ""}
    assert (await client.post("/en/incidents/1/act", data={**form, "csrf": "0" * 64})).status_code == 403
    assert house.world.incidents[1].state is IncidentState.OPEN  # type: ignore[index]
    answer = await client.post("/en/incidents/1/act", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/incidents/1")
    assert house.world.incidents[1].state is IncidentState.FALSE_ALARM  # type: ignore[index]
    assert 'class="acts' not in (await client.get("/en/incidents/1")).text
