"""Whose answer tells whose fault it is."""

from __future__ import annotations

from channelwatch_collector.kin import kin

from channelwatch.base.ids import DeviceCode
from tests.support.province import HUB_A, HUB_B, small_inventory, spoke

INVENTORY = small_inventory()


def test_a_spokes_kin_are_the_members_of_its_hub() -> None:
    assert list(kin(spoke(1), INVENTORY)) == [HUB_A, HUB_B]


def test_a_members_kin_is_its_partner() -> None:
    assert list(kin(HUB_A, INVENTORY)) == [HUB_B]


def test_a_device_that_is_not_listed_has_none() -> None:
    assert list(kin(DeviceCode("51-D-99999-1"), INVENTORY)) == []
