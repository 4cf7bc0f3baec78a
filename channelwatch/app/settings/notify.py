"""The ways out for alerts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from channelwatch.app.settings.ladders import LadderSettings
from channelwatch.app.settings.parts import Model, SecretRef
from channelwatch.base.secrets import Secret

MIN_TOKEN = 20
TimeLimit = Annotated[float, Field(gt=0, le=60)]
Number = Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")]
"""A telephone number as a gateway or a modem takes it (E.164), of a post and never of a person."""


class SmtpSettings(Model):
    """The mail relay for alerts."""

    host: str
    port: int = Field(default=25, ge=1, le=65535)
    sender: str = Field(alias="from", pattern=r"^[^@\s]+@[^@\s]+$")
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    user: str | None = None
    password: SecretRef | None = None
    timeout_s: TimeLimit = 10.0
    inside: bool = True

    @model_validator(mode="after")
    def _both_or_none(self) -> SmtpSettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password are given together")
        return self


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("must be an http:// or https:// address with a host")
    return value


HttpAddress = Annotated[str, Field(pattern=r"^https?://[^\s]+$"), AfterValidator(_url)]


class WebhookSettings(Model):
    """One webhook destination. Only destinations written here are ever called."""

    url: HttpAddress
    secret: SecretRef
    timeout_s: TimeLimit = 5.0
    inside: bool = True


def _long(value: Secret) -> Secret:
    if len(value.reveal()) < MIN_TOKEN:
        raise ValueError(f"a bearer token has at least {MIN_TOKEN} characters")
    return value


class SmsSettings(Model):
    """A gateway for short messages; the fields are what it calls the number, the text and the identity."""

    url: HttpAddress
    numbers: Mapping[str, Number]
    body: Literal["json", "form"] = "json"
    to_field: str = Field(default="to", min_length=1)
    text_field: str = Field(default="text", min_length=1)
    key_field: str = Field(default="id", min_length=1)
    token: SecretRef | None = None
    user: str | None = None
    password: SecretRef | None = None
    reply_token: Annotated[SecretRef, AfterValidator(_long)] | None = None
    timeout_s: TimeLimit = 10.0
    accents: bool = False
    inside: bool = False

    @model_validator(mode="after")
    def _one_login(self) -> SmsSettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password are given together")
        if self.token is not None and self.user is not None:
            raise ValueError("either a token or a user and password")
        return self


class GsmSettings(Model):
    """A modem on a serial line."""

    device: Path
    numbers: Mapping[str, Number]
    baud: Literal[9600, 19200, 57600, 115200] = 115200
    timeout_s: TimeLimit = 30.0
    replies: bool = True
    accents: bool = False
    inside: bool = False


class AlertmanagerSettings(Model):
    """One Alertmanager; `url` is its base address, without `/api/v2`."""

    url: HttpAddress
    timeout_s: TimeLimit = 5.0
    inside: bool = True


class SyslogOutSettings(Model):
    """One receiver of syslog over TLS (RFC 5425). Its certificate must chain to one in `authority`."""

    host: str = Field(min_length=1)
    port: int = Field(default=6514, ge=1, le=65535)
    authority: Path
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    timeout_s: TimeLimit = 5.0
    inside: bool = True


def _absolute(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command[0].startswith("/"):
        raise ValueError("the program is named by its absolute path")
    return command


class SirenSettings(Model):
    """A program on this machine and its arguments. No shell reads them."""

    command: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_absolute)]
    timeout_s: TimeLimit = 10.0


class AppriseSettings(Model):
    """One address of apprise. It holds a token as a rule, so it is a reference."""

    url: SecretRef
    timeout_s: TimeLimit = 20.0
    inside: bool = False


class AckSettings(Model):
    """How people acknowledge without signing in. `url` is where they reach this instance's pages."""

    secret: SecretRef
    url: HttpAddress | None = None
    link_hours: int = Field(default=24, ge=1, le=168)


class NotifySettings(Model):
    """The ways out."""

    smtp: SmtpSettings | None = None
    webhooks: Mapping[str, WebhookSettings] = {}
    sms: SmsSettings | None = None
    gsm: GsmSettings | None = None
    alertmanagers: Mapping[str, AlertmanagerSettings] = {}
    syslogs: Mapping[str, SyslogOutSettings] = {}
    sirens: Mapping[str, SirenSettings] = {}
    apprise: Mapping[str, AppriseSettings] = {}
    ack: AckSettings | None = None
    ladders: LadderSettings = LadderSettings()
    messages_per_10_min: int = Field(default=10, ge=5, le=1_000_000)

    def has(self, channel: str, destination: str) -> bool:
        """May a contact name this way out?"""
        match channel:
            case "smtp":
                return self.smtp is not None
            case "sms":
                return self.sms is not None and destination in self.sms.numbers
            case "gsm":
                return self.gsm is not None and destination in self.gsm.numbers
            case _:
                return destination in self._named().get(channel, {})

    def _named(self) -> Mapping[str, Mapping[str, object]]:
        return {
            "webhook": self.webhooks,
            "alertmanager": self.alertmanagers,
            "syslog": self.syslogs,
            "siren": self.sirens,
            "apprise": self.apprise,
        }
