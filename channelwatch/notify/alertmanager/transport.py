"""One alert, one POST to an Alertmanager, one try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from channelwatch.notify.alertmanager.template import body
from channelwatch.notify.posting import Poster
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert, Dead, Outcome

PATH = "/api/v2/alerts"
_HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class AlertmanagerConfig:
    """One Alertmanager; `url` is its base address."""

    url: str
    timeout_s: float
    inside: bool = True


class AlertmanagerChannel:
    """Delivery channel `alertmanager`; a destination is a name in the configuration."""

    name = "alertmanager"

    def __init__(self, configs: Mapping[str, AlertmanagerConfig], voice: Voice, instance: str) -> None:
        self._configs = configs
        self._voice = voice
        self._instance = instance
        self._poster = Poster()

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """POST it."""
        config = self._configs.get(destination)
        if config is None:
            return Dead("unknown_destination")
        content = body(alert, self._voice.heard(inside=config.inside), self._instance)
        return await self._poster.post(config.url.rstrip("/") + PATH, content, _HEADERS, config.timeout_s)

    async def close(self) -> None:
        """Close kept-alive connections."""
        await self._poster.close()
