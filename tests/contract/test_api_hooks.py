"""The webhook for a Prometheus Alertmanager: who may post, and what."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx
import pytest
from channelwatch_api.limits import MAX_BODY_BYTES, MAX_HOOK_BYTES

from tests.unit.api.http_client import LY_SON, client_of, token
from tests.unit.api.memory_house import ALERTMANAGER_TOKEN, MemoryHouse

PATH = "/api/v1/hooks/alertmanager"
HEADERS = {"authorization": f"Bearer {ALERTMANAGER_TOKEN}"}
POST: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{alertname="LinkSlow"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "channelwatch",
    "groupLabels": {"alertname": "LinkSlow"},
    "commonLabels": {"alertname": "LinkSlow"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager.test",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "LinkSlow", "device": LY_SON, "severity": "critical"},
            "annotations": {"summary": "p95 over 2 s"},
            "startsAt": "2026-11-22T03:00:00.123456789Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.test/graph",
            "fingerprint": "0123456789abcdef",
        }
    ],
}


def changed(*path: str | int, value: object) -> dict[str, Any]:
    """The post with another value at `path`."""
    post = copy.deepcopy(POST)
    place: Any = post
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return post


async def test_an_alert_becomes_an_incident_and_its_end_restores_it(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    assert (await client.post(PATH, headers=HEADERS, json=POST)).json() == {"alerts": 1}
    (found,) = (await client.get("/api/v1/incidents", headers=token("watch"))).json()["items"]
    assert (found["rule"], found["subject"], found["severity"]) == ("external.LinkSlow", LY_SON, "p2")
    assert found["title"]["en"] == "Alert of another monitoring system"
    ended = changed("alerts", 0, "status", value="resolved")
    assert (await client.post(PATH, headers=HEADERS, json=ended)).status_code == 200
    (found,) = (await client.get("/api/v1/incidents", headers=token("watch"))).json()["items"]
    assert found["state"] == "restored"


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer something-else-of-20-chars"}, token("chief")]
)
async def test_nobody_else_may_post(
    house: MemoryHouse, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await client.post(PATH, headers=headers, json=POST)).status_code == 401
    assert not house.world.incidents


async def test_without_a_token_in_the_configuration_there_is_no_such_path() -> None:
    house = MemoryHouse()
    assert house.settings.http is not None
    http = house.settings.http.model_copy(update={"alertmanager_token": None})
    house.settings = house.settings.model_copy(update={"http": http})
    async with client_of(house) as client:
        assert (await client.post(PATH, headers=HEADERS, json=POST)).status_code == 404


@pytest.mark.parametrize(
    "post",
    [
        {},
        changed("version", value="5"),
        changed("alerts", 0, "status", value="burning"),
        changed("alerts", 0, "startsAt", value="yesterday"),
        changed("alerts", 0, "labels", value={"alertname": 7}),
    ],
)
async def test_what_is_not_of_format_4_is_refused(
    house: MemoryHouse, client: httpx.AsyncClient, post: dict[str, Any]
) -> None:
    assert (await client.post(PATH, headers=HEADERS, json=post)).status_code == 422
    assert not house.world.incidents


async def test_nothing_is_lost_with_an_alert_that_is_longer_or_a_post_that_has_more_than_usual(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    """Alertmanager never sends again what was refused: one odd alert must not take the others with it."""
    labels = {f"l{number}": "x" for number in range(100)}
    odd: list[dict[str, Any]] = [
        {"labels": {"alertname": "ManyLabels", **labels}},
        {"labels": {"alertname": "LongText"}, "annotations": {"summary": "x" * 20_000}},
        {"labels": {"alertname": "Device", "device": "x" * 5_000}},
        {"labels": {"alertname": "Print"}, "fingerprint": "x" * 5_000},
        *(
            {"labels": {"alertname": "Many", "n": str(number)}, "fingerprint": f"{number}"}
            for number in range(400)
        ),
    ]
    post = changed("alerts", value=[{**POST["alerts"][0], **item} for item in odd])
    assert len(json.dumps(post)) > MAX_BODY_BYTES
    answer = await client.post(PATH, headers=HEADERS, json=post)
    assert (answer.status_code, answer.json()) == (200, {"alerts": len(odd)})
    names = {item.rule.removeprefix("external.") for item in house.world.incidents.values()}
    assert names == {"ManyLabels", "LongText", "Device", "Print", "Many"}


async def test_a_body_beyond_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    body = b" " * (MAX_HOOK_BYTES + 1)
    headers = {**HEADERS, "content-type": "application/json"}
    assert (await client.post(PATH, headers=headers, content=body)).status_code == 413


async def test_alerts_without_labels_of_ours_are_the_monitorings(
    house: MemoryHouse, client: httpx.AsyncClient
) -> None:
    await client.post(PATH, headers=HEADERS, json=changed("alerts", 0, "labels", value={}))
    (found,) = house.world.incidents.values()
    assert (found.rule, found.subject_kind, found.bloc) == ("external.alert", "collector", None)
