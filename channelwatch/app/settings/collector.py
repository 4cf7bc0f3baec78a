"""The collecting side: polls, traps, syslog."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from channelwatch.app.settings.parts import Listen, ListenText, Model, RelayText, ZoneName


class SnmpSettings(Model):
    """Polling: `misses_before_down` unanswered polls, re-polled every `confirm_s`, make a device down."""

    engine: Literal["native", "pysnmp"] = "native"
    timeout_s: float = Field(default=2.0, gt=0, le=60)
    retries: int = Field(default=1, ge=0, le=10)
    poll_s: int = Field(default=60, ge=1, le=3600)
    confirm_s: float = Field(default=1.0, gt=0, le=60)
    misses_before_down: int = Field(default=3, ge=1, le=10)
    max_in_flight: int = Field(default=200, ge=1, le=5000)


class TrapSettings(Model):
    """Where traps and informs arrive."""

    listen: ListenText = Listen("0.0.0.0", 162)


class TlsFiles(Model):
    """PEM files of a listener that lets in only clients whose certificate chains to one in `clients`."""

    certificate: Path
    key: Path
    clients: Path
    only_tls13: bool = False


class SyslogTlsSettings(TlsFiles):
    """Where syslog over TLS arrives (RFC 5425)."""

    listen: ListenText = Listen("0.0.0.0", 6514)


class RelpSettings(Model):
    """Where relays send what must not get lost; in plain without `tls`. The port is the one that rsyslog suggests."""

    listen: ListenText = Listen("127.0.0.1", 2514)
    tls: TlsFiles | None = None


class SyslogSettings(Model):
    """Where syslog arrives; a transport that is left out is off. `zone` is for lines without one.

    `zones` has the zones of single devices, by code or address. `relays` are addresses or certificate fingerprints
    of senders whose lines name their device.
    Rates are lines per second of one source and of all; a burst is what may come at once.
    """

    udp: ListenText | None = None
    tcp: ListenText | None = None
    tls: SyslogTlsSettings | None = None
    relp: RelpSettings | None = None
    zone: ZoneName = "Asia/Ho_Chi_Minh"
    zones: Mapping[str, ZoneName] = {}
    relays: tuple[RelayText, ...] = ()
    packs: Path | None = None
    rate_per_s: float = Field(default=200.0, gt=0, le=1_000_000)
    burst: int = Field(default=2000, ge=1, le=1_000_000)
    total_rate_per_s: float = Field(default=10_000.0, gt=0, le=1_000_000)
    total_burst: int = Field(default=50_000, ge=1, le=1_000_000)


class CollectorSettings(Model):
    """The collecting side of this process."""

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    snmp: SnmpSettings = SnmpSettings()
    traps: TrapSettings | None = None
    syslog: SyslogSettings = SyslogSettings()
    profiles: Path | None = None
    queue_limit: int = Field(default=50_000, ge=100, le=1_000_000)
