"""What a gateway is posted: JSON or a form, with the field names that it wants."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from channelwatch.base.secrets import Secret
from channelwatch.notify.shorttext import short_text
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert


class BodyFormat(StrEnum):
    """How the fields are written."""

    JSON = "json"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Fields:
    """The gateway's names for the number, the text and the identity of a message."""

    to: str = "to"
    text: str = "text"
    key: str = "id"


def body(
    alert: Alert, voice: Voice, number: str, *, fields: Fields, style: BodyFormat, accents: bool
) -> bytes:
    """The request's content."""
    values = {
        fields.to: number,
        fields.text: short_text(alert, voice, accents=accents),
        fields.key: alert.key,
    }
    if style is BodyFormat.JSON:
        return json.dumps(values, ensure_ascii=False, sort_keys=True).encode()
    return urlencode(values).encode()


def headers(
    alert: Alert, style: BodyFormat, token: Secret | None, login: tuple[str, Secret] | None
) -> dict[str, str]:
    """Content type, idempotency key and who asks: a bearer token (RFC 6750) or a name and password (RFC 7617)."""
    kind = (
        "application/json; charset=utf-8" if style is BodyFormat.JSON else "application/x-www-form-urlencoded"
    )
    found = {"Content-Type": kind, "Idempotency-Key": alert.key}
    if token is not None:
        found["Authorization"] = f"Bearer {token.reveal()}"
    elif login is not None:
        pair = f"{login[0]}:{login[1].reveal()}".encode()
        found["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
    return found
