"""Clear circuits on the board: what is exposed or lost comes first, and what nobody can tell is not called sound."""

from __future__ import annotations

from dataclasses import replace

from channelwatch_api.board.circuits import circuit_rows, circuit_sum
from channelwatch_api.scope import Scope

from channelwatch.base.ids import CircuitCode
from channelwatch.incidents.model import SubjectKind
from channelwatch.inventory.model import Bloc
from channelwatch.status.states import Cause, Health, Protection
from channelwatch.status.topology import CircuitState, CircuitView
from tests.unit.api.memory_house import T0, MemoryHouse, small_inventory

EVERY = Scope.of(frozenset(Bloc))


def house_with_circuits() -> MemoryHouse:
    """Three devices below each bloc's hub are carried by one circuit, the agency by one of its own."""
    inventory = small_inventory()
    channels = tuple(
        replace(item, circuit=f"line-{item.spoke[3]}" if "-2" in item.spoke else f"own-{item.spoke}")
        for item in inventory.channels
    )
    house = MemoryHouse(replace(inventory, channels=channels))
    house.all_up()
    return house


def loses(house: MemoryHouse, letter: str) -> None:
    for commune in ("21548", "21025", "21034"):
        house.assess(f"51-{letter}-{commune}-1", Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
    house.world.circuit_views[CircuitCode(f"line-{letter}")] = CircuitView(lost=True, since=house.clock.now())


async def test_exposed_comes_before_lost_and_lost_before_the_rest() -> None:
    house = house_with_circuits()
    loses(house, "Q")
    house.assess("51-M-21548-1", Health.UP, Protection.EXPOSED, Cause.BYPASS)
    house.assess("51-C-21034-1", Health.DOWN, Protection.UNKNOWN, Cause.TUNNEL_DOWN)
    rows = circuit_rows(house.world, EVERY)
    assert [(row.code, row.state) for row in rows] == [
        ("line-M", CircuitState.CARRYING),
        ("line-Q", CircuitState.LOST),
        ("line-C", CircuitState.PARTLY_CUT),
        ("line-D", CircuitState.CARRYING),
    ]
    assert rows[1].since == T0
    assert rows[2].spots[0].device == "51-C-21034-1"
    assert rows[3].hub_name == "Cụm HA D"


async def test_a_circuit_of_which_nobody_knows_is_unknown_and_does_not_carry() -> None:
    house = house_with_circuits()
    for commune in ("21548", "21025", "21034"):
        house.assess(f"51-D-{commune}-1", Health.UNKNOWN, Protection.UNKNOWN, Cause.MONITORING)
        house.assess(f"51-C-{commune}-1", Health.DOWN, Protection.UNKNOWN, Cause.UNREACHABLE)
    found = {str(row.code): row.state for row in circuit_rows(house.world, EVERY)}
    assert found["line-D"] is CircuitState.UNKNOWN
    assert found["line-C"] is CircuitState.UNKNOWN, (
        "all are silent and the loss is not told: the hub may be lost"
    )
    assert circuit_sum(house.world, Bloc.PARTY).carrying == 0


async def test_a_bloc_counts_its_own_circuits_and_names_the_lost_ones() -> None:
    house = house_with_circuits()
    loses(house, "D")
    party, gov = (circuit_sum(house.world, bloc) for bloc in (Bloc.PARTY, Bloc.GOV))
    assert (party.total, party.carrying, party.lost) == (1, 0, ("line-D",))
    assert (gov.total, gov.carrying, gov.lost) == (1, 1, ())
    seen = circuit_rows(house.world, Scope.of(frozenset({Bloc.GOV})))
    assert [row.code for row in seen] == ["line-C"]


async def test_the_circuits_own_incident_is_named_until_it_is_over() -> None:
    house = house_with_circuits()
    loses(house, "D")
    own = house.open_incident(9, "line-D", rule="circuit-lost")
    house.put_incident(replace(own, subject_kind=SubjectKind.CIRCUIT, bloc=Bloc.PARTY))
    (first, *others) = circuit_rows(house.world, EVERY)
    assert first.incident == (9, own.number)
    assert [row.incident for row in others] == [None, None, None]
