"""Who may talk at once, and who waits without keeping out the others."""

from __future__ import annotations

import asyncio

import pytest
from channelwatch_collector.snmp.limits import Gate, Places


def places(most: int = 2, most_slow: int = 0, patience_s: float = 60.0) -> Places:
    return Places(most=most, most_slow=most_slow, patience_s=patience_s)


def test_whoever_is_inside_for_long_counts_no_more_up_to_the_limit() -> None:
    held = places(most=2, most_slow=1, patience_s=1.0)
    held.take("a", 0.0)
    held.take("b", 0.5)
    assert (held.free(0.9), held.frees_at()) == (0, 1.0)
    assert held.free(1.0) == 1
    held.take("c", 1.0)
    assert (held.free(9.0), held.frees_at(), len(held)) == (0, None, 3)
    held.give_back("a")
    assert held.free(9.0) == 1
    for who in ("b", "c"):
        held.give_back(who)
    assert (held.free(9.0), len(held)) == (2, 0)


async def test_whoever_waits_comes_in_by_order_of_arrival() -> None:
    gate, order = Gate(places(most=1), max_waiting=10), []
    assert gate.enters_at_once("first")

    async def come(who: str) -> None:
        assert await gate.enter(who)
        order.append(who)
        await asyncio.sleep(0)
        gate.leave(who)

    coming = [asyncio.create_task(come(who)) for who in "abc"]
    await asyncio.sleep(0)
    assert not gate.enters_at_once("pushing in")
    gate.leave("first")
    await asyncio.gather(*coming)
    assert order == ["a", "b", "c"]
    assert gate.enters_at_once("last")


async def test_too_many_waiting_are_turned_away_at_once() -> None:
    gate = Gate(places(most=1), max_waiting=1)
    assert await gate.enter("inside")
    waiting = asyncio.create_task(gate.enter("waiting"))
    await asyncio.sleep(0)
    assert not await gate.enter("too many")
    gate.leave("inside")
    assert await waiting


@pytest.mark.parametrize("admitted", [False, True])
async def test_whoever_gives_up_waiting_takes_no_place(admitted: bool) -> None:
    gate = Gate(places(most=1), max_waiting=5)
    assert await gate.enter("inside")
    impatient = asyncio.create_task(gate.enter("impatient"))
    await asyncio.sleep(0)
    if admitted:
        gate.leave("inside")
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    if not admitted:
        gate.leave("inside")
    assert gate.enters_at_once("next")


async def test_a_place_becomes_free_although_nobody_leaves() -> None:
    gate = Gate(places(most=1, most_slow=1, patience_s=0.01), max_waiting=5)
    assert await gate.enter("silent")
    assert await asyncio.wait_for(gate.enter("living"), 30)
