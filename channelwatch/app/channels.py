"""Builds the delivery channels that the configuration names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from channelwatch.app.settings import NotifySettings
from channelwatch.app.texts import word
from channelwatch.base.clock import Clock
from channelwatch.incidents.ack import AckSigner
from channelwatch.notify.acks import Acks
from channelwatch.notify.alertmanager.transport import AlertmanagerChannel, AlertmanagerConfig
from channelwatch.notify.apprise.transport import AppriseChannel, AppriseConfig, load_apprise
from channelwatch.notify.gsm.transport import GsmChannel, GsmConfig
from channelwatch.notify.siren.transport import SirenChannel, SirenConfig
from channelwatch.notify.sms.template import BodyFormat, Fields
from channelwatch.notify.sms.transport import SmsChannel, SmsConfig
from channelwatch.notify.smtp.transport import SmtpChannel, SmtpConfig
from channelwatch.notify.syslog.transport import SyslogChannel, SyslogConfig
from channelwatch.notify.webhook.transport import WebhookChannel, WebhookConfig
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import DeliveryChannel

Closer = Callable[[], Awaitable[None]]
HOUR_MS = 3600_000


class Speaker(Protocol):
    """Whose name a message bears, and in which language."""

    @property
    def id(self) -> str: ...

    @property
    def language(self) -> Literal["vi", "en"]: ...


class Ways(Protocol):
    """Configuration with ways out: that of the service, or of the watchdog."""

    @property
    def instance(self) -> Speaker: ...

    @property
    def notify(self) -> NotifySettings: ...

    def resolve(self, path: Path) -> Path:
        """`path` counted from the configuration file's folder."""
        ...


def build_channels(settings: Ways, clock: Clock) -> tuple[dict[str, DeliveryChannel], tuple[Closer, ...]]:
    """The channels by name, and what closes them. Permanent when a library that one needs is missing."""
    voice = _voice(settings)
    posting = [_webhook(settings, voice, clock), _sms(settings, voice), _alertmanager(settings, voice)]
    others = [
        _smtp(settings, voice),
        _gsm(settings, voice),
        _syslog(settings, voice),
        _siren(settings, voice),
        _apprise(settings, voice),
    ]
    channels: dict[str, DeliveryChannel] = {
        item.name: item for item in (*posting, *others) if item is not None
    }
    return channels, tuple(item.close for item in posting if item is not None)


def ack_signer(settings: Ways) -> AckSigner | None:
    """What makes and reads links and codes; None where nobody acknowledges without signing in."""
    ack = settings.notify.ack
    return AckSigner(ack.secret) if ack is not None else None


def _voice(settings: Ways) -> Voice:
    language, ack, signer = settings.instance.language, settings.notify.ack, ack_signer(settings)
    acks = Acks(signer, ack.url, ack.link_hours * HOUR_MS) if ack is not None and signer is not None else None
    return Voice(partial(word, language=language), language, acks=acks)


def _webhook(settings: Ways, voice: Voice, clock: Clock) -> WebhookChannel | None:
    targets = {
        name: WebhookConfig(item.url, item.secret, item.timeout_s, item.inside)
        for name, item in settings.notify.webhooks.items()
    }
    return WebhookChannel(targets, voice, clock) if targets else None


def _sms(settings: Ways, voice: Voice) -> SmsChannel | None:
    found = settings.notify.sms
    if found is None:
        return None
    login = None if found.user is None or found.password is None else (found.user, found.password)
    config = SmsConfig(
        url=found.url,
        numbers=found.numbers,
        style=BodyFormat(found.body),
        fields=Fields(found.to_field, found.text_field, found.key_field),
        token=found.token,
        login=login,
        timeout_s=found.timeout_s,
        accents=found.accents,
    )
    return SmsChannel(config, replace(voice, inside=found.inside))


def _alertmanager(settings: Ways, voice: Voice) -> AlertmanagerChannel | None:
    targets = {
        name: AlertmanagerConfig(item.url, item.timeout_s, item.inside)
        for name, item in settings.notify.alertmanagers.items()
    }
    return AlertmanagerChannel(targets, voice, settings.instance.id) if targets else None


def _smtp(settings: Ways, voice: Voice) -> SmtpChannel | None:
    found = settings.notify.smtp
    if found is None:
        return None
    config = SmtpConfig(
        found.host,
        found.port,
        found.sender,
        found.tls,
        found.user,
        found.password,
        found.timeout_s,
        domain=found.sender.partition("@")[2],
    )
    return SmtpChannel(config, replace(voice, inside=found.inside))


def _gsm(settings: Ways, voice: Voice) -> GsmChannel | None:
    found = settings.notify.gsm
    if found is None:
        return None
    config = GsmConfig(
        settings.resolve(found.device), found.baud, found.numbers, found.timeout_s, found.accents
    )
    return GsmChannel(config, replace(voice, inside=found.inside))


def _syslog(settings: Ways, voice: Voice) -> SyslogChannel | None:
    targets = {
        name: SyslogConfig(
            host=item.host,
            port=item.port,
            authority=settings.resolve(item.authority),
            certificate=item.certificate and settings.resolve(item.certificate),
            key=item.key and settings.resolve(item.key),
            server_name=item.server_name or item.host,
            timeout_s=item.timeout_s,
            inside=item.inside,
        )
        for name, item in settings.notify.syslogs.items()
    }
    return SyslogChannel(targets, voice, settings.instance.id) if targets else None


def _siren(settings: Ways, voice: Voice) -> SirenChannel | None:
    targets = {
        name: SirenConfig(item.command, item.timeout_s) for name, item in settings.notify.sirens.items()
    }
    return SirenChannel(targets, voice) if targets else None


def _apprise(settings: Ways, voice: Voice) -> AppriseChannel | None:
    targets = {
        name: AppriseConfig(item.url, item.timeout_s, item.inside)
        for name, item in settings.notify.apprise.items()
    }
    return AppriseChannel(targets, voice, load_apprise()) if targets else None
