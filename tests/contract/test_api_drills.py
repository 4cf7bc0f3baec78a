"""Drills on the pages: who starts and stops one, what everybody sees of it, and how it went."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.incidents.drills import Drill, DrillEnd, Scenario
from channelwatch.incidents.model import IncidentState, IncidentStep, StepKind
from channelwatch.inventory.model import Role
from channelwatch.store.desk import Act
from channelwatch.store.drills import BEGUN, ENDED
from tests.unit.api.http_client import HTML, LY_SON, form_token, sign_in, token
from tests.unit.api.memory_house import MemoryHouse

FORM = {"scenario": "tamper", "code": LY_SON, "minutes": "15", "approved_by": "owner"}


async def start(client: httpx.AsyncClient, **changes: str) -> httpx.Response:
    page = await client.get("/drills", headers=HTML)
    return await client.post("/drills", data={"csrf": form_token(page), **FORM, **changes}, headers=HTML)


def drills(house: MemoryHouse) -> tuple[Drill, ...]:
    assert house.drills is not None
    return house.drills.drills()


def begin(house: MemoryHouse, code: str = LY_SON, scenario: Scenario = Scenario.TAMPER) -> Drill:
    """A drill that is on, as the engine would have it."""
    assert house.drills is not None
    now = house.clock.now()
    wanted = Drill(0, scenario, code, "truong-ca", "chu-quan", now, EpochMs(now + 900_000))
    number = house.drills.ask_drill(wanted, origin="test")
    house.drills.mark_drill(number, BEGUN, Act("system", now, "test"))
    house.drill = drills(house)[-1]
    return house.drill


def end(house: MemoryHouse, why: DrillEnd = DrillEnd.TIME_OVER) -> None:
    assert house.drills is not None and house.drill is not None
    house.drills.mark_drill(house.drill.number, ENDED, Act("system", house.clock.now(), "test", why))
    house.drill = None


async def test_a_chief_starts_a_drill_and_stops_it(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    await sign_in(client, "chief")
    begun = await start(client)
    assert (begun.status_code, begun.headers["location"]) == (303, "/drills/1")
    (drill,) = drills(house)
    assert (drill.scenario, drill.code) == (Scenario.TAMPER, LY_SON)
    assert (drill.requested_by, drill.approved_by) == ("chief", "owner")
    assert drill.ends_at - drill.requested_at == 15 * 60_000
    page = await client.get("/drills/1", headers=HTML)
    assert "Chờ bắt đầu" in page.text
    assert "owner" in page.text
    stopped = await client.post("/drills/1/stop", data={"csrf": form_token(page)}, headers=HTML)
    assert stopped.headers["location"] == "/drills/1"
    assert drills(house)[0].stop_asked_at == house.clock.now()
    assert "Đã yêu cầu dừng" in (await client.get("/drills/1", headers=HTML)).text


@pytest.mark.parametrize("role", Role)
async def test_only_a_chief_with_a_session_is_offered_the_form(
    house: MemoryHouse, client: httpx.AsyncClient, role: Role
) -> None:
    by_token = await client.get("/drills", headers={**HTML, **token(role)})
    assert 'name="scenario"' not in by_token.text
    await sign_in(client, role)
    page = await client.get("/drills", headers=HTML)
    assert ('name="scenario"' in page.text) is (role is Role.CHIEF)
    sent = await start(client)
    assert sent.status_code == (303 if role is Role.CHIEF else 403)
    assert len(drills(house)) == (1 if role is Role.CHIEF else 0)


async def test_a_form_of_another_session_starts_and_stops_nothing(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    begin(house)
    await sign_in(client, "chief")
    for path, data in (("/drills", FORM), ("/drills/1/stop", {})):
        answer = await client.post(path, data={**data, "csrf": "0" * 64}, headers=HTML)
        assert answer.status_code == 403
    assert [item.stop_asked_at for item in drills(house)] == [None]


async def test_what_stands_against_a_drill_is_said_above_the_form_as_it_was_filled_in(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    await sign_in(client, "chief")
    refused = await start(client, approved_by="chief", scenario="hub-lost", minutes="45")
    assert refused.status_code == 422
    assert "người phê duyệt diễn tập phải khác người đề nghị" in refused.text
    assert "Mất trung tâm" in refused.text.partition('<form class="filters"')[0], "the scenario in words"
    assert 'value="45"' in refused.text and '<option value="hub-lost" selected>' in refused.text
    begin(house)
    assert "đợt diễn tập trước chưa kết thúc" in (await start(client)).text
    assert len(drills(house)) == 1


async def test_a_drill_of_another_bloc_is_not_there(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    begin(house)
    for path in ("/", "/drills"):
        seen = await client.get(path, headers={**HTML, **token("party-watch")})
        assert "Cảnh báo xâm phạm thiết bị" in seen.text
        other = await client.get(path, headers={**HTML, **token("gov-watch")})
        assert "Cảnh báo xâm phạm thiết bị" not in other.text
        assert "ĐANG DIỄN TẬP" not in other.text
    assert (await client.get("/drills/1", headers={**HTML, **token("gov-watch")})).status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/devices", f"/devices/{LY_SON}", "/incidents", "/circuits", "/drills"]
)
async def test_every_page_says_that_a_drill_is_on(
    house: MemoryHouse, client: httpx.AsyncClient, path: str
) -> None:
    def banner(text: str) -> str:
        return text.partition('id="drill"')[2].partition("</div>")[0]

    headers = {**HTML, **token("watch")}
    assert banner((await client.get(path, headers=headers)).text).endswith("hidden>")
    begin(house)
    shown = banner((await client.get(path, headers=headers)).text)
    assert "ĐANG DIỄN TẬP" in shown and "Lý Sơn" in shown and 'href="/drills/1"' in shown
    assert "DRILL IN PROGRESS" in banner((await client.get("/en" + path, headers=headers)).text)
    end(house)
    assert banner((await client.get(path, headers=headers)).text).endswith("hidden>")


async def test_a_drill_tells_when_it_was_detected_taken_and_over(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    clock = house.clock
    assert isinstance(clock, ManualClock)
    begin(house)
    clock.advance(1_500)
    incident = house.open_incident(1, LY_SON, rule="drill.tamper", drill=True)
    house.open_incident(2, LY_SON)
    clock.advance(90_000)
    await house.acknowledge(1, by="watch", origin="board")
    step = IncidentStep(
        incident.id, StepKind.RESTORED, clock.now(), "system", "drill", "drill_ended:time_over"
    )
    taken = house.world.incidents[incident.id]
    house.put_incident(replace(taken, state=IncidentState.RESTORED, restored_at=clock.now()), step)
    end(house)
    page = (await client.get("/drills/1", headers={**HTML, **token("auditor")})).text
    report = page.partition('id="report-title"')[2]
    assert "SC-000001" in report and "SC-000002" not in report
    assert "sau 1,5 giây" in report and "sau 1 phút" in report
    assert "Hết thời gian" in page
    assert "http-equiv" not in page.partition("</noscript>")[2], "a drill that is over is not loaded again"
    listed = (await client.get("/drills", headers={**HTML, **token("auditor")})).text
    assert "Diễn tập số 1: Cảnh báo xâm phạm thiết bị" in listed


async def test_a_bloc_whose_communes_are_cut_is_named(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    begin(house, "party", Scenario.COMMUNES_CUT)
    page = (await client.get("/en/drills/1", headers={**HTML, **token("watch")})).text
    assert "30 % of the communes cut" in page
    assert "Party bloc" in page


async def test_before_the_first_drill_the_list_says_so(client: httpx.AsyncClient) -> None:
    page = await client.get("/drills", headers={**HTML, **token("watch")})
    assert "Chưa có đợt diễn tập nào" in page.text
    assert (await client.get("/drills/1", headers={**HTML, **token("watch")})).status_code == 404
