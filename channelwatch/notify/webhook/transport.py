"""One alert, one POST, one try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from channelwatch.base.clock import Clock
from channelwatch.base.secrets import Secret
from channelwatch.notify.posting import Poster
from channelwatch.notify.webhook.template import body, headers
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert, Dead, Outcome


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """One destination of the configuration."""

    url: str
    secret: Secret
    timeout_s: float
    inside: bool = True


class WebhookChannel:
    """Delivery channel `webhook`; a destination is a name in the configuration, never a URL of somebody's choice."""

    name = "webhook"

    def __init__(self, configs: Mapping[str, WebhookConfig], voice: Voice, clock: Clock) -> None:
        self._configs = configs
        self._voice = voice
        self._clock = clock
        self._poster = Poster()

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """POST it."""
        config = self._configs.get(destination)
        if config is None:
            return Dead("unknown_destination")
        content = body(alert, self._voice.heard(inside=config.inside))
        extra = headers(alert, content, config.secret, sent_at=self._clock.now())
        return await self._poster.post(config.url, content, extra, config.timeout_s)

    async def close(self) -> None:
        """Close kept-alive connections."""
        await self._poster.close()
