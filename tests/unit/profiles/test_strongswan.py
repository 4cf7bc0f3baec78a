"""What the agent script for strongSwan tells, as signals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.rows import Memory
from channelwatch_collector.snmp.port import PollFailure

from channelwatch.status.signals import Reading, Signal
from tests.unit.profiles.answers import (
    FAILED,
    OK,
    PROFILES,
    UNKNOWN,
    Given,
    answer,
    moment,
    none_of,
    profile_of,
    quiet,
    state_of,
    value_of,
)

GATEWAY = PROFILES["linux-gateway"]
EXTEND = "1.3.6.1.4.1.8072.1.3.2.3.1.2"
STRONGSWAN = f"{EXTEND}.10.{'.'.join(str(ord(letter)) for letter in 'strongswan')}"
WIREGUARD = f"{EXTEND}.9.{'.'.join(str(ord(letter)) for letter in 'wireguard')}"
UP = {
    "connection": "north",
    "remote_host": "192.0.2.7",
    "remote_id": "gw-7",
    "state": "up",
    "algorithm": "AES_GCM_16-256",
    "sa_age": 100,
    "sa_life_left": 3500,
    "rx_bytes": 1000,
    "tx_bytes": 3000,
}


def told(daemon: str = "running", **tunnels: dict[str, Any]) -> str:
    return json.dumps({"version": 1, "daemon": {"state": daemon}, "tunnels": tunnels})


def read(objects: Given, *expected: str) -> tuple[Reading, ...]:
    return decode(GATEWAY, answer(GATEWAY, objects), Memory(), moment(), expected=expected).readings


def test_a_tunnel_that_is_up_tells_its_cipher_and_life() -> None:
    readings = read({STRONGSWAN: told(north=UP)})
    assert state_of(readings, Signal.CHANNEL_STATE, "north") is OK
    assert value_of(readings, Signal.CRYPTO_ALGORITHM, "north") == "AES_GCM_16-256"
    assert value_of(readings, Signal.CRYPTO_SA_LIFETIME, "north") == 3600
    assert value_of(readings, Signal.CRYPTO_SA_REMAINING, "north") == 3500
    assert value_of(readings, Signal.CHANNEL_UP_COUNT) == 1


def test_traffic_is_a_rate_and_a_new_association_is_no_spike() -> None:
    first = decode(GATEWAY, answer(GATEWAY, {STRONGSWAN: told(north=UP)}), Memory(), moment())
    later = {**UP, "rx_bytes": 2000, "tx_bytes": 40}
    second = decode(GATEWAY, answer(GATEWAY, {STRONGSWAN: told(north=later)}), first.memory, moment(10))
    assert value_of(second.readings, Signal.CHANNEL_RX_BYTES, "north") == 100
    assert state_of(second.readings, Signal.CHANNEL_TX_BYTES, "north") is UNKNOWN


@pytest.mark.parametrize("state", ["down", "connecting"])
@pytest.mark.parametrize("name", ["north", "192.0.2.7", "gw-7"])
def test_a_tunnel_that_is_not_up_is_a_fault_only_where_it_is_expected(state: str, name: str) -> None:
    objects = {STRONGSWAN: told(north={**UP, "state": state})}
    assert state_of(read(objects), Signal.CHANNEL_STATE, "north") is UNKNOWN
    assert quiet(read(objects))
    assert state_of(read(objects, name), Signal.CHANNEL_STATE, "north") is FAILED


def test_a_daemon_that_does_not_run_is_a_fault_even_where_nothing_is_expected() -> None:
    readings = read({STRONGSWAN: told("stopped")})
    assert state_of(readings, Signal.CHANNEL_STATE, "strongSwan") is FAILED
    assert state_of(read({STRONGSWAN: told("stopped")}, "north"), Signal.CHANNEL_STATE, "north") is FAILED
    assert none_of(read({STRONGSWAN: told()}), Signal.CHANNEL_STATE)


def test_a_daemon_that_could_not_be_asked_leaves_its_tunnels_unknown() -> None:
    readings = read({STRONGSWAN: ""}, "north")
    assert state_of(readings, Signal.CHANNEL_STATE, "north") is UNKNOWN
    assert quiet(readings)


def test_a_gateway_without_the_script_claims_nothing() -> None:
    assert none_of(read({}, "north"), Signal.CHANNEL_STATE)


def test_expected_tunnels_of_two_kinds_are_not_missed_by_each_other() -> None:
    peers = {
        "data": {"wg0": {"south": {"minutes_since_last_handshake": 1, "bytes_rcvd": 1, "bytes_sent": 1}}}
    }
    readings = read({STRONGSWAN: told(north=UP), WIREGUARD: json.dumps(peers)}, "north", "wg0/south")
    assert quiet(readings)
    assert value_of(readings, Signal.CHANNEL_UP_COUNT) == 2
    missed = read({STRONGSWAN: told(north=UP), WIREGUARD: json.dumps(peers)}, "east")
    assert value_of(missed, Signal.CHANNEL_STATE, "east") == "missing"
    assert value_of(missed, Signal.CHANNEL_EXPECTED_COUNT) == 3


def test_a_table_that_could_not_be_read_leaves_open_what_another_lacks(tmp_path: Path) -> None:
    text = """
name: own
description: Two tables of tunnels.
tables:
  - {name: one, columns: {a: '1.3.9.1.1'}, component: a, peers: [a],
     signals: [{signal: channel.state, value: "'up'", enum: {up: up}}]}
  - {name: two, columns: {b: '1.3.9.2.1'}, component: b, peers: [b],
     signals: [{signal: channel.state, value: "'up'", enum: {up: up}}]}
"""
    profile = profile_of(tmp_path, text)
    spoilt = answer(profile, {"1.3.9.1.1.1": "north"}, failed={"1.3.9.2.1": PollFailure.MALFORMED})
    readings = decode(profile, spoilt, Memory(), moment(), expected=("north", "south")).readings
    assert state_of(readings, Signal.CHANNEL_STATE, "north") is OK
    assert state_of(readings, Signal.CHANNEL_STATE, "south") is UNKNOWN
