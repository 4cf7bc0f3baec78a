"""Further vendors' profiles, where no recording shows what their devices say."""

from __future__ import annotations

import pytest
from channelwatch_collector.profiles.match import By, Identity, recognise

from channelwatch.status.signals import Scalar, Signal, SignalState
from tests.unit.profiles.answers import (
    DEGRADED,
    FAILED,
    OK,
    PROFILES,
    UNKNOWN,
    Cells,
    Given,
    counter32,
    none_of,
    oid,
    quiet,
    state_of,
    table,
    value,
    value_of,
)
from tests.unit.profiles.test_vendors import CISCO, FORTI, JUNIPER, read

SHIELD = "1.3.6.1.4.1.11256.1"
SOPHOS = "1.3.6.1.4.1.2604.5.1"
SONIC = "1.3.6.1.4.1.8741"
SCREEN = "1.3.6.1.4.1.3224"
STONE = "1.3.6.1.4.1.28557.2"
PRIME = "1.3.6.1.4.1.22408.1.1.2"
LANCOM = "1.3.6.1.4.1.2356.11"
DESCR, CHASSIS = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.47.1.1.1.1.2.65536"


@pytest.mark.parametrize(
    ("object_id", "descr", "name"),
    [
        ("1.3.6.1.4.1.11256.2.0", "", "stormshield"),
        ("1.3.6.1.4.1.8072.3.2.8", "NS-BSD fw 12 amd64", "stormshield"),
        ("1.3.6.1.4.1.2604.5", "Linux localhost 4.14.38 x86_64", "sophos-xg"),
        ("1.3.6.1.4.1.8741.1", "SonicWALL TZ 210 (SonicOS Enhanced 5.9.1-5o)", "sonicwall"),
        ("1.3.6.1.4.1.3224.1.29", "SSG5-Serial version 6.3.0r23.0 (SN: 0, Firewall VPN)", "screenos"),
        ("1.3.6.1.4.1.28557.1.45", "", "hillstone"),
        ("1.3.6.1.4.1.14988.1", "RouterOS CCR1009", "mikrotik"),
        ("1.3.6.1.4.1.1271.3.5", "Waveserver Platform", "ciena-waveserver"),
        ("1.3.6.1.4.1.5597.30", "Meinberg LANTIME", "meinberg-lantime"),
        ("1.3.6.1.4.1.2356.11.8.313", "LANCOM", "lancom"),
        ("1.3.6.1.4.1.2011.2.62.2.5", "Huawei", "huawei"),
        ("1.3.6.1.4.1.30155.23.1", "OpenBSD fw 7.4 GENERIC amd64", "openbsd"),
        ("1.3.6.1.4.1.25461", "Palo Alto Networks PA-3000 series firewall", "palo-alto"),
        ("1.3.6.1.4.1.2636.1.1.1.4.167.2", "Juniper Networks, Inc. srx device", "juniper-srx"),
        ("1.3.6.1.4.1.8072.3.2.8", "FreeBSD OPNsense.example 13.2-RELEASE-p7", "pfsense"),
    ],
)
def test_each_is_recognised_by_what_it_says_of_itself(object_id: str, descr: str, name: str) -> None:
    found = recognise(PROFILES, Identity(oid(object_id), descr), None)
    assert found is not None and found.profile.name == name


def test_an_hsm_appliance_that_calls_itself_net_snmp_is_found_by_its_own_object() -> None:
    version = f"{PRIME}.1.7.118.101.114.115.105.111.110.1"
    found = recognise(
        PROFILES,
        Identity(oid("1.3.6.1.4.1.8072.3.2.10"), "Linux"),
        {oid(version): value("PrimeKeyAppliance.3.5.0")},
    )
    assert found is not None and (found.profile.name, found.by) == ("primekey", By.PROBE)


# High availability that is switched off must stay quiet ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "objects"),
    [
        ("stormshield", {f"{SHIELD}.11.1.0": 0, f"{SHIELD}.11.2.0": 0, f"{SHIELD}.11.8.0": -1}),
        ("sophos-xg", {f"{SOPHOS}.4.1.0": 0, f"{SOPHOS}.4.4.0": 0, f"{SOPHOS}.4.5.0": 0}),
        ("hillstone", {f"{STONE}.2.1.8.0": 0}),
        ("fortigate", {f"{FORTI}.13.1.1.0": 1, f"{FORTI}.13.2.1.1.12.1": 0}),
        (
            "cisco-ipsec",
            {
                f"{CISCO}.147.1.2.1.1.1.2.4": "Failover LAN Interface",
                f"{CISCO}.147.1.2.1.1.1.2.6": "Primary unit (this device)",
                f"{CISCO}.147.1.2.1.1.1.2.7": "Secondary unit",
                f"{CISCO}.147.1.2.1.1.1.3.4": 3,
                f"{CISCO}.147.1.2.1.1.1.3.6": 3,
                f"{CISCO}.147.1.2.1.1.1.3.7": 3,
                f"{CISCO}.147.1.2.1.1.1.4.4": "not Configured",
                f"{CISCO}.147.1.2.1.1.1.4.6": "Failover Off",
                f"{CISCO}.147.1.2.1.1.1.4.7": "Failover Off",
            },
        ),
        ("palo-alto", {"1.3.6.1.4.1.25461.2.1.2.1.11.0": "disabled", "1.3.6.1.4.1.25461.2.1.2.1.12.0": "unknown"}),
        ("juniper-srx", {f"{JUNIPER}.39.1.12.1.1.1.11.0": "single"}),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)  # fmt: skip
def test_a_unit_without_a_partner_stands_alone_and_misses_nobody(name: str, objects: Given) -> None:
    readings = read(name, objects).readings
    assert value_of(readings, Signal.HA_ROLE) == "standalone"
    assert none_of(readings, Signal.HA_PEER_SEEN, Signal.HA_SYNC, Signal.HA_LINK)
    assert quiet(readings)


# Stormshield ----------------------------------------------------------------------------------------------------


def shield_node(row: int, serial: str, online: int, active: int) -> Given:
    base = f"{SHIELD}.11.7.1"
    return {f"{base}.2.{row}": serial, f"{base}.3.{row}": online, f"{base}.10.{row}": active}


@pytest.mark.parametrize(("own", "role"), [("SN1", "active"), ("SN2", "standby")])
def test_a_stormshield_node_finds_its_own_row(own: str, role: str) -> None:
    objects: Given = {
        f"{SHIELD}.18.3.0": own, f"{SHIELD}.11.1.0": 2, f"{SHIELD}.11.2.0": 0, f"{SHIELD}.11.5.0": 2,
        f"{SHIELD}.11.6.0": 1, f"{SHIELD}.11.8.0": 0, **shield_node(1, "SN1", 1, 1), **shield_node(2, "SN2", 1, 2),
    }  # fmt: skip
    readings = read("stormshield", objects).readings
    assert value_of(readings, Signal.HA_ROLE) == role
    assert value_of(readings, Signal.HA_PEER_SEEN) == "yes"
    assert value_of(readings, Signal.HA_SYNC) == "out_of_sync"
    assert value_of(readings, Signal.HA_LINK) == "down"


def test_stormshield_associations_of_older_firmware_make_one_tunnel() -> None:
    rows = table(
        f"{SHIELD}.1.1.1",
        {2: "192.0.2.1", 3: "198.51.100.1", 11: 2, 13: 0},
        {2: "192.0.2.1", 3: "198.51.100.1", 11: 1, 13: 0},
    )
    readings = read("stormshield", rows, expected=("198.51.100.1", "203.0.113.9")).readings
    assert state_of(readings, Signal.CHANNEL_STATE, "192.0.2.1 - 198.51.100.1") is OK
    assert value_of(readings, Signal.CHANNEL_STATE, "203.0.113.9") == "missing"


def test_stormshield_associations_of_newer_firmware_stand_in_other_columns() -> None:
    cells: Cells = {
        2: "rule",
        3: "7",
        5: "192.0.2.1",
        6: "198.51.100.1",
        11: 99,
        18: 3,
    }
    readings = read("stormshield", table(f"{SHIELD}.1.1.1", cells)).readings
    assert value_of(readings, Signal.CHANNEL_STATE, "192.0.2.1 - 198.51.100.1") == "down"


def test_where_stormshield_offers_ike_it_tells_the_tunnels() -> None:
    ike: Cells = {2: "to-hub", 4: "192.0.2.1", 5: "198.51.100.1", 6: "ESTABLISHED"}
    other: Cells = {2: "to-spare", 4: "192.0.2.1", 5: "203.0.113.1", 6: "SOMETHING"}
    associations = table(f"{SHIELD}.1.1.1", {5: "192.0.2.1", 6: "198.51.100.1", 18: 1, 19: 5, 20: 5})
    objects = {**table(f"{SHIELD}.1.2.1", ike, other), **associations}
    readings = read("stormshield", objects, expected=("198.51.100.1",)).readings
    states = {item.component: item.state for item in readings if item.signal is Signal.CHANNEL_STATE}
    assert states == {"to-hub": OK, "to-spare": UNKNOWN}


def test_stormshield_health_words() -> None:
    rows = table(
        f"{SHIELD}.16.2.1",
        {2: "SN1", 6: "Minor", 13: "N/A", 17: "Major"},
        {2: "SN2", 6: "Major", 13: "Major", 17: "Good"},
    )
    readings = read("stormshield", {f"{SHIELD}.0.3.0": "SN1", **rows}).readings
    assert state_of(readings, Signal.ENV_FAN) is DEGRADED
    assert value_of(readings, Signal.TIME_SOURCE) == "manual"
    assert none_of(readings, Signal.HSM_STATE)


# Others with tunnels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "word", "state"),
    [
        ({8: 0}, "down", FAILED),
        ({8: 2}, "up", OK),
        ({8: 1, 9: 0, 10: 1}, "down", FAILED),
        ({8: 1, 9: 1, 10: 1}, "up", OK),
        ({8: 2, 9: 2, 10: 1}, "up", DEGRADED),
        ({8: 0, 9: 0, 10: 0}, "disabled", DEGRADED),
    ],
)
def test_a_sophos_connection(cells: Cells, word: str, state: SignalState) -> None:
    readings = read("sophos-xg", table(f"{SOPHOS}.6.1.1.1.1", {2: "hub", **cells})).readings
    assert value_of(readings, Signal.CHANNEL_STATE, "hub") == word
    assert state_of(readings, Signal.CHANNEL_STATE, "hub") is state


@pytest.mark.parametrize(("own", "peer", "role", "seen"), [(3, 1, "active", "yes"), (1, 3, "standby", "yes"),
                                                           (3, 4, "active", "no"), (4, 3, "fault", "yes")])  # fmt: skip
def test_a_sophos_pair(own: int, peer: int, role: str, seen: str) -> None:
    objects: Given = {f"{SOPHOS}.4.1.0": 1, f"{SOPHOS}.4.4.0": own, f"{SOPHOS}.4.5.0": peer}
    readings = read("sophos-xg", objects).readings
    assert value_of(readings, Signal.HA_ROLE) == role
    assert value_of(readings, Signal.HA_PEER_SEEN) == seen


def test_a_sonicwall_tunnel_is_there_or_missing() -> None:
    def at(octets: int) -> Given:
        base = f"{SONIC}.1.3.2.1.1.1"
        return {
            f"{base}.2.7": value("192.0.2.5"), f"{base}.9.7": counter32(octets), f"{base}.11.7": counter32(0),
            f"{SONIC}.1.3.1.1.0": 1000, f"{SONIC}.1.3.1.2.0": 250,
            "1.3.6.1.2.1.1.1.0": "SonicWALL TZ 210 (SonicOS Enhanced 5.9.1-5o)",
        }  # fmt: skip

    readings = read("sonicwall", at(0), at(6000), expected=("192.0.2.5", "192.0.2.6")).readings
    assert value_of(readings, Signal.CHANNEL_STATE, "192.0.2.5") == "up"
    assert value_of(readings, Signal.CHANNEL_TX_BYTES, "192.0.2.5") == 100
    assert value_of(readings, Signal.CHANNEL_STATE, "192.0.2.6") == "missing"
    assert value_of(readings, Signal.PLATFORM_SESSIONS) == 25
    assert value_of(readings, Signal.INV_FIRMWARE) == "SonicOS Enhanced 5.9.1-5o"
    assert value_of(readings, Signal.INV_MODEL) == "SonicWALL TZ 210"


@pytest.mark.parametrize(
    ("monitored", "alive", "phase2", "word"),
    [(0, 0, 1, "up"), (1, 1, 1, "up"), (1, 0, 1, "down"), (0, 0, 0, "down")],
)
def test_a_screenos_tunnel(monitored: int, alive: int, phase2: int, word: str) -> None:
    rows = table(
        f"{SCREEN}.4.1.1.1",
        {4: "hub", 12: 2, 13: "192.0.2.5", 19: monitored, 20: alive, 23: phase2, 24: -1},
        {4: "traveller", 12: 1, 19: 0, 20: 0, 23: 0},
    )
    readings = read("screenos", rows).readings
    states = {item.component: item.value for item in readings if item.signal is Signal.CHANNEL_STATE}
    assert states == {"hub": word}
    assert none_of(readings, Signal.CRYPTO_SA_REMAINING)


def test_a_screenos_device_tells_who_it_is_in_its_description() -> None:
    objects: Given = {
        "1.3.6.1.2.1.1.1.0": "SSG5-Serial version 6.3.0r23.0 (SN: 0162102009000000, Firewall VPN)",
        f"{SCREEN}.6.2.2.1.3.0": 2, f"{SCREEN}.6.2.2.1.3.1": 4,
        f"{SCREEN}.16.2.1.0": 75, f"{SCREEN}.16.2.2.0": 25,
    }  # fmt: skip
    readings = read("screenos", objects).readings
    told = [
        value_of(readings, signal) for signal in (Signal.INV_MODEL, Signal.INV_FIRMWARE, Signal.INV_SERIAL)
    ]
    assert told == ["SSG5-Serial", "6.3.0r23.0", "0162102009000000"]
    assert value_of(readings, Signal.HA_ROLE) == "active"
    assert value_of(readings, Signal.PLATFORM_MEM) == 75


def test_a_hillstone_firewall() -> None:
    objects = {
        f"{STONE}.2.1.4.0": 200, f"{STONE}.2.1.5.0": 100, f"{STONE}.2.1.8.0": 4,
        **table(f"{STONE}.1.1.1.1", {2: "hub", 4: 1, 5: "192.0.2.5", 12: 1}, {2: "spare", 4: 1, 12: 2},
                {2: "traveller", 4: 3, 12: 2}),
        **table(f"{STONE}.27.1.2.1", {2: "power 1", 3: 0}, {2: "power 2", 3: 1}, {2: "power 3", 3: 3}),
        **table(f"{STONE}.26.1.2.1", {2: "fan 1", 3: 1, 4: 0, 5: 0}, {2: "fan 2", 3: 0, 4: 5200, 5: 0},
                {2: "fan 3", 3: 1, 4: 0, 5: 1}),
    }  # fmt: skip
    readings = read("hillstone", objects).readings
    states = {item.component: item.value for item in readings if item.signal is Signal.CHANNEL_STATE}
    assert states == {"hub": "up", "spare": "down"}
    supplies = {item.component: item.value for item in readings if item.signal is Signal.ENV_PSU}
    assert supplies == {"power 1": "ok", "power 3": "failed"}
    fans = {item.component: item.value for item in readings if item.signal is Signal.ENV_FAN}
    assert fans == {"fan 1": "ok", "fan 2 speed": 5200}
    assert value_of(readings, Signal.HA_ROLE) == "active"
    assert value_of(readings, Signal.PLATFORM_MEM) == 50


@pytest.mark.parametrize(("state", "word"), [(7, "up"), (2, "connecting"), (8, "down"), (12, None)])
def test_a_lancom_connection(state: int, word: Scalar) -> None:
    readings = read("lancom", table(f"{LANCOM}.1.26.17.1", {1: "HUB", 11: state})).readings
    assert value_of(readings, Signal.CHANNEL_STATE, "HUB") == word


@pytest.mark.parametrize(
    ("name", "objects", "model", "firmware"),
    [
        ("pfsense", {DESCR: "OPNsense fw.example 18.1.1-a5 OPNsense FreeBSD 11.1-RELEASE-p6 amd64"}, None, "18.1.1-a5"),
        ("pfsense", {DESCR: "pfSense 2.3.2-RELEASE pfSense FreeBSD 10.3-RELEASE-p5 amd64"}, None, "2.3.2-RELEASE"),
        ("pfsense", {DESCR: "FreeBSD OPNsense.example 13.2-RELEASE-p7 GENERIC amd64"}, None, "13.2-RELEASE-p7"),
        ("mikrotik", {DESCR: "RouterOS RB2011"}, "RB2011", None),
        ("mikrotik", {DESCR: "own", CHASSIS: "RouterOS 6.40.5 (stable) on RB952Ui"}, "RB952Ui", "6.40.5 (stable)"),
        ("huawei", {DESCR: "Huawei VRP software,Version 5.120 (AR1220 V2) Copyright"}, None, "5.120 (AR1220 V2)"),
    ],
)  # fmt: skip
def test_what_a_device_is_stands_in_its_texts(
    name: str, objects: Given, model: str | None, firmware: str | None
) -> None:
    told = {item.signal: item.value for item in read(name, objects).readings}
    assert (told.get(Signal.INV_MODEL), told.get(Signal.INV_FIRMWARE)) == (model, firmware)
