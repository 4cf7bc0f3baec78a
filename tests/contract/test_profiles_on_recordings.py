"""Profiles against walks that were recorded on real devices."""

from __future__ import annotations

from functools import cache

import pytest
from channelwatch_collector.engines import engine_for
from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.match import By
from channelwatch_collector.profiles.recording import Recording, read_recording
from channelwatch_collector.profiles.replay import recognise_recording, replay
from channelwatch_collector.profiles.rows import Memory, Moment
from channelwatch_collector.profiles.shown import Shown
from channelwatch_collector.snmp.port import Target, V2c

from channelwatch.base.clock import EpochMs
from channelwatch.base.secrets import Secret
from channelwatch.status.signals import Signal, SignalState
from tests.support import recording
from tests.support.snmp_agent import COMMUNITY, ScriptedAgent, serving
from tests.unit.profiles.answers import NOW

PROFILES = load_profiles()

SEEN: dict[str, tuple[str, By, dict[tuple[str, str], object]]] = {
    "fortigate_100e": (
        "fortigate",
        By.SYS_OBJECT_ID,
        {
            ("inv.serial", ""): "FG100E4Q17011652",
            ("inv.model", ""): "FGT_100E",
            ("inv.firmware", ""): "v5.4.4,build7650,170529 (GA)",
            ("channel.state", "ESMAO"): "up",
            ("channel.state", "ESMAO-Lomtec"): "up",
            ("channel.up_count", ""): 2,
            ("platform.cpu", ""): 6,
            ("platform.mem", ""): 22,
            ("if.oper", "wan1"): "up",
        },
    ),
    "fortigate_cluster-60f": (
        "fortigate",
        By.SYS_OBJECT_ID,
        {
            ("inv.model", ""): "FGT_60F",
            ("ha.peer_seen", ""): "yes",
            ("ha.sync", ""): "in_sync",
            ("channel.up_count", ""): 2,
            ("env.temp", "CPU ON-DIE Temperature"): 56.264,
        },
    ),
    "gaia_1100": (
        "check-point",
        By.PROBE,
        {
            # ClusterXL is not in use: the state that the unit calls itself is no fault.
            ("ha.role", ""): "standalone",
            ("inv.firmware", ""): "R77.20",
            ("inv.model", ""): "CP 1100",
            ("platform.cpu", ""): 15,
            ("platform.mem", "Physical memory"): 39.11,
            ("if.oper", "WAN"): "up",
        },
    ),
    "junos_rpm": (
        "juniper-srx",
        By.SYS_OBJECT_ID,
        {
            ("inv.serial", ""): "AG3213AK0210",
            ("inv.firmware", ""): "12.1X46-D86",
            ("ha.role", ""): "standalone",
            ("channel.state", "st0.0"): "up",
            ("channel.up_count", ""): 5,
            ("env.fan", "SRX240 CPU fan 1"): "ok",
            ("env.psu", "PEM 0"): "ok",
            ("env.temp", "Routing Engine"): 45,
            ("platform.mem", "Routing Engine"): 70,
            ("if.oper", "ge-0/0/0"): "up",
        },
    ),
    "dd-cisco-asa-5525": (
        "cisco-ipsec",
        By.SYS_OBJECT_ID,
        {
            ("channel.up_count", ""): 0,
            ("ha.peer_seen", ""): None,
            ("crypto.no_sa", ""): 0,
            ("platform.cpu", ""): 20,
        },
    ),
    "pfsense": (
        "pfsense",
        By.SYS_OBJECT_ID,
        {
            ("inv.firmware", ""): "2.3.2-RELEASE",
            ("platform.mem", ""): 7.208,
            ("platform.disk", "/, type: ufs, dev: /dev/ufsid/5be59cf2bcc03dca"): 10.972,
            ("if.oper", "em1"): "up",
        },
    ),
    "linux_certificate-v1": (
        "net-snmp",
        By.SYS_OBJECT_ID,
        {("cert.expires_in", "host.realm.net"): 88, ("inv.firmware", ""): "3.10.0-693.5.2.el7.x86_64"},
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
            ("env.temp", "Equipment Room"): 20,
            ("inv.serial", ""): "AS1907242163",
        },
    ),
    "hwg-poseidon": (
        "hwg-poseidon",
        By.SYS_OBJECT_ID,
        {
            ("inv.firmware", ""): "2.0.15",
            ("env.humidity", "H.Network"): 31.8,
            ("env.temp", "T.Ambiente"): 26.9,
        },
    ),
    "ciena-waveserver": (
        "ciena-waveserver",
        By.SYS_OBJECT_ID,
        {
            ("inv.firmware", ""): "1.5.0-ej76_svrbuild_wvsrvr",
            ("inv.serial", ""): "AAAAAAAA",
            ("crypto.selftest", ""): "pass",
            ("env.psu", "power feed"): "ok",
            ("if.oper", "1.2"): "up",
        },
    ),
    "mbg-ltos6": (
        "meinberg-lantime",
        By.SYS_OBJECT_ID,
        {
            ("inv.firmware", ""): "7.00.014",
            ("time.source", "reference clock 1"): "ntp",
            ("platform.cpu", ""): 8,
            ("platform.disk", "/www"): 25.977,
            ("if.oper", "lan0"): "up",
        },
    ),
    "lcos_oap1700b": (
        "lancom",
        By.SYS_OBJECT_ID,
        {
            ("inv.model", ""): "LANCOM OAP-1700B",
            ("inv.serial", ""): "4006379832100006",
            ("env.temp", ""): 30,
            ("platform.mem", "RAM"): 45.337,
            ("if.oper", "LAN-1"): "up",
        },
    ),
}
"""By recording: the profile, what it was recognised by, and values of some readings."""

FAULTS: dict[str, frozenset[str]] = {
    # Its values are random words and numbers: fans, supplies, temperatures and a tunnel do say "failed" there.
    "dd-cisco-asa-5525": frozenset({"channel.state", "channel.up_count", "env.fan", "env.psu", "env.temp"}),
}
"""Signals that are rightly degraded or failed, by recording."""


@cache
def walk(name: str) -> Recording:
    return read_recording(recording("samples", "snmp", f"{name}.snmprec"))


@cache
def shown(name: str, *expected: str) -> Shown:
    """What the profiles make of a recorded device."""
    return replay(PROFILES, [walk(name)], name=name, now=EpochMs(NOW), expected=expected)


@pytest.mark.parametrize("name", sorted(SEEN))
def test_a_recorded_device_is_recognised_and_read(name: str) -> None:
    found = shown(name)
    profile, by, readings = SEEN[name]
    assert (found.recognised.profile.name, found.recognised.by) == (profile, by)
    seen = {(item.signal.value, item.component): item.value for item in found.decoded.readings}
    assert {key: seen.get(key, "not there") for key in readings} == readings
    assert len(seen) == len(found.decoded.readings)


def test_every_recording_is_among_them() -> None:
    folder = recording("samples", "snmp")
    assert {path.stem for path in folder.glob("*.snmprec")} == set(SEEN)


@pytest.mark.parametrize("name", sorted(SEEN))
def test_no_recorded_device_raises_an_alarm_without_a_fault(name: str) -> None:
    bad = {
        item.signal.value
        for item in shown(name).decoded.readings
        if item.state in (SignalState.DEGRADED, SignalState.FAILED)
    }
    assert bad == FAULTS.get(name, frozenset())


def test_a_silent_wireguard_peer_is_a_fault_only_if_it_is_expected() -> None:
    states = {
        item.component: item.state
        for item in shown("linux_wireguard-v1", "wg0/client2").decoded.readings
        if item.signal is Signal.CHANNEL_STATE
    }
    assert states["wg0/client2"] is SignalState.FAILED
    assert states["wg0/my_phone"] is SignalState.UNKNOWN
    assert states["wg0/computer"] is SignalState.OK


def test_an_unknown_number_of_a_failover_unit_is_unknown_with_the_number_kept() -> None:
    readings = shown("dd-cisco-asa-5525").decoded.readings
    (peer,) = [item for item in readings if item.signal is Signal.HA_PEER_SEEN]
    assert (peer.state, peer.raw) == (SignalState.UNKNOWN, 8)


def test_an_expected_peer_without_a_row_is_missing() -> None:
    readings = shown("dd-cisco-asa-5525", "192.0.2.77").decoded.readings
    states = {item.component: item.value for item in readings if item.signal is Signal.CHANNEL_STATE}
    assert states["192.0.2.77"] == "missing"
    assert len(states) == 2


@pytest.mark.parametrize("name", sorted(SEEN))
async def test_over_the_network_the_real_engine_brings_the_same(name: str) -> None:
    """The walk served by an agent over UDP and polled by the engine, against the recording read in memory."""
    recorded = walk(name)
    profile = recognise_recording(PROFILES, recorded).profile
    engine = engine_for("native")
    try:
        async with serving(ScriptedAgent(values=recorded.objects)) as agent:
            target = Target(agent.address[0], V2c(Secret(COMMUNITY)), port=agent.address[1], timeout_s=5)
            answer = await engine.poll(target, profile.plan)
    finally:
        await engine.close()
    moment = Moment(NOW, NOW, 0)
    theirs = decode(profile, answer, Memory(), moment)
    ours = decode(profile, recorded.answer(profile.plan), Memory(), moment)
    assert dict(answer.failed) == {}
    assert theirs.readings == ours.readings
