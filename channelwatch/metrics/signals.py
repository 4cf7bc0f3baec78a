"""Which signals become numbers, under which name and in which base unit. Pure tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from channelwatch.metrics.text import Family
from channelwatch.status.signals import Reading, Signal, SignalState

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "days": 86400.0}
_RATIO = {"%": 0.01}
_COUNT = {"": 1.0, "n": 1.0, "count": 1.0}
_PER_SECOND = {"/s": 1.0, "/min": 1 / 60, "/h": 1 / 3600, "events/min": 1 / 60, "count/day": 1 / 86400}
_BYTES = {"bytes/s": 1.0, "B/s": 1.0}
_NUMBERS = (int, float)

DEVICE_LABELS = {
    "device": "code of the device",
    "bloc": "`party`, `gov`, `na`, `front`",
    "unit": "code of the unit where it stands",
}
COMPONENT = {"component": "tunnel, peer, interface or sensor; left out for the device itself"}
SIGNAL = {"signal": "word of the signal vocabulary", **COMPONENT}


def device_family(
    name: str, help_text: str, more: Mapping[str, str] | None = None, *, optional: bool = False
) -> Family:
    every = MappingProxyType({**DEVICE_LABELS, **(more or {})})
    return Family(f"channelwatch_{name}", help_text, labels=every, optional=optional)


@dataclass(frozen=True, slots=True)
class NumericSignal:
    """A signal's family and the factor from each unit that a profile may give to the family's base unit."""

    family: Family
    factors: Mapping[str, float]

    def value(self, reading: Reading) -> float | None:
        """The reading in the base unit; None when it is no number or its unit is not known here."""
        raw = reading.value
        factor = self.factors.get(reading.unit)
        if factor is None or not isinstance(raw, _NUMBERS):
            return None
        return int(raw) if factor == 1.0 and isinstance(raw, int) else raw * factor


_LABELS = MappingProxyType({**DEVICE_LABELS, **COMPONENT})


def _numeric(name: str, help_text: str, factors: Mapping[str, float]) -> NumericSignal:
    return NumericSignal(Family(name, help_text, labels=_LABELS, optional=True), factors)


NUMERIC: Mapping[Signal, NumericSignal] = MappingProxyType(
    {
        Signal.CHANNEL_EXPECTED_COUNT: _numeric(
            "channelwatch_channels_expected", "Tunnels that must be there.", _COUNT
        ),
        Signal.CHANNEL_UP_COUNT: _numeric("channelwatch_channels_up", "Tunnels that are up.", _COUNT),
        Signal.CHANNEL_RX_BYTES: _numeric(
            "channelwatch_channel_rx_bytes_per_second", "Traffic received through a tunnel.", _BYTES
        ),
        Signal.CHANNEL_TX_BYTES: _numeric(
            "channelwatch_channel_tx_bytes_per_second", "Traffic sent through a tunnel.", _BYTES
        ),
        Signal.CHANNEL_LAST_HANDSHAKE_AGE: _numeric(
            "channelwatch_channel_last_handshake_age_seconds",
            "Time since a tunnel's last handshake.",
            _SECONDS,
        ),
        Signal.CHANNEL_AGE: _numeric(
            "channelwatch_channel_age_seconds", "Time since a tunnel came up.", _SECONDS
        ),
        Signal.CRYPTO_SA_AGE: _numeric(
            "channelwatch_crypto_sa_age_seconds", "Age of the security association.", _SECONDS
        ),
        Signal.CRYPTO_SA_LIFETIME: _numeric(
            "channelwatch_crypto_sa_lifetime_seconds",
            "Agreed lifetime of the security association.",
            _SECONDS,
        ),
        Signal.CRYPTO_SA_REMAINING: _numeric(
            "channelwatch_crypto_sa_remaining_seconds", "Time left to the security association.", _SECONDS
        ),
        Signal.CRYPTO_AUTH_FAIL: _numeric(
            "channelwatch_crypto_auth_failures_per_second", "Packets that failed authentication.", _PER_SECOND
        ),
        Signal.CRYPTO_DECRYPT_FAIL: _numeric(
            "channelwatch_crypto_decrypt_failures_per_second",
            "Packets that could not be decrypted.",
            _PER_SECOND,
        ),
        Signal.CRYPTO_REPLAY_DROP: _numeric(
            "channelwatch_crypto_replay_drops_per_second", "Packets dropped as replayed.", _PER_SECOND
        ),
        Signal.CRYPTO_NO_SA: _numeric(
            "channelwatch_crypto_no_sa_per_second", "Packets without a security association.", _PER_SECOND
        ),
        Signal.CRYPTO_ENCRYPT_FAIL: _numeric(
            "channelwatch_crypto_encrypt_failures_per_second",
            "Packets that could not be encrypted.",
            _PER_SECOND,
        ),
        Signal.CRYPTO_KEY_EXCHANGE_FAIL: _numeric(
            "channelwatch_crypto_key_exchange_failures_per_second", "Key exchanges that failed.", _PER_SECOND
        ),
        Signal.KEY_EXPIRES_IN: _numeric(
            "channelwatch_key_expires_in_seconds", "Time left to a key.", _SECONDS
        ),
        Signal.KEY_LAST_CHANGE_AGE: _numeric(
            "channelwatch_key_last_change_age_seconds", "Time since a key was changed.", _SECONDS
        ),
        Signal.CERT_EXPIRES_IN: _numeric(
            "channelwatch_cert_expires_in_seconds", "Time left to a certificate.", _SECONDS
        ),
        Signal.HSM_BATTERY: _numeric(
            "channelwatch_hsm_battery_volts", "Battery of the security module.", {"V": 1.0}
        ),
        Signal.HA_SWITCHOVERS: _numeric(
            "channelwatch_ha_switchovers_per_second", "Changes of role in an HA group.", _PER_SECOND
        ),
        Signal.PLATFORM_CPU: _numeric("channelwatch_platform_cpu_ratio", "Processor in use.", _RATIO),
        Signal.PLATFORM_MEM: _numeric("channelwatch_platform_memory_ratio", "Memory in use.", _RATIO),
        Signal.PLATFORM_DISK: _numeric("channelwatch_platform_disk_ratio", "Disk in use.", _RATIO),
        Signal.PLATFORM_SESSIONS: _numeric(
            "channelwatch_platform_sessions_ratio", "Session table in use.", _RATIO
        ),
        Signal.ENV_TEMP: _numeric(
            "channelwatch_env_temperature_celsius", "Temperature of a sensor.", {"C": 1.0}
        ),
        Signal.ENV_FAN: _numeric(
            "channelwatch_env_fan_rpm", "Speed of a fan, revolutions per minute.", {"rpm": 1.0}
        ),
        Signal.ENV_VOLTAGE: _numeric("channelwatch_env_voltage_volts", "Voltage of a sensor.", {"V": 1.0}),
        Signal.ENV_HUMIDITY: _numeric(
            "channelwatch_env_humidity_ratio", "Relative humidity.", {"%": 0.01, "%RH": 0.01}
        ),
        Signal.POWER_BATTERY: _numeric("channelwatch_power_battery_ratio", "Charge of the battery.", _RATIO),
        Signal.POWER_RUNTIME_MIN: _numeric(
            "channelwatch_power_runtime_seconds", "Time for which the battery will last.", _SECONDS
        ),
        Signal.POWER_LOAD: _numeric("channelwatch_power_load_ratio", "Load of the power supply.", _RATIO),
        Signal.IF_UTIL: _numeric(
            "channelwatch_interface_utilisation_ratio", "Interface capacity in use.", _RATIO
        ),
        Signal.IF_ERR: _numeric("channelwatch_interface_errors_per_second", "Interface errors.", _PER_SECOND),
        Signal.IF_FLAP: _numeric(
            "channelwatch_interface_flaps_per_second", "Interface changes of state.", _PER_SECOND
        ),
        Signal.TIME_SKEW: _numeric(
            "channelwatch_time_skew_seconds", "The device's clock minus the collector's.", _SECONDS
        ),
        Signal.SYS_UPTIME: _numeric(
            "channelwatch_system_uptime_seconds", "Time since the device started.", _SECONDS
        ),
        Signal.SEC_AUTH_FAILURE: _numeric(
            "channelwatch_security_auth_failures_per_second", "Refused authentications.", _PER_SECOND
        ),
        Signal.SEC_CONFIG_CHANGE: _numeric(
            "channelwatch_security_config_changes_per_second", "Changes of configuration.", _PER_SECOND
        ),
        Signal.SEC_LOGIN_FAIL: _numeric(
            "channelwatch_security_login_failures_per_second", "Failed sign-ins at the device.", _PER_SECOND
        ),
        Signal.REACH_LAST_SEEN_AGE: _numeric(
            "channelwatch_reach_last_seen_age_seconds",
            "Age of the data as the device's manager tells it.",
            _SECONDS,
        ),
    }
)

ENUMERATED = frozenset(
    {
        Signal.CHANNEL_STATE,
        Signal.CRYPTO_MODE,
        Signal.CRYPTO_SELFTEST,
        Signal.CRYPTO_TAMPER,
        Signal.HA_ROLE,
        Signal.HA_PEER_SEEN,
        Signal.HA_SYNC,
        Signal.HA_LINK,
        Signal.POWER_SOURCE,
        Signal.POWER_BATTERY,
        Signal.IF_OPER,
    }
)
"""Signals whose value is a word of a small closed vocabulary, and so fit for a label."""

STATE_NUMBER: Mapping[SignalState, int] = MappingProxyType(
    {SignalState.OK: 0, SignalState.DEGRADED: 1, SignalState.FAILED: 2, SignalState.UNKNOWN: 3}
)
"""Unsupported signals have no series at all."""

_WORD = re.compile(r"[a-z0-9_]{1,32}")


def word(reading: Reading) -> str | None:
    """The value of an enumerated signal as a label value; anything out of shape is `other`."""
    if reading.signal not in ENUMERATED or reading.value is None:
        return None
    if isinstance(reading.value, int | float) and not isinstance(reading.value, bool):
        return None
    text = str(reading.value).lower()
    return text if _WORD.fullmatch(text) else "other"
