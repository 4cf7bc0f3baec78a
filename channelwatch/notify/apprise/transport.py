"""One alert, one try through apprise (the extra `apprise`): a bot, a chat, whatever it knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from channelwatch.base.errors import Permanent
from channelwatch.base.secrets import Secret
from channelwatch.notify.apprise.template import message
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert, Dead, Outcome, Retry, Sent, Unsure

Notify = Callable[[Secret, str, str], bool]
"""Sends (address, title, body) and says whether that worked; blocking."""


@dataclass(frozen=True, slots=True)
class AppriseConfig:
    """One address in apprise's own form. It holds a token as a rule: it is a secret."""

    url: Secret
    timeout_s: float
    inside: bool = False


class AppriseChannel:
    """Delivery channel `apprise`; a destination is a name in the configuration."""

    name = "apprise"

    def __init__(self, configs: Mapping[str, AppriseConfig], voice: Voice, notify: Notify) -> None:
        self._configs = configs
        self._voice = voice
        self._notify = notify

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """apprise says only yes or no: no is tried again, and the contact's next way goes after a minute."""
        config = self._configs.get(destination)
        if config is None:
            return Dead("unknown_destination")
        title, body = message(alert, self._voice.heard(inside=config.inside))
        try:
            async with asyncio.timeout(config.timeout_s):
                taken = await asyncio.to_thread(self._notify, config.url, title, body)
        except TimeoutError:
            return Unsure("timeout")
        return Sent() if taken else Retry("refused")


def load_apprise() -> Notify:
    """The library's own way to send. Permanent, with what to install, when it is not there."""
    try:
        import apprise
    except ImportError:
        raise Permanent(
            "notify.apprise needs the extra: pip install 'channelwatch[apprise]'", operation="notify"
        ) from None

    def notify(url: Secret, title: str, body: str) -> bool:
        way = apprise.Apprise()
        return bool(way.add(url.reveal()) and way.notify(title=title, body=body))

    return notify
