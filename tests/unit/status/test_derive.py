"""What signals add up to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.status.derive import assess
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Cause, Flag, Health, Protection, rank
from tests.support.province import bypass, encrypting, role, tunnel_down

OK, DEGRADED, FAILED, UNKNOWN = SignalState.OK, SignalState.DEGRADED, SignalState.FAILED, SignalState.UNKNOWN


def test_a_healthy_encryptor_is_up_and_secured() -> None:
    assert assess(encrypting()) == Assessment(Health.UP, Protection.SECURED, Cause.NONE)


def test_bypass_is_up_and_exposed_and_raises_the_security_alarm() -> None:
    found = assess(encrypting(bypass()))
    assert (found.health, found.protection, found.cause) == (Health.UP, Protection.EXPOSED, Cause.BYPASS)
    assert found.security_alarm


def test_exposed_names_its_own_cause_even_when_the_tunnel_is_down_too() -> None:
    found = assess(encrypting(bypass(), tunnel_down()))
    assert (found.health, found.protection, found.cause) == (Health.DOWN, Protection.EXPOSED, Cause.BYPASS)


def test_the_only_tunnel_down_is_down_and_one_of_several_is_degraded() -> None:
    other = Reading(Signal.CHANNEL_STATE, OK, "up", component="other")
    assert assess(encrypting(tunnel_down())).health is Health.DOWN
    assert assess(encrypting(tunnel_down(), other)).health is Health.DEGRADED


def test_an_unknown_tunnel_state_is_neither_ok_nor_failed() -> None:
    unknown = Reading(Signal.CHANNEL_STATE, UNKNOWN, 17, component="hub")
    assert assess(encrypting(unknown)).health is Health.UP
    assert assess((unknown,)).protection is Protection.UNKNOWN


def test_a_standby_member_is_not_down_because_it_carries_no_tunnels() -> None:
    assert assess(encrypting(tunnel_down(), role("standby"))).health is Health.UP
    assert assess(encrypting(tunnel_down(), role("active"))).health is Health.DOWN


@pytest.mark.parametrize(
    ("reading", "cause"),
    [
        (Reading(Signal.ENV_PSU, FAILED, "failed", component="2"), Cause.POWER),
        (Reading(Signal.POWER_SOURCE, DEGRADED, "battery"), Cause.POWER),
        (Reading(Signal.ENV_TEMP, DEGRADED, 71), Cause.HARDWARE),
        (Reading(Signal.IF_OPER, FAILED, "down", component="eth1"), Cause.CARRIER),
        (Reading(Signal.CRYPTO_AUTH_FAIL, DEGRADED, 12), Cause.AUTH),
    ],
)
def test_an_impaired_part_degrades_the_device_and_names_the_cause(reading: Reading, cause: Cause) -> None:
    found = assess(encrypting(reading))
    assert (found.health, found.cause) == (Health.DEGRADED, cause)


def test_zeroized_keys_are_down_and_weakened() -> None:
    found = assess(encrypting(Reading(Signal.CRYPTO_MODE, FAILED, "zeroized")))
    assert (found.health, found.protection) == (Health.DOWN, Protection.WEAKENED)


@pytest.mark.parametrize(
    ("reading", "cause"),
    [
        (Reading(Signal.CRYPTO_ALGORITHM, DEGRADED, "3DES-CBC"), Cause.KEY),
        (Reading(Signal.CRYPTO_ALGORITHM, FAILED, "NULL"), Cause.KEY),
        (Reading(Signal.CERT_EXPIRES_IN, FAILED, 0), Cause.KEY),
        (Reading(Signal.KEY_EXPIRES_IN, FAILED, 0), Cause.KEY),
        (Reading(Signal.CRYPTO_TAMPER, FAILED, "open"), Cause.TAMPER),
        (Reading(Signal.CRYPTO_SELFTEST, FAILED, "fail"), Cause.HARDWARE),
    ],
)
def test_what_makes_protection_doubtful_weakens_it_and_is_its_cause(reading: Reading, cause: Cause) -> None:
    found = assess(encrypting(reading))
    assert (found.protection, found.cause) == (Protection.WEAKENED, cause)
    well = replace(reading, state=OK)
    assert assess(encrypting(well)).protection is Protection.SECURED


def test_a_gateway_without_a_mode_signal_is_secured_by_a_tunnel_that_is_up() -> None:
    assert assess((Reading(Signal.CHANNEL_STATE, OK, "up", component="a"),)).protection is Protection.SECURED


def test_a_plain_host_has_no_protection_to_speak_of() -> None:
    assert assess((Reading(Signal.PLATFORM_CPU, OK, 3),)).protection is Protection.UNKNOWN


def test_an_expired_key_weakens_and_an_expiring_one_does_not() -> None:
    assert assess(encrypting(Reading(Signal.KEY_EXPIRES_IN, FAILED, 0))).protection is Protection.WEAKENED
    assert assess(encrypting(Reading(Signal.KEY_EXPIRES_IN, DEGRADED, 5))).protection is Protection.SECURED


def test_exposed_sorts_above_down_and_unknown_never_with_up() -> None:
    exposed, down = rank(Health.UP, Protection.EXPOSED), rank(Health.DOWN, Protection.SECURED)
    unknown, up = rank(Health.UNKNOWN, Protection.UNKNOWN), rank(Health.UP, Protection.SECURED)
    tampered = rank(Health.UP, Protection.SECURED, frozenset({Flag.SECURITY_ALARM}))
    assert rank(Health.UP, Protection.UNKNOWN) == up
    assert exposed < down < tampered < unknown < rank(Health.DEGRADED, Protection.SECURED) < up
