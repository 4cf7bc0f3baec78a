"""What notifications mean under a profile."""

from __future__ import annotations

import pytest
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.traps import MAX_EVENT_TEXT, decode_trap
from channelwatch_collector.snmp.port import VarBind

from channelwatch.status.events import EventKind
from channelwatch.status.signals import Signal, SignalState
from tests.unit.profiles.answers import moment, oid, state_of, value, value_of

CWE = "1.3.6.1.4.1.99999.1"


@pytest.fixture(scope="module")
def encryptor() -> Profile:
    return load_profiles()["reference-encryptor"]


def binds(*pairs: tuple[str, int | str]) -> list[VarBind]:
    return [(oid(name), value(given)) for name, given in pairs]


def test_a_tunnel_down_trap_carries_the_state_of_that_tunnel(encryptor: Profile) -> None:
    meant = decode_trap(
        encryptor,
        oid(f"{CWE}.0.2"),
        binds(
            (f"{CWE}.1.4.3.1.2.17", "51-D-21548"),
            (f"{CWE}.1.4.3.1.3.17", "51-D-21548-1"),
            (f"{CWE}.1.4.3.1.4.17", 4),
            (f"{CWE}.1.10.2.0", "peer timeout"),
        ),
        moment(),
    )
    assert (meant.kind, meant.severity, meant.component) == (EventKind.TUNNEL_DOWN, 3, "51-D-21548-1")
    assert meant.text == "cweTunnelDown: peer timeout"
    (reading,) = meant.readings
    assert reading.key == (Signal.CHANNEL_STATE, "51-D-21548-1")
    assert (reading.state, reading.value) == (SignalState.FAILED, "down")
    assert reading.source == f"trap:{CWE}.0.2"


@pytest.mark.parametrize(
    ("number", "varbinds", "kind", "signal", "component", "word"),
    [
        (1, (("4.3.1.3.2", "hub"), ("4.3.1.4.2", 1)), EventKind.TUNNEL_UP, Signal.CHANNEL_STATE, "hub", "up"),
        (4, (("5.1.0", 2), ("5.3.0", 1)), EventKind.HA_SWITCH, Signal.HA_ROLE, "", "standby"),
        (5, (("2.1.0", 2),), EventKind.BYPASS_ON, Signal.CRYPTO_MODE, "", "bypass_plaintext"),
        (6, (("2.1.0", 1),), EventKind.BYPASS_OFF, Signal.CRYPTO_MODE, "", "encrypting"),
        (7, (("2.4.0", 2), ("2.1.0", 5)), EventKind.TAMPER, Signal.CRYPTO_TAMPER, "", "detected"),
        (8, (("2.2.0", 2),), EventKind.SELFTEST, Signal.CRYPTO_SELFTEST, "", "fail"),
        (9, (("7.4.0", 2), ("7.5.0", 1)), EventKind.POWER, Signal.POWER_SOURCE, "", "battery"),
    ],
)
def test_each_notification_brings_its_signal(
    encryptor: Profile,
    number: int,
    varbinds: tuple[tuple[str, int | str], ...],
    kind: EventKind,
    signal: Signal,
    component: str,
    word: str,
) -> None:
    given = binds(*((f"{CWE}.1.{name}", item) for name, item in varbinds))
    meant = decode_trap(encryptor, oid(f"{CWE}.0.{number}"), given, moment())
    assert meant.kind is kind
    assert value_of(meant.readings, signal, component) == word


def test_a_temperature_alarm_keeps_the_units_own_judgement(encryptor: Profile) -> None:
    given = binds((f"{CWE}.1.7.1.1.2.1", "board"), (f"{CWE}.1.7.1.1.3.1", 655), (f"{CWE}.1.7.1.1.4.1", 3))
    meant = decode_trap(encryptor, oid(f"{CWE}.0.10"), given, moment())
    assert meant.component == "board"
    assert state_of(meant.readings, Signal.ENV_TEMP, "board") is SignalState.FAILED
    assert value_of(meant.readings, Signal.ENV_TEMP, "board") == 65.5


def test_key_and_certificate_traps_speak_of_what_their_kind_says(encryptor: Profile) -> None:
    def expiring(kind: int) -> list[Signal]:
        row = (("2.3", "local"), ("3.3", kind), ("5.3", 5))
        given = binds(*((f"{CWE}.1.3.1.1.{name}", item) for name, item in row))
        return [item.signal for item in decode_trap(encryptor, oid(f"{CWE}.0.11"), given, moment()).readings]

    assert expiring(1) == [Signal.KEY_EXPIRES_IN]
    assert expiring(2) == [Signal.CERT_EXPIRES_IN]


@pytest.mark.parametrize(
    ("arc", "kind"),
    [
        (1, EventKind.COLD_START),
        (2, EventKind.WARM_START),
        (3, EventKind.LINK_DOWN),
        (4, EventKind.LINK_UP),
        (5, EventKind.AUTH_FAILURE),
    ],
)
def test_every_profile_knows_the_generic_notifications(arc: int, kind: EventKind) -> None:
    for profile in load_profiles().values():
        given = binds(("1.3.6.1.2.1.2.2.1.1.3", 3), ("1.3.6.1.2.1.2.2.1.8.3", 2))
        meant = decode_trap(profile, oid(f"1.3.6.1.6.3.1.1.5.{arc}"), given, moment())
        assert meant.kind is kind, profile.name
        if kind in (EventKind.LINK_DOWN, EventKind.LINK_UP):
            assert meant.component == "interface 3"


def test_an_unknown_notification_is_kept_as_other(encryptor: Profile) -> None:
    meant = decode_trap(encryptor, oid("1.3.6.1.4.1.99999.9.1"), [], moment())
    assert (meant.kind, meant.readings) == (EventKind.OTHER, ())
    assert meant.source == "trap:1.3.6.1.4.1.99999.9.1"


def test_a_trap_without_its_varbinds_says_what_it_can(encryptor: Profile) -> None:
    meant = decode_trap(encryptor, oid(f"{CWE}.0.2"), [], moment())
    assert (meant.kind, meant.component, meant.readings) == (EventKind.TUNNEL_DOWN, "", ())


def test_the_text_of_an_event_is_bounded(encryptor: Profile) -> None:
    given = binds((f"{CWE}.1.10.2.0", "x" * 5000))
    assert len(decode_trap(encryptor, oid(f"{CWE}.0.2"), given, moment()).text) <= MAX_EVENT_TEXT


def test_a_cisco_tunnel_trap_names_its_peer_from_raw_octets() -> None:
    cisco = load_profiles()["cisco-ipsec"]
    peer = (oid("1.3.6.1.4.1.9.9.171.1.2.2.1.7.1.4.7"), value(bytes((192, 0, 2, 7))))
    meant = decode_trap(cisco, oid("1.3.6.1.4.1.9.9.171.2.0.2"), [peer], moment())
    assert (meant.kind, meant.component) == (EventKind.TUNNEL_DOWN, "192.0.2.7")
