"""Who gets in: passwords, cookies, tokens, and the brakes on guessing."""

from __future__ import annotations

import httpx
import pytest
from channelwatch_api.app import create_app
from channelwatch_api.limits import (
    ADDRESS_FAILURES,
    LOGIN_FAILURES,
    LOGIN_WINDOW_MS,
)

from channelwatch.base.clock import ManualClock
from channelwatch.base.errors import Permanent
from channelwatch.base.secrets import Secret
from tests.unit.api.http_client import HTML, LY_SON, client_of, form_token, sign_in
from tests.unit.api.memory_house import METRICS_TOKEN, PASSWORD, MemoryHouse


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
            url = path.format(code=LY_SON, number=1, name="device-down")
            answer = await client.request(
                method, url, json={"signal": "crypto.tamper"} if method == "post" else None
            )
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            asked += 1
    assert asked >= 11


@pytest.mark.parametrize(
    "path",
    ["/", "/devices", "/circuits", f"/devices/{LY_SON}", "/incidents", "/incidents/1", "/vi/", "/en/devices"],
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


async def test_sign_ins_are_counted_by_result(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    for password in (*["sai"] * LOGIN_FAILURES, PASSWORD):
        await sign_in(client, password=password)
    await sign_in(client, "chief")
    told = {
        result: house.registry.get_sample_value("channelwatch_sign_ins_total", {"result": result})
        for result in ("opened", "wrong", "slowed_down", "busy")
    }
    assert told == {"opened": 1, "wrong": LOGIN_FAILURES, "slowed_down": 1, "busy": 0}


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
    for name in ("session_secret", "metrics_token"):
        house = MemoryHouse()
        assert house.settings.http is not None
        http = house.settings.http.model_copy(update={name: Secret("short")})
        with pytest.raises(Permanent, match=f"http.{name}: is shorter than"):
            create_app(house, http)
