"""Profiles against walks that were recorded on real devices."""

from __future__ import annotations

import pytest
from channelwatch_collector.profiles.decode import Decoded, decode
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.match import By, Recognised, identity, recognise
from channelwatch_collector.profiles.rows import Memory

from channelwatch.status.signals import Signal, SignalState
from tests.support import recording
from tests.unit.profiles.answers import answer, moment, oid, recorded

PROFILES = load_profiles()

SEEN: dict[str, tuple[str, By, dict[tuple[str, str], object]]] = {
    "fortigate_100e": (
        "fortigate",
        By.SYS_OBJECT_ID,
        {
            ("channel.state", "ESMAO"): "up",
            ("channel.state", "ESMAO-Lomtec"): "up",
            ("channel.up_count", ""): 2,
            ("platform.mem", ""): 22,
        },
    ),
    "fortigate_cluster-60f": (
        "fortigate",
        By.SYS_OBJECT_ID,
        {
            ("ha.peer_seen", ""): "yes",
            ("channel.up_count", ""): 2,
            ("env.temp", "CPU ON-DIE Temperature"): 56.264,
        },
    ),
    "gaia_1100": (
        "check-point",
        By.PROBE,
        {("ha.role", ""): "standalone", ("inv.firmware", ""): "R77.20", ("inv.model", ""): "CP 1100"},
    ),
    "junos_rpm": (
        "juniper-srx",
        By.SYS_OBJECT_ID,
        {
            ("inv.serial", ""): "AG3213AK0210",
            ("env.fan", "SRX240 CPU fan 1"): "ok",
            ("env.psu", "PEM 0"): "ok",
            ("env.temp", "Routing Engine"): 45,
            ("platform.mem", "Routing Engine"): 70,
        },
    ),
    "dd-cisco-asa-5525": (
        "cisco-ipsec",
        By.SYS_OBJECT_ID,
        {("channel.up_count", ""): 0, ("ha.peer_seen", ""): None, ("crypto.no_sa", ""): 0},
    ),
    "pfsense": ("pfsense", By.SYS_OBJECT_ID, {("platform.mem", ""): 7.208}),
    "linux_certificate-v1": (
        "net-snmp",
        By.SYS_OBJECT_ID,
        {("cert.expires_in", "host.realm.net"): 88},
    ),
    "linux_wireguard-v1": (
        "net-snmp",
        By.SYS_OBJECT_ID,
        {
            ("channel.state", "wg0/computer"): "up",
            ("channel.state", "wg0/client2"): "down",
            ("channel.last_handshake_age", "wg0/computer"): 120,
            ("channel.expected_count", ""): 5,
        },
    ),
    "apc_smt750x-nmc2": (
        "apc-ups",
        By.SYS_OBJECT_ID,
        {
            ("power.source", ""): "mains",
            ("power.battery", ""): "ok",
            ("power.runtime_min", ""): 1829,
            ("env.temp", "battery"): 23.4,
            ("inv.serial", ""): "AS1907242163",
        },
    ),
    "hwg-poseidon": (
        "hwg-poseidon",
        By.SYS_OBJECT_ID,
        {("env.humidity", "H.Network"): 31.8, ("env.temp", "T.Ambiente"): 26.9},
    ),
    "ciena-waveserver": ("generic", By.NOTHING, {("sys.uptime", ""): 257885.0}),
    "mbg-ltos6": ("generic", By.NOTHING, {("platform.disk", "/www"): 25.977}),
}
"""By recording: the profile, what it was recognised by, and values of some readings."""


def replay(name: str) -> tuple[Recognised, Decoded]:
    """Recognise the recorded device and decode two polls of it, a minute apart."""
    objects = recorded(recording("samples", "snmp", f"{name}.snmprec"))
    held = {oid(key): item for key, item in objects.items()}
    device = identity(held)
    found = recognise(PROFILES, device, None) or recognise(PROFILES, device, held)
    assert found is not None
    given = answer(found.profile, objects)
    first = decode(found.profile, given, Memory(), moment())
    return found, decode(found.profile, given, first.memory, moment(60))


@pytest.mark.parametrize("name", sorted(SEEN))
def test_a_recorded_device_is_recognised_and_read(name: str) -> None:
    found, decoded = replay(name)
    profile, by, readings = SEEN[name]
    assert (found.profile.name, found.by) == (profile, by)
    seen = {(item.signal.value, item.component): item.value for item in decoded.readings}
    assert {key: seen.get(key, "not there") for key in readings} == readings
    assert len(seen) == len(decoded.readings)


def test_an_unknown_number_of_a_failover_unit_is_unknown_with_the_number_kept() -> None:
    _, decoded = replay("dd-cisco-asa-5525")
    (peer,) = [item for item in decoded.readings if item.signal is Signal.HA_PEER_SEEN]
    assert (peer.state, peer.raw) == (SignalState.UNKNOWN, 8)


def test_a_silent_tunnel_of_the_synthetic_gateway_is_down_and_an_expected_peer_missing() -> None:
    found, _ = replay("dd-cisco-asa-5525")
    objects = recorded(recording("samples", "snmp", "dd-cisco-asa-5525.snmprec"))
    decoded = decode(
        found.profile, answer(found.profile, objects), Memory(), moment(), expected=("192.0.2.77",)
    )
    states = {item.component: item.value for item in decoded.readings if item.signal is Signal.CHANNEL_STATE}
    assert states["192.0.2.77"] == "missing"
    assert len(states) == 2


def test_no_recorded_device_is_called_failed_without_cause() -> None:
    for name in SEEN:
        if name in ("dd-cisco-asa-5525", "linux_wireguard-v1"):
            continue
        _, decoded = replay(name)
        bad = [item for item in decoded.readings if item.state is SignalState.FAILED]
        assert bad == [], name
