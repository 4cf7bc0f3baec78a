"""The API answers about the past with the figures of the command line, and within an account's blocs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from channelwatch.app.cli import main
from channelwatch.base.clock import ManualClock
from channelwatch.store.sqlstore import SqlStore, open_store
from tests.contract.test_history_commands import FROM, TO
from tests.support.province import START, spoke
from tests.support.recorded import Recorder, silent
from tests.unit.api.http_client import client_of, token
from tests.unit.api.memory_house import MemoryHouse

MINUTE = 60_000
FIRST = spoke(1)


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    store = open_store("sqlite:///store.db", tmp_path)
    store.upgrade()
    recorder = Recorder(store, START)
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    recorder.live(5 * MINUTE)
    yield recorder
    store.close()


@pytest.fixture
async def client(recorder: Recorder) -> AsyncIterator[httpx.AsyncClient]:
    house = MemoryHouse(clock=ManualClock(recorder.now))
    assert isinstance(recorder.store, SqlStore)
    house.archive = recorder.store
    async with client_of(house) as found:
        yield found


async def ask(client: httpx.AsyncClient, scope: str, who: str = "party-watch", **more: str) -> httpx.Response:
    wanted = {"scope": scope, "from": FROM, "to": TO} | more
    return await client.get("/api/v1/uptime", params=wanted, headers=token(who))


@pytest.mark.parametrize(
    "scope", [f"device:{FIRST}", "pair:all", "channel:51-D-20001", "commune:20001", "bloc:party", "province"]
)
async def test_the_answer_is_the_one_of_the_command_line(
    client: httpx.AsyncClient, config: Path, capsysbinary: pytest.CaptureFixture[bytes], scope: str
) -> None:
    answer = await ask(client, scope, target="75")
    assert answer.status_code == 200
    about = ["--scope", scope, "--from", FROM, "--to", TO, "--target", "75"]
    main(["uptime", "-c", str(config), *about, "--json"])
    printed = json.loads(capsysbinary.readouterr().out)
    assert answer.json()["rows"] == printed["rows"]
    assert answer.json()["rows"] != []
    assert answer.json()["data_sha256"] == printed["data_sha256"]


async def test_it_comes_as_a_table_too(client: httpx.AsyncClient) -> None:
    answer = await ask(client, f"device:{FIRST}", format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbfscope_kind,")


async def test_another_blocs_past_is_not_there_and_looks_as_if_it_never_was(
    client: httpx.AsyncClient,
) -> None:
    answers = [
        await ask(client, scope, "gov-watch")
        for scope in (f"device:{FIRST}", "device:51-D-99999-1", "bloc:party")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert (await ask(client, "province", "gov-watch")).json()["rows"] == []


async def test_nobody_unknown_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/uptime", params={"scope": "province", "from": FROM})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("scope", "more"),
    [
        ("everything", {}),
        ("province", {"from": "yesterday"}),
        ("province", {"target": "101"}),
        ("province", {"from": "2020", "to": "2026"}),
        ("province", {"format": "pdf"}),
    ],
)
async def test_what_is_asked_wrongly_is_refused(
    client: httpx.AsyncClient, scope: str, more: dict[str, str]
) -> None:
    assert (await ask(client, scope, **more)).status_code == 422


async def test_a_house_without_a_past_says_to_come_back() -> None:
    async with client_of(MemoryHouse()) as client:
        answer = await ask(client, "province")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
