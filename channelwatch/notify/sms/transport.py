"""One alert, one short message handed to an HTTP gateway, one try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from channelwatch.base.secrets import Secret
from channelwatch.notify.posting import Poster
from channelwatch.notify.sms.template import BodyFormat, Fields, body, headers
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert, Dead, Outcome, Unsure

REPORT_WAIT_MS = 10_000
"""A gateway that did not answer may have sent the message: nobody gets it twice within this time."""


@dataclass(frozen=True, slots=True)
class SmsConfig:
    """The gateway, and the telephone numbers by the names that contacts use."""

    url: str
    numbers: Mapping[str, str]
    style: BodyFormat
    fields: Fields
    token: Secret | None
    login: tuple[str, Secret] | None
    timeout_s: float
    accents: bool = False


class SmsChannel:
    """Delivery channel `sms`; a destination is the name of a number in the configuration."""

    name = "sms"

    def __init__(self, config: SmsConfig, voice: Voice) -> None:
        self._config = config
        self._voice = voice
        self._poster = Poster()

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """Hand it to the gateway."""
        config = self._config
        number = config.numbers.get(destination)
        if number is None:
            return Dead("unknown_destination")
        content = body(
            alert, self._voice, number, fields=config.fields, style=config.style, accents=config.accents
        )
        extra = headers(alert, config.style, config.token, config.login)
        outcome = await self._poster.post(config.url, content, extra, config.timeout_s)
        return replace(outcome, after_ms=REPORT_WAIT_MS) if isinstance(outcome, Unsure) else outcome

    async def close(self) -> None:
        """Close kept-alive connections."""
        await self._poster.close()
