"""The API over the real engine: what arrives at one end is seen, taken and streamed at the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from channelwatch_api.part import ApiPart

from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.app.running.engine import Engine, Fittings
from channelwatch.app.running.meters import Meters
from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import DeviceCode, LogId
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.events import PollAnswered
from channelwatch.status.signals import Reading, Signal, SignalState
from tests.support import eventually
from tests.support.memory_store import MemoryStore
from tests.unit.api.event_stream import Listener
from tests.unit.api.memory_house import METRICS_TOKEN, settings, small_inventory

LY_SON = DeviceCode("51-D-21548-1")
CHIEF = {"authorization": "Bearer token-of-chief-0123456789"}


@asynccontextmanager
async def engine_with_api() -> AsyncIterator[tuple[Engine, httpx.AsyncClient]]:
    conf, store, clock = settings([Bloc.PARTY]), MemoryStore(), SystemClock()
    inventory = small_inventory([Bloc.PARTY])
    store.apply_inventory(inventory, [], by="test", at=clock.now())
    world = World(inventory, load_rules(shipped_rules()), LogId("col-1"), WorldPolicy())
    fittings = Fittings(
        clock=clock,
        store=store,
        history=store,
        world=world,
        channels={},
        meters=Meters("test-1"),
        jitter=lambda: 0.5,
    )
    engine, part, stop = Engine(conf, fittings), ApiPart(), asyncio.Event()
    task = asyncio.create_task(engine.run([part], stop))
    await eventually(lambda: part.listening or task.done(), what="the API to listen")
    try:
        async with httpx.AsyncClient(
            base_url=f"http://{part.listening}", headers=CHIEF, timeout=30
        ) as client:
            await eventually(lambda: engine.readiness().ready, what="the engine to be ready")
            yield engine, client
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


def answer(engine: Engine, *readings: Reading) -> PollAnswered:
    now = engine.clock.now()
    return PollAnswered(LY_SON, now, now, readings, "reference-encryptor")


async def test_an_exposed_device_is_seen_streamed_and_its_incident_taken() -> None:
    async with engine_with_api() as (engine, client):
        page = (await client.get("/")).text
        path = page.partition('data-stream="')[2].partition('"')[0].replace("&amp;", "&")
        async with client.stream("GET", path) as response:
            board = Listener(response)
            await board.next()
            bypass = Reading(Signal.CRYPTO_MODE, SignalState.FAILED, "bypass_plaintext", source="1.3.6.1")
            assert engine.submit(answer(engine, bypass))
            message = await board.patch()
            while "incidents" not in message.data["html"]:
                message = await board.patch()
            assert "SC-000001" in str(message.data["html"]["incidents"])
        told = (await client.get(f"/api/v1/devices/{LY_SON}")).json()
        assert (told["protection"], told["cause"], told["transitions"][0]["after"]) == (
            "exposed",
            "bypass",
            "exposed",
        )
        taken = await client.post("/api/v1/incidents/1/ack")
        assert (taken.status_code, taken.json()["acked_by"]) == (200, "chief")
        detail = (await client.get("/api/v1/incidents/1")).json()
        assert [(step["kind"], step["by"]) for step in detail["steps"]] == [
            ("opened", "system"),
            ("acked", "chief"),
        ]
        assert detail["steps"][1]["origin"] == "api 127.0.0.1"
        metrics = await client.get("/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
        assert (
            f'channelwatch_device_protection{{device="{LY_SON}",bloc="party",unit="21548",state="exposed"}} 1'
            in metrics.text
        )
        assert 'channelwatch_incidents_open{severity="p1"} 1.0' in metrics.text


async def test_a_latch_is_cleared_once_and_an_unknown_one_refused() -> None:
    async with engine_with_api() as (engine, client):
        engine.submit(answer(engine, Reading(Signal.CRYPTO_TAMPER, SignalState.FAILED, "detected")))
        await eventually(lambda: engine.world.devices[LY_SON].latched, what="the tamper latch")
        path, body = f"/api/v1/devices/{LY_SON}/clear-latch", {"signal": "crypto.tamper"}
        assert (await client.post(path, json=body)).status_code == 204
        assert not engine.world.devices[LY_SON].latched
        again = await client.post(path, json=body)
        assert (again.status_code, again.json()["detail"]) == (409, "crypto.tamper is not latched")


async def test_an_incident_that_was_never_opened_cannot_be_taken() -> None:
    async with engine_with_api() as (_, client):
        assert (await client.post("/api/v1/incidents/99/ack")).status_code == 404


async def test_the_engine_stops_with_its_boards_open() -> None:
    async with engine_with_api() as (_, client), client.stream("GET", "/board/events") as response:
        assert response.status_code == 200
