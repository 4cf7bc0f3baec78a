"""One HTTP POST, one try, and what the answer means. Nothing is followed, no proxy is asked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx

from channelwatch.pipeline.ports import Dead, Outcome, Retry, Sent, Unsure

_RETRIED = frozenset({408, 425, 429})
LONGEST_WISH_S = 300
"""A receiver may ask to be left alone for so long."""
MAX_ANSWER_BYTES = 64 * 1024
MAX_CONNECTIONS = 64
"""More than the deliverer ever has under way on one channel: no alert waits for another's connection."""


class Poster:
    """Kept-alive connections to the receivers of one channel."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=8),
        )

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], timeout_s: float) -> Outcome:
        """2xx is taken; 408, 425, 429 and 5xx are tried again; any other answer is final.

        Without an answer nobody knows, unless there was no connection.
        """
        outcome: Outcome | None = None
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._client.stream(
                    "POST", url, content=content, headers=headers, timeout=timeout_s
                ) as answer,
            ):
                outcome = _outcome(answer)
                await _drain(answer)
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            return Retry("timeout")
        except httpx.ConnectError:
            return Retry("connection")
        except (TimeoutError, httpx.TimeoutException):
            return outcome or Unsure("timeout")
        except httpx.TransportError:
            return outcome or Unsure("connection")
        return outcome

    async def close(self) -> None:
        """Close kept-alive connections."""
        await self._client.aclose()


async def _drain(answer: httpx.Response) -> None:
    """Read the answer so that the connection can be kept, but never more than a little of it."""
    size = 0
    async for part in answer.aiter_raw():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return


def _outcome(answer: httpx.Response) -> Outcome:
    if answer.is_success:
        return Sent()
    if answer.status_code in _RETRIED or answer.status_code >= 500:
        return Retry(f"http_{answer.status_code}", _wished_ms(answer.headers))
    return Dead(f"http_{answer.status_code}")


def _wished_ms(headers: Mapping[str, str]) -> int | None:
    """How long the receiver asks us to wait, as seconds or as a date of its own clock (RFC 9110 section 10.2.3)."""
    wish = headers.get("Retry-After", "").strip()
    if wish.isascii() and wish.isdecimal():
        seconds = int(wish[:9])
    else:
        try:
            until, now = parsedate_to_datetime(wish), parsedate_to_datetime(headers.get("Date", ""))
            seconds = math.ceil((until - now).total_seconds())
        except (TypeError, ValueError, OverflowError):
            return None
    return min(max(seconds, 0), LONGEST_WISH_S) * 1000
