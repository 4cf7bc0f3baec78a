"""What further kinds of device say, and which of it is no alarm."""

from __future__ import annotations

import pytest
from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.match import SYS_OBJECT_ID, By, Identity, identity, recognise
from channelwatch_collector.profiles.rows import Memory
from channelwatch_collector.snmp.port import SnmpType, Value

from channelwatch.status.signals import Reading, Scalar, Signal, SignalState
from tests.unit.profiles.answers import (
    DEGRADED,
    FAILED,
    OK,
    PROFILES,
    UNKNOWN,
    Cell,
    Given,
    answer,
    moment,
    none_of,
    oid,
    quiet,
    state_of,
    table,
    value,
    value_of,
)

DESCR = "1.3.6.1.2.1.1.1.0"
NTP_MODE = "1.3.6.1.2.1.197.1.2.1.0"
FIREBRICK = "1.3.6.1.4.1.24693.100"
WATCHGUARD = "1.3.6.1.4.1.3097.6"


def read(name: str, objects: Given, *expected: str) -> tuple[Reading, ...]:
    profile = PROFILES[name]
    return decode(profile, answer(profile, objects), Memory(), moment(), expected=expected).readings


@pytest.mark.parametrize(
    ("object_id", "descr", "name"),
    [
        ("1.3.6.1.4.1.24693.1.2900", "FB2900 Somename (V1.49.037 2018-10-27T18:12:27)", "firebrick"),
        ("1.3.6.1.4.1.3097.1.5.58", "M370", "watchguard"),
        ("1.3.6.1.4.1.8072.3.2.10", "WatchGuard Fireware", "watchguard"),
        ("1.3.6.1.4.1.3854.1", "SensorProbe", "akcp"),
        ("1.3.6.1.4.1.12356.15", "", "fortigate"),
        ("1.3.6.1.4.1.2544.1.12.1.1.31", "FSP150-XG118Pro", "adva-fsp150"),
        ("1.3.6.1.4.1.2544.1.11.1.1", "Fiber Service Platform F7", "adva-fsp3000"),
        ("1.3.6.1.4.1.8072.3.2.10", "Cisco Adaptive Security Appliance Version 9.8(2)", "cisco-ipsec"),
        ("1.3.6.1.4.1.8072.3.2.10", "Palo Alto Networks PA-400 series firewall", "palo-alto"),
        ("", "Juniper Networks, Inc. srx345 internet router, kernel JUNOS 21.4R3", "juniper-srx"),
        ("", "SSG5-Serial version 6.3.0r23.0 (SN: 0000000000000000, Firewall+VPN)", "screenos"),
        ("", "Hillstone Security Appliance SG-6000-E3965", "hillstone"),
        ("", "RouterOS CCR2004", "mikrotik"),
        ("", "SonicWALL NSA 2650 (SonicOS Enhanced 6.5.4)", "sonicwall"),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux gw 6.1.0-18-amd64 x86_64", ""),
        ("1.3.6.1.4.1.9.1.2412", "Cisco Firepower Threat Defense, Version 6.3.0", "cisco-ipsec"),
    ],
)
def test_each_is_recognised_by_what_it_says_of_itself(object_id: str, descr: str, name: str) -> None:
    found = recognise(PROFILES, Identity(oid(object_id) if object_id else (), descr), None)
    assert (found.profile.name if found else "") == name


@pytest.mark.parametrize("written", ["1.3.6.1.4.1.12356.101.1.1", ".1.3.6.1.4.1.12356.101.1.1"])
def test_an_object_identifier_written_as_text_is_understood(written: str) -> None:
    device = identity({SYS_OBJECT_ID: value(written)})
    assert device.object_id == (1, 3, 6, 1, 4, 1, 12356, 101, 1, 1)
    assert identity({SYS_OBJECT_ID: value("none of that")}).object_id == ()


def test_a_cisco_without_entity_mib_is_what_its_description_says() -> None:
    descr = "Cisco FirePOWER Threat Defense, Version 6.2.3 (Build 85), ASA Version 9.7(1)19"
    plain = read("cisco-ipsec", {DESCR: descr})
    assert value_of(plain, Signal.INV_MODEL) == "Cisco FirePOWER Threat Defense"
    assert value_of(plain, Signal.INV_FIRMWARE) == "6.2.3"
    chassis = table("1.3.6.1.2.1.47.1.1.1.1", {4: 0, 5: 3, 11: "JAD1", 13: "ASA5525"})
    assert value_of(read("cisco-ipsec", {DESCR: descr, **chassis}), Signal.INV_MODEL) == "ASA5525"


def test_memory_of_a_cisco_comes_from_one_of_two_mibs() -> None:
    enhanced = table(
        "1.3.6.1.4.1.9.9.221.1.1.1.1", {3: "System memory", 18: 3, 20: 1}, {3: "MEMPOOL_DMA", 18: 9, 20: 1}
    )
    former = table("1.3.6.1.4.1.9.9.48.1.1.1", {2: "Processor", 5: 1, 6: 3})
    for objects, told in ((enhanced, {"System memory": 75}), ({**enhanced, **former}, {"Processor": 25})):
        readings = read("cisco-ipsec", objects)
        assert {item.component: item.value for item in readings if item.signal is Signal.PLATFORM_MEM} == told


def test_a_sophos_firewall_tells_memory_and_disk_itself() -> None:
    base = "1.3.6.1.4.1.2604.5.1.2"
    readings = read("sophos-xg", {f"{base}.4.2.0": 24, f"{base}.5.2.0": 58})
    assert (value_of(readings, Signal.PLATFORM_DISK), value_of(readings, Signal.PLATFORM_MEM)) == (24, 58)


def test_a_stormshield_node_that_does_not_know_its_sync_is_not_out_of_step() -> None:
    base = "1.3.6.1.4.1.11256.1.11"
    readings = read("stormshield", {f"{base}.1.0": 2, f"{base}.2.0": 0, f"{base}.8.0": -1})
    assert state_of(readings, Signal.HA_SYNC) is UNKNOWN
    assert quiet(readings)


def test_a_clock_of_any_make_is_found_by_ntp_unless_it_is_better_known() -> None:
    probed = {oid(NTP_MODE): Value(SnmpType.INTEGER, 5)}
    clock = recognise(PROFILES, Identity(oid("1.3.6.1.4.1.55555.1"), "clock"), probed)
    assert clock is not None and (clock.profile.name, clock.by) == ("ntp-clock", By.PROBE)
    host = recognise(PROFILES, Identity(oid("1.3.6.1.4.1.8072.3.2.10"), "Linux"), probed)
    assert host is not None and host.profile.name == "net-snmp"


@pytest.mark.parametrize(("mode", "word", "state"), [(5, "ntp", OK), (6, "ntp", OK), (2, "manual", DEGRADED)])
def test_where_a_clocks_time_comes_from(mode: int, word: str, state: SignalState) -> None:
    readings = read("ntp-clock", {NTP_MODE: mode})
    assert (value_of(readings, Signal.TIME_SOURCE), state_of(readings, Signal.TIME_SOURCE)) == (word, state)


def test_a_secure_flow_of_an_fsp150_is_a_channel() -> None:
    base = "1.3.6.1.4.1.2544.1.12.36.1.1.1"
    objects = {DESCR: "FSP150-XG118Pro", f"{base}.5.1.4": 1, f"{base}.5.1.5": 2, f"{base}.22.1.4": 0}
    readings = read("adva-fsp150", objects)
    assert value_of(readings, Signal.INV_MODEL) == "FSP150-XG118Pro"
    assert state_of(readings, Signal.CHANNEL_STATE, "secure flow 1.4") is OK
    assert state_of(readings, Signal.CHANNEL_STATE, "secure flow 1.5") is FAILED


def test_a_firebrick_tells_its_readings_in_units() -> None:
    rows = table(
        f"{FIREBRICK}.1.1.1",
        {2: "Temperature (milliDegC)", 3: "CPU", 4: 48250},
        {2: "Fan speed (RPM)", 3: "Fan1", 4: 4100},
        {2: "Voltage (mV)", 3: "12V-A", 4: 12080},
    )
    objects = {
        DESCR: "FB2900 Somename (V1.49.037 2018-10-27T18:12:27)",
        f"{FIREBRICK}.2.1.1.2.1.0": 9000,
        f"{FIREBRICK}.2.1.1.2.5.0": 1250,
        f"{FIREBRICK}.4.1.1.0": 1000,
        f"{FIREBRICK}.4.1.2.0": 250,
        **rows,
    }
    readings = read("firebrick", objects)
    assert value_of(readings, Signal.INV_MODEL) == "FB2900"
    assert value_of(readings, Signal.INV_FIRMWARE) == "V1.49.037"
    assert value_of(readings, Signal.ENV_TEMP, "CPU") == 48.25
    assert value_of(readings, Signal.ENV_FAN, "Fan1") == 4100
    assert value_of(readings, Signal.ENV_VOLTAGE, "12V-A") == 12.08
    assert value_of(readings, Signal.PLATFORM_CPU, "cpu 0") == 12.5
    assert value_of(readings, Signal.PLATFORM_MEM) == 75
    assert quiet(readings)


def test_a_firebrick_connection_is_up_once_it_has_an_up_time() -> None:
    rows = table(
        f"{FIREBRICK}.500.2.1", {2: "north", 4: 4200, 7: "192.0.2.7"}, {2: "south", 4: 0, 7: "192.0.2.8"}
    )
    readings = read("firebrick", rows)
    assert state_of(readings, Signal.CHANNEL_STATE, "north") is OK
    assert state_of(readings, Signal.CHANNEL_STATE, "south") is UNKNOWN
    assert value_of(readings, Signal.CHANNEL_AGE, "north") == 42
    assert none_of(tuple(item for item in readings if item.component == "south"), Signal.CHANNEL_AGE)
    assert state_of(read("firebrick", rows, "192.0.2.8"), Signal.CHANNEL_STATE, "south") is FAILED


def test_a_watchguard_tunnel_is_its_peer_and_no_row_is_missing() -> None:
    base = f"{WATCHGUARD}.5.1.2.1"
    peer = Value(SnmpType.IP_ADDRESS, bytes((192, 0, 2, 7)))
    readings = read("watchguard", {f"{base}.3.4": peer, f"{base}.3.9": peer}, "192.0.2.7", "192.0.2.8")
    assert state_of(readings, Signal.CHANNEL_STATE, "192.0.2.7") is OK
    assert value_of(readings, Signal.CHANNEL_STATE, "192.0.2.8") == "missing"


@pytest.mark.parametrize(
    ("status", "role", "sync"),
    [(0, "standalone", None), (2, "active", "in_sync"), (8, "standby", "in_sync"), (9, "fault", "in_sync")],
)
def test_a_watchguard_member(status: int, role: str, sync: Scalar) -> None:
    objects: dict[str, Cell] = {
        f"{WATCHGUARD}.6.1.1.0": status,
        f"{WATCHGUARD}.6.1.2.0": 0 if status == 0 else 2,
        f"{WATCHGUARD}.6.1.4.0": 0,
        f"{WATCHGUARD}.3.77.0": 234,
    }
    readings = read("watchguard", objects)
    assert value_of(readings, Signal.HA_ROLE) == role
    assert value_of(readings, Signal.PLATFORM_CPU) == pytest.approx(2.34)
    if sync is None:
        assert none_of(readings, Signal.HA_SYNC, Signal.HA_LINK, Signal.HA_PEER_SEEN)
        assert quiet(readings)
    else:
        assert value_of(readings, Signal.HA_SYNC) == sync
        assert value_of(readings, Signal.HA_PEER_SEEN) == "yes"


@pytest.mark.parametrize(
    ("error", "signal"), [(3, Signal.HA_SYNC), (14, Signal.HA_SYNC), (7, Signal.HA_LINK), (8, Signal.HA_LINK)]
)
def test_a_watchguard_error_is_told_as_what_it_concerns(error: int, signal: Signal) -> None:
    objects = {f"{WATCHGUARD}.6.1.1.0": 2, f"{WATCHGUARD}.6.1.2.0": 2, f"{WATCHGUARD}.6.1.4.0": error}
    bad = [item.signal for item in read("watchguard", objects) if item.state is DEGRADED]
    assert bad == [signal]


def test_an_akcp_probe_leaves_out_places_with_nothing_in_them() -> None:
    base = "1.3.6.1.4.1.3854.1.2.2.1.16.1"
    rows = table(
        base,
        {1: "rack", 3: 25, 4: 2, 5: 1, 12: 1},
        {1: "door", 3: 95, 4: 4, 5: 1, 12: 0},
        {1: "empty", 3: 0, 4: 1, 5: 2, 12: 1},
        {1: "broken", 3: 0, 4: 7, 5: 1, 12: 1},
    )
    readings = read("akcp", rows)
    assert (value_of(readings, Signal.ENV_TEMP, "rack"), state_of(readings, Signal.ENV_TEMP, "rack")) == (
        25,
        OK,
    )
    assert (value_of(readings, Signal.ENV_TEMP, "door"), state_of(readings, Signal.ENV_TEMP, "door")) == (
        35,
        FAILED,
    )
    assert len([item for item in readings if item.signal is Signal.ENV_TEMP]) == 2


def test_sensors_of_a_linux_host_that_measure_nothing_are_absent() -> None:
    temperatures = table(
        "1.3.6.1.4.1.2021.13.16.2.1", {2: "Core 0", 3: 41000}, {2: "AUXTIN", 3: 0}, {2: "odd", 3: 255000}
    )
    fans = table("1.3.6.1.4.1.2021.13.16.3.1", {2: "fan1", 3: 1200}, {2: "fan2", 3: 0})
    readings = read("net-snmp", {**temperatures, **fans})
    told = {(item.signal, item.component): item.value for item in readings if item.component}
    assert told == {(Signal.ENV_TEMP, "Core 0"): 41, (Signal.ENV_FAN, "fan1"): 1200}


def test_places_without_a_sensor_are_absent_and_not_zero() -> None:
    names = table("1.3.6.1.2.1.47.1.1.1.1", {7: "inlet"}, {7: "empty slot"})
    sensors = table("1.3.6.1.2.1.99.1.1.1", {1: 8, 2: 9, 3: 0, 4: 31, 5: 1}, {1: 8, 2: 9, 3: 0, 4: 0, 5: 1})
    told = [
        item.component for item in read("palo-alto", {**names, **sensors}) if item.signal is Signal.ENV_TEMP
    ]
    assert told == ["inlet"]
    rows = table(
        "1.3.6.1.4.1.12356.101.4.3.2.1",
        {2: "CPU Temperature", 3: "48.5", 4: 0},
        {2: "Temp of a part that is not there", 3: "0", 4: 0},
        {2: "Temp of a broken sensor", 3: "0", 4: 1},
    )
    states = {item.component: item.state for item in read("fortigate", rows)}
    assert states == {"CPU Temperature": OK, "Temp of a broken sensor": FAILED}


def test_a_partition_that_is_kept_full_of_logs_is_no_full_disk() -> None:
    disk, memory = (Value(SnmpType.OBJECT_IDENTIFIER, oid(f"1.3.6.1.2.1.25.2.1.{kind}")) for kind in (4, 2))
    rows = table(
        "1.3.6.1.2.1.25.2.3.1",
        {2: disk, 3: "Slot-1 Management Log Partition", 5: 100, 6: 99},
        {2: disk, 3: "Slot-1 Management Root Partition", 5: 100, 6: 60},
        {2: memory, 3: "Slot-1 Management Memory", 5: 100, 6: 48},
    )
    readings = read("palo-alto", {**rows, "1.3.6.1.4.1.25461.2.1.2.3.1.0": 7})
    disks = [item.component for item in readings if item.signal is Signal.PLATFORM_DISK]
    assert disks == ["Slot-1 Management Root Partition"]
    assert value_of(readings, Signal.PLATFORM_MEM, "Slot-1 Management Memory") == 48
    assert value_of(readings, Signal.PLATFORM_SESSIONS) == 7


def test_hillstone_and_adva_tell_what_they_are_in_their_texts() -> None:
    software = "Version 5.5 SG6000-M-2-5.5R3P7.bin 2017/11/08 15:33:42"
    objects = {DESCR: "Hillstone Security Appliance SG-6000-E3965", "1.3.6.1.4.1.28557.2.2.1.2.0": software}
    hillstone = read("hillstone", objects)
    assert value_of(hillstone, Signal.INV_MODEL) == "SG-6000-E3965"
    assert value_of(hillstone, Signal.INV_FIRMWARE) == "5.5 SG6000-M-2-5.5R3P7.bin"
    adva = read(
        "adva-fsp3000", {DESCR: "Fiber Service Platform F7", "1.3.6.1.4.1.2544.2.5.5.1.1.6.33": "FA01"}
    )
    assert value_of(adva, Signal.INV_MODEL) == "Fiber Service Platform F7"
    assert value_of(adva, Signal.INV_SERIAL) == "FA01"


@pytest.mark.parametrize(("word", "told"), [("Up", "ok"), ("Down", "failed"), ("Dummy", None)])
def test_a_check_point_supply_of_a_virtual_machine_is_none(word: str, told: Scalar) -> None:
    readings = read("check-point", {"1.3.6.1.4.1.2620.1.6.7.9.1.1.2.1.0": word})
    supplies = [item.value for item in readings if item.signal is Signal.ENV_PSU]
    assert supplies == ([told] if told else [])


@pytest.mark.parametrize(
    ("index", "peer"),
    [
        ("1.4.192.0.2.7.1", "192.0.2.7"),
        ("2.16.32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.7.1", "2001:db8::7"),
    ],
)
def test_a_juniper_peer_may_have_an_ipv6_address(index: str, peer: str) -> None:
    readings = read("juniper-srx", {f"1.3.6.1.4.1.2636.3.52.1.1.2.1.6.{index}": 1}, peer)
    assert state_of(readings, Signal.CHANNEL_STATE, peer) is OK
    assert quiet(readings)
