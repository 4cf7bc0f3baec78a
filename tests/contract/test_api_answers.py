"""What the API tells, and how its errors look."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from channelwatch_api.limits import (
    MAX_BODY_BYTES,
    PAGE_MAX,
)
from channelwatch_api.middleware import HEADERS

from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.incidents.model import IncidentState
from channelwatch.inventory.diff import diff
from channelwatch.metrics import process
from channelwatch.status.events import EventKind, EventReceived, Transport
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Axis, Cause, Health, PairState, Protection, Reason, Transition
from tests.unit.api.http_client import HTML, LY_SON, client_of, token
from tests.unit.api.memory_house import METRICS_TOKEN, T0, MemoryHouse, small_inventory


async def test_readiness_is_told_with_its_problems(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).json() == {"ready": True, "problems": []}
    house.problems = ("the observation queue is full",)
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"ready": False, "problems": ["the observation queue is full"]},
    )
    assert (await client.get("/healthz")).status_code == 200
    assert "hàng đợi số liệu đã đầy" in (await client.get("/", headers=token("watch"))).text
    assert "the observation queue is full" in (await client.get("/en/", headers=token("watch"))).text


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
    process.build_info(house.registry, version="1", instance="test-1")
    answer = await client.get("/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "channelwatch_build_info" in answer.text
    assert len(re.findall(r'^channelwatch_device_health\{.*state="up"\} 1$', answer.text, re.M)) == 24


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


async def test_the_description_tells_how_to_authenticate_and_what_errors_look_like(
    client: httpx.AsyncClient,
) -> None:
    told = (await client.get("/api/v1/openapi.json")).json()
    assert set(told["components"]["securitySchemes"]) == {"HTTPBearer"}
    for path, methods in told["paths"].items():
        for operation in methods.values():
            if path.startswith("/api/"):
                assert operation["security"] == [{"HTTPBearer": []}], path
                assert "application/problem+json" in operation["responses"]["default"]["content"], path


async def test_a_wrong_method_and_an_unknown_path_are_problems(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/api/v1/devices")).json()["status"] == 405
    assert (await client.get("/api/v1/nothing")).json()["status"] == 404


async def endless() -> AsyncIterator[bytes]:
    """A body beyond the limit whose length nothing announces."""
    for _ in range(MAX_BODY_BYTES // 1024 + 2):
        yield b"name=" + b"x" * 1019


@pytest.mark.parametrize("told", [True, False], ids=["of-told-length", "of-untold-length"])
async def test_a_body_beyond_the_limit_is_a_problem_like_any_other(
    client: httpx.AsyncClient, *, told: bool
) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}

    async def post(path: str, headers: dict[str, str]) -> httpx.Response:
        body = b"x" * (MAX_BODY_BYTES + 1) if told else endless()
        return await client.post(path, content=body, headers={**form, **headers})

    answer = await post("/login", {})
    assert answer.headers["content-type"] == "application/problem+json"
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:channelwatch:problem:too_large")
    for path, word in (("/login", "Yêu cầu quá lớn"), ("/en/login", "Request too large")):
        page = await post(path, HTML)
        assert (page.status_code, word in page.text) == (413, True)


async def test_a_body_of_just_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    assert (await client.post("/login", content=b"x" * MAX_BODY_BYTES)).status_code == 422


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
