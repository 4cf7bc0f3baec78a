"""The metrics over HTTP: who may read them, in which format, and in which parts."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from channelwatch_api import scrape
from channelwatch_api.limits import SCRAPE_CHUNK_BYTES
from channelwatch_api.part import ApiPart
from channelwatch_api.scrape import wants_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from channelwatch.app.settings import HttpTlsSettings
from channelwatch.base.errors import Permanent
from channelwatch.metrics import process
from tests.support import eventually
from tests.support.certificates import Authority
from tests.unit.api.memory_house import METRICS_TOKEN, MemoryHouse

TOKEN = {"authorization": f"Bearer {METRICS_TOKEN}"}
PARTY = {"authorization": "Bearer token-of-party-watch-01234"}
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def names(text: str) -> set[str]:
    return {item.name for family in text_string_to_metric_families(text) for item in family.samples}


async def test_the_two_halves_make_up_the_whole(house: MemoryHouse, client: httpx.AsyncClient) -> None:
    process.build_info(house.registry, version="1", instance="test-1")
    whole = names((await client.get("/metrics", headers=TOKEN)).text)
    own = names((await client.get("/metrics/process", headers=TOKEN)).text)
    fleet = names((await client.get("/metrics/fleet", headers=TOKEN)).text)
    assert own | fleet == whole
    assert own & fleet == set()
    assert "channelwatch_build_info" in own
    assert "channelwatch_device_health" in fleet


async def test_a_scrape_may_ask_for_blocs_for_one_unit_and_for_states_alone(
    client: httpx.AsyncClient,
) -> None:
    async def fleet(query: str) -> str:
        answer = await client.get(f"/metrics/fleet?{query}", headers=TOKEN)
        assert answer.status_code == 200
        return answer.text

    party = await fleet("bloc=party")
    assert "51-D-" in party and "51-C-" not in party and 'bloc="gov"' not in party
    assert "51-C-" in await fleet("bloc=party&bloc=gov")
    unit = await fleet("unit=21548")
    assert 'unit="21548"' in unit and 'unit="21025"' not in unit
    assert "channelwatch_signal_state" not in await fleet("signals=false")
    assert (await client.get("/metrics/fleet?bloc=navy", headers=TOKEN)).status_code == 422


async def test_an_account_reads_its_own_blocs_and_nobody_reads_nothing(client: httpx.AsyncClient) -> None:
    for path in ("/metrics", "/metrics/fleet", "/metrics/process"):
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers={"authorization": "Bearer wrong"})).status_code == 401
        answer = await client.get(path, headers=PARTY)
        assert answer.status_code == 200
        assert "51-C-" not in answer.text and 'bloc="gov"' not in answer.text
    assert "51-D-" not in (await client.get("/metrics/fleet?bloc=gov", headers=PARTY)).text


async def test_openmetrics_is_spoken_to_whoever_asks_for_it(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    process.build_info(house.registry, version="1", instance="test-1")
    for path in ("/metrics", "/metrics/fleet", "/metrics/process"):
        answer = await client.get(path, headers={**TOKEN, "accept": OPENMETRICS})
        assert answer.headers["content-type"] == OPENMETRICS
        assert answer.text.count("# EOF") == 1
        assert list(openmetrics_families(answer.text))


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False),
        ("application/openmetrics-text", True),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75",
            True,
        ),
        ("application/openmetrics-text; version=2.0.0", False),
        ("application/openmetrics-text; version=1.0.0; q=0, text/plain", False),
    ],
)
def test_the_accept_header_decides(accept: str, wanted: bool) -> None:
    assert wants_openmetrics(accept) is wanted


async def test_pieces_of_any_size_are_sent_in_their_order_and_counted_beforehand() -> None:
    large = b"x" * SCRAPE_CHUNK_BYTES
    pieces = [b"a", b"b", large, large, b"c", large, b"d", b""]
    whole, many = b"".join(pieces), len(pieces)
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "headers": [],
        "asgi": {"spec_version": "2.4"},
    }
    await scrape.answer(pieces, openmetrics=False)(scope, receive, send)
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(whole)).encode()
    assert b"".join(message["body"] for message in sent[1:]) == whole
    assert len(sent) < 2 + many


async def test_scrapes_beyond_the_limit_are_refused(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "SCRAPES_WAITING", 0)
    answer = await client.get("/metrics", headers=TOKEN)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_trusted_certificate_stands_in_for_the_token(tmp_path: Path) -> None:
    ours, strangers = Authority(tmp_path, "ours"), Authority(tmp_path, "strangers")
    server, scraper, stranger = ours.issue("server"), ours.issue("scraper"), strangers.issue("stranger")
    house = MemoryHouse()
    assert house.settings.http is not None
    tls = HttpTlsSettings(certificate=server.certificate, key=server.key, clients=ours.certificate)
    http = house.settings.http.model_copy(update={"tls": tls})
    house.settings = house.settings.model_copy(update={"http": http})
    part, stop = ApiPart(), asyncio.Event()
    serving = asyncio.create_task(part.serve(house, stop))
    try:
        await eventually(lambda: part.listening or serving.done(), what="the server to listen")
        url = f"https://{part.listening}/metrics"

        async def status(issued: object, **headers: str) -> int:
            context = ssl.create_default_context(cafile=str(ours.certificate))
            if issued is not None:
                context.load_cert_chain(issued.certificate, issued.key)  # type: ignore[attr-defined]
            async with httpx.AsyncClient(verify=context, trust_env=False) as client:
                return (await client.get(url, headers=headers)).status_code

        assert await status(scraper) == 200
        assert await status(None) == 401
        assert await status(None, **TOKEN) == 200
        with pytest.raises(httpx.TransportError):
            await status(stranger)
    finally:
        stop.set()
        await asyncio.wait_for(serving, 30)


async def test_an_unfit_certificate_is_told_of(tmp_path: Path) -> None:
    house = MemoryHouse()
    assert house.settings.http is not None
    tls = HttpTlsSettings(certificate=tmp_path / "none.crt", key=tmp_path / "none.key")
    http = house.settings.http.model_copy(update={"tls": tls})
    house.settings = house.settings.model_copy(update={"http": http})
    with pytest.raises(Permanent, match=r"http\.tls"):
        await ApiPart().serve(house, asyncio.Event())
