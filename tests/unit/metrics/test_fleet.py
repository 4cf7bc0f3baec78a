"""The fleet's series: what is told of each device, in which unit, and what is made anew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from channelwatch_collector.profiles.vocabulary import MEANING
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.model import Bloc, Role
from channelwatch.metrics import fleet
from channelwatch.metrics.device import device_lines
from channelwatch.metrics.fleet import FleetText, FleetView, Selection
from channelwatch.metrics.readings import READINGS_PER_DEVICE
from channelwatch.metrics.rollup import Posts
from channelwatch.metrics.signals import NUMERIC
from channelwatch.pipeline.world import World
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Cause, Flag, Health, PairState, Protection
from channelwatch.status.topology import PairView
from tests.support.province import HUB, HUB_A, small_world, spoke

Sample = tuple[str, dict[str, str], float]
LY_SON = spoke(1)


def world(*readings: Reading, **changes: object) -> World:
    """A small world in which one spoke is exposed and has `readings`."""
    found = small_world(RuleBook(()))
    state = DeviceState(
        LY_SON,
        assessment=Assessment(Health.UP, Protection.EXPOSED, Cause.BYPASS, security_alarm=True),
        health_since=EpochMs(1_000),
        protection_since=EpochMs(2_500),
        seen_at=EpochMs(3_000),
        flags=frozenset({Flag.SECURITY_ALARM}),
        readings={reading.key: reading for reading in readings},
        profile="reference-encryptor",
    )
    found.put_device(replace(state, **changes))  # type: ignore[arg-type]
    found.put_pair(HUB, PairView(PairState.SWITCHED, EpochMs(4_000)))
    return found


NOW = EpochMs(10_000)


def view(found: World) -> FleetView:
    return FleetView.of(found, Posts.of(found.inventory), NOW)


def text(found: World, blocs: Sequence[Bloc] = tuple(Bloc), **selected: Any) -> str:
    return FleetText().page(view(found), Selection(blocs, **selected)).decode()


def samples(found: World, name: str) -> list[Sample]:
    return [
        (item.name, item.labels, item.value)
        for family in text_string_to_metric_families(text(found))
        for item in family.samples
        if item.name == name
    ]


def of_device(found: World, name: str, device: str = LY_SON) -> dict[tuple[str, ...], float]:
    """Values by the labels that are not the device's own."""
    return {
        tuple(value for key, value in keys.items() if key not in ("device", "bloc", "unit")): value
        for _, keys, value in samples(found, name)
        if keys["device"] == device
    }


def test_health_and_protection_are_separate_state_sets() -> None:
    found = world()
    assert of_device(found, "channelwatch_device_health") == {
        ("up",): 1, ("degraded",): 0, ("down",): 0, ("unknown",): 0
    }  # fmt: skip
    assert of_device(found, "channelwatch_device_protection") == {
        ("secured",): 0, ("weakened",): 0, ("exposed",): 1, ("unknown",): 0
    }  # fmt: skip


def test_a_device_is_told_by_code_bloc_and_unit() -> None:
    ((_, keys, _),) = [
        item for item in samples(world(), "channelwatch_device_missed_polls") if item[1]["device"] == LY_SON
    ]
    assert keys == {"device": LY_SON, "bloc": "party", "unit": "20001"}


def test_the_identity_holds_profile_and_firmware_but_neither_address_nor_serial_number() -> None:
    serial = Reading(Signal.INV_SERIAL, SignalState.OK, "SN-SECRET-1")
    firmware = Reading(Signal.INV_FIRMWARE, SignalState.OK, 'v"2"')
    found = world(serial, firmware)
    (keys,) = [keys for _, keys, _ in samples(found, "channelwatch_device_info") if keys["device"] == LY_SON]
    assert keys["profile"] == "reference-encryptor"
    assert keys["firmware"] == 'v"2"'
    assert keys["life_cycle"] == "in_service"
    assert "SN-SECRET-1" not in text(found)
    assert "127.11.0." not in text(found)


def test_instants_are_seconds_of_unix_time() -> None:
    found = world()
    assert of_device(found, "channelwatch_device_state_since_timestamp_seconds") == {
        ("health",): 1.0, ("protection",): 2.5
    }  # fmt: skip
    assert of_device(found, "channelwatch_device_last_seen_timestamp_seconds") == {(): 3.0}
    assert of_device(found, "channelwatch_device_last_seen_timestamp_seconds", HUB_A) == {(): 0.0}


def test_only_set_flags_and_the_present_cause_are_told() -> None:
    found = world()
    assert of_device(found, "channelwatch_device_flag") == {("security_alarm",): 1}
    assert of_device(found, "channelwatch_device_cause") == {("bypass",): 1}
    assert of_device(found, "channelwatch_device_flag", HUB_A) == {}


@pytest.mark.parametrize(
    ("reading", "name", "value"),
    [
        (
            Reading(Signal.KEY_EXPIRES_IN, SignalState.OK, 2, unit="days"),
            "channelwatch_key_expires_in_seconds",
            172_800,
        ),
        (
            Reading(Signal.CRYPTO_SA_AGE, SignalState.OK, 90, unit="s"),
            "channelwatch_crypto_sa_age_seconds",
            90,
        ),
        (Reading(Signal.PLATFORM_CPU, SignalState.OK, 25, unit="%"), "channelwatch_platform_cpu_ratio", 0.25),
        (
            Reading(Signal.ENV_TEMP, SignalState.OK, 41.5, unit="C"),
            "channelwatch_env_temperature_celsius",
            41.5,
        ),
        (
            Reading(Signal.CRYPTO_AUTH_FAIL, SignalState.OK, 120, unit="events/min"),
            "channelwatch_crypto_auth_failures_per_second",
            2,
        ),
    ],
)
def test_numbers_are_told_in_base_units(reading: Reading, name: str, value: float) -> None:
    assert of_device(world(reading), name) == {(): pytest.approx(value)}


@pytest.mark.parametrize("reading", [
    Reading(Signal.ENV_TEMP, SignalState.OK, 100, unit="F"),
    Reading(Signal.ENV_TEMP, SignalState.OK, "warm", unit="C"),
    Reading(Signal.ENV_TEMP, SignalState.UNKNOWN, None, unit="C"),
])  # fmt: skip
def test_a_value_that_is_no_number_of_a_known_unit_is_left_out(reading: Reading) -> None:
    found = world(reading)
    assert of_device(found, "channelwatch_env_temperature_celsius") == {}
    assert len(of_device(found, "channelwatch_signal_state")) == 1


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (SignalState.OK, {("channel.state", "hub"): 0}),
        (SignalState.DEGRADED, {("channel.state", "hub"): 1}),
        (SignalState.FAILED, {("channel.state", "hub"): 2}),
        (SignalState.UNKNOWN, {("channel.state", "hub"): 3}),
        (SignalState.UNSUPPORTED, {}),
    ],
)
def test_the_state_of_a_signal_is_a_number_and_unsupported_has_no_series(
    state: SignalState, told: dict[tuple[str, ...], float]
) -> None:
    assert (
        of_device(world(Reading(Signal.CHANNEL_STATE, state, component="hub")), "channelwatch_signal_state")
        == told
    )


def test_enumerated_words_are_told_and_anything_else_is_called_other() -> None:
    found = world(
        Reading(Signal.HA_ROLE, SignalState.OK, "active"),
        Reading(Signal.CHANNEL_STATE, SignalState.FAILED, "No Such <state>", component="t1"),
        Reading(Signal.CRYPTO_ALGORITHM, SignalState.OK, "aes256gcm"),
    )
    assert of_device(found, "channelwatch_signal_word") == {
        ("ha.role", "active"): 1, ("channel.state", "t1", "other"): 1
    }  # fmt: skip


def test_a_device_with_endless_components_keeps_to_its_limit_and_tells_how_many_were_left_out() -> None:
    readings = [
        Reading(Signal.CHANNEL_STATE, SignalState.OK, "up", component=f"t{n}")
        for n in range(READINGS_PER_DEVICE + 7)
    ]
    found = world(*readings)
    assert len(of_device(found, "channelwatch_signal_state")) == READINGS_PER_DEVICE
    assert of_device(found, "channelwatch_device_readings_omitted") == {(): 7}


def test_components_that_only_their_ends_tell_apart_are_one_series() -> None:
    readings = [
        Reading(Signal.CHANNEL_STATE, SignalState.OK, "up", component="t" * 64 + end) for end in "abc"
    ]
    found = world(*readings)
    assert len(samples(found, "channelwatch_signal_state")) == 1
    assert of_device(found, "channelwatch_device_readings_omitted") == {(): 2}


def test_pairs_are_a_state_set_with_their_instant() -> None:
    found = world()
    told = {keys["state"]: value for _, keys, value in samples(found, "channelwatch_pair_state")}
    assert told == {state: float(state == "switched") for state in PairState}
    assert samples(found, "channelwatch_pair_state_since_timestamp_seconds") == [
        (
            "channelwatch_pair_state_since_timestamp_seconds",
            {"group": HUB, "bloc": "party", "unit": "D-T0001"},
            4.0,
        )
    ]


def test_nothing_of_another_bloc_is_told() -> None:
    told = text(world(), blocs=(Bloc.GOV, Bloc.NA))
    assert LY_SON not in told and HUB not in told and 'bloc="party"' not in told


def test_each_family_comes_once_with_help_and_type_before_its_samples() -> None:
    lines = text(world(Reading(Signal.ENV_TEMP, SignalState.OK, 1, unit="C"))).splitlines()
    seen: list[str] = []
    for line in lines:
        name = line.split()[2] if line.startswith("#") else re.split("[{ ]", line)[0]
        if not seen or seen[-1] != name:
            seen.append(name)
    assert len(seen) == len(set(seen))
    assert [line.split()[1] for line in lines if line.startswith("#")] == ["HELP", "TYPE"] * len(seen)


def test_only_devices_whose_state_changed_are_rendered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []

    def counted(*args: object) -> list[tuple[str, bytes]]:
        rendered.append(args[1].device)  # type: ignore[attr-defined]
        return device_lines(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(fleet, "device_lines", counted)
    found, cache = world(), FleetText()

    def scrape() -> list[str]:
        rendered.clear()
        cache.page(view(found), Selection(tuple(Bloc)))
        return sorted(rendered)

    assert scrape() == sorted(found.devices)
    assert scrape() == []
    found.put_device(replace(found.devices[LY_SON], misses=1))
    assert scrape() == [LY_SON]
    found.set_inventory(replace(found.inventory, version=2))
    assert scrape() == sorted(found.devices)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_changes_a_kept_page_is_the_page_made_anew(seed: int) -> None:
    chance, found, cache = Random(seed), world(), FleetText()
    texts: list[Any] = [None, "m1", "m2", 1, 2.5, True]
    for _ in range(40):
        code = chance.choice(sorted(found.devices))
        readings = [
            Reading(
                chance.choice(
                    [
                        Signal.ENV_TEMP,
                        Signal.INV_MODEL,
                        Signal.HA_ROLE,
                        Signal.POWER_BATTERY,
                        Signal.CHANNEL_UP_COUNT,
                    ]
                ),
                chance.choice(list(SignalState)),
                chance.choice(texts),
                component=chance.choice(["", "a", "t" * 64 + "a", "t" * 64 + "b"]),
                unit=chance.choice(["", "C", "%"]),
            )
            for _ in range(chance.randint(0, 5))
        ]
        changes: list[dict[str, Any]] = [
            {"readings": {reading.key: reading for reading in readings}},
            {"assessment": Assessment(chance.choice(list(Health)), chance.choice(list(Protection)))},
            {"flags": frozenset(chance.sample(list(Flag), 2))},
            {"seen_at": chance.randint(0, 9), "misses": chance.randint(0, 2), "profile": chance.choice("pq")},
            {"health_since": chance.randint(0, 2), "protection_since": chance.randint(0, 2)},
        ]
        found.put_device(replace(found.devices[code], **chance.choice(changes)))
        for selection in (Selection(tuple(Bloc)), Selection((Bloc.PARTY,), "20001")):
            assert cache.page(view(found), selection) == FleetText().page(view(found), selection)


def test_a_number_that_is_gone_is_told_no_more() -> None:
    found, cache = world(Reading(Signal.ENV_TEMP, SignalState.OK, 40, unit="C")), FleetText()
    everything = Selection(tuple(Bloc))
    assert b"channelwatch_env_temperature_celsius{" in cache.page(view(found), everything)
    found.put_device(replace(found.devices[LY_SON], readings={}))
    page = cache.page(view(found), everything)
    assert b"channelwatch_env_temperature_celsius" not in page
    assert b"channelwatch_signal_state" not in page


def test_every_unit_of_the_vocabulary_has_a_factor() -> None:
    missing = {
        signal for signal, numeric in NUMERIC.items() if MEANING[signal].unit not in numeric.factors
        and MEANING[signal].words is None
    }  # fmt: skip
    assert missing == set()
    assert {signal for signal, meaning in MEANING.items() if meaning.unit} - NUMERIC.keys() == set()


def test_openmetrics_reads_the_same_samples_and_ends() -> None:
    found = world(Reading(Signal.ENV_TEMP, SignalState.OK, 1, unit="C"))
    answer = FleetText().page(view(found), Selection(tuple(Bloc)), openmetrics=True).decode()
    assert answer.endswith("\n# EOF\n")
    strict = {
        (item.name, tuple(sorted(item.labels.items())), item.value)
        for family in openmetrics_families(answer)
        for item in family.samples
    }
    classic = {
        (item.name, tuple(sorted(item.labels.items())), item.value)
        for family in text_string_to_metric_families(text(found))
        for item in family.samples
    }
    assert strict == classic


def test_a_unit_alone_is_told_without_figures_of_its_bloc() -> None:
    told = text(world(), unit="20001")
    assert set(re.findall(r'device="([^"]+)"', told)) == {LY_SON}
    assert 'channelwatch_unit_severity{bloc="party",unit="20001"} 6' in told
    assert "channelwatch_devices{" not in told
    assert "channelwatch_incidents" not in told


def test_readings_may_be_left_out() -> None:
    told = text(world(Reading(Signal.ENV_TEMP, SignalState.OK, 1, unit="C")), signals=False)
    assert "channelwatch_env_temperature_celsius" not in told
    assert "channelwatch_signal_state" not in told
    assert "channelwatch_device_health" in told


def test_a_device_is_as_grave_as_its_worst_axis() -> None:
    assert of_device(world(), "channelwatch_device_severity") == {(): 6}
    calm = world(assessment=Assessment(Health.UP, Protection.SECURED, Cause.NONE), flags=frozenset())
    assert of_device(calm, "channelwatch_device_severity") == {(): 0}
    assert of_device(calm, "channelwatch_device_severity", HUB_A) == {(): 2}


def test_unknown_devices_lower_the_coverage_and_are_no_served_commune() -> None:
    found = world(assessment=Assessment(Health.UP, Protection.SECURED, Cause.NONE), flags=frozenset())
    every = len([device for device in found.inventory.devices if device.in_service])
    ((_, _, coverage),) = [
        item for item in samples(found, "channelwatch_coverage_ratio") if item[1]["bloc"] == "party"
    ]
    assert coverage == pytest.approx(1 / every)
    ((_, _, served),) = [
        item for item in samples(found, "channelwatch_communes_with_channel") if item[1]["bloc"] == "party"
    ]
    assert served == 1


def test_the_posts_of_a_layer_are_filled_by_contacts_and_accounts() -> None:
    found = world()
    bare = replace(found.inventory, contacts=())
    posts = Posts.of(bare, [(Role.AUDITOR, (Bloc.PARTY,))])
    assert posts.filled[Bloc.PARTY] == {Role.AUDITOR}
    assert posts.filled[Bloc.GOV] == frozenset()
    page = FleetText().page(replace(view(found), posts=posts), Selection((Bloc.PARTY,))).decode()
    assert 'channelwatch_layer_coverage_ratio{bloc="party",layer="3"} 0.5' in page
    assert 'channelwatch_layer_coverage_ratio{bloc="party",layer="1"} 0' in page
