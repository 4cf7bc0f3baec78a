"""The state of one simulated encryptor. Instants are milliseconds of the simulation's monotonic clock.

Nothing ticks: counters, ages and temperatures are functions of time between two changes of state, so an
idle device costs nothing.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from enum import IntEnum

SA_LIFETIME_S = 3600
_SA_PERIOD_MS = 3_240_000
"""A security association is replaced at 90 % of its lifetime."""
_REKEYING_MS = 2_000
_KEEPALIVE_MS = 120_000
_WAVE_MS = 600_000
_DAY_MS = 86_400_000
_CHARGE_LOSS_MS = 60_000


class CryptoMode(IntEnum):
    """cweCryptoMode."""

    ENCRYPTING = 1
    BYPASS_PLAINTEXT = 2
    OFF = 3
    SELF_TEST = 4
    ZEROIZED = 5


class SelfTest(IntEnum):
    """cweSelfTest."""

    PASSED = 1
    FAILED = 2
    RUNNING = 3


class Tamper(IntEnum):
    """cweTamper."""

    CLEAR = 1
    DETECTED = 2


class TunnelState(IntEnum):
    """cweTunnelState."""

    UP = 1
    REKEYING = 2
    CONNECTING = 3
    DOWN = 4
    DISABLED = 5


class HaRole(IntEnum):
    """cweHaRole."""

    ACTIVE = 1
    STANDBY = 2
    INIT = 3
    FAULT = 4
    STANDALONE = 5


class PowerSource(IntEnum):
    """cwePowerSource."""

    MAINS = 1
    BATTERY = 2


class BatteryStatus(IntEnum):
    """cweBatteryStatus."""

    OK = 1
    LOW = 2
    REPLACE = 3
    ABSENT = 4


class TemperatureStatus(IntEnum):
    """cweTemperatureStatus."""

    NORMAL = 1
    WARNING = 2
    CRITICAL = 3


class CredentialKind(IntEnum):
    """cweCredentialKind."""

    KEY = 1
    CERTIFICATE = 2


class CredentialRole(IntEnum):
    """cweCredentialRole."""

    CA = 1
    LOCAL = 2
    PEER = 3
    TRAFFIC = 4


def flow(rate: float, phase: float, start: int, end: int) -> int:
    """Units that passed from `start` to `end` at a mean `rate` per second that swells and ebbs by half."""
    angle = 2 * math.pi / _WAVE_MS
    swell = (math.cos(angle * start + phase) - math.cos(angle * end + phase)) / angle / 2
    return int(rate * (end - start + swell) / 1000)


@dataclass(slots=True)
class Tunnel:
    """One row of cweTunnelTable. `rate` is the mean traffic in octets per second and direction."""

    index: int
    name: str
    remote: str
    rate: float
    phase: float
    since: int
    """When the state of the traffic last changed."""
    sa_since: int
    up: bool = True
    carries: bool = True
    """False on the standby member of an HA group: its copy of the tunnel sees no traffic."""
    disabled: bool = False
    rx: int = 0
    tx: int = 0
    rekeyed: int = 0

    def state(self, now: int) -> TunnelState:
        if self.disabled:
            return TunnelState.DISABLED
        if not self.up:
            return TunnelState.DOWN
        rekeying = (now - self.sa_since) % _SA_PERIOD_MS >= _SA_PERIOD_MS - _REKEYING_MS
        return TunnelState.REKEYING if rekeying else TunnelState.UP

    def octets(self, now: int) -> tuple[int, int]:
        """Octets received and sent."""
        if not (self.up and self.carries) or self.disabled:
            return self.rx, self.tx
        passed = flow(self.rate, self.phase, self.since, now)
        return self.rx + passed, self.tx + passed * 4 // 5

    def sa_age_s(self, now: int) -> int:
        return (now - self.sa_since) % _SA_PERIOD_MS // 1000 if self.up else 0

    def up_time_s(self, now: int) -> int:
        """Since it came up, or this unit began to carry it."""
        return (now - self.since) // 1000 if self.up else 0

    def handshake_age_s(self, now: int) -> int:
        """Keep-alive handshakes every two minutes while the tunnel is up."""
        return (now - self.sa_since) % _KEEPALIVE_MS // 1000 if self.up else (now - self.since) // 1000

    def rekeys(self, now: int) -> int:
        return self.rekeyed + ((now - self.sa_since) // _SA_PERIOD_MS if self.up else 0)

    def rekey(self, now: int) -> None:
        """A new security association, before its time."""
        self.rekeyed = self.rekeys(now) + 1
        self.sa_since = now

    def change(self, now: int, *, up: bool, carries: bool) -> None:
        """Set whether the tunnel is up and whether this unit carries it. A tunnel that comes up has a new SA."""
        if (up, carries) == (self.up, self.carries):
            return
        self.rx, self.tx = self.octets(now)
        if up != self.up:
            self.rekeyed = self.rekeys(now)
            self.sa_since = now
        self.up, self.carries, self.since = up, carries, now


@dataclass(slots=True)
class Credential:
    """A key or certificate: `days_left` and `age_days` as they were when the simulation began."""

    name: str
    kind: CredentialKind
    role: CredentialRole
    days_left: int
    age_days: int


@dataclass(slots=True)
class Counters:
    """Totals that only events raise."""

    switchovers: int = 0
    login_failures: int = 0
    logins: int = 0
    config_changes: int = 0
    key_exchange_failures: int = 0


@dataclass(slots=True)
class Habits:
    """What tells one healthy unit from another."""

    phase: float
    temperature: float
    cpu: float
    memory: int
    disk: int
    sessions: int
    noise: float
    """Stray packets per second: replays and bad tags of a healthy line."""


@dataclass(slots=True)
class Device:
    """One unit. `silent`, `cut` and `line_down` count the causes that hold at the same time."""

    code: str
    site: str
    serial: str
    group: str
    role: HaRole
    ups: bool
    psus: int
    booted_at: int
    boots: int
    habits: Habits
    credentials: list[Credential]
    tunnels: list[Tunnel] = field(default_factory=list)
    mode: CryptoMode = CryptoMode.ENCRYPTING
    self_test: SelfTest = SelfTest.PASSED
    tamper: Tamper = Tamper.CLEAR
    hot: bool = False
    on_battery_since: int | None = None
    peer_seen: bool = True
    silent: int = 0
    cut: int = 0
    line_down: int = 0
    tunnels_held_down: int = 0
    line_changed_at: int = 0
    counters: Counters = field(default_factory=Counters)

    @property
    def engine_id(self) -> bytes:
        """RFC 3411 section 5, SnmpEngineID: enterprise 99999, format 4 (text), the device code."""
        return b"\x80\x01\x86\x9f\x04" + self.code.encode()

    @property
    def paired(self) -> bool:
        """Member of an HA group?"""
        return self.role is not HaRole.STANDALONE

    def uptime_ms(self, now: int) -> int:
        return now - self.booted_at

    def restart(self, now: int) -> None:
        """Power came back: engine boots rises, every time since the start begins again."""
        self.boots += 1
        self.booted_at = now
        self.counters = Counters(switchovers=self.counters.switchovers)
        for tunnel in self.tunnels:
            tunnel.rx = tunnel.tx = tunnel.rekeyed = 0
            tunnel.since = tunnel.sa_since = now

    def temperature(self, now: int) -> int:
        """Tenths of a degree Celsius: a slow wave, and 25 degrees more while the unit is hot."""
        drift = 3 * math.sin(2 * math.pi * now / _DAY_MS + self.habits.phase)
        return round(10 * (self.habits.temperature + drift + (25 if self.hot else 0)))

    @property
    def temperature_status(self) -> TemperatureStatus:
        return TemperatureStatus.WARNING if self.hot else TemperatureStatus.NORMAL

    def cpu(self, now: int) -> int:
        """Percent."""
        return round(self.habits.cpu * (1 + math.sin(2 * math.pi * now / _WAVE_MS + self.habits.phase) / 3))

    def strays(self, now: int, share: float) -> int:
        """Packets lost to ordinary noise since the start."""
        return int(self.habits.noise * share * self.uptime_ms(now) / 1000)

    def days_left(self, credential: Credential, now: int) -> int:
        return credential.days_left - now // _DAY_MS

    def age_days(self, credential: Credential, now: int) -> int:
        return credential.age_days + max(0, now) // _DAY_MS

    @property
    def power_source(self) -> PowerSource:
        return PowerSource.MAINS if self.on_battery_since is None else PowerSource.BATTERY

    def charge(self, now: int) -> int:
        """Percent of the UPS battery; 0 without one. One percent a minute is used up."""
        if not self.ups:
            return 0
        if self.on_battery_since is None:
            return 100
        return max(5, 100 - (now - self.on_battery_since) // _CHARGE_LOSS_MS)

    def battery_status(self, now: int) -> BatteryStatus:
        if not self.ups:
            return BatteryStatus.ABSENT
        return BatteryStatus.OK if self.charge(now) > 20 else BatteryStatus.LOW

    def link_octets(self, now: int) -> tuple[int, int]:
        """Octets in and out of the ports: what all tunnels carried and their overhead."""
        pairs = [tunnel.octets(now) for tunnel in self.tunnels]
        return sum(rx for rx, _ in pairs) * 17 // 16, sum(tx for _, tx in pairs) * 17 // 16


def fresh_habits(rng: random.Random, *, hub: bool) -> Habits:
    """A healthy unit's habits."""
    return Habits(
        phase=rng.uniform(0, 6),
        temperature=rng.uniform(36, 44),
        cpu=rng.uniform(20, 35) if hub else rng.uniform(5, 20),
        memory=rng.randint(35, 60),
        disk=rng.randint(15, 40),
        sessions=rng.randint(300, 900) if hub else rng.randint(5, 80),
        noise=rng.uniform(0, 0.0005),
    )


def fresh_credentials(rng: random.Random) -> list[Credential]:
    """A certificate of the authority, one of the unit, and a traffic key; none near its end."""
    return [
        Credential(
            "ca", CredentialKind.CERTIFICATE, CredentialRole.CA, rng.randint(900, 2500), rng.randint(90, 400)
        ),
        Credential(
            "local",
            CredentialKind.CERTIFICATE,
            CredentialRole.LOCAL,
            rng.randint(90, 700),
            rng.randint(10, 90),
        ),
        Credential(
            "traffic", CredentialKind.KEY, CredentialRole.TRAFFIC, rng.randint(40, 80), rng.randint(1, 20)
        ),
    ]
