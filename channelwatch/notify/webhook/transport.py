"""One alert, one POST, one try."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from channelwatch.base.clock import Clock
from channelwatch.base.secrets import Secret
from channelwatch.notify.webhook.template import body, headers
from channelwatch.notify.words import Words
from channelwatch.pipeline.ports import Alert, Dead, Outcome, Retry, Sent

_RETRIED = frozenset({408, 425, 429})
MAX_ANSWER_BYTES = 64 * 1024
MAX_CONNECTIONS = 64
"""More than the deliverer ever has under way on one channel: no alert waits for another's connection."""


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """One destination of the configuration."""

    url: str
    secret: Secret
    timeout_s: float


class WebhookChannel:
    """Delivery channel `webhook`; a destination is a name in the configuration, never a URL of somebody's choice."""

    name = "webhook"

    def __init__(
        self, configs: Mapping[str, WebhookConfig], words: Words, language: str, clock: Clock
    ) -> None:
        self._configs = configs
        self._words = words
        self._language = language
        self._clock = clock
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=8),
        )

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """POST it. 2xx is taken; 408, 425, 429 and 5xx are tried again; any other answer is final."""
        config = self._configs.get(destination)
        if config is None:
            return Dead("unknown_destination")
        content = body(alert, self._words, self._language)
        extra = headers(alert, content, config.secret, sent_at=self._clock.now())
        outcome: Outcome | None = None
        try:
            async with (
                asyncio.timeout(config.timeout_s),
                self._client.stream(
                    "POST", config.url, content=content, headers=extra, timeout=config.timeout_s
                ) as answer,
            ):
                outcome = _outcome(answer)
                await _drain(answer)
        except (TimeoutError, httpx.TimeoutException):
            return outcome or Retry("timeout")
        except httpx.TransportError:
            return outcome or Retry("connection")
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
        wish = answer.headers.get("Retry-After", "")
        after = min(int(wish), 300) * 1000 if wish.isdecimal() else None
        return Retry(f"http_{answer.status_code}", after)
    return Dead(f"http_{answer.status_code}")
