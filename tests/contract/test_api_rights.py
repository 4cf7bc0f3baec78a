"""Who sees and does what: blocs and roles."""

from __future__ import annotations

import re

import httpx
import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import IncidentState, IncidentStep, StepKind
from channelwatch.inventory.model import Role
from channelwatch.status.signals import Signal
from channelwatch.status.states import Flag, PairState
from tests.unit.api.http_client import LY_SON, form_token, sign_in, token
from tests.unit.api.memory_house import T0, MemoryHouse


async def test_an_account_of_one_bloc_finds_nothing_of_another(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.open_incident(1, "51-C-21548-1")
    house.put_pair("51-C-T0002", PairState.SPLIT)
    headers = token("party-watch")
    for path in (
        "/api/v1/devices/51-C-21548-1",
        "/api/v1/incidents/1",
        "/devices/51-C-21548-1",
        "/incidents/1",
    ):
        assert (await client.get(path, headers=headers)).status_code == 404, path
    whole = ""
    for path in ("devices", "groups", "units", "incidents", "incidents?which=all", "inventory/changes"):
        whole += (await client.get(f"/api/v1/{path}", headers=headers)).text
    for path in ("/", "/devices", "/incidents", "/metrics"):
        whole += (await client.get(path, headers=headers)).text
    assert "51-D-21548-1" in whole
    assert re.findall(r"51-[CQM]-", whole) == []
    answer = await client.post("/api/v1/incidents/1/ack", headers=headers)
    assert answer.status_code == 404


async def test_something_unknown_and_something_of_another_bloc_look_alike(client: httpx.AsyncClient) -> None:
    answers = [
        (await client.get(f"/api/v1/devices/{code}", headers=token("party-watch"))).json()
        for code in ("51-C-21548-1", "51-D-00000-1")
    ]
    assert len({(item["title"], item["status"], item["type"]) for item in answers}) == 1


async def test_an_administrator_reads_no_incident_notes(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    incident = house.open_incident(1, LY_SON)
    note = IncidentStep(incident.id, StepKind.NOTE, EpochMs(T0), "truc", "board", "lời ghi riêng")
    house.put_incident(incident, note)
    for role, seen in ((Role.CHIEF, True), (Role.AUDITOR, True), (Role.ADMIN, False)):
        for path in ("/api/v1/incidents/1", "/incidents/1"):
            answer = await client.get(path, headers=token(role))
            assert ("lời ghi riêng" in answer.text) is seen, (role, path)


@pytest.mark.parametrize("role", Role)
async def test_only_operators_acknowledge(house: MemoryHouse, client: httpx.AsyncClient, role: Role) -> None:
    house.open_incident(1, LY_SON)
    answer = await client.post("/api/v1/incidents/1/ack", headers=token(role))
    may = role in (Role.WATCH, Role.ONSITE, Role.RESPONDER, Role.CHIEF)
    assert answer.status_code == (200 if may else 403)
    assert (house.world.incidents[1].acked_by == role) is may  # type: ignore[index]
    board = (await client.get("/", headers=token(role))).text
    assert 'class="ack"' not in board


async def test_an_acknowledgement_tells_who_and_from_where_and_may_be_repeated(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.open_incident(1, LY_SON)
    for _ in range(2):
        answer = await client.post("/api/v1/incidents/1/ack", headers=token("watch"))
        assert (answer.json()["state"], answer.json()["acked_by"]) == ("acked", "watch")
    steps = (await client.get("/api/v1/incidents/1", headers=token("watch"))).json()["steps"]
    assert [(item["kind"], item["by"], item["origin"]) for item in steps] == [
        ("opened", "system", ""), ("acked", "watch", "api 192.0.2.7")
    ]  # fmt: skip


@pytest.mark.parametrize("role", Role)
async def test_only_the_response_team_clears_a_latch(
    house: MemoryHouse, client: httpx.AsyncClient, role: Role
) -> None:
    house.put(LY_SON, latched=frozenset({(Signal.CRYPTO_TAMPER, "")}), flags=frozenset({Flag.SECURITY_ALARM}))
    answer = await client.post(
        f"/api/v1/devices/{LY_SON}/clear-latch", headers=token(role), json={"signal": "crypto.tamper"}
    )
    may = role in (Role.RESPONDER, Role.CHIEF)
    assert answer.status_code == (204 if may else 403)
    assert bool(house.world.devices[LY_SON].latched) is not may  # type: ignore[index]
    again = await client.post(
        f"/api/v1/devices/{LY_SON}/clear-latch", headers=token("chief"), json={"signal": "hsm.state"}
    )
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "hsm.state is not latched",
    )


async def test_a_command_by_cookie_needs_the_token_of_the_session(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.open_incident(1, LY_SON)
    await sign_in(client)
    right = form_token(await client.get("/"))
    assert (await client.post("/api/v1/incidents/1/ack")).status_code == 403
    wrong = {"x-csrf-token": "0" * 64}
    assert (await client.post("/api/v1/incidents/1/ack", headers=wrong)).status_code == 403
    assert (await client.post("/incidents/1/ack", data={"csrf": "0" * 64})).status_code == 403
    assert house.world.incidents[1].acked_by is None  # type: ignore[index]
    assert (await client.post("/api/v1/incidents/1/ack", headers={"x-csrf-token": right})).status_code == 200


async def test_the_boards_button_works_as_a_plain_form(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    house.open_incident(1, LY_SON)
    await sign_in(client, "responder")
    board = await client.get("/en/")
    assert 'formaction="/en/incidents/1/ack"' in board.text
    answer = await client.post("/en/incidents/1/ack", data={"csrf": form_token(board), "next": "/en/"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/en/")
    found = house.world.incidents[1]  # type: ignore[index]
    assert (found.state, found.acked_by) == (IncidentState.ACKED, "responder")
    assert house.memory.steps(1)[-1].origin == "board 192.0.2.7"
    assert 'formaction="/en/incidents/1/ack"' not in (await client.get("/en/")).text


async def test_the_latch_button_works_as_a_plain_form(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    house.put(LY_SON, latched=frozenset({(Signal.CRYPTO_TAMPER, "")}))
    await sign_in(client, "chief")
    page = await client.get(f"/devices/{LY_SON}")
    assert f'formaction="/devices/{LY_SON}/clear-latch"' in page.text
    fields = {"csrf": form_token(page), "signal": "crypto.tamper", "next": "/"}
    answer = await client.post(f"/devices/{LY_SON}/clear-latch", data=fields)
    assert answer.status_code == 303
    assert "Đã ghi nhận kiểm tra" in (await client.get(answer.headers["location"])).text
    assert not house.world.devices[LY_SON].latched  # type: ignore[index]
