"""The JSON API, the metrics and the board, and who may sign in."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from channelwatch.app.settings.parts import Listen, ListenText, Model, SecretRef
from channelwatch.inventory.model import Bloc, Role


class AccountSettings(Model):
    """Who may sign in; `password` refers to a scrypt hash from `channelwatch hash-password`."""

    name: str = Field(pattern=r"^[a-z0-9._-]{1,32}$")
    role: Role
    blocs: tuple[Bloc, ...] = Field(min_length=1)
    password: SecretRef
    api_token: SecretRef | None = None


class HttpTlsSettings(Model):
    """PEM files. A client whose certificate chains to one in `clients` may read the metrics without a token.

    Nobody has to show a certificate: people sign in as without it.
    """

    certificate: Path
    key: Path
    clients: Path | None = None


class HttpSettings(Model):
    """The JSON API, the metrics and the board."""

    listen: ListenText = Listen("127.0.0.1", 8080)
    session_secret: SecretRef
    metrics_token: SecretRef
    alertmanager_token: SecretRef | None = None
    accounts: tuple[AccountSettings, ...] = ()
    session_hours: int = Field(default=12, ge=1, le=168)
    secure_cookie: bool = False
    tls: HttpTlsSettings | None = None
