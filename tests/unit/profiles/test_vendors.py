"""What vendors' profiles make of what their devices say, where no recording shows it."""

from __future__ import annotations

import pytest
from channelwatch_collector.profiles.decode import Decoded, decode
from channelwatch_collector.profiles.rows import Memory

from channelwatch.base.clock import EpochMs
from channelwatch.status.continuity import witness
from channelwatch.status.signals import Reading, Scalar, Signal, SignalState
from channelwatch.status.states import Health
from tests.unit.profiles.answers import (
    PROFILES,
    Given,
    answer,
    counter64,
    moment,
    none_of,
    state_of,
    ticks,
    value_of,
)

CISCO = "1.3.6.1.4.1.9.9"
FORTI = "1.3.6.1.4.1.12356.101"
JUNIPER = "1.3.6.1.4.1.2636.3"
POINT = "1.3.6.1.4.1.2620"
NOV_2027 = bytes((0x07, 0xEB, 11, 22, 2, 0, 0, 0)) + b"+\x00\x00"


def read(name: str, *answers: Given, expected: tuple[str, ...] = ()) -> Decoded:
    """The last of several answers, a minute apart."""
    profile, memory = PROFILES[name], Memory()
    for number, objects in enumerate(answers):
        decoded = decode(profile, answer(profile, objects), memory, moment(60 * number), expected=expected)
        memory = decoded.memory
    return decoded


def cisco_row(number: int, octets: int, status: int = 1) -> Given:
    base = f"{CISCO}.171.1.3.2.1"
    return {
        f"{base}.5.{number}": bytes((192, 0, 2, 7)),
        f"{base}.27.{number}": counter64(octets),
        f"{base}.51.{number}": status,
    }


def test_a_cisco_tunnel_is_its_peer_through_a_rekey() -> None:
    before = {**cisco_row(11, 1000), **cisco_row(12, 0)}
    after = {**cisco_row(12, 6000), **cisco_row(13, 0)}
    decoded = read("cisco-ipsec", before, after, expected=("192.0.2.7", "192.0.2.8"))
    assert value_of(decoded.readings, Signal.CHANNEL_STATE, "192.0.2.7") == "up"
    assert value_of(decoded.readings, Signal.CHANNEL_RX_BYTES, "192.0.2.7") == 100
    assert value_of(decoded.readings, Signal.CHANNEL_STATE, "192.0.2.8") == "missing"
    assert state_of(decoded.readings, Signal.CHANNEL_UP_COUNT) is SignalState.DEGRADED


def cisco_age(number: int, seconds: int) -> Given:
    return {f"{CISCO}.171.1.3.2.1.10.{number}": 100 * seconds}


def test_a_cisco_tunnel_is_as_old_as_the_oldest_row_that_is_up() -> None:
    rows = {**cisco_row(1, 0, status=2), **cisco_row(2, 0), **cisco_row(3, 0)}
    ages = {**cisco_age(1, 9000), **cisco_age(2, 500), **cisco_age(3, 40)}
    readings = read("cisco-ipsec", {**rows, **ages}).readings
    assert value_of(readings, Signal.CHANNEL_AGE, "192.0.2.7") == 500
    told = {item.key: item for item in readings}
    told[Signal.SYS_UPTIME, ""] = Reading(Signal.SYS_UPTIME, SignalState.OK, 10_000, source="poll")
    assert witness(told, at=EpochMs(0), health=Health.UP).age_ms == 500_000


def test_a_cisco_tunnel_that_does_not_say_how_old_it_is_has_no_age() -> None:
    assert none_of(read("cisco-ipsec", cisco_row(2, 0)).readings, Signal.CHANNEL_AGE)


def test_two_juniper_associations_are_not_as_old_as_both_together() -> None:
    base = f"{JUNIPER}.52.1.1.2.1"
    objects: Given = {}
    for number, state, seconds in ((1, 1, 300), (2, 1, 20), (3, 2, 5000)):
        objects |= {
            f"{base}.6.1.4.192.0.2.9.{number}": state,
            f"{base}.21.1.4.192.0.2.9.{number}": 100 * seconds,
        }
    readings = read("juniper-srx", objects).readings
    assert value_of(readings, Signal.CRYPTO_SA_AGE, "192.0.2.9") == 300


def test_a_cisco_tunnel_being_torn_down_beside_its_successor_is_up() -> None:
    decoded = read("cisco-ipsec", {**cisco_row(1, 0, status=2), **cisco_row(2, 0)})
    assert value_of(decoded.readings, Signal.CHANNEL_STATE, "192.0.2.7") == "up"


@pytest.mark.parametrize(
    ("own", "peer", "role", "seen"),
    [(9, 10, "active", "yes"), (10, 9, "standby", "yes"), (9, 4, "active", "no")],
)
def test_a_cisco_failover_unit_tells_its_role(own: int, peer: int, role: str, seen: str) -> None:
    base = f"{CISCO}.147.1.2.1.1.1"
    objects: Given = {
        f"{base}.2.4": "Failover LAN Interface",
        f"{base}.2.6": "Primary unit (this device)",
        f"{base}.2.7": "Secondary unit",
        f"{base}.3.4": 2,
        f"{base}.3.6": own,
        f"{base}.3.7": peer,
    }
    readings = read("cisco-ipsec", objects).readings
    assert value_of(readings, Signal.HA_ROLE) == role
    assert value_of(readings, Signal.HA_PEER_SEEN) == seen
    assert value_of(readings, Signal.HA_LINK) == "up"


def test_a_cisco_certificate_counts_its_days() -> None:
    base = f"{CISCO}.505.1.1.2.1"
    readings = read(
        "cisco-ipsec", {f"{base}.5.3.97.98.99": "cn=gw", f"{base}.8.3.97.98.99": NOV_2027}
    ).readings
    assert value_of(readings, Signal.CERT_EXPIRES_IN, "cn=gw") == 365


def forti_member(row: int, serial: str, primary: str, sync: int) -> Given:
    base = f"{FORTI}.13.2.1.1"
    return {
        f"{base}.1.{row}": row,
        f"{base}.2.{row}": serial,
        f"{base}.12.{row}": sync,
        f"{base}.16.{row}": primary,
    }


@pytest.mark.parametrize(("own", "role"), [("FG-A", "active"), ("FG-B", "standby")])
def test_a_fortigate_member_finds_its_own_row(own: str, role: str) -> None:
    objects: Given = {
        "1.3.6.1.4.1.12356.100.1.1.1.0": own,
        f"{FORTI}.13.1.1.0": 3,
        **forti_member(1, "FG-A", "FG-A", 1),
        **forti_member(2, "FG-B", "FG-A", 0),
    }
    readings = read("fortigate", objects).readings
    assert value_of(readings, Signal.HA_ROLE) == role
    assert value_of(readings, Signal.HA_PEER_SEEN) == "yes"
    assert value_of(readings, Signal.HA_SYNC) == ("in_sync" if own == "FG-A" else "out_of_sync")


def test_a_fortigate_alone_has_no_peer_to_miss() -> None:
    readings = read("fortigate", {f"{FORTI}.13.1.1.0": 1}).readings
    assert value_of(readings, Signal.HA_ROLE) == "standalone"
    assert state_of(readings, Signal.HA_PEER_SEEN) is None


@pytest.mark.parametrize("suffix", ["1", "1.1"], ids=["older index", "newer index"])
def test_fortigate_tunnels_keep_their_name_whatever_the_index(suffix: str) -> None:
    base = f"{FORTI}.12.2.2.1"
    objects: Given = {f"{base}.2.{suffix}": "hub", f"{base}.3.{suffix}": "hub-lan", f"{base}.20.{suffix}": 1}
    assert value_of(read("fortigate", objects).readings, Signal.CHANNEL_STATE, "hub/hub-lan") == "down"


def test_a_juniper_tunnel_is_read_from_its_index() -> None:
    base = f"{JUNIPER}.52.1.1.2.1"
    objects: Given = {f"{base}.6.1.4.192.0.2.9.77": 1, f"{base}.21.1.4.192.0.2.9.77": ticks(3000)}
    readings = read("juniper-srx", objects).readings
    assert value_of(readings, Signal.CHANNEL_STATE, "192.0.2.9") == "up"
    assert value_of(readings, Signal.CRYPTO_SA_AGE, "192.0.2.9") == 30


@pytest.mark.parametrize(
    ("state", "kind", "word", "expected"),
    [
        (3, 1, "up", SignalState.OK),
        (129, 1, "connecting", SignalState.OK),
        (129, 2, "down", SignalState.FAILED),
        (131, 1, "down", SignalState.FAILED),
        (132, 1, "connecting", SignalState.DEGRADED),
        (250, 1, None, SignalState.UNKNOWN),
    ],
)
def test_an_idle_check_point_tunnel_is_a_fault_only_if_permanent(
    state: int, kind: int, word: Scalar, expected: SignalState
) -> None:
    base = f"{POINT}.500.9002.1"
    objects: Given = {
        f"{base}.2.192.0.2.5.0": "peer",
        f"{base}.3.192.0.2.5.0": state,
        f"{base}.11.192.0.2.5.0": kind,
    }
    readings = read("check-point", objects).readings
    assert value_of(readings, Signal.CHANNEL_STATE, "peer") == word
    assert state_of(readings, Signal.CHANNEL_STATE, "peer") is expected


@pytest.mark.parametrize(
    ("state", "role"), [(0, "init"), (1, "standby"), (2, "active"), (3, "fault"), (5, "fault")]
)
def test_keepaliveds_numbers_are_not_those_of_vrrp(state: int, role: str) -> None:
    base = "1.3.6.1.4.1.9586.100.5.2.3.1"
    objects: Given = {f"{base}.2.1": "gateway", f"{base}.4.1": state}
    assert value_of(read("linux-gateway", objects).readings, Signal.HA_ROLE) == role


def test_several_groups_are_told_apart() -> None:
    base = "1.3.6.1.4.1.30155.6.2.2.1"
    objects: Given = {
        f"{base}.2.1": "igb0", f"{base}.3.1": 1, f"{base}.7.1": 2,
        f"{base}.2.2": "igb1", f"{base}.3.2": 2, f"{base}.7.2": 1,
    }  # fmt: skip
    readings = read("pfsense", objects).readings
    assert value_of(readings, Signal.HA_ROLE, "igb0 vhid 1") == "active"
    assert value_of(readings, Signal.HA_ROLE, "igb1 vhid 2") == "standby"


@pytest.mark.parametrize(
    ("source", "minutes", "word", "state"),
    [(3, 2, "mains", SignalState.OK), (5, 45, "battery", SignalState.OK), (5, 8, "battery", SignalState.DEGRADED),
     (5, 2, "battery", SignalState.FAILED)],
)  # fmt: skip
def test_a_batterys_runtime_counts_only_while_it_is_used(
    source: int, minutes: int, word: str, state: SignalState
) -> None:
    base = "1.3.6.1.2.1.33.1"
    objects: Given = {
        f"{base}.2.1.0": 2,
        f"{base}.2.3.0": minutes,
        f"{base}.4.1.0": source,
        f"{base}.4.4.1.5.1": 30,
    }
    readings = read("ups-mib", objects).readings
    assert value_of(readings, Signal.POWER_SOURCE) == word
    assert state_of(readings, Signal.POWER_RUNTIME_MIN) is state
    assert value_of(readings, Signal.POWER_LOAD) == 30


def test_entity_sensors_are_scaled_by_their_own_columns() -> None:
    base, names = "1.3.6.1.2.1.99.1.1.1", "1.3.6.1.2.1.47.1.1.1.1.7"
    objects: Given = {}
    for row, (kind, scale, precision, reading, status) in enumerate(
        [(8, 9, 1, 415, 1), (4, 8, 0, 12050, 1), (9, 9, 0, 40, 1), (8, 9, 0, 99, 3)], 1
    ):
        cells = {1: kind, 2: scale, 3: precision, 4: reading, 5: status}
        objects = {**objects, **{f"{base}.{column}.{row}": cell for column, cell in cells.items()}}
        objects = {**objects, f"{names}.{row}": f"sensor {row}"}
    readings = read("cisco-ipsec", objects).readings
    assert value_of(readings, Signal.ENV_TEMP, "sensor 1") == 41.5
    assert value_of(readings, Signal.ENV_VOLTAGE, "sensor 2") == 12.05
    assert value_of(readings, Signal.ENV_HUMIDITY, "sensor 3") == 40
    assert state_of(readings, Signal.ENV_TEMP, "sensor 4") is None


def test_only_marked_interfaces_that_are_switched_on_are_watched() -> None:
    objects: Given = {}
    for row, (alias, admin, oper) in enumerate(
        [("uplink [monitor]", 1, 2), ("spare", 1, 2), ("[monitor]", 2, 2)], 1
    ):
        cells = {f"1.3.6.1.2.1.2.2.1.7.{row}": admin, f"1.3.6.1.2.1.2.2.1.8.{row}": oper}
        names = {f"1.3.6.1.2.1.31.1.1.1.1.{row}": f"eth{row}", f"1.3.6.1.2.1.31.1.1.1.18.{row}": alias}
        objects = {**objects, **cells, **names}
    readings = read("generic", objects).readings
    assert {item.component: item.value for item in readings if item.signal is Signal.IF_OPER} == {
        "eth1": "down"
    }


@pytest.mark.parametrize(
    ("own", "peer", "role", "seen"),
    [
        ("active", "passive", "active", "yes"),
        ("Passive", "unknown", "standby", "no"),
        ("disabled", "", "standalone", None),
    ],
)
def test_a_palo_alto_member_tells_of_itself_and_its_peer(
    own: str, peer: str, role: str, seen: str | None
) -> None:
    base = "1.3.6.1.4.1.25461.2.1.2.1"
    readings = read("palo-alto", {f"{base}.11.0": own, f"{base}.12.0": peer}).readings
    assert value_of(readings, Signal.HA_ROLE) == role
    assert seen == next((item.value for item in readings if item.signal is Signal.HA_PEER_SEEN), None)


def test_tunnel_interfaces_stand_for_tunnels_where_there_is_nothing_better() -> None:
    objects: Given = {}
    for row, (name, kind, admin, oper) in enumerate(
        [("tunnel.1", 131, 1, 1), ("tunnel.2", 131, 2, 2), ("ethernet1/1", 6, 1, 2), ("tunnel", 131, 1, 2)], 1
    ):
        columns: Given = {"2.2.1.3": kind, "2.2.1.7": admin, "2.2.1.8": oper, "31.1.1.1.1": name}
        objects = {**objects, **{f"1.3.6.1.2.1.{column}.{row}": cell for column, cell in columns.items()}}
    readings = read("palo-alto", objects, expected=("tunnel.3",)).readings
    states = {item.component: item.value for item in readings if item.signal is Signal.CHANNEL_STATE}
    assert states == {"tunnel.1": "up", "tunnel.2": "disabled", "tunnel.3": "missing"}


def test_a_link_encryptors_counters_may_say_not_applicable() -> None:
    base = "1.3.6.1.4.1.2544.1.11.5.1.3.13.1"
    readings = read("adva-fsp3000", {f"{base}.6.7": 86_400 * 5, f"{base}.6.8": 4_294_967_295}).readings
    assert value_of(readings, Signal.KEY_EXPIRES_IN, "7") == 5
    assert state_of(readings, Signal.KEY_EXPIRES_IN, "7") is SignalState.DEGRADED
    assert state_of(readings, Signal.KEY_EXPIRES_IN, "8") is None
