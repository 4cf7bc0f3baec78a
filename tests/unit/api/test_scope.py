"""What an account sees: its blocs and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from channelwatch_api.scope import Scope

from channelwatch.inventory.diff import Change, ChangeKind, diff
from channelwatch.inventory.model import Bloc
from tests.unit.api.memory_house import MemoryHouse, small_inventory

PARTY = Scope.of(frozenset({Bloc.PARTY}))
EVERY = frozenset(Bloc)


def test_equal_sets_give_equal_scopes_in_a_fixed_order() -> None:
    scope = Scope.of(frozenset([Bloc.FRONT, Bloc.PARTY]))
    assert scope.blocs == (Bloc.PARTY, Bloc.FRONT)
    assert hash(scope) == hash(Scope.of(frozenset([Bloc.PARTY, Bloc.FRONT])))


async def test_devices_pairs_and_incidents_of_other_blocs_are_not_there() -> None:
    house = MemoryHouse()
    house.open_incident(1, "51-D-21548-1")
    house.open_incident(2, "51-C-21548-1")
    house.open_incident(3, "col-1")
    world = house.world
    assert {state.device[3] for state in PARTY.devices(world)} == {"D"}
    assert [code for code, _ in PARTY.pairs(world)] == ["51-D-T0001"]
    assert [item.id for item in PARTY.incidents(world)] == [1, 3]
    assert PARTY.device(world, "51-C-21548-1") is None
    assert PARTY.device(world, "no-such-device") is None
    assert PARTY.incident(world, 2) is None
    assert not PARTY.sees_group(world.inventory, "51-C-T0002")


def test_a_change_is_shown_to_whoever_sees_its_bloc() -> None:
    inventory = small_inventory()
    changed = replace(inventory, devices=tuple(replace(item, level=4) for item in inventory.devices))
    shown = [item for item in diff(inventory, changed) if PARTY.sees_change(changed, item, EVERY)]
    assert {item.code[3] for item in shown} == {"D"}
    assert len(shown) == 6


@pytest.mark.parametrize("section", ["sites", "ha_groups", "devices", "channels"])
def test_a_change_whose_bloc_is_no_longer_known_is_for_those_alone_who_see_every_bloc(section: str) -> None:
    gone = Change(section, "51-D-99999-1", ChangeKind.REMOVE, before=(("address", "127.11.0.9"),))
    assert not PARTY.sees_change(small_inventory(), gone, EVERY)
    assert Scope.of(EVERY).sees_change(small_inventory(), gone, EVERY)


@pytest.mark.parametrize(("bloc", "seen"), [("party", True), ("gov", False)])
def test_a_removed_site_is_known_by_the_bloc_that_the_change_tells(bloc: str, seen: bool) -> None:
    gone = Change("sites", "51-X-99999", ChangeKind.REMOVE, before=(("bloc", bloc),))
    assert PARTY.sees_change(small_inventory(), gone, EVERY) is seen


@pytest.mark.parametrize(
    ("section", "mine", "others"),
    [
        ("sites", "51-D-21548", "51-C-21548"),
        ("ha_groups", "51-D-T0001", "51-C-T0002"),
        ("channels", "51-D-21548", "51-C-21548"),
    ],
)
def test_sections_other_than_devices_are_filtered_as_well(section: str, mine: str, others: str) -> None:
    inventory = small_inventory()
    assert PARTY.sees_change(inventory, Change(section, mine, ChangeKind.CHANGE), EVERY)
    assert not PARTY.sees_change(inventory, Change(section, others, ChangeKind.CHANGE), EVERY)


def test_units_and_owners_belong_to_no_bloc() -> None:
    assert PARTY.sees_change(small_inventory(), Change("units", "21548", ChangeKind.ADD), EVERY)
