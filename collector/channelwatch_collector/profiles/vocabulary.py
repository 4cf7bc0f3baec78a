"""What the vocabulary itself says of each signal: its unit, its words, and the limits that apply unless a profile
sets its own (signal vocabulary, section 8). One place, so that a word means the same on every device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from channelwatch.status.signals import Signal, SignalState

_OK, _DEGRADED, _FAILED = SignalState.OK, SignalState.DEGRADED, SignalState.FAILED
_UNKNOWN = SignalState.UNKNOWN

MISSING = "missing"
"""The word of `channel.state` for an expected tunnel without a row."""

CARRYING = frozenset({"up", "rekeying"})
"""Words of `channel.state` under which a tunnel carries traffic."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """How one signal is judged.

    `words` maps each word of an enumeration to its state; None for numbers and free text. `above` and `at_most`
    are (degraded, failed) limits: worse when greater than, or when not greater than; None = no such limit.
    `absolute` judges a number without its sign. `hold` is how many polls in a row must say so before the signal
    worsens.
    """

    unit: str = ""
    words: Mapping[str, SignalState] | None = None
    above: tuple[float | None, float | None] = (None, None)
    at_most: tuple[float | None, float | None] = (None, None)
    absolute: bool = False
    text: bool = False
    hold: int = 1


def _words(**states: SignalState) -> Meaning:
    return Meaning(words=MappingProxyType(states))


_TEXT = Meaning(text=True)
_FAILURES = Meaning(unit="events/min", above=(0, None), hold=3)
_PERCENT = Meaning(unit="%", above=(80, 95), hold=3)
_EXPIRY = Meaning(unit="days", at_most=(7, 0))
_SOUND = _words(ok=_OK, failed=_FAILED)

MEANING: Mapping[Signal, Meaning] = MappingProxyType(
    {
        Signal.REACH_SNMP: Meaning(),
        Signal.REACH_LAST_SEEN_AGE: Meaning(unit="s"),
        Signal.CHANNEL_STATE: _words(
            up=_OK, rekeying=_OK, connecting=_DEGRADED, disabled=_DEGRADED, down=_FAILED, missing=_FAILED
        ),
        Signal.CHANNEL_EXPECTED_COUNT: Meaning(),
        Signal.CHANNEL_UP_COUNT: Meaning(),
        Signal.CHANNEL_RX_BYTES: Meaning(unit="bytes/s", hold=3),
        Signal.CHANNEL_TX_BYTES: Meaning(unit="bytes/s", hold=3),
        Signal.CHANNEL_LAST_HANDSHAKE_AGE: Meaning(unit="s"),
        Signal.CHANNEL_AGE: Meaning(unit="s"),
        Signal.CRYPTO_SA_AGE: Meaning(unit="s"),
        Signal.CRYPTO_SA_LIFETIME: Meaning(unit="s"),
        Signal.CRYPTO_SA_REMAINING: Meaning(unit="s", at_most=(None, 0), hold=2),
        Signal.CRYPTO_AUTH_FAIL: _FAILURES,
        Signal.CRYPTO_DECRYPT_FAIL: _FAILURES,
        Signal.CRYPTO_REPLAY_DROP: _FAILURES,
        Signal.CRYPTO_NO_SA: _FAILURES,
        Signal.CRYPTO_ENCRYPT_FAIL: _FAILURES,
        Signal.CRYPTO_KEY_EXCHANGE_FAIL: _FAILURES,
        Signal.CRYPTO_MODE: _words(
            encrypting=_OK, bypass_plaintext=_FAILED, off=_FAILED, selftest=_DEGRADED, zeroized=_FAILED
        ),
        Signal.CRYPTO_SELFTEST: Meaning(
            words=MappingProxyType({"pass": _OK, "fail": _FAILED, "running": _UNKNOWN})
        ),
        Signal.CRYPTO_TAMPER: _words(clear=_OK, detected=_FAILED),
        Signal.CRYPTO_ALGORITHM: _TEXT,
        Signal.KEY_EXPIRES_IN: _EXPIRY,
        Signal.KEY_LAST_CHANGE_AGE: Meaning(unit="days"),
        Signal.CERT_EXPIRES_IN: _EXPIRY,
        Signal.HSM_STATE: _SOUND,
        Signal.HSM_BATTERY: Meaning(unit="V"),
        Signal.HA_ROLE: _words(
            active=_OK, standby=_OK, init=_DEGRADED, fault=_FAILED, standalone=_OK, unknown=_UNKNOWN
        ),
        Signal.HA_PEER_SEEN: _words(yes=_OK, no=_DEGRADED),
        Signal.HA_SYNC: _words(in_sync=_OK, out_of_sync=_DEGRADED),
        Signal.HA_LINK: _words(up=_OK, down=_DEGRADED),
        Signal.HA_SWITCHOVERS: Meaning(unit="count/day", above=(2, None)),
        Signal.PAIR_STATE: _TEXT,
        Signal.PLATFORM_CPU: _PERCENT,
        Signal.PLATFORM_MEM: _PERCENT,
        Signal.PLATFORM_DISK: _PERCENT,
        Signal.PLATFORM_SESSIONS: _PERCENT,
        Signal.ENV_TEMP: Meaning(unit="C"),
        Signal.ENV_FAN: Meaning(unit="rpm", words=_SOUND.words),
        Signal.ENV_PSU: _SOUND,
        Signal.ENV_VOLTAGE: Meaning(unit="V"),
        Signal.ENV_HUMIDITY: Meaning(unit="%RH"),
        Signal.POWER_SOURCE: _words(mains=_OK, battery=_DEGRADED, bypass=_DEGRADED, none=_FAILED),
        Signal.POWER_BATTERY: _words(ok=_OK, low=_FAILED, replace=_DEGRADED),
        Signal.POWER_RUNTIME_MIN: Meaning(unit="min", at_most=(5, None)),
        Signal.POWER_LOAD: Meaning(unit="%", above=(80, 100)),
        Signal.IF_OPER: _words(up=_OK, down=_FAILED, testing=_DEGRADED, dormant=_OK, unknown=_UNKNOWN),
        Signal.IF_UTIL: Meaning(unit="%", above=(90, None), hold=3),
        Signal.IF_ERR: Meaning(unit="events/min", above=(10, None), hold=3),
        Signal.IF_FLAP: Meaning(unit="/h", above=(5, None)),
        Signal.TIME_SKEW: Meaning(unit="s", above=(2, 60), absolute=True),
        Signal.TIME_SOURCE: _words(ntp=_OK, manual=_DEGRADED, unknown=_UNKNOWN),
        Signal.SYS_UPTIME: Meaning(unit="s"),
        Signal.SYS_RESTART: _words(host=_OK, agent=_OK, unknown=_OK),
        Signal.SEC_AUTH_FAILURE: Meaning(unit="events/min", above=(5, None)),
        Signal.SEC_CONFIG_CHANGE: Meaning(unit="events/min"),
        Signal.SEC_LOGIN_FAIL: Meaning(unit="events/min", above=(5, None)),
        Signal.INV_SERIAL: _TEXT,
        Signal.INV_MODEL: _TEXT,
        Signal.INV_FIRMWARE: _TEXT,
        Signal.INV_ENGINE_ID: _TEXT,
    }
)
