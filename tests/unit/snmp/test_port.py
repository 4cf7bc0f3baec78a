"""The words of the port: what may be built, what shows itself, which failures are whose."""

from __future__ import annotations

import pytest
from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    PollFailure,
    PrivProtocol,
    SecurityLevel,
    SnmpPermanent,
    SnmpTransient,
    SnmpType,
    Target,
    V2c,
    Value,
    snmp_error,
)

from channelwatch.base.errors import Permanent, Transient
from channelwatch.base.secrets import Secret

PHRASE = Secret("a long enough phrase")
COMMUNITY = V2c(Secret("hush"))


@pytest.mark.parametrize(
    ("user", "level"),
    [
        (V3("u"), SecurityLevel.NO_AUTH_NO_PRIV),
        (V3("u", AuthProtocol.SHA256, PHRASE), SecurityLevel.AUTH_NO_PRIV),
        (V3("u", AuthProtocol.SHA256, PHRASE, PrivProtocol.AES128, PHRASE), SecurityLevel.AUTH_PRIV),
    ],
)
def test_a_user_speaks_at_the_highest_level_of_its_keys(user: V3, level: SecurityLevel) -> None:
    assert user.level is level


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"user": ""}, "1 to 32"),
        ({"user": "x" * 33}, "1 to 32"),
        ({"user": "u", "auth_protocol": AuthProtocol.SHA1}, "together"),
        ({"user": "u", "auth_protocol": AuthProtocol.SHA1, "auth_pass": Secret("short")}, "at least 8"),
        ({"user": "u", "priv_protocol": PrivProtocol.AES128, "priv_pass": PHRASE}, "needs authentication"),
    ],
)
def test_a_user_that_could_not_work_is_refused(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        V3(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {"address": "router.example"},
        {"port": 0},
        {"port": 65_536},
        {"timeout_s": 0},
        {"timeout_s": 61},
        {"retries": -1},
        {"retries": 11},
        {"max_repetitions": 0},
        {"max_repetitions": 101},
    ],
)
def test_a_target_outside_its_limits_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Target(**{"address": "127.0.0.1", "credential": COMMUNITY, **fields})  # type: ignore[arg-type]


def test_no_secret_shows_itself() -> None:
    user = V3("u", AuthProtocol.SHA256, PHRASE, PrivProtocol.AES128, PHRASE)
    shown = f"{Target('127.0.0.1', COMMUNITY)!r} {Target('::1', user)!r} {Target('::1', user)}"
    assert "hush" not in shown
    assert PHRASE.reveal() not in shown
    assert "[::1]:161" in shown


@pytest.mark.parametrize("failure", list(PollFailure))
def test_every_failure_is_either_worth_repeating_or_not(failure: PollFailure) -> None:
    error = snmp_error(failure, operation="poll", target=Target("127.0.0.1", COMMUNITY))
    assert isinstance(error, SnmpPermanent if failure.is_permanent else SnmpTransient)
    assert isinstance(error, Permanent) is failure.is_permanent
    assert isinstance(error, Transient) is not failure.is_permanent
    assert str(error) == f"poll 127.0.0.1:161: {failure.value}"


def test_silence_is_never_permanent_and_a_wrong_key_always() -> None:
    assert not PollFailure.NO_ANSWER.is_permanent
    assert not PollFailure.BUSY.is_permanent
    assert PollFailure.WRONG_KEY.is_permanent


@pytest.mark.parametrize(
    ("value", "exists"),
    [
        (Value(SnmpType.INTEGER, 0), True),
        (Value(SnmpType.OCTET_STRING, b""), True),
        (Value(SnmpType.NULL, None), False),
        (Value(SnmpType.NO_SUCH_OBJECT, None), False),
        (Value(SnmpType.NO_SUCH_INSTANCE, None), False),
        (Value(SnmpType.END_OF_MIB_VIEW, None), False),
    ],
)
def test_zero_and_empty_exist_and_the_exceptions_do_not(value: Value, exists: bool) -> None:
    assert value.exists is exists
