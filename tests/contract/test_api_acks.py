"""Taking an incident without an account: by link, by reply, by a code that was said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from channelwatch.app.settings import NotifySettings
from channelwatch.base.clock import ManualClock
from channelwatch.base.ids import ContactCode
from channelwatch.base.secrets import Secret
from channelwatch.incidents.ack import AckClaim, AckSigner
from channelwatch.incidents.model import Incident, StepKind
from channelwatch.inventory.model import Bloc, Contact, Role
from tests.unit.api.http_client import HTML, LY_SON, client_of, form_token, sign_in, token
from tests.unit.api.memory_house import MemoryHouse

SECRET = Secret("the secret of links in a test")
SIGNER = AckSigner(SECRET)
REPLY_TOKEN = "a reply token of a test"
HOUR_MS = 3600_000
DUTY = Contact(ContactCode("truc-so-1"), Role.WATCH, "Trực giám sát", (Bloc.PARTY,), ("sms:duty",))


def notify() -> NotifySettings:
    document: dict[str, Any] = {
        "ack": {"secret": "env:ACK", "url": "https://board.example.test"},
        "sms": {
            "url": "http://127.0.0.1:9/", "numbers": {"duty": "+84100000001"}, "reply_token": "env:REPLY",
        },
    }  # fmt: skip
    environ = {"ACK": SECRET.reveal(), "REPLY": REPLY_TOKEN}
    return NotifySettings.model_validate(document, context={"environ": environ})


@pytest.fixture
def house() -> MemoryHouse:
    found = MemoryHouse()
    found.all_up()
    found.settings = found.settings.model_copy(update={"notify": notify()})
    found.world.set_inventory(replace(found.world.inventory, contacts=(DUTY,)))
    found.open_incident(1, LY_SON)
    return found


def link(house: MemoryHouse, incident: Incident, *, hours: int = 1) -> str:
    now = house.clock.now()
    claim = AckClaim(incident.id, incident.round, DUTY.code, type(now)(now + hours * HOUR_MS))
    return f"/ack/{SIGNER.token(claim)}"


def code(incident: Incident) -> str:
    return SIGNER.code(incident.id, incident.round, DUTY.code)


def first(house: MemoryHouse) -> Incident:
    return next(iter(house.world.incidents.values()))


async def test_a_link_shows_the_incident_and_only_its_button_takes_it(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    path = link(house, first(house))
    for language in ("", "/en"):
        shown = await client.get(language + path, headers=HTML)
        assert shown.status_code == 200
        assert first(house).number in shown.text
        assert f'action="{language}{path}"' in shown.text
        assert shown.headers["referrer-policy"] == "no-referrer"
    assert first(house).acked_at is None, "looking takes nothing"
    for _ in range(2):
        taken = await client.post(path, headers=HTML)
        assert taken.status_code == 200
        assert "truc-so-1" in taken.text
    steps = [item for item in house.memory.steps(first(house).id) if item.kind is StepKind.ACKED]
    assert [(item.by, item.origin) for item in steps] == [("truc-so-1", "link 192.0.2.7")]


async def test_a_link_that_expired_or_was_made_up_takes_nothing(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    old = link(house, first(house), hours=0)
    other = link(house, replace(first(house), round=1))
    for path in (old, other, "/ack/abc.def", "/ack/" + "x" * 300):
        for method in ("GET", "POST"):
            answer = await client.request(method, path, headers=HTML)
            assert answer.status_code == 410
            assert "<button" not in answer.text.partition("<main")[2]
            assert "Chưa tiếp nhận được" in answer.text and "gọi trực ban" in answer.text
    assert "đã hết hạn" in (await client.get(old, headers=HTML)).text
    assert "đã có tin nhắn mới hơn" in (await client.get(other, headers=HTML)).text
    assert "không hợp lệ" in (await client.get("/ack/abc.def", headers=HTML)).text
    assert first(house).acked_at is None


async def test_a_link_that_was_used_says_who_took_the_incident(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    path = link(house, first(house))
    fresh = (await client.get(path, headers=HTML)).text
    assert "Mở trang này chưa ghi nhận gì" in fresh
    taken = (await client.post(path, headers=HTML)).text
    assert (await client.get(path, headers=HTML)).text == taken, "the same words whenever it is opened again"
    assert "Sự cố đã được tiếp nhận" in taken and "Trực giám sát" in taken
    assert "<button" not in taken.partition("<main")[2]


async def reply(client: httpx.AsyncClient, sender: str, text: str, **more: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {REPLY_TOKEN}"}
    return await client.post(
        "/api/v1/hooks/sms", json={"from": sender, "text": text}, headers=headers, **more
    )


@pytest.mark.parametrize("sender", ["+84100000001", "0100000001", "84100000001"])
async def test_a_reply_takes_the_incident_for_whoever_has_that_number(
    house: MemoryHouse, client: httpx.AsyncClient, sender: str
) -> None:
    answer = await reply(client, sender, f"nhan {code(first(house))}")
    assert answer.json() == {"acknowledged": first(house).number, "refusal": None}
    assert first(house).acked_by == "truc-so-1"


async def test_a_reply_may_be_a_form(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    data = {"msisdn": "0100000001", "message": f"NHAN {code(first(house))}"}
    headers = {"authorization": f"Bearer {REPLY_TOKEN}"}
    answer = await client.post("/api/v1/hooks/sms", data=data, headers=headers)
    assert answer.json()["acknowledged"] == first(house).number


async def test_a_code_from_another_telephone_counts_for_nothing(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    answer = await reply(client, "+84100000002", f"NHAN {code(first(house))}")
    assert answer.json() == {"acknowledged": None, "refusal": "unknown_sender"}
    assert first(house).acked_at is None


async def test_codes_cannot_be_tried_out(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    right = code(first(house))
    wrong = [f"{number:04}" for number in range(10) if f"{number:04}" != right][:5]
    for attempt in wrong:
        assert (await reply(client, "0100000001", f"NHAN {attempt}")).json()["refusal"] == "unknown_code"
    assert (await reply(client, "0100000001", f"NHAN {right}")).json()["refusal"] == "too_many_tries"
    assert isinstance(house.clock, ManualClock)
    house.clock.advance(HOUR_MS)
    assert (await reply(client, "0100000001", f"NHAN {right}")).json()["refusal"] is None


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 422),
        (b"from=1", "application/x-www-form-urlencoded", 422),
    ],
)
async def test_what_is_no_reply_is_refused(
    client: httpx.AsyncClient, content: bytes, kind: str, status: int
) -> None:
    headers = {"authorization": f"Bearer {REPLY_TOKEN}", "content-type": kind}
    answer = await client.post("/api/v1/hooks/sms", content=content, headers=headers)
    assert answer.status_code == status


async def test_replies_need_their_token(client: httpx.AsyncClient) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, token("party-watch")):
        answer = await client.post("/api/v1/hooks/sms", json={"from": "1", "text": "x"}, headers=headers)
        assert answer.status_code == 401


async def test_without_the_settings_there_is_neither_link_nor_reply() -> None:
    house = MemoryHouse()
    async with client_of(house) as client:
        assert (await client.get("/ack/x")).status_code == 404
        assert (await client.post("/api/v1/hooks/sms", json={})).status_code == 401


async def test_a_code_that_was_said_to_the_watch_takes_it_for_the_contact(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    number = first(house).id
    path = f"/api/v1/incidents/{number}/ack"
    wrong = "0000" if code(first(house)) != "0000" else "0001"
    refused = await client.post(path, json={"code": wrong}, headers=token("watch"))
    assert refused.status_code == 409
    answer = await client.post(path, json={"code": code(first(house))}, headers=token("watch"))
    assert answer.status_code == 200
    (step,) = [item for item in house.memory.steps(number) if item.kind is StepKind.ACKED]
    assert (step.by, step.origin) == ("truc-so-1", "spoken, heard by watch")


async def test_the_board_takes_a_code_too(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    await sign_in(client)
    number = first(house).id
    page = await client.get(f"/incidents/{number}")
    assert 'name="code"' in page.text
    data = {"csrf": form_token(page), "code": code(first(house)), "next": "/"}
    assert (await client.post(f"/incidents/{number}/ack", data=data)).status_code == 303
    assert first(house).acked_by == "truc-so-1"
