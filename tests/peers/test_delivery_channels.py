"""Each delivery channel against a real receiver: what arrives, and what each refusal means."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256

import pytest

from channelwatch.app.texts import word
from channelwatch.base.clock import EpochMs, SystemClock
from channelwatch.base.secrets import Secret
from channelwatch.incidents.model import PageKind
from channelwatch.notify.smtp.transport import SmtpChannel, SmtpConfig
from channelwatch.notify.webhook.transport import WebhookChannel, WebhookConfig
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Dead, Retry, Sent, Unsure
from tests.support.alerts import ALERT
from tests.support.net import free_port
from tests.support.province import START
from tests.support.receivers import SmtpSink, WebSink, smtp_sink, web_sink

VOICE = Voice(partial(word, language="vi"), "vi")
SECRET = Secret("the webhook secret of a test")
LIMIT_S = 1.5
"""How long an answer is awaited where there is none, or only a part of it."""


@pytest.fixture
def smtp() -> Iterator[SmtpSink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def web() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


def mailer(port: int, timeout_s: float = 30.0) -> SmtpChannel:
    config = SmtpConfig(
        "127.0.0.1", port, "channelwatch@example.test", "none", None, None, timeout_s, "example.test"
    )
    return SmtpChannel(config, VOICE)


@pytest.fixture
async def hook(web: WebSink) -> AsyncIterator[WebhookChannel]:
    channel = WebhookChannel({"duty": WebhookConfig(web.url, SECRET, 30.0)}, VOICE, SystemClock())
    yield channel
    await channel.close()


async def test_a_mail_arrives_in_vietnamese_with_the_key_as_its_identity(smtp: SmtpSink) -> None:
    assert await mailer(smtp.port).send(ALERT, "truc@example.test") == Sent()
    (mail,) = smtp.mails
    assert mail["Subject"] == "[P1] Đặng Thuỳ Trâm: Kênh đang truyền rõ"
    assert mail["Message-ID"] == "<SC-000001.0.opened.0.watch.0@example.test>"
    assert "Khối Đảng" in mail.get_content()
    assert "21/09/2026 13:00:00" in mail.get_content()


async def test_a_subject_of_any_length_keeps_its_spaces(smtp: SmtpSink) -> None:
    unit = "Văn phòng Đoàn đại biểu Quốc hội và Hội đồng nhân dân tỉnh " * 3 + "số 1"
    await mailer(smtp.port).send(replace(ALERT, unit=unit), "truc@example.test")
    assert smtp.mails[0]["Subject"] == f"[P1] {unit}: Kênh đang truyền rõ"


async def test_a_recovery_names_the_length_of_the_outage(smtp: SmtpSink) -> None:
    recovered = replace(ALERT, kind=PageKind.RESTORED, restored_at=EpochMs(START + 3_725_000))
    await mailer(smtp.port).send(recovered, "truc@example.test")
    assert smtp.mails[0]["Subject"] == "Đã khôi phục: Đặng Thuỳ Trâm, gián đoạn 1 giờ 2 phút 5 giây"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("550 no such post", Dead("smtp_550")), ("451 try later", Retry("smtp_451"))],
)
async def test_a_refusal_for_good_is_told_from_one_for_now(
    smtp: SmtpSink, answer: str, outcome: Dead | Retry
) -> None:
    smtp.answers.append(answer)
    assert await mailer(smtp.port).send(ALERT, "truc@example.test") == outcome


Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(converse: Conversation) -> AsyncIterator[int]:
    """A TCP server that holds `converse` with whoever calls; its conversations end with the block. Yields its port."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await converse(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(
        lambda *ends: talks.add(asyncio.create_task(talk(*ends))), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


@asynccontextmanager
async def relay(answers: Mapping[str, str], heard: list[str] | None = None) -> AsyncIterator[int]:
    """An SMTP relay that says what a test wants to each command, all of which land in `heard`; `HANG` says nothing.

    Yields its port.
    """
    usual = {
        "GREETING": "220 relay",
        "EHLO": "250-relay\r\n250 AUTH PLAIN LOGIN",
        "AUTH": "235 welcome",
        "DATA": "354 go on",
    }

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(command: str) -> bool:
            if heard is not None:
                heard.append(command)
            text = answers.get(command, usual.get(command, "250 OK"))
            if text != "HANG":
                writer.write(text.encode() + b"\r\n")
            await writer.drain()
            return text.startswith("354")

        await say("GREETING")
        while line := await reader.readline():
            if await say(line.split()[0].decode().upper()):
                await reader.readuntil(b"\r\n.\r\n")
                await say("END")

    async with serving(converse) as port:
        yield port


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"GREETING": "554 no service"}, Retry("smtp_554")),
        ({"MAIL": "550 not from you"}, Retry("smtp_550")),
        ({"AUTH": "535 wrong password"}, Retry("smtp_535")),
        ({"RCPT": "550 no such post"}, Dead("smtp_550")),
        ({"RCPT": "452 full"}, Retry("smtp_452")),
        ({"END": "554 refused as spam"}, Dead("smtp_554")),
        ({"END": "451 later"}, Retry("smtp_451")),
        ({"GREETING": "HANG"}, Retry("timeout")),
        ({"END": "HANG"}, Unsure("timeout")),
        ({"QUIT": "HANG"}, Sent()),
        ({"QUIT": "500 what"}, Sent()),
    ],
)
async def test_only_what_a_relay_says_of_the_mail_or_its_recipient_is_final(
    answers: dict[str, str], outcome: Sent | Dead | Retry | Unsure
) -> None:
    limit_s = 1.5 if "HANG" in answers.values() else 30.0
    async with relay(answers) as port:
        config = SmtpConfig(
            "127.0.0.1", port, "channelwatch@example.test", "none", "cw", SECRET, limit_s, "example.test"
        )
        assert await SmtpChannel(config, VOICE).send(ALERT, "truc@example.test") == outcome


async def test_a_relay_that_cannot_do_tls_is_tried_again_and_never_told_in_clear() -> None:
    heard: list[str] = []
    async with relay({}, heard) as port:
        config = SmtpConfig(
            "127.0.0.1", port, "channelwatch@example.test", "starttls", "cw", SECRET, 30.0, "example.test"
        )
        assert isinstance(await SmtpChannel(config, VOICE).send(ALERT, "truc@example.test"), Retry)
    assert heard == ["GREETING", "EHLO"]


async def test_no_mail_server_is_tried_again() -> None:
    assert await mailer(free_port()).send(ALERT, "truc@example.test") == Retry("connection")


async def test_a_webhook_is_signed_and_carries_its_key(web: WebSink, hook: WebhookChannel) -> None:
    assert await hook.send(ALERT, "duty") == Sent()
    (request,) = web.requests
    stamp = request.headers["x-channelwatch-timestamp"]
    expected = hmac.new(SECRET.reveal().encode(), stamp.encode() + b"." + request.body, sha256).hexdigest()
    assert request.headers["x-channelwatch-signature"] == f"sha256={expected}"
    assert abs(int(stamp) - time.time()) < 60
    assert request.headers["idempotency-key"] == ALERT.key == request.json["key"]
    assert request.json["event_received_at"] == START
    assert request.json["title"] == "[P1] Đặng Thuỳ Trâm: Kênh đang truyền rõ"


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (200, {}, Sent()),
        (400, {}, Dead("http_400")),
        (301, {"Location": "http://127.0.0.1:9/"}, Dead("http_301")),
        (429, {"Retry-After": "7"}, Retry("http_429", 7000)),
        (429, {"Retry-After": "9" * 5000}, Retry("http_429", 300_000)),
        (429, {"Retry-After": "soon"}, Retry("http_429")),
        (503, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}, Retry("http_503", 300_000)),
        (503, {"Retry-After": "Sat, 01 Jan 2000 00:00:00 GMT"}, Retry("http_503", 0)),
        (503, {}, Retry("http_503")),
    ],
)
async def test_what_each_answer_means(
    web: WebSink, hook: WebhookChannel, status: int, headers: dict[str, str], outcome: Sent | Dead | Retry
) -> None:
    web.answers.append((status, headers))
    assert await hook.send(ALERT, "duty") == outcome
    assert len(web.requests) == 1


async def test_a_receiver_that_hangs_is_given_up_after_the_time_limit(web: WebSink) -> None:
    web.before_answer = lambda: time.sleep(20.0)
    assert await sent_to(web.url) == Unsure("timeout")


@asynccontextmanager
async def saying(*pieces: bytes, every_s: float = 0.1) -> AsyncIterator[str]:
    """An HTTP server that says these pieces, one after the other, and keeps the connection. Yields its URL."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every_s)
        await asyncio.sleep(30)

    async with serving(converse) as port:
        yield f"http://127.0.0.1:{port}/alert"


async def sent_to(url: str) -> object:
    channel = WebhookChannel({"duty": WebhookConfig(url, SECRET, LIMIT_S)}, VOICE, SystemClock())
    try:
        return await channel.send(ALERT, "duty")
    finally:
        await channel.close()


async def test_an_alert_whose_receiver_says_yes_and_then_hangs_is_not_sent_again() -> None:
    async with saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc") as url:
        assert await sent_to(url) == Sent()


async def test_a_receiver_that_drips_its_answer_is_given_up_after_the_time_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Words: " + b"x" * 600
    async with saying(*(bytes([octet]) for octet in head)) as url, asyncio.timeout(30):
        assert await sent_to(url) == Unsure("timeout")


async def test_only_configured_destinations_are_called(web: WebSink, hook: WebhookChannel) -> None:
    assert await hook.send(ALERT, web.url) == Dead("unknown_destination")
    assert web.requests == []
