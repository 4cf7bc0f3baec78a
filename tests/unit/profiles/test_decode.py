"""From answers to readings, with small profiles written for the case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from channelwatch_collector.profiles.counters import Restart
from channelwatch_collector.profiles.decode import Decoded, decode
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import MAX_ROWS, Memory, Moment
from channelwatch_collector.snmp.port import AgentClock, PollFailure, SnmpType, Value

from channelwatch.status.signals import Signal, SignalState
from tests.unit.profiles.answers import (
    DEGRADED,
    FAILED,
    NOW,
    OK,
    UNKNOWN,
    Given,
    answer,
    counter32,
    counter64,
    moment,
    profile_of,
    state_of,
    ticks,
    value_of,
)

TUNNELS = """
name: own
description: Tunnels of a test.
tables:
  - name: tunnels
    columns:
      peer: '1.3.9.1.1'
      state: '1.3.9.1.2'
      rx: ['1.3.9.1.4', '1.3.9.1.3']
    component: peer
    peers: [peer]
    signals:
      - {signal: channel.state, value: state, enum: {1: up, 2: down, 3: disabled}}
      - {signal: channel.rx_bytes, value: per_second(rx)}
"""

SCALARS = """
name: own
description: Scalars of a test.
scalars:
  mode: '1.3.9.2.1.0'
  cpu: '1.3.9.2.2.0'
  days: '1.3.9.2.3.0'
  clock: {oid: '1.3.9.2.4.0', type: date}
  volts: {oid: '1.3.9.2.5.0', scale: 0.001}
  suite: '1.3.9.2.6.0'
  errors: '1.3.9.2.7.0'
  flips: '1.3.9.2.8.0'
  role: '1.3.9.2.9.0'
  agent_ticks: '1.3.9.2.10.0'
  host_ticks: '1.3.9.2.11.0'
  total: '1.3.9.2.12.0'
  used: '1.3.9.2.13.0'
  cores: {oid: '1.3.9.3.1', column: true}
continuity: {agent: agent_ticks, host: host_ticks}
signals:
  - {signal: crypto.mode, value: mode, enum: {1: encrypting, 2: bypass_plaintext, 'Off': 'off'}}
  - {signal: platform.cpu, value: 'first(mean(cores), cpu)'}
  - {signal: cert.expires_in, value: days, component: "'local'"}
  - {signal: time.skew, value: skew(clock)}
  - {signal: hsm.battery, value: volts, at_most: {degraded: 2.7, failed: 2.4}}
  - {signal: crypto.algorithm, value: suite, allow: ['^AES-256']}
  - {signal: crypto.auth_fail, value: per_minute(errors)}
  - {signal: ha.switchovers, value: per_day(flips)}
  - {signal: ha.sync, value: role, when: role != 9, enum: {1: in_sync, 2: out_of_sync}}
  - {signal: platform.mem, value: 100 * used / total}
  - {signal: sys.uptime, value: 'first(host_ticks, agent_ticks) / 100'}
"""

Own = Callable[[str], Profile]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    return lambda text: profile_of(tmp_path, text)


@pytest.fixture
def scalars(own: Own) -> Profile:
    return own(SCALARS)


@pytest.fixture
def tunnels(own: Own) -> Profile:
    return own(TUNNELS)


def once(profile: Profile, objects: Given, *, expected: tuple[str, ...] = ()) -> Decoded:
    return decode(profile, answer(profile, objects), Memory(), moment(), expected=expected)


def series(profile: Profile, *answers: Given, every_s: float = 60) -> list[Decoded]:
    """Several answers, one after another."""
    memory, decoded = Memory(), []
    for number, objects in enumerate(answers):
        decoded.append(decode(profile, answer(profile, objects), memory, moment(number * every_s)))
        memory = decoded[-1].memory
    return decoded


def test_an_object_that_the_device_lacks_is_unsupported_and_never_failed(scalars: Profile) -> None:
    decoded = once(scalars, {"1.3.9.2.1.0": 1})
    assert [reading.signal for reading in decoded.readings] == [Signal.CRYPTO_MODE]
    assert Signal.PLATFORM_CPU in decoded.absent
    assert Signal.CRYPTO_MODE not in decoded.absent


def test_an_unknown_enum_value_is_unknown_with_its_number_kept(scalars: Profile) -> None:
    (reading,) = once(scalars, {"1.3.9.2.1.0": 77}).readings
    assert (reading.state, reading.value, reading.raw) == (UNKNOWN, None, 77)


@pytest.mark.parametrize(
    "wire", [Value(SnmpType.INTEGER, 2), Value(SnmpType.GAUGE32, 2), Value(SnmpType.OCTET_STRING, b"2")]
)
def test_the_type_on_the_wire_does_not_matter_to_an_enum(scalars: Profile, wire: Value) -> None:
    assert state_of(once(scalars, {"1.3.9.2.1.0": wire}).readings, Signal.CRYPTO_MODE) is FAILED


def test_words_from_the_wire_are_compared_without_case(scalars: Profile) -> None:
    decoded = once(scalars, {"1.3.9.2.1.0": " OFF "})
    assert value_of(decoded.readings, Signal.CRYPTO_MODE) == "off"


@pytest.mark.parametrize(("percent", "state"), [(80, OK), (81, DEGRADED), (95, DEGRADED), (96, FAILED)])
def test_higher_is_worse_if_it_lasts(scalars: Profile, percent: int, state: SignalState) -> None:
    polls = series(scalars, *([{"1.3.9.2.2.0": percent}] * 3))
    assert [state_of(poll.readings, Signal.PLATFORM_CPU) for poll in polls] == [OK, OK, state]


@pytest.mark.parametrize(
    ("days", "state"), [(8, OK), (7, DEGRADED), (1, DEGRADED), (0, FAILED), (-3, FAILED)]
)
def test_lower_is_worse(scalars: Profile, days: int, state: SignalState) -> None:
    readings = once(scalars, {"1.3.9.2.3.0": days}).readings
    assert state_of(readings, Signal.CERT_EXPIRES_IN, "local") is state


def test_scale_unit_and_source_are_given(scalars: Profile) -> None:
    (reading,) = once(scalars, {"1.3.9.2.5.0": 2650}).readings
    assert (reading.value, reading.unit, reading.state) == (2.65, "V", DEGRADED)
    assert reading.source == "1.3.9.2.5.0"


def test_a_text_outside_the_allowed_ones_is_degraded(scalars: Profile) -> None:
    assert state_of(once(scalars, {"1.3.9.2.6.0": "DES"}).readings, Signal.CRYPTO_ALGORITHM) is DEGRADED
    assert state_of(once(scalars, {"1.3.9.2.6.0": "AES-256-GCM"}).readings, Signal.CRYPTO_ALGORITHM) is OK


def test_a_column_is_averaged_before_it_is_judged(scalars: Profile) -> None:
    decoded = once(scalars, {"1.3.9.3.1.1": 100, "1.3.9.3.1.2": 10, "1.3.9.2.2.0": 99})
    assert value_of(decoded.readings, Signal.PLATFORM_CPU) == 55
    assert state_of(decoded.readings, Signal.PLATFORM_CPU) is OK


def test_a_division_by_zero_is_unknown(scalars: Profile) -> None:
    assert (
        state_of(once(scalars, {"1.3.9.2.12.0": 0, "1.3.9.2.13.0": 5}).readings, Signal.PLATFORM_MEM)
        is UNKNOWN
    )


def test_an_object_that_could_not_be_read_is_unknown_not_absent(scalars: Profile) -> None:
    given = answer(scalars, {}, failed={"1.3.9.2.1.0": PollFailure.GEN_ERR})
    decoded = decode(scalars, given, Memory(), moment())
    assert state_of(decoded.readings, Signal.CRYPTO_MODE) is UNKNOWN


def test_a_condition_leaves_the_signal_out(scalars: Profile) -> None:
    assert once(scalars, {"1.3.9.2.9.0": 9}).readings == ()
    assert state_of(once(scalars, {"1.3.9.2.9.0": 2}).readings, Signal.HA_SYNC) is DEGRADED


def test_a_first_answer_has_no_rate(scalars: Profile) -> None:
    first, second = series(scalars, {"1.3.9.2.7.0": counter32(10)}, {"1.3.9.2.7.0": counter32(14)})
    assert state_of(first.readings, Signal.CRYPTO_AUTH_FAIL) is UNKNOWN
    assert value_of(second.readings, Signal.CRYPTO_AUTH_FAIL) == 4.0


def test_a_reset_counter_is_unknown_once_and_no_spike(scalars: Profile) -> None:
    counts = (2_000_000_000, 2_000_000_060, 5, 11)
    decoded = series(scalars, *({"1.3.9.2.7.0": counter32(count)} for count in counts))
    assert [item.readings[0].value for item in decoded] == [None, 60.0, None, 6.0]


def test_a_rise_counts_only_once_it_has_lasted(scalars: Profile) -> None:
    counts = (0, 5, 5, 6, 7, 8, 8)
    decoded = series(scalars, *({"1.3.9.2.7.0": counter64(count)} for count in counts))
    states = [state_of(item.readings, Signal.CRYPTO_AUTH_FAIL) for item in decoded]
    assert states == [UNKNOWN, OK, OK, OK, OK, DEGRADED, OK]


def test_rises_within_a_day_are_summed(scalars: Profile) -> None:
    decoded = series(
        scalars, *({"1.3.9.2.8.0": counter32(count)} for count in (40, 41, 42, 43, 43)), every_s=9 * 3600
    )
    totals = [value_of(item.readings, Signal.HA_SWITCHOVERS) for item in decoded]
    assert totals == [0, 1, 2, 3, 2]
    assert state_of(decoded[3].readings, Signal.HA_SWITCHOVERS) is DEGRADED


def hanoi(at_ms: int) -> bytes:
    """Eleven octets at UTC+7, for instants of 2026-11-22."""
    seconds = (at_ms - NOW) / 1000 + 9 * 3600
    whole = int(seconds)
    clock = bytes((whole // 3600, whole // 60 % 60, whole % 60, round((seconds - whole) * 10)))
    return (2026).to_bytes(2, "big") + bytes((11, 22)) + clock + b"+\x07\x00"


@pytest.mark.parametrize(
    ("skew_s", "state"), [(0.0, OK), (1.9, OK), (-2.5, DEGRADED), (61, FAILED), (-61, FAILED)]
)
def test_skew_is_judged_in_both_directions(scalars: Profile, skew_s: float, state: SignalState) -> None:
    decoded = once(scalars, {"1.3.9.2.4.0": hanoi(NOW + round(skew_s * 1000))})
    assert value_of(decoded.readings, Signal.TIME_SKEW) == skew_s
    assert state_of(decoded.readings, Signal.TIME_SKEW) is state


def test_a_slow_answer_is_not_held_against_the_devices_clock(scalars: Profile) -> None:
    slow = Moment(sent_at=NOW - 4_000, received_at=NOW + 2_000, tick=0)
    decoded = decode(scalars, answer(scalars, {"1.3.9.2.4.0": hanoi(NOW + 3_900)}), Memory(), slow)
    assert value_of(decoded.readings, Signal.TIME_SKEW) == 4.9
    assert state_of(decoded.readings, Signal.TIME_SKEW) is OK


def test_a_clock_that_was_never_set_is_unsupported(scalars: Profile) -> None:
    assert once(scalars, {"1.3.9.2.4.0": bytes(8)}).readings == ()


def test_a_restart_is_told_and_its_counters_begin_anew(scalars: Profile) -> None:
    base: dict[str, Value | int | str | bytes] = {
        "1.3.9.2.10.0": ticks(900_000),
        "1.3.9.2.11.0": ticks(900_000),
    }
    before = {**base, "1.3.9.2.7.0": counter32(4_294_967_000)}
    after = {"1.3.9.2.10.0": ticks(500), "1.3.9.2.11.0": ticks(500), "1.3.9.2.7.0": counter32(3)}
    _, decoded = series(scalars, before, after)
    assert decoded.restart is Restart.HOST
    assert value_of(decoded.readings, Signal.SYS_RESTART) == "host"
    assert state_of(decoded.readings, Signal.CRYPTO_AUTH_FAIL) is UNKNOWN


def test_the_engine_that_answered_is_told(scalars: Profile) -> None:
    given = answer(scalars, {}, agent=AgentClock(b"\x80\x01", 3, 70))
    assert value_of(decode(scalars, given, Memory(), moment()).readings, Signal.INV_ENGINE_ID) == "8001"


def test_another_engine_at_the_address_starts_all_counters_anew(scalars: Profile) -> None:
    first = answer(scalars, {"1.3.9.2.7.0": counter32(10)}, agent=AgentClock(b"one", 3, 70))
    memory = decode(scalars, first, Memory(), moment()).memory
    second = replace(
        answer(scalars, {"1.3.9.2.7.0": counter32(500_000)}, agent=AgentClock(b"two", 1, 9)),
        engine_changed_from=b"one",
    )
    decoded = decode(scalars, second, memory, moment(60))
    assert state_of(decoded.readings, Signal.CRYPTO_AUTH_FAIL) is UNKNOWN
    assert decoded.restart is None


def tunnel(index: str, peer: str, state: int, rx: int = 0) -> Given:
    return {f"1.3.9.1.1.{index}": peer, f"1.3.9.1.2.{index}": state, f"1.3.9.1.4.{index}": counter64(rx)}


def test_a_tunnel_is_named_by_its_peer_whatever_its_index(tunnels: Profile) -> None:
    old = tunnel("7", "hub", 1, 1000)
    new = tunnel("9.4.1", "hub", 1, 4000)
    _, decoded = series(tunnels, old, new)
    assert state_of(decoded.readings, Signal.CHANNEL_STATE, "hub") is OK
    assert value_of(decoded.readings, Signal.CHANNEL_RX_BYTES, "hub") == 50


def test_an_expected_tunnel_without_a_row_is_missing_and_failed(tunnels: Profile) -> None:
    readings = once(tunnels, tunnel("1", "a", 1), expected=("a", "b")).readings
    assert value_of(readings, Signal.CHANNEL_STATE, "b") == "missing"
    assert state_of(readings, Signal.CHANNEL_STATE, "b") is FAILED
    assert value_of(readings, Signal.CHANNEL_EXPECTED_COUNT) == 2
    assert value_of(readings, Signal.CHANNEL_UP_COUNT) == 1
    assert state_of(readings, Signal.CHANNEL_UP_COUNT) is DEGRADED


def test_with_no_row_at_all_every_expected_tunnel_is_missing(tunnels: Profile) -> None:
    readings = once(tunnels, {}, expected=("a",)).readings
    assert state_of(readings, Signal.CHANNEL_STATE, "a") is FAILED
    assert state_of(readings, Signal.CHANNEL_UP_COUNT) is FAILED


def test_a_table_that_could_not_be_read_proves_no_tunnel_missing(tunnels: Profile) -> None:
    given = answer(
        tunnels,
        {},
        failed=dict.fromkeys(("1.3.9.1.1", "1.3.9.1.2", "1.3.9.1.3", "1.3.9.1.4"), PollFailure.NO_ANSWER),
    )
    readings = decode(tunnels, given, Memory(), moment(), expected=("a",)).readings
    assert state_of(readings, Signal.CHANNEL_STATE, "a") is UNKNOWN
    assert all(reading.state is UNKNOWN for reading in readings)


def test_no_tunnels_and_none_expected_says_nothing(tunnels: Profile) -> None:
    assert once(tunnels, {}).readings == ()


def test_a_disabled_tunnel_is_not_among_those_that_should_work(tunnels: Profile) -> None:
    readings = once(tunnels, {**tunnel("1", "a", 1), **tunnel("2", "b", 3)}).readings
    assert value_of(readings, Signal.CHANNEL_EXPECTED_COUNT) == 1
    assert state_of(readings, Signal.CHANNEL_UP_COUNT) is OK
    assert state_of(readings, Signal.CHANNEL_STATE, "b") is DEGRADED


def test_the_wider_counter_is_preferred(tunnels: Profile) -> None:
    both = {**tunnel("1", "a", 1, rx=0), "1.3.9.1.3.1": counter32(0)}
    later = {**tunnel("1", "a", 1, rx=6_000_000_000), "1.3.9.1.3.1": counter32(5)}
    _, decoded = series(tunnels, both, later)
    assert value_of(decoded.readings, Signal.CHANNEL_RX_BYTES, "a") == 100_000_000


def test_two_rows_of_one_name_stay_apart(tunnels: Profile) -> None:
    readings = once(tunnels, {**tunnel("1", "a", 1), **tunnel("2", "a", 2)}).readings
    assert state_of(readings, Signal.CHANNEL_STATE, "a") is OK
    assert state_of(readings, Signal.CHANNEL_STATE, "a [2]") is FAILED


def test_merged_rows_are_summed_and_the_best_state_stands(own: Own) -> None:
    merged = own(TUNNELS.replace("component: peer", "component: peer\n    merge: best"))
    # Two security associations of one tunnel, the older being torn down.
    first = {**tunnel("1", "a", 2, 0), **tunnel("2", "a", 1, 0)}
    later = {**tunnel("1", "a", 2, 60), **tunnel("2", "a", 1, 120)}
    _, decoded = series(merged, first, later)
    assert state_of(decoded.readings, Signal.CHANNEL_STATE, "a") is OK
    assert value_of(decoded.readings, Signal.CHANNEL_RX_BYTES, "a") == 3
    assert value_of(decoded.readings, Signal.CHANNEL_UP_COUNT) == 1


def test_a_nameless_row_is_named_by_its_index(tunnels: Profile) -> None:
    readings = once(tunnels, {"1.3.9.1.2.4.2": 1}).readings
    assert state_of(readings, Signal.CHANNEL_STATE, "4.2") is OK


def test_a_table_without_end_is_cut(tunnels: Profile) -> None:
    rows = {f"1.3.9.1.2.{number}": 1 for number in range(1, MAX_ROWS + 10)}
    readings = once(tunnels, rows).readings
    assert sum(reading.signal is Signal.CHANNEL_STATE for reading in readings) == MAX_ROWS


JSON = """
name: own
description: A script that prints JSON.
tables:
  - name: peers
    json: {oid: '1.3.9.5.0', rows: [data, '*', '*']}
    keys: [age, received]
    peers: [index]
    signals:
      - {signal: channel.state, value: 'first(age, 99) > 3', enum: {0: up, 1: down}}
      - {signal: channel.rx_bytes, value: per_second(received)}
"""


def test_rows_are_read_out_of_json(own: Own) -> None:
    profile = own(JSON)
    texts = (
        '{"data": {"wg0": {"hub": {"age": 1, "received": 0}, "spare": {"age": null, "received": 0}}}}',
        '{"data": {"wg0": {"hub": {"age": 1, "received": 600}, "spare": {"age": null, "received": 0}}}}',
    )
    _, decoded = series(profile, *({"1.3.9.5.0": text} for text in texts))
    assert state_of(decoded.readings, Signal.CHANNEL_STATE, "wg0/hub") is OK
    assert state_of(decoded.readings, Signal.CHANNEL_STATE, "wg0/spare") is FAILED
    assert value_of(decoded.readings, Signal.CHANNEL_RX_BYTES, "wg0/hub") == 10


def test_without_the_script_its_tunnels_are_unsupported_even_if_expected(own: Own) -> None:
    assert once(own(JSON), {}, expected=("wg0/hub",)).readings == ()


@pytest.mark.parametrize("text", ["", "not json", "[" * 5000, '{"data": 5}', '{"data": {"wg0": [1, 2]}}'])
def test_broken_json_is_unknown_or_empty_and_never_a_crash(own: Own, text: str) -> None:
    readings = once(own(JSON), {"1.3.9.5.0": text}, expected=("wg0/hub",)).readings
    assert state_of(readings, Signal.CHANNEL_STATE, "wg0/hub") in (UNKNOWN, FAILED)
