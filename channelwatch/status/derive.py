"""What a device's signals add up to. One table of consequences, read top down; the worst wins."""

from __future__ import annotations

from collections.abc import Collection

from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Cause, Health, Protection

_BAD = (SignalState.DEGRADED, SignalState.FAILED)

_IMPAIRS: dict[Signal, Cause] = {
    Signal.CHANNEL_LAST_HANDSHAKE_AGE: Cause.TUNNEL_DOWN,
    Signal.CHANNEL_RX_BYTES: Cause.TUNNEL_DOWN,
    Signal.CHANNEL_TX_BYTES: Cause.TUNNEL_DOWN,
    Signal.CRYPTO_SA_REMAINING: Cause.TUNNEL_DOWN,
    Signal.CRYPTO_AUTH_FAIL: Cause.AUTH,
    Signal.CRYPTO_DECRYPT_FAIL: Cause.AUTH,
    Signal.CRYPTO_REPLAY_DROP: Cause.AUTH,
    Signal.CRYPTO_NO_SA: Cause.AUTH,
    Signal.CRYPTO_ENCRYPT_FAIL: Cause.AUTH,
    Signal.CRYPTO_KEY_EXCHANGE_FAIL: Cause.AUTH,
    Signal.CRYPTO_SELFTEST: Cause.HARDWARE,
    Signal.HSM_STATE: Cause.HARDWARE,
    Signal.HSM_BATTERY: Cause.HARDWARE,
    Signal.PLATFORM_CPU: Cause.HARDWARE,
    Signal.PLATFORM_MEM: Cause.HARDWARE,
    Signal.PLATFORM_DISK: Cause.HARDWARE,
    Signal.ENV_TEMP: Cause.HARDWARE,
    Signal.ENV_FAN: Cause.HARDWARE,
    Signal.ENV_PSU: Cause.POWER,
    Signal.ENV_VOLTAGE: Cause.POWER,
    Signal.ENV_HUMIDITY: Cause.HARDWARE,
    Signal.POWER_SOURCE: Cause.POWER,
    Signal.POWER_BATTERY: Cause.POWER,
    Signal.POWER_RUNTIME_MIN: Cause.POWER,
    Signal.IF_OPER: Cause.CARRIER,
    Signal.IF_ERR: Cause.CARRIER,
    Signal.IF_FLAP: Cause.CARRIER,
    Signal.TIME_SKEW: Cause.HARDWARE,
}
"""Signals whose degraded or failed state impairs a device that still serves, with the cause to name."""

_EXPOSING = frozenset({"bypass_plaintext", "off"})
_STANDBY = "standby"


def assess(readings: Collection[Reading]) -> Assessment:
    """The assessment of a device that has just answered with `readings`."""
    by_signal: dict[Signal, list[Reading]] = {}
    for reading in readings:
        by_signal.setdefault(reading.signal, []).append(reading)
    health, health_cause = _health(by_signal)
    protection, protection_cause = _protection(by_signal)
    tampered = _is(by_signal, Signal.CRYPTO_TAMPER, SignalState.FAILED)
    exposed = protection is Protection.EXPOSED
    cause = (
        protection_cause
        if exposed
        else health_cause
        if health is not Health.UP
        else protection_cause
    )  # fmt: skip
    return Assessment(health, protection, cause, security_alarm=tampered or exposed)


def _health(by_signal: dict[Signal, list[Reading]]) -> tuple[Health, Cause]:
    mode = by_signal.get(Signal.CRYPTO_MODE, [])
    if any(reading.value == "zeroized" for reading in mode):
        return Health.DOWN, Cause.KEY
    channels = _channel_health(by_signal)
    if channels is Health.DOWN:
        return Health.DOWN, Cause.TUNNEL_DOWN
    if channels is Health.DEGRADED:
        return Health.DEGRADED, Cause.TUNNEL_DOWN
    for signal, cause in _IMPAIRS.items():
        if any(reading.state in _BAD for reading in by_signal.get(signal, ())):
            return Health.DEGRADED, cause
    if any(reading.value == "fault" for reading in by_signal.get(Signal.HA_ROLE, ())):
        return Health.DEGRADED, Cause.HARDWARE
    return Health.UP, Cause.NONE


def _channel_health(by_signal: dict[Signal, list[Reading]]) -> Health:
    """A standby member carries no tunnels by design; its silence about them says nothing."""
    if any(reading.value == _STANDBY for reading in by_signal.get(Signal.HA_ROLE, ())):
        return Health.UP
    counted = by_signal.get(Signal.CHANNEL_STATE) or by_signal.get(Signal.CHANNEL_UP_COUNT, [])
    known = [reading.state for reading in counted if reading.state in (*_BAD, SignalState.OK)]
    if not known or all(state is SignalState.OK for state in known):
        return Health.UP
    return Health.DOWN if all(state is SignalState.FAILED for state in known) else Health.DEGRADED


def _protection(by_signal: dict[Signal, list[Reading]]) -> tuple[Protection, Cause]:
    modes = [reading.value for reading in by_signal.get(Signal.CRYPTO_MODE, ())]
    if any(mode in _EXPOSING for mode in modes):
        return Protection.EXPOSED, Cause.BYPASS
    if _is(by_signal, Signal.CRYPTO_TAMPER, SignalState.FAILED):
        return Protection.WEAKENED, Cause.TAMPER
    if _is(by_signal, Signal.KEY_EXPIRES_IN, SignalState.FAILED) or "zeroized" in modes:
        return Protection.WEAKENED, Cause.KEY
    if _is(by_signal, Signal.CERT_EXPIRES_IN, SignalState.FAILED):
        return Protection.WEAKENED, Cause.KEY
    if any(reading.state in _BAD for reading in by_signal.get(Signal.CRYPTO_ALGORITHM, ())):
        return Protection.WEAKENED, Cause.KEY
    if _is(by_signal, Signal.CRYPTO_SELFTEST, SignalState.FAILED):
        return Protection.WEAKENED, Cause.HARDWARE
    if "encrypting" in modes or (not modes and _is(by_signal, Signal.CHANNEL_STATE, SignalState.OK)):
        return Protection.SECURED, Cause.NONE
    return Protection.UNKNOWN, Cause.NONE


def _is(by_signal: dict[Signal, list[Reading]], signal: Signal, state: SignalState) -> bool:
    return any(reading.state is state for reading in by_signal.get(signal, ()))
