"""What the sections of the configuration file are made of: listeners, zones, references to secrets."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)

from channelwatch.app.files import read_at_most
from channelwatch.base.errors import InputError
from channelwatch.base.secrets import Secret

WEAK = frozenset({"public", "private", "password", "changeme", "secret", "admin", "test", "12345678"})
MAX_SECRET_OCTETS = 64 * 1024
MIN_PASS = 8
"""RFC 3414 section 11.2: a USM pass phrase has at least eight characters."""


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Listen:
    """A host and port to bind; IPv6 hosts stand in brackets in the text."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _listen(value: object) -> Listen:
    match = re.fullmatch(r"(?:\[(?P<six>[0-9a-fA-F:]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})", str(value))
    if match is None or int(match["port"]) > 65535:
        raise ValueError("must be ADDRESS:PORT, with an IPv6 address in brackets")
    try:
        host = str(ipaddress.ip_address(match["six"] or match["host"]))
    except ValueError:
        raise ValueError("must begin with an IP address: no name is looked up") from None
    return Listen(host, int(match["port"]))


def _reference(value: object, info: ValidationInfo) -> Secret:
    """A secret from `file:PATH` or `env:NAME`; a value written in the file itself is refused."""
    kind, _, rest = str(value).partition(":")
    context = info.context or {}
    if kind == "env" and rest:
        found = context.get("environ", {}).get(rest)
        if not found:
            raise ValueError(f"environment variable {rest} is not set")
        return _strong(found)
    if kind == "file" and rest:
        path = Path(context.get("folder", ".")) / rest
        try:
            if _is_open(path):
                context.get("loose", []).append(rest)
            return _strong(read_at_most(path, MAX_SECRET_OCTETS).decode("utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not text"
            raise ValueError(f"secret file {rest}: {reason}") from None
        except InputError:
            raise ValueError(f"secret file {rest}: too long for a secret") from None
    raise ValueError("must be a reference, file:PATH or env:NAME, never the secret itself")


def _is_open(path: Path) -> bool:
    """May everybody on the machine read `path`, by its own rights and those of its folder?"""
    return bool(path.stat().st_mode & stat.S_IROTH and path.parent.stat().st_mode & stat.S_IXOTH)


def read_secret(reference: str, folder: Path = Path()) -> Secret:
    """What `file:PATH` or `env:NAME` on a command line refers to. InputError says what is wrong with it."""
    context = {"folder": folder, "environ": os.environ}
    try:
        found: Secret = TypeAdapter(
            SecretRef, config=ConfigDict(arbitrary_types_allowed=True)
        ).validate_python(reference, context=context)
    except ValidationError as error:
        raise InputError([item["msg"].removeprefix("Value error, ") for item in error.errors()]) from None
    return found


def _strong(value: str) -> Secret:
    if not value:
        raise ValueError("the secret is empty")
    if value.lower() in WEAK:
        raise ValueError("the secret is a well-known default; choose another")
    return Secret(value)


def _pass_phrase(value: Secret) -> Secret:
    if len(value.reveal()) < MIN_PASS:
        raise ValueError(f"a pass phrase has at least {MIN_PASS} characters (RFC 3414)")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {value!r}") from None
    return value


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address") from None


def _relay(value: str) -> str:
    """An address, or the SHA-256 fingerprint of a certificate."""
    digits = value.replace(":", "").lower()
    if re.fullmatch("[0-9a-f]{64}", digits):
        return digits
    try:
        return _address(value)
    except ValueError:
        raise ValueError("must be an IP address or the SHA-256 fingerprint of a certificate") from None


ListenText = Annotated[Listen, BeforeValidator(_listen)]
ZoneName = Annotated[str, AfterValidator(_zone)]
RelayText = Annotated[str, AfterValidator(_relay)]
SecretRef = Annotated[Secret, BeforeValidator(_reference)]
PassPhrase = Annotated[Secret, BeforeValidator(_reference), AfterValidator(_pass_phrase)]
