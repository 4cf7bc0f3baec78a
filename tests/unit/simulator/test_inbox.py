from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from channelwatch_simulator import inbox as module
from channelwatch_simulator.inbox import Inbox, summary

from channelwatch.base.clock import ManualClock
from channelwatch.base.secrets import Secret, sign

SECRET = Secret("shared-with-the-sender")
NOW = 1_795_320_000_000


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def inbox(said: list[str]) -> Inbox:
    return Inbox(SECRET, ManualClock(NOW), said.append)


def alert(**changes: Any) -> bytes:
    document = {
        "key": "k1", "incident": "2026-0001", "kind": "opened", "severity": "p2", "rule": "bypass",
        "title": "Chế độ rõ", "text": "...", "subject": "51-D-21548-1", "t0": NOW, "event_received_at": NOW - 120,
    }  # fmt: skip
    return json.dumps({**document, **changes}).encode()


def headers(body: bytes, *, at: int = NOW, secret: Secret = SECRET, key: str = "k1") -> dict[str, str]:
    stamp = str(at // 1000)
    return {
        "x-channelwatch-timestamp": stamp,
        "x-channelwatch-signature": "sha256=" + sign(secret, stamp.encode() + b"." + body),
        "idempotency-key": key,
    }


def test_an_alert_is_shown_and_measured(inbox: Inbox, said: list[str]) -> None:
    body = alert()
    assert inbox.webhook(headers(body), body) == 200
    assert inbox.tally.latencies == {"bypass": [120]}
    assert said == ["11:00:00  webhook  opened p2 Chế độ rõ (120 ms after the packet)"]


def test_the_same_alert_twice_is_taken_once(inbox: Inbox, said: list[str]) -> None:
    body = alert()
    assert [inbox.webhook(headers(body), body) for _ in range(2)] == [200, 200]
    assert (inbox.tally.webhooks, inbox.tally.repeated, len(said)) == (1, 1, 1)


def test_repetitions_and_escalations_are_not_measured(inbox: Inbox) -> None:
    body = alert(kind="escalated")
    assert inbox.webhook(headers(body), body) == 200
    assert inbox.tally.latencies == {}


def forged() -> Iterator[tuple[str, dict[str, str], bytes, int]]:
    body = alert()
    good = headers(body)
    yield "wrong secret", headers(body, secret=Secret("another")), body, 401
    yield "changed body", good, body.replace(b"p2", b"p4"), 401
    yield "old", headers(body, at=NOW - 301_000), body, 401
    yield "from the future", headers(body, at=NOW + 302_000), body, 401
    yield "no signature", {"x-channelwatch-timestamp": good["x-channelwatch-timestamp"]}, body, 401
    yield "no time stamp", {"x-channelwatch-signature": good["x-channelwatch-signature"]}, body, 401
    yield "another time stamp", {**good, "x-channelwatch-timestamp": str(NOW // 1000 + 1)}, body, 401
    yield "not ASCII", {**good, "x-channelwatch-signature": "sha256=é"}, body, 401
    yield "another key", headers(body, key="k2"), body, 400
    for name, wrong in (
        ("not JSON", b"{"),
        ("a list", b"[]"),
        ("no key", b"{}"),
        ("no time", alert(event_received_at="x")),
    ):
        yield name, headers(wrong), wrong, 400


@pytest.mark.parametrize(
    ("sent", "body", "status"), [pytest.param(*case[1:], id=case[0]) for case in forged()]
)
def test_what_is_not_genuine_is_refused(inbox: Inbox, sent: dict[str, str], body: bytes, status: int) -> None:
    assert inbox.webhook(sent, body) == status
    assert (inbox.tally.webhooks, inbox.tally.refused) == (0, 1)


def test_memory_is_bounded(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    for number in range(5):
        body = alert(key=f"k{number}")
        assert inbox.webhook(headers(body, key=f"k{number}"), body) == 200
    assert len(inbox._seen) == 3
    assert len(inbox.tally.latencies["bypass"]) == 3


def test_a_title_cannot_draw_on_the_terminal(inbox: Inbox, said: list[str]) -> None:
    body = alert(title="a\x1b[31m\nb")
    inbox.webhook(headers(body), body)
    assert "\x1b" not in said[0]
    assert "\n" not in said[0]


@pytest.mark.parametrize(
    ("values", "p50", "p95", "longest"),
    [([], None, None, None), ([7], 7, 7, 7), ([4, 1, 3, 2], 2, 4, 4), (list(range(1, 101)), 50, 95, 100)],
)
def test_percentiles_are_nearest_ranks(values: list[int], p50: int, p95: int, longest: int) -> None:
    assert summary(values) == {"count": len(values), "p50": p50, "p95": p95, "max": longest}
