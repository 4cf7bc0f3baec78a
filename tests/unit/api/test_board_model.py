"""The board as plain values."""

from __future__ import annotations

from dataclasses import replace

from channelwatch_api.board.marks import Mark
from channelwatch_api.board.model import Board, board, newest_answer
from channelwatch_api.limits import EXCEPTIONS_SHOWN
from channelwatch_api.scope import Scope

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import IncidentState, Severity
from channelwatch.inventory.model import Bloc, LifeCycle
from channelwatch.status.states import Cause, Flag, Health, PairState, Protection
from tests.unit.api.memory_house import T0, MemoryHouse, settings, small_inventory

EVERY = Scope.of(frozenset(Bloc))
PARTY = Scope.of(frozenset({Bloc.PARTY}))


def house_in_order() -> MemoryHouse:
    house = MemoryHouse()
    house.all_up()
    return house


def shown(house: MemoryHouse, scope: Scope = EVERY) -> Board:
    return board(house.world, scope)


async def test_each_device_in_service_counts_once_under_its_worst_state() -> None:
    house = house_in_order()
    house.assess("51-D-21548-1", Health.DOWN, Protection.EXPOSED, Cause.BYPASS)
    house.assess("51-C-21548-1", Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
    strip = shown(house).strip
    assert strip.total == sum(strip.marks.values()) == 24
    assert (strip.marks[Mark.EXPOSED], strip.marks[Mark.DOWN], strip.marks[Mark.OK]) == (1, 1, 22)


async def test_a_device_that_is_not_in_service_is_neither_counted_nor_an_exception() -> None:
    inventory = small_inventory()
    devices = tuple(
        replace(item, life_cycle=LifeCycle.SUSPENDED) if item.code == "51-D-21548-1" else item
        for item in inventory.devices
    )
    house = MemoryHouse(replace(inventory, devices=devices))
    house.all_up()
    house.assess("51-D-21548-1", Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
    found = shown(house)
    assert found.strip.total == 23
    assert found.exceptions.rows == ()
    (tile,) = [tile for tile in found.tiles if tile.unit == "21548"]
    assert [spot.mark for spot in tile.spots if spot] == [Mark.IDLE, Mark.OK, Mark.OK, Mark.OK]


async def test_exceptions_come_worst_first_and_consequences_after_causes() -> None:
    house = house_in_order()
    house.assess("51-D-21548-1", Health.DEGRADED, Protection.SECURED, Cause.HARDWARE)
    house.assess(
        "51-D-21025-1", Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE, flags=frozenset({Flag.IMPACTED})
    )
    house.assess("51-D-21034-1", Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
    house.assess("51-C-21034-1", Health.UP, Protection.EXPOSED, Cause.BYPASS)
    rows = shown(house).exceptions.rows
    assert [row.device for row in rows] == ["51-C-21034-1", "51-D-21034-1", "51-D-21025-1", "51-D-21548-1"]


async def test_a_long_list_of_exceptions_tells_how_many_were_left_out() -> None:
    communes = [(f"3{n:04}", f"Xã {n}", None) for n in range(EXCEPTIONS_SHOWN + 5)]
    house = MemoryHouse(small_inventory([Bloc.PARTY], communes))  # type: ignore[arg-type]
    found = shown(house).exceptions
    assert len(found.rows) == EXCEPTIONS_SHOWN
    assert found.more == 5 + 3


async def test_a_tile_has_one_place_per_bloc_and_stands_where_the_inventory_has_it() -> None:
    house = house_in_order()
    house.assess("51-Q-21548-1", Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
    found = shown(house)
    assert [tile.name for tile in found.tiles] == ["Lý Sơn", "Cẩm Thành", "An Phú"]
    assert found.tile_blocs == tuple(Bloc)
    assert [spot.bloc if spot else None for spot in found.tiles[0].spots] == list(Bloc)
    assert (found.tiles[0].worst, found.tiles[1].worst) == (Mark.DOWN, Mark.OK)


async def test_the_board_of_one_bloc_shows_nothing_of_another() -> None:
    house = house_in_order()
    house.assess("51-C-21548-1", Health.UP, Protection.EXPOSED, Cause.BYPASS)
    house.open_incident(1, "51-C-21548-1")
    found = shown(house, PARTY)
    assert [card.bloc for card in found.cards] == [Bloc.PARTY]
    assert found.exceptions.rows == ()
    assert found.strip.open == 0
    assert {len(tile.spots) for tile in found.tiles} == {1}


async def test_a_bloc_card_has_its_pair_its_agencies_and_its_working_communes() -> None:
    house = house_in_order()
    house.put_pair("51-D-T0001", PairState.NO_REDUNDANCY)
    house.assess("51-D-T0001-B", Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
    house.assess("51-D-21548-1", Health.DEGRADED, Protection.SECURED, Cause.CARRIER)
    house.assess("51-D-21025-1", Health.UNKNOWN, Protection.UNKNOWN, Cause.MONITORING)
    card = shown(house).cards[0]
    (pair,) = card.pairs
    assert (pair.state, [member.role for member in pair.members]) == (
        PairState.NO_REDUNDANCY,
        ["active", None],
    )
    assert [spot.device for spot in card.agencies] == ["51-D-S0001-1"]
    assert card.hubs == ()
    assert (card.communes_up, card.communes) == (2, 3)


async def test_incidents_that_nobody_has_taken_come_first_then_the_gravest() -> None:
    house = house_in_order()
    house.open_incident(1, "51-D-21548-1", severity=Severity.P3)
    house.open_incident(
        2, "51-D-21025-1", severity=Severity.P1, state=IncidentState.ACKED, acked_at=EpochMs(T0 + 1)
    )
    house.open_incident(3, "51-D-21034-1", severity=Severity.P2)
    house.open_incident(4, "51-D-T0001-A", state=IncidentState.CLOSED, closed_at=EpochMs(T0 + 1))
    found = shown(house)
    assert [row.id for row in found.incidents.rows] == [3, 1, 2]
    assert (found.strip.open, found.strip.unacked, found.strip.oldest_unacked) == (3, 2, T0)


async def test_of_two_equally_grave_incidents_what_is_exposed_comes_before_what_is_down() -> None:
    house = house_in_order()
    house.open_incident(1, "51-D-21548-1", severity=Severity.P1, cause="unreachable")
    house.open_incident(2, "51-D-21025-1", severity=Severity.P1, cause="bypass", t0=EpochMs(T0 + 1))
    house.open_incident(3, "51-D-21034-1", severity=Severity.P1, cause="unreachable", t0=EpochMs(T0 - 1))
    assert [row.id for row in shown(house).incidents.rows] == [2, 3, 1]


async def test_a_drills_incident_is_listed_and_counted_nowhere() -> None:
    house = house_in_order()
    house.open_incident(1, "51-D-21548-1", rule="drill.tamper", drill=True)
    found = shown(house)
    assert [row.drill for row in found.incidents.rows] == [True]
    assert (found.strip.open, found.strip.unacked, found.strip.oldest_unacked) == (0, 0, None)


async def test_an_incident_names_its_place_and_counts_what_it_takes_along_within_the_scope() -> None:
    house = house_in_order()
    house.open_incident(
        1, "51-D-T0001", rule="ha-lost", impacted=("51-D-21548-1", "51-D-21025-1", "51-C-21548-1")
    )
    (row,) = shown(house, PARTY).incidents.rows
    assert (row.place, row.impacted) == ("Cụm HA D", 2)


async def test_two_pictures_of_the_same_world_are_equal_whatever_the_time() -> None:
    house = house_in_order()
    house.open_incident(1, "51-D-21548-1")
    before = shown(house)
    house.clock.advance(60_000)  # type: ignore[attr-defined]
    assert shown(house) == before


async def test_the_newest_answer_is_that_of_the_scope() -> None:
    house = MemoryHouse(conf=settings())
    assert newest_answer(house.world, EVERY) == 0
    house.put("51-C-21548-1", seen_at=EpochMs(T0))
    assert (newest_answer(house.world, EVERY), newest_answer(house.world, PARTY)) == (T0, 0)
