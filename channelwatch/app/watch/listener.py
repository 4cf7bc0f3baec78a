"""The watchdog's ear: one path for beats, nothing else, and everything bounded.

Written by hand because the second process is to share as little as can be with what it watches: no web framework, no
database, no scheduler.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Callable, Mapping

from pydantic import TypeAdapter, ValidationError

from channelwatch.base.secrets import Secret, sign
from channelwatch.pipeline.heartbeat import Evidence

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 8 * 1024
MAX_BODY_BYTES = 16 * 1024
REQUEST_S = 5.0
MAX_CONNECTIONS = 32
PATH = "/beat"

_EVIDENCE = TypeAdapter(Evidence)
_REASONS = {204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 413: "Too Large"}


class Refused(Exception):
    """An answer other than 204."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Ear:
    """Takes beats; `taken` says whether one is new."""

    def __init__(self, secret: Secret, instance: str, taken: Callable[[Evidence], bool]) -> None:
        self._secret = secret
        self._instance = instance
        self._taken = taken
        self._open = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        if self._open >= MAX_CONNECTIONS:
            writer.close()
            return
        self._open += 1
        try:
            async with asyncio.timeout(REQUEST_S):
                writer.write(_answer(await self._request(reader)))
                await writer.drain()
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open -= 1
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> int:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *rest = head.decode("latin-1").split("\r\n")
            if line.split(" ")[:2] != ["POST", PATH]:
                raise Refused(404)
            headers = _headers(rest)
            body = await reader.readexactly(_length(headers))
            self._take(headers, body)
        except Refused as refusal:
            return refusal.status
        return 204

    def _take(self, headers: Mapping[str, str], body: bytes) -> None:
        stamp = headers.get("x-channelwatch-timestamp", "")
        wanted = "sha256=" + sign(self._secret, stamp.encode() + b"." + body)
        if not hmac.compare_digest(wanted.encode(), headers.get("x-channelwatch-signature", "").encode()):
            log.warning("beat with a wrong signature")
            raise Refused(401)
        try:
            evidence = _EVIDENCE.validate_json(body, strict=True)
        except (ValidationError, json.JSONDecodeError):
            raise Refused(400) from None
        if evidence.instance != self._instance or not self._taken(evidence):
            raise Refused(400)


def _headers(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _length(headers: Mapping[str, str]) -> int:
    text = headers.get("content-length", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Refused(400)
    if int(text) > MAX_BODY_BYTES:
        raise Refused(413)
    return int(text)


def _answer(status: int) -> bytes:
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    return head.encode("latin-1")
