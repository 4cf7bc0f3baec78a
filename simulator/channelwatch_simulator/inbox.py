"""The duty officer's inbox of a demonstration: receives alerts by webhook and by mail, and measures their age."""

from __future__ import annotations

import asyncio
import hmac
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

from channelwatch.base.clock import Clock, local_text
from channelwatch.base.secrets import Secret, sign

HOST = "127.0.0.1"
MAX_HEAD_BYTES = 16_384
MAX_BODY_BYTES = 65_536
MAX_CONNECTIONS = 64
MAX_SECONDS = 10.0
MAX_SKEW_S = 300
"""A signed time stamp further away than that is an old message sent again."""
REMEMBERED = 10_000
"""Alert keys and latencies that are kept."""
_MEASURED = "opened"
"""Only a first alert tells how long the way from the packet took; repetitions are late by intention."""
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    413: "Content Too Large",
    503: "Service Unavailable",
}


@dataclass(slots=True)
class Tally:
    """What came in. `latencies` are milliseconds from the causing packet to this inbox, by rule."""

    webhooks: int = 0
    repeated: int = 0
    refused: int = 0
    mails: int = 0
    latencies: dict[str, list[int]] = field(default_factory=dict)

    def measure(self, rule: str, latency_ms: int) -> None:
        known = self.latencies.setdefault(rule, [])
        if len(known) < REMEMBERED:
            known.append(latency_ms)

    def figures(self) -> dict[str, Any]:
        """Everything as plain data for JSON."""
        every = [value for values in self.latencies.values() for value in values]
        return {
            "webhooks": self.webhooks,
            "repeated": self.repeated,
            "refused": self.refused,
            "mails": self.mails,
            "latency_ms": summary(every),
            "latency_ms_by_rule": {rule: summary(values) for rule, values in sorted(self.latencies.items())},
        }


def summary(values: Sequence[int]) -> dict[str, int | None]:
    """Count, median, 95th percentile (nearest rank) and maximum."""
    ordered = sorted(values)

    def rank(share: float) -> int | None:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None

    return {
        "count": len(ordered),
        "p50": rank(0.5),
        "p95": rank(0.95),
        "max": ordered[-1] if ordered else None,
    }


class Inbox:
    """Two listeners on this machine, ports chosen by the system. Use as an async context manager."""

    def __init__(self, secret: Secret, clock: Clock, say: Callable[[str], None]) -> None:
        self.tally = Tally()
        self._secret = secret
        self._clock = clock
        self._say = say
        self._open = 0
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._servers: list[asyncio.Server] = []

    @property
    def webhook_port(self) -> int:
        """TCP port of the webhook receiver."""
        return _port(self._servers[0])

    @property
    def smtp_port(self) -> int:
        """TCP port of the mail sink."""
        return _port(self._servers[1])

    async def __aenter__(self) -> Inbox:
        # a demonstration's own dependency: an installation that only monitors goes without it
        from aiosmtpd.smtp import SMTP

        sink = _MailSink(self)
        loop = asyncio.get_running_loop()
        self._servers.append(await asyncio.start_server(self._connected, HOST, 0, limit=MAX_HEAD_BYTES))
        self._servers.append(
            await loop.create_server(
                lambda: SMTP(sink, hostname="inbox.test", data_size_limit=MAX_BODY_BYTES, loop=loop), HOST, 0
            )
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        for server in self._servers:
            server.close()
        for server in self._servers:
            await server.wait_closed()

    def mail(self, to: Sequence[str], content: bytes) -> None:
        """One mail came in."""
        self.tally.mails += 1
        subject = message_from_bytes(content, policy=policy.default).get("Subject", "")
        self._say(f"{self._stamp()}  mail     {', '.join(to)}: {_one_line(str(subject))}")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            async with asyncio.timeout(MAX_SECONDS):
                status = 503 if self._open > MAX_CONNECTIONS else await self._request(reader)
                writer.write(_answer(status))
                await writer.drain()
        except (TimeoutError, ConnectionError):
            pass
        finally:
            self._open -= 1
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> int:
        """Read one POST and take the alert in it; the HTTP status to answer."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            headers = _headers(head)
            length = int(headers.get("content-length", "-1"))
            if length > MAX_BODY_BYTES:
                return 413
            body = await reader.readexactly(length)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return 400
        return self.webhook(headers, body)

    def webhook(self, headers: dict[str, str], body: bytes) -> int:
        """Check and take one alert; the HTTP status to answer. Header names are in lower case."""
        if not self._genuine(headers, body):
            self.tally.refused += 1
            return 401
        try:
            alert = json.loads(body)
            key, caused_at = str(alert["key"]), int(alert["event_received_at"])
            line = f"{alert['kind']:9} {alert['severity']} {alert['title']}"
        except (ValueError, KeyError, TypeError):
            self.tally.refused += 1
            return 400
        if headers.get("idempotency-key", key) != key:
            self.tally.refused += 1
            return 400
        if key in self._seen:
            self.tally.repeated += 1
            return 200
        self._remember(key)
        self.tally.webhooks += 1
        latency = self._clock.now() - caused_at
        if alert["kind"] == _MEASURED:
            self.tally.measure(str(alert.get("rule", "")), latency)
            line += f"  ({latency} ms after the packet)"
        self._say(f"{self._stamp()}  webhook  {_one_line(line)}")
        return 200

    def _genuine(self, headers: dict[str, str], body: bytes) -> bool:
        stamp = headers.get("x-channelwatch-timestamp", "")
        if not stamp.isdecimal() or abs(int(stamp) - self._clock.now() // 1000) > MAX_SKEW_S:
            return False
        wanted = "sha256=" + sign(self._secret, stamp.encode() + b"." + body)
        return hmac.compare_digest(wanted.encode(), headers.get("x-channelwatch-signature", "").encode())

    def _remember(self, key: str) -> None:
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _stamp(self) -> str:
        return local_text(self._clock.now())[11:]


class _MailSink:
    """aiosmtpd's handler: takes every mail."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self._inbox.mail(envelope.rcpt_tos, envelope.content)
        return "250 OK"


def _headers(head: bytes) -> dict[str, str]:
    """Header fields by lower-case name. ValueError for anything but a POST."""
    request, *lines = head.decode("latin-1").split("\r\n")
    if not request.startswith("POST "):
        raise ValueError("not a POST")
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _answer(status: int) -> bytes:
    return f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
