"""The runbooks over HTTP: every one that a rule or a dashboard names, for whoever is signed in."""

from __future__ import annotations

import re

import pytest

from channelwatch.app.rulefile import load_rules, shipped_rules
from dashboards.builder.__main__ import files
from tests.unit.api.http_client import client_of, token
from tests.unit.api.memory_house import MemoryHouse

NAMED = {rule.runbook for rule in load_rules(shipped_rules()).rules if rule.runbook}
LINKED = set(re.findall(r"\$\{runbook_url\}/([\w-]+)\.md", "".join(text for _, text in files())))


async def test_every_runbook_that_is_named_can_be_read() -> None:
    assert LINKED
    async with client_of(MemoryHouse()) as client:
        for name in sorted(NAMED | LINKED):
            answer = await client.get(f"/runbooks/{name}.md", headers=token("watch"))
            assert answer.status_code == 200, name
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.text.startswith("# ")


@pytest.mark.parametrize("name", ["none", "README", "..%2F..%2FREADME", "%2Fetc%2Fpasswd"])
async def test_nothing_else_can_be_read(name: str) -> None:
    async with client_of(MemoryHouse()) as client:
        answer = await client.get(f"/runbooks/{name}.md", headers=token("watch"))
        assert answer.status_code in (404, 422)


async def test_a_stranger_is_led_to_the_sign_in_page() -> None:
    async with client_of(MemoryHouse()) as client:
        assert (await client.get("/runbooks/device-down.md")).status_code == 401
        answer = await client.get("/runbooks/device-down.md", headers={"accept": "text/html"})
        assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login")
