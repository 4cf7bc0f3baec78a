"""The running server: its socket, its limits, its event streams, its stop."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

import httpx
import pytest
from channelwatch_api import part as part_module
from channelwatch_api.board import stream as stream_module
from channelwatch_api.limits import MAX_HEADER_BYTES
from channelwatch_api.part import ApiPart, bind

from channelwatch.app.settings import Listen
from channelwatch.base.clock import SystemClock
from channelwatch.base.errors import Permanent
from channelwatch.status.states import Cause, Health, PairState, Protection
from tests.support import eventually
from tests.unit.api.event_stream import Listener
from tests.unit.api.memory_house import MemoryHouse, settings

LY_SON = "51-D-21548-1"
WATCH = {"authorization": "Bearer token-of-watch-0123456789"}
PARTY = {"authorization": "Bearer token-of-party-watch-01234"}


@dataclass
class Running:
    """A server over a house in memory."""

    house: MemoryHouse
    part: ApiPart
    stop: asyncio.Event
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        return f"http://{self.part.listening}"

    async def page(self, path: str = "/", headers: dict[str, str] = WATCH) -> str:
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30) as client:
            return (await client.get(path)).text

    async def streams(self) -> int:
        async with httpx.AsyncClient(base_url=self.url, headers=WATCH, timeout=30) as client:
            return int((await client.get("/api/v1/status")).json()["board_streams"])


@asynccontextmanager
async def server(house: MemoryHouse) -> AsyncIterator[Running]:
    part, stop = ApiPart(), asyncio.Event()
    task = asyncio.create_task(part.serve(house, stop))
    await eventually(lambda: part.listening or task.done(), what="the server to listen")
    try:
        yield Running(house, part, stop, task)
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    house = MemoryHouse(clock=SystemClock())
    house.all_up()
    async with server(house) as found:
        yield found


@asynccontextmanager
async def listen(
    running: Running, path: str = "/board/events", headers: dict[str, str] = WATCH
) -> AsyncIterator[Listener]:
    async with (
        httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30) as client,
        client.stream("GET", path) as response,
    ):
        yield Listener(response)


async def stream_path(running: Running, path: str = "/", headers: dict[str, str] = WATCH) -> str:
    """The address of a page's stream, as the page tells it."""
    (found,) = re.findall(r'data-stream="([^"]+)"', await running.page(path, headers))
    return str(found).replace("&amp;", "&")


# Starting and stopping ----------------------------------------------------------------------------------------


async def test_an_address_in_use_is_one_plain_error_with_its_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        house = MemoryHouse(conf=settings(listen=Listen("127.0.0.1", port)))
        with pytest.raises(Permanent) as refused:
            await ApiPart().serve(house, asyncio.Event())
    assert str(refused.value) == (
        f"listen for HTTP on 127.0.0.1:{port}: Address already in use: "
        "end the program that holds it, or set http.listen to another address"
    )


def test_an_ipv6_address_can_be_had() -> None:
    try:
        listener = bind(Listen("::1", 0))
    except Permanent:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        assert listener.getsockname()[0] == "::1"


async def test_without_http_settings_the_part_waits_for_the_end() -> None:
    house = MemoryHouse()
    house.settings = house.settings.model_copy(update={"http": None})
    stop, part = asyncio.Event(), ApiPart()
    task = asyncio.create_task(part.serve(house, stop))
    await asyncio.sleep(0.05)
    assert not task.done()
    stop.set()
    await asyncio.wait_for(task, 30)
    assert part.listening is None


async def test_a_stop_ends_open_streams_and_frees_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    # The server itself would wait for so long for whoever still listens.
    monkeypatch.setattr(part_module, "STOP_GRACE_S", 600)
    async with server(MemoryHouse(clock=SystemClock())) as running:
        path, other = await stream_path(running), await stream_path(running, "/devices")
        async with listen(running, path) as board, listen(running, other) as table:
            await board.next()
            await table.next()
            running.stop.set()
            await asyncio.wait_for(running.task, 30)
            for stream in (board, table):
                with suppress(EOFError):
                    while True:
                        await stream.next()
        assert running.part.listening is not None
        bind(running.part.listening).close()


async def test_a_failing_board_does_not_end_the_server(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(part_module, "RESTART_S", 0.05)
    path = await stream_path(running)
    async with listen(running, path) as board:
        await board.next()
        rules, running.house.world.rules = running.house.world.rules, None  # type: ignore[assignment]
        running.house.open_incident(1, LY_SON)
        await eventually(lambda: "board loops failed" in caplog.text)
        assert not running.task.done()
        running.house.world.rules = rules
        message = await board.patch()
        assert "incidents" in message.data["html"]


# Limits -------------------------------------------------------------------------------------------------------


async def raw(running: Running, text: bytes, *, within_s: float = 30.0) -> bytes:
    """What the server answers to `text` until it hangs up."""
    assert running.part.listening is not None
    reader, writer = await asyncio.open_connection(running.part.listening.host, running.part.listening.port)
    try:
        writer.write(text)
        return await asyncio.wait_for(reader.read(-1), within_s)
    finally:
        writer.close()


async def test_a_head_beyond_the_limit_is_refused(running: Running) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: board.test\r\nX-Long: " + b"x" * (MAX_HEADER_BYTES + 1)
    assert (await raw(running, head)).startswith(b"HTTP/1.1 4")


UNFINISHED = (
    b"POST /login HTTP/1.1\r\nHost: board.test\r\nContent-Length: 9\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname="
)


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: ", UNFINISHED])
async def test_a_client_that_does_not_finish_its_request_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(part_module, "REQUEST_TIMEOUT_S", 0.2)
    async with server(MemoryHouse(clock=SystemClock())) as running:
        assert await raw(running, sent) == b""


async def test_streams_beyond_the_limit_are_told_to_come_back(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "MAX_STREAMS", 2)
    path = await stream_path(running)
    async with listen(running, path) as one, listen(running, path) as two:
        await one.next()
        await two.next()
        async with listen(running, path) as third:
            assert (third.response.status_code, third.response.headers["retry-after"]) == (503, "10")
        registry = running.house.registry
        assert registry.get_sample_value("channelwatch_board_streams") == 2
        assert registry.get_sample_value("channelwatch_board_streams_refused_total") == 1
    await eventually(lambda: _none(running), what="the closed streams to be forgotten")
    async with listen(running, path) as again:
        assert again.response.status_code == 200


async def _none(running: Running) -> bool:
    return await running.streams() == 0


# Streams ------------------------------------------------------------------------------------------------------


async def test_a_change_reaches_a_board_before_its_next_beat_and_says_only_what_changed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "HEARTBEAT_S", 600)
    path = await stream_path(running)
    async with listen(running, path) as board:
        assert board.response.headers["content-type"].startswith("text/event-stream")
        assert (await board.next()).event == "beat"
        running.house.assess(LY_SON, Health.UP, Protection.EXPOSED, Cause.BYPASS)
        message = await board.next()
        assert message.event == "patch"
        assert set(message.data["html"]) == {"strip", "exceptions", "tile-21548"}
        assert 'id="tile-21548" class="tile t-exposed"' in message.data["html"]["tile-21548"]


async def test_a_burst_becomes_few_patches(running: Running) -> None:
    path = await stream_path(running)
    async with listen(running, path) as board:
        await board.next()
        codes = [item.code for item in running.house.world.inventory.devices]
        for _ in range(20):
            for code in codes:
                running.house.assess(code, Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
        seen, patches = "", 0
        while "t-down" not in seen or patches == 0:
            seen += json.dumps((await board.patch()).data["html"])
            patches += 1
        assert patches <= 3


async def test_a_stream_resumes_where_it_broke_off(running: Running) -> None:
    path = await stream_path(running)
    async with listen(running, path) as board:
        await board.next()
        running.house.assess(LY_SON, Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
        last = (await board.patch()).id
    running.house.assess("51-D-21025-1", Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
    async with listen(running, path, {**WATCH, "last-event-id": last}) as board:
        message = await board.next()
    assert message.event == "patch"
    assert {name for name in message.data["html"] if name.startswith("tile-")} == {"tile-21025"}


@pytest.mark.parametrize("last", ["", "another0-7", "nonsense", "-1"])
async def test_a_client_of_another_run_loads_the_page_anew(running: Running, last: str) -> None:
    async with listen(running, "/board/events", {**WATCH, "last-event-id": last}) as board:
        assert (await board.next()).event == "reload"


async def test_a_page_whose_elements_are_no_longer_the_inventorys_is_loaded_anew(running: Running) -> None:
    path = await stream_path(running)
    async with listen(running, path) as board:
        await board.next()
        world = running.house.world
        kept = tuple(item for item in world.inventory.devices if "21548" not in item.code)
        world.set_inventory(replace(world.inventory, devices=kept, channels=()))
        running.house.put_pair("51-D-T0001", PairState.SPLIT)
        assert (await board.patch()).event == "reload"


async def test_a_silent_board_beats(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "HEARTBEAT_S", 0.2)
    running.house.problems = ("the store refuses writes",)
    async with listen(running, await stream_path(running)) as board:
        beats = [await board.next() for _ in range(3)]
    assert {beat.event for beat in beats} == {"beat"}
    assert {tuple(beat.data["problems"]) for beat in beats} == {("the store refuses writes",)}
    assert beats[0].data["at"] < beats[1].data["at"] < beats[2].data["at"]
    assert beats[0].data["seen"] == max(state.seen_at for state in running.house.world.devices.values())


async def test_a_stream_tells_nothing_of_another_bloc(running: Running) -> None:
    async with listen(running, await stream_path(running, "/", PARTY), PARTY) as board:
        await board.next()
        running.house.assess("51-C-21548-1", Health.UP, Protection.EXPOSED, Cause.BYPASS)
        running.house.assess(LY_SON, Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
        message = await board.patch()
    assert "51-C-" not in json.dumps(message.data)
    assert "t-down" in message.data["html"]["tile-21548"]


async def test_a_stream_ends_when_its_account_is_no_longer_let_in(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "HEARTBEAT_S", 0.1)
    async with listen(running, await stream_path(running)) as board:
        await board.next()
        monkeypatch.setattr("channelwatch_api.auth.Gate.account", lambda *_: None)
        while (message := await board.next()).event == "beat":
            pass
        assert message.event == "signed-out"


@pytest.mark.parametrize(
    ("path", "element"),
    [
        ("/devices", f"row-{LY_SON}"),
        (f"/devices/{LY_SON}", "device-now"),
        ("/incidents", "incidents-live"),
        ("/incidents/1", "incident-now"),
    ],
)
async def test_every_other_page_is_kept_current_as_well(running: Running, path: str, element: str) -> None:
    incident = running.house.open_incident(1, LY_SON)
    async with listen(running, await stream_path(running, path)) as page:
        await page.next()
        running.house.assess(LY_SON, Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
        await running.house.acknowledge(incident.id, by="truc", origin="test")
        message = await page.patch()
        assert element in message.data["html"]
        assert f'id="{element}"' in message.data["html"][element]


@pytest.mark.parametrize(
    "query", ["view=moon", "view=incident&subject=x", "subject=%3Cscript%3E", "after=" + "x" * 100]
)
async def test_a_stream_of_nothing_is_refused(running: Running, query: str) -> None:
    async with listen(running, f"/board/events?{query}") as stream:
        assert stream.response.status_code in (404, 422)


async def test_a_language_has_a_stream_of_its_own(running: Running) -> None:
    path = await stream_path(running, "/en/")
    assert path.startswith("/en/board/events?view=board")
    async with listen(running, path) as board:
        await board.next()
        running.house.assess(LY_SON, Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
        message = await board.patch()
    assert "Down, Unreachable" in message.data["html"]["exceptions"]


async def test_a_slow_reader_holds_nobody_up_and_costs_no_queue(running: Running) -> None:
    path = await stream_path(running)
    async with listen(running, path) as slow, listen(running, path) as quick:
        await slow.next()
        await quick.next()
        for turn in range(5):
            health = Health.DOWN if turn % 2 == 0 else Health.UP
            running.house.assess(LY_SON, health, Protection.SECURED, Cause.NONE)
            assert "tile-21548" in (await quick.patch()).data["html"]
        assert "tile-21548" in (await slow.patch()).data["html"]
