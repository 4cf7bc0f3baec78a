"""The ways out for alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from channelwatch.app.settings.parts import Model, SecretRef


class SmtpSettings(Model):
    """The mail relay for alerts."""

    host: str
    port: int = Field(default=25, ge=1, le=65535)
    sender: str = Field(alias="from", pattern=r"^[^@\s]+@[^@\s]+$")
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    user: str | None = None
    password: SecretRef | None = None
    timeout_s: float = Field(default=10.0, gt=0, le=60)

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


class WebhookSettings(Model):
    """One webhook destination. Only destinations written here are ever called."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$"), AfterValidator(_url)]
    secret: SecretRef
    timeout_s: float = Field(default=5.0, gt=0, le=60)


class NotifySettings(Model):
    """The ways out."""

    smtp: SmtpSettings | None = None
    webhooks: Mapping[str, WebhookSettings] = {}
