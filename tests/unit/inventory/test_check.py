"""What must hold across an inventory."""

from __future__ import annotations

import time
from dataclasses import replace

from channelwatch.base.ids import ChannelCode, GroupCode
from channelwatch.inventory.check import Problem, check
from channelwatch.inventory.model import Bloc, Channel, HaGroup, Inventory
from tests.support.province import HUB, HUB_A, HUB_B, small_inventory, spoke


def problems(inventory: Inventory) -> list[Problem]:
    return check(inventory, frozenset({Bloc.PARTY}), frozenset({"encryptors"}))


def test_the_small_province_is_sound() -> None:
    assert problems(small_inventory()) == []


def test_a_large_inventory_is_checked_in_a_moment() -> None:
    inventory = small_inventory(9_000)
    began = time.process_time()
    assert problems(inventory) == []
    assert time.process_time() - began < 5, "something compares each with each"


def test_a_channel_that_leads_back_to_its_own_pair_is_refused() -> None:
    inventory = small_inventory()
    loop = Channel(ChannelCode("loop"), HUB_A, HUB)
    found = problems(replace(inventory, channels=(*inventory.channels, loop)))
    assert [(item.index, item.field) for item in found] == [(4, "to")]


def test_channels_in_a_ring_are_refused_and_a_chain_is_not() -> None:
    inventory = small_inventory()
    chain = (
        Channel(ChannelCode("a"), spoke(1), spoke(2)),
        Channel(ChannelCode("b"), spoke(2), spoke(3)),
        Channel(ChannelCode("c"), spoke(3), HUB),
    )
    assert problems(replace(inventory, channels=chain)) == []
    ring = (*chain[:2], Channel(ChannelCode("c"), spoke(3), spoke(1)))
    assert {item.index for item in problems(replace(inventory, channels=ring))} == {0, 1, 2}


def test_a_name_is_a_device_or_a_group_and_not_both() -> None:
    inventory = small_inventory()
    group = HaGroup(GroupCode(HUB_B), "Cụm")
    found = problems(replace(inventory, ha_groups=(*inventory.ha_groups, group)))
    assert f"{HUB_B!r} is a device's code" in [item.message for item in found]


def test_the_second_of_two_alike_is_named_with_the_first() -> None:
    inventory = small_inventory()
    twice = replace(inventory, owners=(), units=(*inventory.units, inventory.units[0]))
    assert [item.message for item in problems(twice)] == ["duplicate 'D-T0001', first used by units[0]"]


def test_a_certificate_speaks_for_one_device_only() -> None:
    inventory = small_inventory()
    alike = [replace(item, certificate="0a" * 32) for item in inventory.devices[:2]]
    twice = replace(inventory, devices=(*alike, *inventory.devices[2:]))
    (problem,) = problems(twice)
    assert (problem.section, problem.index, problem.field) == ("devices", 1, "certificate")
