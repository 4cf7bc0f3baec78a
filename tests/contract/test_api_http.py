"""What the HTTP side promises: who gets in, who sees what, how errors look."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from channelwatch_api.app import create_app
from channelwatch_api.limits import (
    ADDRESS_FAILURES,
    LOGIN_FAILURES,
    LOGIN_WINDOW_MS,
    MAX_BODY_BYTES,
    PAGE_MAX,
)
from channelwatch_api.middleware import HEADERS

from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.base.secrets import Secret
from channelwatch.incidents.model import IncidentState, IncidentStep, StepKind
from channelwatch.inventory.diff import diff
from channelwatch.inventory.model import Bloc, Role
from channelwatch.status.events import EventKind, EventReceived, Transport
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Axis, Cause, Flag, Health, PairState, Protection, Reason, Transition
from tests.unit.api.memory_house import METRICS_TOKEN, PASSWORD, T0, MemoryHouse, small_inventory

LY_SON = "51-D-21548-1"
HTML = {"accept": "text/html"}


def token(name: str) -> dict[str, str]:
    """The header of an account's API token."""
    texts = {"party-watch": "token-of-party-watch-01234"}
    return {"authorization": f"Bearer {texts.get(name, f'token-of-{name}-0123456789')}"}


@asynccontextmanager
async def client_of(house: MemoryHouse, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    assert house.settings.http is not None
    app = create_app(house, house.settings.http)
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 50_000), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://board.test", **options) as client:
        yield client


@pytest.fixture
def house() -> MemoryHouse:
    found = MemoryHouse()
    found.all_up()
    return found


@pytest.fixture
async def client(house: MemoryHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(house) as found:
        yield found


async def sign_in(
    client: httpx.AsyncClient, name: str = "watch", password: str = PASSWORD, next_path: str = "/"
) -> httpx.Response:
    form = await client.get("/login", params={"next": next_path})
    fields = dict(re.findall(r'name="(csrf|next)" value="([^"]*)"', form.text))
    return await client.post("/login", data={**fields, "name": name, "password": password})


def form_token(page: httpx.Response) -> str:
    (found,) = set(re.findall(r'name="csrf" value="([0-9a-f]{64})"', page.text))
    return str(found)


# Who gets in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/openapi.json", "/login", "/en/login"])
async def test_public_paths_need_no_account(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


async def test_every_other_path_needs_an_account(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    asked = 0
    for path, methods in paths.items():
        if path in ("/healthz", "/readyz"):
            continue
        for method in methods:
            url = path.format(code=LY_SON, number=1)
            answer = await client.request(
                method, url, json={"signal": "crypto.tamper"} if method == "post" else None
            )
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            asked += 1
    assert asked >= 11


@pytest.mark.parametrize(
    "path", ["/", "/devices", f"/devices/{LY_SON}", "/incidents", "/incidents/1", "/vi/", "/en/devices"]
)
async def test_a_page_leads_to_the_sign_in_page_in_its_language(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=HTML)
    assert answer.status_code == 303
    prefix = path[:3] if path.startswith(("/vi", "/en")) else ""
    assert answer.headers["location"] == f"{prefix}/login?next={path}"


async def test_the_right_password_opens_and_sets_a_careful_cookie(client: httpx.AsyncClient) -> None:
    answer = await sign_in(client, next_path="/incidents")
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    cookie = next(text for text in answer.headers.get_list("set-cookie") if text.startswith("cw_session="))
    assert {"HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert (await client.get("/")).status_code == 200


async def test_the_cookie_is_for_https_alone_where_the_settings_say_so() -> None:
    house = MemoryHouse()
    assert house.settings.http is not None
    http = house.settings.http.model_copy(update={"secure_cookie": True})
    house.settings = house.settings.model_copy(update={"http": http})
    async with client_of(house) as client:
        client.base_url = httpx.URL("https://board.test")
        answer = await sign_in(client)
        assert all("Secure" in text for text in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize(("name", "password"), [("watch", "sai mật khẩu"), ("nobody", PASSWORD), ("", "")])
async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    client: httpx.AsyncClient, name: str, password: str
) -> None:
    answer = await sign_in(client, name or "x", password or "x")
    assert answer.status_code == 401
    assert "Tên đăng nhập hoặc mật khẩu không đúng" in answer.text
    assert "cw_session" not in client.cookies


async def test_guessing_is_slowed_down_for_the_name_from_that_address(house: MemoryHouse) -> None:
    async with client_of(house) as client:
        for _ in range(LOGIN_FAILURES):
            assert (await sign_in(client, password="sai")).status_code == 401
        refused = await sign_in(client)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 800
        assert (await sign_in(client, "chief")).status_code == 303
        assert isinstance(house.clock, ManualClock)
        house.clock.advance(LOGIN_WINDOW_MS)
        assert (await sign_in(client)).status_code == 303


async def test_guessing_many_names_from_one_address_is_slowed_down_as_well(client: httpx.AsyncClient) -> None:
    answers = [(await sign_in(client, f"name-{n}", "sai")).status_code for n in range(ADDRESS_FAILURES + 1)]
    assert answers == [401] * ADDRESS_FAILURES + [429]


async def test_a_sign_in_form_from_elsewhere_is_refused(client: httpx.AsyncClient) -> None:
    fields = {"name": "watch", "password": PASSWORD, "csrf": "0" * 64}
    assert (await client.post("/login", data=fields)).status_code == 403
    await client.get("/login")
    assert (await client.post("/login", data=fields)).status_code == 403


async def test_signing_in_never_leads_to_another_site(client: httpx.AsyncClient) -> None:
    answer = await sign_in(client, next_path="//elsewhere.test/")
    assert answer.headers["location"] == "/"


async def test_signing_out_ends_the_session_even_for_a_copied_cookie(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    copied = dict(client.cookies)
    page = await client.get("/")
    answer = await client.post("/logout", data={"csrf": form_token(page)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    client.cookies.update(copied)
    assert (await client.get("/", headers=HTML)).status_code == 303


async def test_a_session_ends_after_its_hours(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(12 * 3_600_000)
    assert (await client.get("/api/v1/status")).status_code == 401


@pytest.mark.parametrize("value", ["Bearer", "Bearer wrong", "Bearer khóa-lạ".encode(), "Basic d2F0Y2g6eA=="])
async def test_a_wrong_token_is_refused_without_an_error(
    client: httpx.AsyncClient, value: str | bytes
) -> None:
    answer = await client.get("/api/v1/status", headers={"authorization": value})
    assert answer.status_code == 401


async def test_the_metrics_token_opens_the_metrics_alone(client: httpx.AsyncClient) -> None:
    headers = {"authorization": f"Bearer {METRICS_TOKEN}"}
    assert (await client.get("/metrics", headers=headers)).status_code == 200
    assert (await client.get("/api/v1/devices", headers=headers)).status_code == 401


async def test_short_secrets_are_refused_at_the_start() -> None:
    from channelwatch.base.errors import Permanent

    house = MemoryHouse()
    assert house.settings.http is not None
    for name in ("session_secret", "metrics_token"):
        http = house.settings.http.model_copy(update={name: Secret("short")})
        with pytest.raises(Permanent, match=f"http.{name}: is shorter than"):
            create_app(house, http)


# Who sees what ------------------------------------------------------------------------------------------------


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


# What is told -------------------------------------------------------------------------------------------------


async def test_readiness_is_told_with_its_problems(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).json() == {"ready": True, "problems": []}
    house.problems = ("the observation queue is full",)
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"ready": False, "problems": ["the observation queue is full"]},
    )
    assert (await client.get("/healthz")).status_code == 200
    assert "the observation queue is full" in (await client.get("/", headers=token("watch"))).text


async def test_a_device_is_told_with_axes_signals_and_histories(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.assess(
        LY_SON, Health.UP, Protection.EXPOSED, Cause.BYPASS,
        Reading(Signal.CRYPTO_MODE, SignalState.FAILED, "bypass_plaintext", source="1.3.6.1", raw=2),
        Reading(Signal.CRYPTO_SA_AGE, SignalState.OK, 30, "hub", "s", "1.3.6.2"),
    )  # fmt: skip
    change = Transition(
        LY_SON, Axis.PROTECTION, "secured", "exposed", Cause.BYPASS, Reason.POLL, T0 - 60_000, T0, T0, "poll"
    )
    line = EventReceived(
        house.world.inventory.devices[3].code,
        EventKind.BYPASS_ON,
        Transport.TRAP,
        EpochMs(T0),
        trusted=True,
        text="chữ",
    )
    house.record(transitions=(change,), events=(line,))
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(5_000)
    told = (await client.get(f"/api/v1/devices/{LY_SON}", headers=token("watch"))).json()
    assert (told["health"], told["protection"], told["cause"], told["rank"]) == ("up", "exposed", "bypass", 0)
    assert told["unit"] == {"code": "21548", "name": "Lý Sơn", "kind": "commune", "commune_kind": "dac_khu"}
    assert told["protection_since"] == {"iso": "2026-09-21T14:13:20.000Z", "ms": T0}
    by_signal = {item["signal"]: item for item in told["readings"]}
    assert by_signal["crypto.sa_age"] == {
        "signal": "crypto.sa_age", "component": "hub", "state": "ok", "value": 30, "unit": "s", "source": "1.3.6.2",
        "raw": None, "state_since": {"iso": "2026-09-21T14:13:20.000Z", "ms": T0}, "age_s": 5.0,
    }  # fmt: skip
    assert by_signal["crypto.mode"]["raw"] == 2
    (found,) = told["transitions"]
    assert (found["before"], found["after"], found["t_lo"]["ms"], found["t_hi"]["ms"]) == (
        "secured",
        "exposed",
        T0 - 60_000,
        T0,
    )
    (seen,) = told["events"]
    assert (seen["kind"], seen["text"], seen["trusted"]) == ("bypass_on", "chữ", True)


async def test_a_device_that_never_answered_has_no_age(client: httpx.AsyncClient) -> None:
    house = MemoryHouse()
    async with client_of(house) as fresh:
        told = (await fresh.get(f"/api/v1/devices/{LY_SON}", headers=token("watch"))).json()
    assert (told["health"], told["last_seen"], told["health_since"], told["readings"]) == (
        "unknown",
        None,
        None,
        [],
    )


async def test_lists_come_in_pieces_that_join_without_a_gap(client: httpx.AsyncClient) -> None:
    codes: list[str] = []
    after = ""
    for _ in range(10):
        piece = (
            await client.get("/api/v1/devices", params={"limit": 5, "after": after}, headers=token("watch"))
        ).json()
        codes += [item["code"] for item in piece["items"]]
        after = piece["next"]
        if after is None:
            break
    assert codes == sorted(item.code for item in small_inventory().devices)
    first = (await client.get("/api/v1/units", params={"limit": 3}, headers=token("watch"))).json()
    second = (
        await client.get(
            "/api/v1/units", params={"limit": 99, "offset": first["next"]}, headers=token("watch")
        )
    ).json()
    assert len(first["items"]) + len(second["items"]) == len(small_inventory().units)
    assert second["next"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", f"limit={PAGE_MAX + 1}", "limit=x", "bloc=mars", "after=" + "x" * 200, "health=good"]
)
async def test_parameters_out_of_range_are_refused_field_by_field(
    client: httpx.AsyncClient, query: str
) -> None:
    answer = await client.get(f"/api/v1/devices?{query}", headers=token("watch"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == f"query.{query.partition('=')[0]}"


async def test_devices_are_filtered_by_axis_and_bloc(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    house.assess(LY_SON, Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
    house.assess("51-C-21548-1", Health.DOWN, Protection.EXPOSED, Cause.BYPASS)

    async def codes(query: str) -> list[str]:
        answer = await client.get(f"/api/v1/devices?{query}", headers=token("watch"))
        return [item["code"] for item in answer.json()["items"]]

    assert await codes("health=down") == ["51-C-21548-1", LY_SON]
    assert await codes("health=down&bloc=party") == [LY_SON]
    assert await codes("protection=exposed") == ["51-C-21548-1"]


async def test_groups_units_and_incidents_are_told(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    house.put_pair("51-D-T0001", PairState.SWITCHED)
    house.open_incident(1, LY_SON)
    house.open_incident(2, LY_SON, rule="tamper", state=IncidentState.CLOSED, closed_at=EpochMs(T0))
    headers = token("party-watch")
    (group,) = (await client.get("/api/v1/groups", headers=headers)).json()["items"]
    assert (group["state"], [item["role"] for item in group["members"]]) == (
        "switched",
        ["active", "standby"],
    )
    units = (await client.get("/api/v1/units", headers=headers)).json()["items"]
    assert [unit["name"] for unit in units[:3]] == ["Lý Sơn", "Cẩm Thành", "An Phú"]
    assert units[0]["cells"] == [
        {"bloc": "party", "health": "up", "protection": "secured", "rank": 6, "devices": [LY_SON]}
    ]
    live = (await client.get("/api/v1/incidents", headers=headers)).json()["items"]
    assert [(item["number"], item["title"]["vi"]) for item in live] == [
        ("SC-000001", "Kênh đang truyền rõ (không mã hóa)")
    ]
    every = (await client.get("/api/v1/incidents?which=all", headers=headers)).json()["items"]
    assert sorted(item["id"] for item in every) == [1, 2]
    pages = (await client.get("/api/v1/incidents/1", headers=headers)).json()["pages"]
    assert [(item["contact"], item["state"]) for item in pages] == [("watch", "pending")]
    assert "duty@example.test" not in (await client.get("/api/v1/incidents/1", headers=headers)).text


async def test_an_incident_long_over_is_read_from_the_store(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    incident = house.open_incident(1, LY_SON, state=IncidentState.CLOSED, closed_at=EpochMs(T0))
    house.world._incidents.clear()
    for path in ("/api/v1/incidents/1", "/incidents/1"):
        answer = await client.get(path, headers=token("party-watch"))
        assert answer.status_code == 200
        assert incident.number in answer.text


async def test_applied_inventory_changes_are_told_newest_first(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    inventory = house.world.inventory
    house.memory.apply_inventory(inventory, diff(None, inventory), by="quan-tri", at=EpochMs(T0))
    answer = (await client.get("/api/v1/inventory/changes?limit=3", headers=token("auditor"))).json()
    assert (len(answer["items"]), answer["truncated"]) == (3, True)
    assert answer["items"][0]["by"] == "quan-tri"
    assert answer["items"][0]["section"] == "channels"


async def test_the_status_tells_of_queue_outbox_and_blindness(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.open_incident(1, LY_SON)
    house.assess(LY_SON, Health.UNKNOWN, Protection.UNKNOWN, Cause.MONITORING)
    told = (await client.get("/api/v1/status", headers=token("watch"))).json()
    assert told["queue"] == {"length": 0, "limit": 100, "accepted": 0, "dropped": 0}
    assert told["outbox"]["pending"] == 1
    assert told["blind"] == {"devices": 1, "since": {"iso": "2026-09-21T14:13:20.000Z", "ms": T0}}
    assert (told["instance"], told["ready"], told["board_streams"]) == ("test-1", True, 0)


async def test_metrics_join_the_process_and_the_fleet(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    from channelwatch.metrics import process

    process.build_info(house.registry, version="1", instance="test-1")
    answer = await client.get("/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "channelwatch_build_info" in answer.text
    assert len(re.findall(r'^channelwatch_device_health\{.*state="up"\} 1$', answer.text, re.M)) == 24


# How errors look ----------------------------------------------------------------------------------------------


async def test_errors_are_problem_details_in_both_languages(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/devices/none", headers=token("watch"))
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:channelwatch:problem:not_found",
        "title": "Không tìm thấy",
        "title_en": "Not found",
        "status": 404,
        "instance": "/api/v1/devices/none",
    }


@pytest.mark.parametrize(
    ("path", "word"),
    [("/nowhere", "Không tìm thấy"), ("/en/nowhere", "Not found"), ("/vi/x", "Không tìm thấy")],
)
async def test_a_browser_gets_a_page_in_its_language(client: httpx.AsyncClient, path: str, word: str) -> None:
    answer = await client.get(path, headers={**HTML, **token("watch")})
    assert (answer.status_code, word in answer.text) == (404, True)
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_wrong_method_and_an_unknown_path_are_problems(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/api/v1/devices")).json()["status"] == 405
    assert (await client.get("/api/v1/nothing")).json()["status"] == 404


async def test_a_body_beyond_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/login", content=b"x" * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1024 + 2):
            yield b"name=" + b"x" * 1019

    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert (await client.post("/login", content=endless(), headers=headers)).status_code == 413


async def test_our_own_failure_tells_nothing_of_its_inside(house: MemoryHouse) -> None:
    async with client_of(house) as client:
        house.world.rules = None  # type: ignore[assignment]
        house.open_incident(1, LY_SON)
        answer = await client.get("/api/v1/incidents", headers=token("watch"))
    assert answer.status_code == 500
    assert answer.json()["title"] == "Lỗi của hệ thống giám sát"
    assert "NoneType" not in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/login", "/api/v1/devices", "/nowhere", "/static/board.css"])
async def test_every_answer_carries_the_protective_headers(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


# The pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "language", "word"),
    [("/", "vi", "Bảng trạng thái"), ("/en/", "en", "Status board"), ("/vi/", "vi", "Bảng trạng thái")],
)
async def test_the_board_speaks_the_language_of_its_path(
    client: httpx.AsyncClient, path: str, language: str, word: str
) -> None:
    page = (await client.get(path, headers=token("watch"))).text
    assert f'<html lang="{language}">' in page
    assert word in page


async def test_an_english_instance_speaks_english_without_a_prefix() -> None:
    house = MemoryHouse()
    instance = house.settings.instance.model_copy(update={"language": "en"})
    house.settings = house.settings.model_copy(update={"instance": instance})
    async with client_of(house) as client:
        assert '<html lang="en">' in (await client.get("/", headers=token("watch"))).text
        assert '<html lang="vi">' in (await client.get("/vi/", headers=token("watch"))).text


async def test_simulated_data_are_said_to_be_simulated_on_every_page(client: httpx.AsyncClient) -> None:
    for path in ("/", "/devices", f"/devices/{LY_SON}", "/incidents", "/login"):
        page = (await client.get(path, headers=token("watch"))).text
        assert "DỮ LIỆU MÔ PHỎNG - không phải số liệu thực tế" in page, path
        assert "Chế độ mô phỏng nhiều khối" in page, path


async def test_a_real_instance_has_no_simulation_banner() -> None:
    from tests.unit.api.memory_house import settings

    house = MemoryHouse(conf=settings([Bloc.PARTY]))
    async with client_of(house) as client:
        assert "MÔ PHỎNG" not in (await client.get("/", headers=token("watch"))).text


async def test_no_page_holds_a_style_a_script_or_an_address_of_elsewhere(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.open_incident(1, LY_SON)
    for path in ("/", "/devices", f"/devices/{LY_SON}", "/incidents", "/incidents/1", "/login"):
        page = (await client.get(path, headers=token("watch"))).text
        assert re.findall(r"<style|style=|<script(?! src=)|\son\w+=|javascript:", page) == [], path
        assert re.findall(r'(?:src|href|action)="(?!/|#)[^"]*"', page) == [], path


async def test_text_from_a_device_is_shown_as_text(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    wicked = '<img src=x onerror="alert(1)">'
    house.assess(
        LY_SON, Health.UP, Protection.SECURED, Cause.NONE,
        Reading(Signal.CRYPTO_ALGORITHM, SignalState.OK, wicked, wicked, source=wicked),
    )  # fmt: skip
    line = EventReceived(
        house.world.inventory.devices[3].code, EventKind.OTHER, Transport.SYSLOG_UDP, EpochMs(T0), trusted=False,
        component=wicked, text=wicked,
    )  # fmt: skip
    house.record(events=(line,))
    for path in (f"/devices/{LY_SON}", "/"):
        page = (await client.get(path, headers=token("watch"))).text
        assert "<img src=x" not in page, path
        assert "&lt;img" in page, path


async def test_the_table_is_filtered_and_searched_without_accents(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.assess(LY_SON, Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)

    async def rows(query: str) -> list[str]:
        page = (await client.get(f"/devices?{query}", headers=token("watch"))).text
        return re.findall(r'id="row-([^"]+)"', page)

    assert len(await rows("")) == 24
    assert await rows("find=ly+son&bloc=party") == [LY_SON]
    assert await rows("mark=down") == [LY_SON]
    assert (await rows("sort=worst"))[0] == LY_SON
    assert len(await rows("bloc=&mark=&find=")) == 24


async def test_pages_are_packed_for_browsers_that_take_it(client: httpx.AsyncClient) -> None:
    packed = await client.get("/", headers={**token("watch"), "accept-encoding": "gzip"})
    plain = await client.get("/", headers={**token("watch"), "accept-encoding": "identity"})
    assert (packed.headers.get("content-encoding"), plain.headers.get("content-encoding")) == ("gzip", None)
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.text == plain.text


async def test_static_files_are_kept_by_the_browser_and_change_their_address_with_their_content(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/login")).text
    (sheet,) = re.findall(r'href="(/static/board\.css\?[0-9a-f]{12})"', page)
    answer = await client.get(sheet)
    assert answer.headers["cache-control"].endswith("immutable")
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert (await client.get("/static/../app.py")).status_code == 404
