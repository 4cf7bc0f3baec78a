"""The configuration file as frozen typed settings: the only reader of the environment and of secret files."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from channelwatch.app.yamlfile import YamlFile
from channelwatch.base.errors import InputError
from channelwatch.base.secrets import Secret
from channelwatch.inventory.model import Bloc, Role

WEAK = frozenset({"public", "private", "password", "changeme", "secret", "admin", "test", "12345678"})
MIN_PASS = 8
"""RFC 3414 section 11.2: a USM pass phrase has at least eight characters."""


class _Model(BaseModel):
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
            return _strong(path.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not text"
            raise ValueError(f"secret file {rest}: {reason}") from None
    raise ValueError("must be a reference, file:PATH or env:NAME, never the secret itself")


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


ListenText = Annotated[Listen, BeforeValidator(_listen)]
ZoneName = Annotated[str, AfterValidator(_zone)]
AddressText = Annotated[str, AfterValidator(_address)]
SecretRef = Annotated[Secret, BeforeValidator(_reference)]
PassPhrase = Annotated[Secret, BeforeValidator(_reference), AfterValidator(_pass_phrase)]


class InstanceSettings(_Model):
    """What this installation is. More than one bloc is allowed only for a simulation."""

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    province: str = Field(pattern=r"^\d{2}$")
    blocs: tuple[Bloc, ...] = Field(min_length=1)
    simulated: bool = False
    language: Literal["vi", "en"] = "vi"

    @model_validator(mode="after")
    def _one_bloc(self) -> InstanceSettings:
        if len(set(self.blocs)) > 1 and not self.simulated:
            raise ValueError("a real instance holds one bloc; several blocs need simulated: true")
        return self


class StoreSettings(_Model):
    """Where the status store is: an SQLAlchemy URL; a relative SQLite path counts from the configuration file."""

    url: str = "sqlite:///data/channelwatch.db"
    event_retention_days: int = Field(default=366, ge=1)


class InventorySettings(_Model):
    """An inventory file that is applied at each start."""

    file: Path


class SnmpSettings(_Model):
    """Polling: `misses_before_down` unanswered polls, re-polled every `confirm_s`, make a device down."""

    engine: Literal["native", "pysnmp"] = "native"
    timeout_s: float = Field(default=2.0, gt=0, le=60)
    retries: int = Field(default=1, ge=0, le=10)
    poll_s: int = Field(default=60, ge=1, le=3600)
    confirm_s: float = Field(default=1.0, gt=0, le=60)
    misses_before_down: int = Field(default=3, ge=1, le=10)
    max_in_flight: int = Field(default=200, ge=1, le=5000)


class TrapSettings(_Model):
    """Where traps and informs arrive."""

    listen: ListenText = Listen("0.0.0.0", 162)


class TlsFiles(_Model):
    """PEM files of a listener that lets in only clients whose certificate chains to one in `clients`."""

    certificate: Path
    key: Path
    clients: Path
    only_tls13: bool = False


class SyslogTlsSettings(TlsFiles):
    """Where syslog over TLS arrives (RFC 5425)."""

    listen: ListenText = Listen("0.0.0.0", 6514)


class RelpSettings(_Model):
    """Where relays send what must not get lost; in plain without `tls`. The port is the one that rsyslog suggests."""

    listen: ListenText = Listen("127.0.0.1", 2514)
    tls: TlsFiles | None = None


class SyslogSettings(_Model):
    """Where syslog arrives; a transport that is left out is off. `zone` is for lines without one.

    `zones` has the zones of single devices, by code or address. `relays` are addresses whose lines name their device.
    Rates are lines per second of one source and of all; a burst is what may come at once.
    """

    udp: ListenText | None = None
    tcp: ListenText | None = None
    tls: SyslogTlsSettings | None = None
    relp: RelpSettings | None = None
    zone: ZoneName = "Asia/Ho_Chi_Minh"
    zones: Mapping[str, ZoneName] = {}
    relays: tuple[AddressText, ...] = ()
    packs: Path | None = None
    rate_per_s: float = Field(default=200.0, gt=0, le=1_000_000)
    burst: int = Field(default=2000, ge=1, le=1_000_000)
    total_rate_per_s: float = Field(default=10_000.0, gt=0, le=1_000_000)
    total_burst: int = Field(default=50_000, ge=1, le=1_000_000)


class CollectorSettings(_Model):
    """The collecting side of this process."""

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    snmp: SnmpSettings = SnmpSettings()
    traps: TrapSettings | None = None
    syslog: SyslogSettings = SyslogSettings()
    profiles: Path | None = None
    queue_limit: int = Field(default=50_000, ge=100, le=1_000_000)


class V2cCredential(_Model):
    """A community. Unauthenticated: what it proves is little, and traps under it only trigger polls."""

    version: Literal["2c"]
    community: SecretRef


class V3Credential(_Model):
    """A USM user (RFC 3414, 7860). AES-192/256 exist in two key-extension forms; `-C` is the Reeder one."""

    version: Literal["3"]
    user: str = Field(min_length=1, max_length=32)
    auth: Literal["none", "MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    auth_pass: PassPhrase | None = None
    priv: Literal["none", "AES-128", "AES-192", "AES-256", "AES-192-C", "AES-256-C", "DES", "3DES"] = (
        "AES-128"
    )
    priv_pass: PassPhrase | None = None

    @model_validator(mode="after")
    def _passes(self) -> V3Credential:
        if (self.auth == "none") != (self.auth_pass is None):
            raise ValueError("auth_pass is given exactly when auth is not none")
        if (self.priv == "none") != (self.priv_pass is None):
            raise ValueError("priv_pass is given exactly when priv is not none")
        if self.priv != "none" and self.auth == "none":
            raise ValueError("priv needs auth (RFC 3411 section 3.4.3)")
        return self


CredentialSettings = Annotated[V2cCredential | V3Credential, Field(discriminator="version")]


class SmtpSettings(_Model):
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


class WebhookSettings(_Model):
    """One webhook destination. Only destinations written here are ever called."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$"), AfterValidator(_url)]
    secret: SecretRef
    timeout_s: float = Field(default=5.0, gt=0, le=60)


class NotifySettings(_Model):
    """The ways out."""

    smtp: SmtpSettings | None = None
    webhooks: Mapping[str, WebhookSettings] = {}


class AccountSettings(_Model):
    """Who may sign in; `password` refers to a scrypt hash from `channelwatch hash-password`."""

    name: str = Field(pattern=r"^[a-z0-9._-]{1,32}$")
    role: Role
    blocs: tuple[Bloc, ...] = Field(min_length=1)
    password: SecretRef
    api_token: SecretRef | None = None


class HttpSettings(_Model):
    """The JSON API, the metrics and the board."""

    listen: ListenText = Listen("127.0.0.1", 8080)
    session_secret: SecretRef
    metrics_token: SecretRef
    accounts: tuple[AccountSettings, ...] = ()
    session_hours: int = Field(default=12, ge=1, le=168)
    secure_cookie: bool = False


class Settings(_Model):
    """The whole configuration file."""

    instance: InstanceSettings
    store: StoreSettings = StoreSettings()
    inventory: InventorySettings | None = None
    collector: CollectorSettings
    credentials: Mapping[str, CredentialSettings] = {}
    notify: NotifySettings = NotifySettings()
    http: HttpSettings | None = None
    alert_rules: Path | None = None
    folder: Path = Field(default=Path(), exclude=True)

    def resolve(self, path: Path) -> Path:
        """`path` counted from the configuration file's folder."""
        return path if path.is_absolute() else self.folder / path


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the configuration. InputError names file, line and key of each problem."""
    source = YamlFile(path)
    if not isinstance(source.data, dict):
        raise InputError([source.problem((), "must be a mapping")])
    if "folder" in source.data:
        raise InputError([source.problem(("folder",), "unknown key")])
    context = {"folder": path.parent, "environ": os.environ if environ is None else environ}
    return source.validate(Settings, context).model_copy(update={"folder": path.parent})


def masked(settings: Settings) -> dict[str, Any]:
    """The effective settings as plain data for printing, each secret as `***`."""
    plain: dict[str, Any] = _plain(settings.model_dump(by_alias=True))
    return plain


def _plain(value: Any) -> Any:
    match value:
        case Secret():
            return "***"
        case Listen() | Path():
            return str(value)
        case dict() | Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return getattr(value, "value", value)
