"""Link encryptors, HSMs, clocks, sensors, memory and ports of further vendors."""

from __future__ import annotations

from channelwatch_collector.profiles.traps import decode_trap

from channelwatch.status.events import EventKind
from channelwatch.status.signals import Signal
from tests.unit.profiles.answers import (
    DEGRADED,
    FAILED,
    OK,
    PROFILES,
    Cell,
    Cells,
    Given,
    counter32,
    counter64,
    moment,
    none_of,
    oid,
    quiet,
    state_of,
    table,
    value_of,
)
from tests.unit.profiles.test_vendors import CISCO, FORTI, JUNIPER, forti_member, read

TIK = "1.3.6.1.4.1.14988.1.1"
SCREEN = "1.3.6.1.4.1.3224"
CIENA = "1.3.6.1.4.1.1271.3.5.4.5.1"
LIGHT = "1.3.6.1.4.1.4515.1.3.24.4.1.1"
PRIME = "1.3.6.1.4.1.22408.1.1.2"
CLOCK = "1.3.6.1.4.1.5597.30.0"


# Link encryptors and HSMs ---------------------------------------------------------------------------------------


def test_a_waveserver_tells_of_encryption_only_what_goes_wrong() -> None:
    def alarms(*active: int) -> Given:
        texts = ["Cryptographic Algorithm Self-Test Failure", "Encryption Authentication Failure",
                 "Certificate Expired", "Power Supply Feed Failed", "Rx Power Low"]  # fmt: skip
        rows: list[Cells] = [{4: active[row], 9: text} for row, text in enumerate(texts)]
        return table(CIENA, *rows)

    calm = read("ciena-waveserver", alarms(2, 2, 2, 2, 1)).readings
    assert quiet(calm) and none_of(calm, Signal.CHANNEL_STATE, Signal.CERT_EXPIRES_IN)
    assert value_of(calm, Signal.CRYPTO_SELFTEST) == "pass"
    loud = read("ciena-waveserver", alarms(1, 1, 1, 1, 2)).readings
    assert value_of(loud, Signal.CRYPTO_SELFTEST) == "fail"
    assert value_of(loud, Signal.CHANNEL_STATE, "encryption") == "down"
    assert state_of(loud, Signal.CERT_EXPIRES_IN, "device") is FAILED
    assert state_of(loud, Signal.ENV_PSU, "power feed") is FAILED


def test_a_packetlight_port_is_encrypted_plain_or_unused() -> None:
    rows = table(LIGHT, {2: 1, 3: 4}, {2: 1, 3: 1}, {2: 2, 3: 1}, {2: 2, 3: 1})
    names = {f"1.3.6.1.2.1.31.1.1.1.1.{row}": f"port {row}" for row in range(1, 5)}
    oper = {f"1.3.6.1.2.1.2.2.1.8.{row}": state for row, state in enumerate((1, 1, 1, 2), 1)}
    readings = read("packetlight", {**rows, **names, **oper}).readings
    modes = {item.component: item.value for item in readings if item.signal is Signal.CRYPTO_MODE}
    assert modes == {"port 1": "encrypting", "port 3": "off"}
    channels = {item.component: item.value for item in readings if item.signal is Signal.CHANNEL_STATE}
    assert channels == {"port 1": "up", "port 2": "down"}


def test_the_pre_shared_secret_of_a_packetlight_is_never_asked_for() -> None:
    secret = oid(f"{LIGHT}.5")
    plan = PROFILES["packetlight"].plan
    assert all(column[: len(secret)] != secret for column in (*plan.columns, *plan.scalars))
    assert secret in PROFILES["packetlight"].never_read


def test_an_hsm_whose_numbers_are_texts() -> None:
    hsm = f"{PRIME}.2.4.104.115.109"
    objects: Given = {
        f"{hsm}.51.1": "0", f"{hsm}.52.1": "3.101 V", f"{hsm}.53.1": "1", f"{hsm}.54.1": "CS620109",
        f"{hsm}.56.1": "0", f"{PRIME}.1.3.99.112.117.1": "34", f"{PRIME}.1.4.102.97.110.53.1": "0",
        f"{PRIME}.1.8.99.108.117.115.116.101.114.50.1": "3", f"{PRIME}.1.8.99.108.117.115.116.101.114.51.1": "2",
    }  # fmt: skip
    readings = read("primekey", objects).readings
    assert value_of(readings, Signal.HSM_STATE) == "ok"
    assert value_of(readings, Signal.HSM_BATTERY) == 3.101
    assert state_of(readings, Signal.HSM_STATE, "battery") is FAILED
    assert value_of(readings, Signal.INV_SERIAL) == "CS620109"
    assert value_of(readings, Signal.ENV_TEMP, "cpu") == 34
    assert value_of(readings, Signal.HA_PEER_SEEN) == "no"


# Clocks, sensors, boards ----------------------------------------------------------------------------------------


def test_a_time_server_that_lost_its_antenna_is_on_its_own() -> None:
    objects = {
        f"{CLOCK}.2.1.0": 1,
        **table(f"{CLOCK}.1.2.1", {3: 3, 4: 2}, {3: 0, 4: 0}),
        **table(f"{CLOCK}.5.0.2.1", {2: 2}, {2: 1}, {2: 0}),
        **table(f"{CLOCK}.5.1.2.1", {3: 1}, {3: 2}, {3: 0}),
    }
    readings = read("meinberg-lantime", objects).readings
    assert state_of(readings, Signal.TIME_SOURCE) is DEGRADED
    assert value_of(readings, Signal.TIME_SOURCE, "reference clock 1") == "manual"
    assert state_of(readings, Signal.TIME_SOURCE, "reference clock 2") is None
    supplies = {item.component: item.value for item in readings if item.signal is Signal.ENV_PSU}
    assert supplies == {"psu 1": "ok", "psu 2": "failed"}
    fans = {item.component: item.value for item in readings if item.signal is Signal.ENV_FAN}
    assert fans == {"fan 1": "ok", "fan 2": "failed"}


def test_a_mikrotiks_health_in_its_old_and_its_new_form() -> None:
    old: Given = {
        f"{TIK}.3.8.0": 242,
        f"{TIK}.3.10.0": 0,
        f"{TIK}.3.11.0": 415,
        f"{TIK}.3.15.0": 1,
        f"{TIK}.3.16.0": 0,
    }
    readings = read("mikrotik", old).readings
    assert value_of(readings, Signal.ENV_VOLTAGE) == 24.2
    assert value_of(readings, Signal.ENV_TEMP, "cpu") == 41.5
    assert state_of(readings, Signal.ENV_TEMP, "board") is None
    assert state_of(readings, Signal.ENV_PSU, "psu 2") is FAILED
    new = table(f"{TIK}.3.100.1", {2: "cpu-temperature", 3: 41, 4: 1}, {2: "psu1-state", 3: 0, 4: 6},
                {2: "psu2-state", 3: 1, 4: 6}, {2: "voltage", 3: 242, 4: 3})  # fmt: skip
    readings = read("mikrotik", new).readings
    assert value_of(readings, Signal.ENV_TEMP, "cpu-temperature") == 41
    assert value_of(readings, Signal.ENV_VOLTAGE, "voltage") == 24.2
    assert state_of(readings, Signal.ENV_PSU, "psu1-state") is OK
    assert state_of(readings, Signal.ENV_PSU, "psu2-state") is FAILED


def test_the_sensors_of_an_openbsd_host_are_texts() -> None:
    rows = table(
        "1.3.6.1.4.1.30155.2.1.2.1",
        {2: "temp0", 3: 0, 4: "cpu0", 5: "48.00"},
        {2: "fan0", 3: 1, 4: "it0", 5: "2100"},
        {2: "drive", 3: 13, 4: "sd0", 5: "online"},
    )
    readings = read("openbsd", rows).readings
    assert value_of(readings, Signal.ENV_TEMP, "cpu0 temp0") == 48
    assert value_of(readings, Signal.ENV_FAN, "it0 fan0") == 2100
    assert quiet(readings)


def test_a_huawei_board_and_its_associations() -> None:
    boards = table("1.3.6.1.4.1.2011.5.25.31.1.1.1.1", {5: 12, 7: 40, 11: 35}, {5: 0, 7: 0, 11: 2147483647})
    names = {"1.3.6.1.2.1.47.1.1.1.1.7.1": "MPU", "1.3.6.1.2.1.47.1.1.1.1.7.2": "slot 2"}
    readings = read("huawei", {**boards, **names}).readings
    assert {(item.signal, item.component) for item in readings} == {
        (Signal.PLATFORM_CPU, "MPU"), (Signal.PLATFORM_MEM, "MPU"), (Signal.ENV_TEMP, "MPU"),
    }  # fmt: skip
    meant = decode_trap(PROFILES["huawei"], oid("1.3.6.1.4.1.2011.6.122.26.6.2"), [], moment())
    assert meant.kind is EventKind.TUNNEL_DOWN


def test_an_environment_monitor_of_a_cisco_router() -> None:
    objects = {
        **table(f"{CISCO}.13.1.4.1", {2: "fan 1", 3: 1}, {2: "fan 2", 3: 6}, {2: "fan 3", 3: 5}),
        **table(f"{CISCO}.13.1.5.1", {2: "PSU 1", 3: 1}, {2: "PSU 2", 3: 5}),
        **table(f"{CISCO}.13.1.3.1", {2: "inlet", 3: 31, 6: 1}, {2: "cpu", 3: 81, 6: 3}),
        **table(f"{CISCO}.48.1.1.1", {2: "Processor", 5: 30, 6: 70}, {2: "I/O", 5: 95, 6: 5}),
        "1.3.6.1.2.1.1.1.0": "Cisco IOS Software, C2900 Software, Version 15.7(3)M8, RELEASE SOFTWARE (fc1)",
    }
    readings = read("cisco-ipsec", objects).readings
    bad = {(item.signal, item.component) for item in readings if item.state is FAILED}
    assert bad == {(Signal.ENV_FAN, "fan 2"), (Signal.ENV_TEMP, "cpu")}
    assert value_of(readings, Signal.PLATFORM_MEM, "Processor") == 30
    assert state_of(readings, Signal.PLATFORM_MEM, "I/O") is None
    assert value_of(readings, Signal.INV_FIRMWARE) == "15.7(3)M8"


def test_a_fortigate_cluster_without_serial_numbers_is_in_step_if_all_are() -> None:
    def cluster(*syncs: int) -> Given:
        rows: dict[str, Cell] = {f"{FORTI}.13.1.1.0": 3}
        for row, sync in enumerate(syncs, 1):
            cells = forti_member(row, "", "", sync)
            nameless = (f"{FORTI}.13.2.1.1.2.", f"{FORTI}.13.2.1.1.16.")
            rows |= {key: cell for key, cell in cells.items() if not key.startswith(nameless)}
        return rows

    assert value_of(read("fortigate", cluster(1, 1)).readings, Signal.HA_SYNC) == "in_sync"
    assert value_of(read("fortigate", cluster(1, 0)).readings, Signal.HA_SYNC) == "out_of_sync"


def test_fortigate_sensors_go_by_their_names() -> None:
    names = ["DTS CPU0", "+3.3V", "PS1 Fan 1", "PS2 Status", "ADT7490 VCCP", "CPU VTT Temp"]
    rows: list[Cells] = [{2: name, 3: "1.5", 4: 0} for name in names]
    readings = read("fortigate", table(f"{FORTI}.4.3.2.1", *rows)).readings
    assert {(item.signal, item.component) for item in readings} == {
        (Signal.ENV_TEMP, "DTS CPU0"), (Signal.ENV_VOLTAGE, "+3.3V"), (Signal.ENV_FAN, "PS1 Fan 1"),
        (Signal.ENV_PSU, "PS2 Status"), (Signal.ENV_VOLTAGE, "ADT7490 VCCP"), (Signal.ENV_TEMP, "CPU VTT Temp"),
    }  # fmt: skip


def test_an_srx_that_offers_ike_is_not_told_by_its_interfaces_too() -> None:
    interface: Given = {"31.1.1.1.1": "st0.0", "2.2.1.7": 1, "2.2.1.8": 2}
    objects: Given = {f"1.3.6.1.2.1.{column}.505": cell for column, cell in interface.items()}
    alone = read("juniper-srx", objects).readings
    assert value_of(alone, Signal.CHANNEL_STATE, "st0.0") == "down"
    both = read("juniper-srx", {**objects, f"{JUNIPER}.52.1.1.2.1.6.1.4.192.0.2.9.77": 1}).readings
    states = {item.component: item.value for item in both if item.signal is Signal.CHANNEL_STATE}
    assert states == {"192.0.2.9": "up"}


def test_memory_of_an_agent_without_its_own_objects_leaves_the_cache_out() -> None:
    base = "1.3.6.1.2.1.25.2.3.1"
    ram, other = "1.3.6.1.2.1.25.2.1.2", "1.3.6.1.2.1.25.2.1.1"
    objects: Given = {}
    for row, (kind, descr, size, used) in {
        1: (ram, "Physical memory", 1000, 990), 6: (other, "Memory buffers", 1000, 100),
        7: (other, "Cached memory", 500, 500), 31: (ram, "UMA: 64", 10, 10),
    }.items():  # fmt: skip
        cells: Cells = {2: kind, 3: descr, 5: size, 6: used}
        objects = {**objects, **{f"{base}.{column}.{row}": cell for column, cell in cells.items()}}
    readings = read("lancom", objects).readings
    (memory,) = [item for item in readings if item.signal is Signal.PLATFORM_MEM]
    assert (memory.component, memory.value, memory.state) == ("Physical memory", 39.0, OK)
    ucd: Given = {**objects, "1.3.6.1.4.1.2021.4.5.0": 1000, "1.3.6.1.4.1.2021.4.6.0": 600}
    (memory,) = [item for item in read("net-snmp", ucd).readings if item.signal is Signal.PLATFORM_MEM]
    assert (memory.component, memory.value) == ("", 40.0)


def test_ports_that_are_up_are_shown_and_unused_ones_are_not() -> None:
    base, names = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1.1"
    objects: Given = {}
    for row, (kind, oper) in enumerate([(6, 1), (6, 2), (24, 1), (131, 1)], 1):
        cells: Given = {
            f"{base}.3.{row}": kind,
            f"{base}.7.{row}": 1,
            f"{base}.8.{row}": oper,
            f"{names}.{row}": f"port{row}",
        }
        objects = {**objects, **cells}
    readings = read("generic", objects).readings
    assert {item.component: item.value for item in readings if item.signal is Signal.IF_OPER} == {
        "port1": "up"
    }


def test_counters_of_a_screenos_tunnel_need_no_64_bits() -> None:
    def at(octets: int) -> Given:
        return {
            **table(f"{SCREEN}.4.1.1.1", {4: "hub", 12: 2, 19: 0, 20: 0, 23: 1, 24: 3600}),
            f"{SCREEN}.4.1.1.1.35.1": counter32(octets), f"{SCREEN}.4.1.1.1.36.1": counter64(0),
        }  # fmt: skip

    readings = read("screenos", at(4_294_967_000), at(704)).readings
    assert value_of(readings, Signal.CHANNEL_RX_BYTES, "hub") == 16.667
    assert value_of(readings, Signal.CRYPTO_SA_REMAINING, "hub") == 3600
