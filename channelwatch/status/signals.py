"""The one vocabulary that every profile, trap and syslog line is mapped to (signal vocabulary, section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class SignalState(StrEnum):
    """How one signal stands. `UNKNOWN`: asked, no usable answer. `UNSUPPORTED`: this profile cannot see it.

    The last two count neither as ok nor as failed.
    """

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"


class Signal(StrEnum):
    """Names of signals. The part before the dot is the family."""

    REACH_SNMP = "reach.snmp"
    REACH_LAST_SEEN_AGE = "reach.last_seen_age"
    CHANNEL_STATE = "channel.state"
    CHANNEL_EXPECTED_COUNT = "channel.expected_count"
    CHANNEL_UP_COUNT = "channel.up_count"
    CHANNEL_RX_BYTES = "channel.rx_bytes"
    CHANNEL_TX_BYTES = "channel.tx_bytes"
    CHANNEL_LAST_HANDSHAKE_AGE = "channel.last_handshake_age"
    CHANNEL_AGE = "channel.age"
    CRYPTO_SA_AGE = "crypto.sa_age"
    CRYPTO_SA_LIFETIME = "crypto.sa_lifetime"
    CRYPTO_SA_REMAINING = "crypto.sa_remaining"
    CRYPTO_AUTH_FAIL = "crypto.auth_fail"
    CRYPTO_DECRYPT_FAIL = "crypto.decrypt_fail"
    CRYPTO_REPLAY_DROP = "crypto.replay_drop"
    CRYPTO_NO_SA = "crypto.no_sa"
    CRYPTO_ENCRYPT_FAIL = "crypto.encrypt_fail"
    CRYPTO_KEY_EXCHANGE_FAIL = "crypto.key_exchange_fail"
    CRYPTO_MODE = "crypto.mode"
    CRYPTO_SELFTEST = "crypto.selftest"
    CRYPTO_TAMPER = "crypto.tamper"
    CRYPTO_ALGORITHM = "crypto.algorithm"
    KEY_EXPIRES_IN = "key.expires_in"
    KEY_LAST_CHANGE_AGE = "key.last_change_age"
    CERT_EXPIRES_IN = "cert.expires_in"
    HSM_STATE = "hsm.state"
    HSM_BATTERY = "hsm.battery"
    HA_ROLE = "ha.role"
    HA_PEER_SEEN = "ha.peer_seen"
    HA_SYNC = "ha.sync"
    HA_LINK = "ha.link"
    HA_SWITCHOVERS = "ha.switchovers"
    PAIR_STATE = "pair.state"
    PLATFORM_CPU = "platform.cpu"
    PLATFORM_MEM = "platform.mem"
    PLATFORM_DISK = "platform.disk"
    PLATFORM_SESSIONS = "platform.sessions"
    ENV_TEMP = "env.temp"
    ENV_FAN = "env.fan"
    ENV_PSU = "env.psu"
    ENV_VOLTAGE = "env.voltage"
    ENV_HUMIDITY = "env.humidity"
    POWER_SOURCE = "power.source"
    POWER_BATTERY = "power.battery"
    POWER_RUNTIME_MIN = "power.runtime_min"
    POWER_LOAD = "power.load"
    IF_OPER = "if.oper"
    IF_UTIL = "if.util"
    IF_ERR = "if.err"
    IF_FLAP = "if.flap"
    TIME_SKEW = "time.skew"
    TIME_SOURCE = "time.source"
    SYS_UPTIME = "sys.uptime"
    SYS_RESTART = "sys.restart"
    SEC_AUTH_FAILURE = "sec.auth_failure"
    SEC_CONFIG_CHANGE = "sec.config_change"
    SEC_LOGIN_FAIL = "sec.login_fail"
    INV_SERIAL = "inv.serial"
    INV_MODEL = "inv.model"
    INV_FIRMWARE = "inv.firmware"
    INV_ENGINE_ID = "inv.engine_id"

    @property
    def family(self) -> str:
        """`channel`, `crypto`, `ha` and so on."""
        return self.value.partition(".")[0]


Scalar = int | float | str | None

KEYS = 65_536
"""Keys that are made once and shared: a nation's devices have a few hundred different ones between them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One signal of one component of one device, as seen once.

    `component` names the tunnel, peer, interface or sensor; empty for the device itself.
    `unit` is `s`, `%`, `C`, `bytes`, `days` and so on, empty for enums and text.
    `source` is where it came from: an OID, `trap:OID` or `syslog:PACK/PATTERN`.
    `raw` keeps the value on the wire where it differs from `value` (an unknown enum number, say).
    """

    signal: Signal
    state: SignalState
    value: Scalar = None
    component: str = ""
    unit: str = ""
    source: str = ""
    raw: Scalar = None

    @property
    def key(self) -> tuple[Signal, str]:
        """What it replaces in a device's state."""
        return _key(self.signal, self.component)


@lru_cache(maxsize=KEYS)
def _key(signal: Signal, component: str) -> tuple[Signal, str]:
    return (signal, component)
