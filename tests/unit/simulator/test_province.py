from __future__ import annotations

import ipaddress
from collections import Counter

import pytest
from channelwatch_simulator.communes import COMMUNES, communes
from channelwatch_simulator.inventory_file import BANNER, render_inventory
from channelwatch_simulator.province import (
    CREDENTIAL_V2C,
    CREDENTIAL_V3,
    Preset,
    SimulatedProvince,
    build_province,
)

from channelwatch.inventory.check import check
from channelwatch.inventory.model import Bloc, Category, CommuneKind, Inventory, LifeCycle, Role

CREDENTIALS = frozenset({CREDENTIAL_V2C, CREDENTIAL_V3})
SIZES = [
    (Preset.DEMO, 12, 64, 60),
    (Preset.FULL, 96, 432, 428), (Preset.FULL, 113, 500, 496), (Preset.FULL, 130, 568, 564),
    (Preset.REACH_SEED, 96, 219, 218), (Preset.REACH_SEED, 113, 253, 252), (Preset.REACH_SEED, 130, 287, 286),
]  # fmt: skip


@pytest.mark.parametrize(("preset", "count", "devices", "channels"), SIZES)
def test_presets_have_the_sizes_of_the_domain_model(
    preset: Preset, count: int, devices: int, channels: int
) -> None:
    province = build_province(preset, 7, commune_count=count)
    assert len(province.inventory.devices) == devices
    assert len(province.inventory.channels) + len(province.uplinks) == channels


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("mixed", [False, True])
def test_every_preset_is_a_sound_inventory(preset: Preset, mixed: bool) -> None:
    inventory = build_province(preset, 3, mixed=mixed).inventory
    assert check(inventory, frozenset(Bloc), CREDENTIALS) == []


def test_the_file_says_that_it_is_simulated() -> None:
    text = render_inventory(build_province(Preset.DEMO, 1).inventory)
    assert BANNER in text.splitlines()[0]
    assert "name: Lý Sơn" in text


def test_the_same_seed_makes_the_same_province() -> None:
    assert build_province(Preset.FULL, 5) == build_province(Preset.FULL, 5)
    assert build_province(Preset.FULL, 5) != build_province(Preset.FULL, 6)


def test_the_demo_is_all_in_service_and_shows_every_kind_of_commune() -> None:
    inventory = build_province(Preset.DEMO, 9).inventory
    assert {device.life_cycle for device in inventory.devices} == {LifeCycle.IN_SERVICE}
    assert any(unit.commune_kind is CommuneKind.DAC_KHU for unit in inventory.units)
    per_bloc = Counter(inventory.bloc_of(device.code) for device in inventory.devices)
    assert per_bloc == dict.fromkeys(Bloc, 16)
    assert len(inventory.ha_groups) == 4


def test_some_devices_of_the_demo_speak_version_2c() -> None:
    credentials = Counter(device.credential for device in build_province(Preset.DEMO, 1).inventory.devices)
    assert credentials == {CREDENTIAL_V3: 60, CREDENTIAL_V2C: 4}


def test_life_cycles_and_buildings_follow_the_assumed_shares() -> None:
    inventory = build_province(Preset.FULL, 2).inventory
    states = Counter(device.life_cycle for device in inventory.devices)
    assert states == {
        LifeCycle.IN_SERVICE: 432 - 9 - 4 - 4, LifeCycle.INSPECTED: 9, LifeCycle.SUSPENDED: 4, LifeCycle.WITHDRAWN: 4,
    }  # fmt: skip
    assert all(device.in_service for device in inventory.devices if device.ha_group)
    own = [
        site
        for site in inventory.sites
        if site.bloc is Bloc.GOV and site.own_building and site.unit.isdigit()
    ]
    assert len(own) == round(0.85 * 96)


def test_categories_and_levels_follow_the_assumed_shares() -> None:
    plain = build_province(Preset.FULL, 2).inventory
    assert {device.category for device in plain.devices} == {Category.CIPHER}
    assert {device.level for device in plain.devices if plain.bloc_of(device.code) is Bloc.PARTY} == {4}
    assert {device.level for device in plain.devices if plain.bloc_of(device.code) is Bloc.NA} == {3}
    mixed = build_province(Preset.FULL, 2, mixed=True).inventory
    assert Counter((device.category, device.level) for device in mixed.devices if device.category != "cipher") == {
        (Category.GENERAL, 3): 22, (Category.GENERAL, 2): 9, (Category.UNSET, 4): 4,
    }  # fmt: skip


def test_the_seed_reach_has_one_hot_standby_pair_and_two_lone_hubs() -> None:
    inventory = build_province(Preset.REACH_SEED, 1).inventory
    assert [group.code for group in inventory.ha_groups] == ["51-D-T0001"]
    assert {device.code for device in inventory.devices if inventory.bloc_of(device.code) is Bloc.FRONT} == {
        "51-M-T0001-1"
    }


def test_addresses_are_loopback_and_tell_the_bloc() -> None:
    inventory = build_province(Preset.FULL, 1, commune_count=130).inventory
    addresses = [device.address for device in inventory.devices]
    assert len(set(addresses)) == len(addresses)
    seconds = {bloc: 11 + number for number, bloc in enumerate((Bloc.PARTY, Bloc.GOV, Bloc.FRONT, Bloc.NA))}
    for device in inventory.devices:
        packed = ipaddress.IPv4Address(device.address).packed
        assert packed[:2] == bytes((127, seconds[inventory.bloc_of(device.code)]))
        assert device.port == 10161


def test_both_ends_of_a_channel_expect_each_other() -> None:
    inventory = build_province(Preset.DEMO, 1).inventory
    spoke = inventory.device[next(iter(inventory.parent))]
    assert spoke.expected_peers == ("51-D-T0001",)
    for member in ("A", "B"):
        hub = next(device for device in inventory.devices if device.code == f"51-D-T0001-{member}")
        assert spoke.code in hub.expected_peers
        assert "51-D-W0001-1" in hub.expected_peers
        assert len(hub.expected_peers) == 15


def test_devices_out_of_service_are_expected_by_nobody() -> None:
    inventory = build_province(Preset.FULL, 4).inventory
    out = {device.code for device in inventory.devices if not device.in_service}
    expected = {peer for device in inventory.devices for peer in device.expected_peers}
    assert out
    assert not out & expected


def test_the_watch_of_every_bloc_is_reached_by_webhook_and_mail() -> None:
    inventory = build_province(Preset.DEMO, 1).inventory
    watches = {bloc: item for item in inventory.contacts if item.role is Role.WATCH for bloc in item.blocs}
    assert set(watches) == set(Bloc)
    assert all("webhook:duty" in item.deliver and len(item.deliver) == 2 for item in watches.values())


def test_the_list_of_communes_is_that_of_the_province() -> None:
    assert Counter(item.kind for item in COMMUNES) == {
        CommuneKind.XA: 86, CommuneKind.PHUONG: 9, CommuneKind.DAC_KHU: 1,
    }  # fmt: skip
    assert len({item.code for item in communes(130)}) == 130
    assert communes(130)[:96] == COMMUNES


@pytest.mark.parametrize("count", [0, 241])
def test_a_province_has_a_sensible_number_of_communes(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 240"):
        build_province(Preset.FULL, 1, commune_count=count)


def test_codes_carry_province_bloc_unit_and_role() -> None:
    province: SimulatedProvince = build_province(Preset.DEMO, 1)
    inventory: Inventory = province.inventory
    assert "51-D-21548-1" in inventory.device
    assert (
        inventory.unit_of(next(code for code in inventory.device if code == "51-D-21548-1")).name == "Lý Sơn"
    )
