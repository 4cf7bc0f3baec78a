"""What the pages hold without a browser."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import IncidentState
from channelwatch.inventory.model import Bloc
from channelwatch.status.events import EventKind, EventReceived, Transport
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Cause, Health, Protection
from tests.unit.api.http_client import LY_SON, client_of, token
from tests.unit.api.memory_house import T0, MemoryHouse, settings


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
    for path in ("/", "/devices", "/circuits", f"/devices/{LY_SON}", "/incidents", "/login"):
        page = (await client.get(path, headers=token("watch"))).text
        assert "DỮ LIỆU MÔ PHỎNG - không phải số liệu thực tế" in page, path
        assert "Chế độ mô phỏng nhiều khối" in page, path


async def test_every_page_of_the_board_keeps_its_clock_going(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    over = replace(house.open_incident(1, LY_SON), state=IncidentState.CLOSED, closed_at=EpochMs(T0))
    house.put_incident(over)
    del house.world.incidents[over.id]  # type: ignore[attr-defined]
    for path in ("/", "/devices", f"/devices/{LY_SON}", "/circuits", "/incidents", "/incidents/1", "/drills"):
        page = (await client.get(path, headers=token("watch"))).text
        (stream,) = re.findall(r'data-stream="([^"]+)"', page)
        assert stream.startswith("/board/events?"), path


async def test_a_real_instance_has_no_simulation_banner() -> None:
    house = MemoryHouse(conf=settings([Bloc.PARTY]))
    async with client_of(house) as client:
        assert "MÔ PHỎNG" not in (await client.get("/", headers=token("watch"))).text


async def test_no_page_holds_a_style_a_script_or_an_address_of_elsewhere(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    house.open_incident(1, LY_SON)
    for path in ("/", "/devices", "/circuits", f"/devices/{LY_SON}", "/incidents", "/incidents/1", "/login"):
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
    assert (await rows(""))[0] == LY_SON, "the worst first, unless asked otherwise"
    assert (await rows("sort=place"))[0] != LY_SON
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
