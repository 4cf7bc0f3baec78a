"""The duty inbox of a demonstration over real connections."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage

import httpx
import pytest
from channelwatch_simulator import inbox as module
from channelwatch_simulator.inbox import MAX_BODY_BYTES, Inbox

from tests.unit.simulator.test_inbox import alert, headers, inbox, said

__all__ = ["inbox", "said"]  # fixtures


async def test_over_http(inbox: Inbox) -> None:
    body = alert()
    async with (
        inbox,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{inbox.webhook_port}", trust_env=False) as client,
    ):
        statuses = [
            (await client.post("/alert", content=body, headers=headers(body))).status_code,
            (await client.post("/alert", content=b"x" * (MAX_BODY_BYTES + 1))).status_code,
            (await client.get("/alert")).status_code,
            (await client.post("/alert", content=body, headers={"a": "b" * 20_000})).status_code,
        ]
    assert statuses == [200, 413, 400, 400]


async def test_a_client_that_says_nothing_is_cut_off(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SECONDS", 0.05)
    async with inbox:
        reader, writer = await asyncio.open_connection("127.0.0.1", inbox.webhook_port)
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()


async def test_too_many_clients_are_turned_away(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    async with inbox:
        _, idle = await asyncio.open_connection("127.0.0.1", inbox.webhook_port)
        reader, writer = await asyncio.open_connection("127.0.0.1", inbox.webhook_port)
        assert (await asyncio.wait_for(reader.readline(), 30)).startswith(b"HTTP/1.1 503")
        writer.close()
        idle.close()


async def test_mail_is_shown(inbox: Inbox, said: list[str]) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "channelwatch@example.test", "truc-party@example.test"
    message["Subject"] = "[P1] Mất kênh mã hóa"
    message.set_content("...")

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", inbox.smtp_port, timeout=30) as client:
            client.send_message(message)

    async with inbox:
        await asyncio.to_thread(send)
    assert said == ["11:00:00  mail     truc-party@example.test: [P1] Mất kênh mã hóa"]
    assert inbox.tally.figures()["mails"] == 1
