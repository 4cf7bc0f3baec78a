"""Recent changes and events as one list."""

from __future__ import annotations

from channelwatch_api.board.recent import fetch
from channelwatch_api.limits import RECENT_SHOWN
from channelwatch_api.scope import Scope

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Bloc
from channelwatch.status.events import EventKind, EventReceived, Transport
from channelwatch.status.states import Axis, Cause, PairState, Reason, Transition
from tests.unit.api.memory_house import MemoryHouse

PARTY = Scope.of(frozenset({Bloc.PARTY}))


def change(subject: str, at: int, axis: Axis = Axis.HEALTH, after: str = "down") -> Transition:
    return Transition(subject, axis, "up", after, Cause.UNREACHABLE, Reason.MISSES, at, at, at)


def event(device: str, at: int) -> EventReceived:
    return EventReceived(DeviceCode(device), EventKind.POWER, Transport.TRAP, EpochMs(at), trusted=False)


async def test_both_histories_are_merged_newest_first_within_the_scope() -> None:
    house = MemoryHouse()
    house.record(
        transitions=(
            change("51-D-21548-1", 10),
            change("51-C-21548-1", 20),
            change("51-D-T0001", 40, Axis.PAIR, PairState.LOST),
        ),
        events=(event("51-D-21025-1", 30), event("51-C-21025-1", 35)),
    )
    rows = await fetch(house, PARTY)
    assert [(row.at, row.place, row.is_group) for row in rows] == [
        (40, "Cụm HA D", True), (30, "Cẩm Thành", False), (10, "Lý Sơn", False)
    ]  # fmt: skip
    assert {row.bloc for row in rows} == {Bloc.PARTY}


async def test_the_list_is_cut_to_what_the_board_shows() -> None:
    house = MemoryHouse()
    house.record(
        transitions=tuple(change("51-D-21548-1", at) for at in range(1, RECENT_SHOWN + 10)),
        events=tuple(event("51-D-21548-1", at) for at in range(1, RECENT_SHOWN + 10)),
    )
    rows = await fetch(house, PARTY)
    assert len(rows) == RECENT_SHOWN
    assert rows[0].at == RECENT_SHOWN + 9
