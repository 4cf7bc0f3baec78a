"""Random stories told to the pipeline and stored: the projection is right, and no way of asking changes a figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channelwatch.base.ids import DeviceCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Inventory, LifeCycle
from channelwatch.pipeline.availability import Asked, Question, Terms, availability
from channelwatch.status.events import Observation
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.store.sqlstore import SqlStore
from tests.support.fast_store import FastStore, fast_stores
from tests.support.province import (
    HUB,
    HUB_A,
    HUB_B,
    START,
    answer,
    encrypting,
    role,
    small_inventory,
    spoke,
    tunnel_down,
)
from tests.support.recorded import POLL_MS, Recorder, silent, well

DEVICES = (HUB_A, HUB_B, spoke(1), spoke(2))


def active(code: DeviceCode, at: int) -> Observation:
    return answer(code, at, encrypting(role("active")))


def cut_off(code: DeviceCode, at: int) -> Observation:
    return answer(code, at, encrypting(tunnel_down()))


def aged(code: DeviceCode, at: int) -> Observation:
    """Its counters say that it has served since long before."""
    ages = (
        Reading(Signal.SYS_UPTIME, SignalState.OK, 10**6),
        Reading(Signal.CHANNEL_AGE, SignalState.OK, 10**6, component="hub"),
    )
    return answer(code, at, encrypting(*ages))


TALKS = {"well": well, "silent": silent, "active": active, "cut off": cut_off, "aged": aged}
polls = st.tuples(
    st.just("poll"), st.integers(1, 12), st.tuples(*(st.sampled_from(list(TALKS)) for _ in DEVICES))
)
acts = st.one_of(
    polls,
    polls,
    st.tuples(st.just("sleep"), st.sampled_from([5_000, 26_000, 60_000, 900_000]), st.just(())),
    st.tuples(st.just("suspend"), st.integers(0, 3), st.just(())),
    st.tuples(st.just("serve"), st.integers(0, 3), st.just(())),
    st.tuples(st.sampled_from(["leave", "return"]), st.integers(2, 3), st.just(())),
    st.tuples(st.sampled_from(["exchange", "move"]), st.just(0), st.just(())),
    st.tuples(st.just("clock"), st.sampled_from([-3_000, -40_000, 40_000]), st.just(())),
)


@pytest.fixture(scope="module")
def stores() -> Iterator[FastStore]:
    """One store for all the stories."""
    with fast_stores() as found:
        yield found


def tell(store: SqlStore, story: list[tuple[str, int, tuple[str, ...]]]) -> Recorder:
    """Let `story` happen to a new province."""
    recorder = Recorder(store, START, inventory=small_inventory(2))
    go_on(recorder, story)
    return recorder


def go_on(recorder: Recorder, story: list[tuple[str, int, tuple[str, ...]]]) -> None:
    """Let `story` happen next."""
    for what, much, talks in story:
        match what:
            case "poll":
                recorder.live(
                    much * POLL_MS,
                    talk={code: TALKS[name] for code, name in zip(DEVICES, talks, strict=True)},
                )
            case "sleep":
                recorder.sleep(much)
            case "suspend" | "serve":
                life = LifeCycle.SUSPENDED if what == "suspend" else LifeCycle.IN_SERVICE
                recorder.put_into(life, DEVICES[much])
            case "leave":
                recorder.apply(without(recorder.inventory, DEVICES[much]))
            case "return":
                recorder.apply(small_inventory(2))
            case "exchange":
                recorder.apply(exchanged(recorder.inventory))
            case "move":
                recorder.apply(moved(recorder.inventory))
            case "clock":
                recorder.now += much
            case _:
                raise AssertionError(what)


def without(inventory: Inventory, code: DeviceCode) -> Inventory:
    """`inventory` after a spoke and its channel were taken off it."""
    return replace(
        inventory,
        devices=tuple(item for item in inventory.devices if item.code != code),
        channels=tuple(item for item in inventory.channels if item.spoke != code),
    )


def exchanged(inventory: Inventory) -> Inventory:
    """`inventory` after the first channel's device was exchanged for its spare, which stays on the list."""
    if not inventory.channels:
        return inventory
    line, *others = inventory.channels
    old = inventory.device[line.spoke]
    new = replace(old, code=DeviceCode(f"{old.code[:-1]}{2 if old.code.endswith('1') else 1}"))
    devices = {item.code: item for item in (*inventory.devices, new)}
    return replace(
        inventory,
        devices=tuple(devices.values()),
        channels=(replace(line, spoke=new.code), *others),
    )


def moved(inventory: Inventory) -> Inventory:
    """`inventory` after the first channel was moved from the pair to one member of it, or back."""
    if not inventory.channels:
        return inventory
    line, *others = inventory.channels
    hub = HUB_A if line.hub == HUB else HUB
    return replace(inventory, channels=(replace(line, hub=hub), *others))


@settings(max_examples=80)
@given(st.lists(acts, min_size=2, max_size=12), st.floats(0, 1), st.floats(0, 1))
def test_however_it_is_asked_the_figures_are_the_same(
    stores: FastStore, story: list[tuple[str, int, tuple[str, ...]]], first: float, last: float
) -> None:
    with stores.emptied() as store:
        recorder = tell(store, story)
        assert store.differences() == []
        length = max(recorder.now - START, POLL_MS)
        begins = START + int(length * min(first, last) * 0.9)
        period = Interval(begins, max(begins + 1, START + int(length * max(first, last))))
        compare(store, Terms(period, recorder.now, Fraction(999, 1000), POLL_MS))


def compare(store: SqlStore, terms: Terms) -> None:
    """Windows against the whole past, and one by one against all together."""
    whole = Terms(terms.period, terms.now, terms.target, terms.poll_ms, since_ever=True)
    for asked in (Asked.DEVICE, Asked.PAIR, Asked.CHANNEL):
        together = availability(store, Question(asked, "all"), terms)
        assert together == availability(store, Question(asked, "all"), whole)
        codes = list(dict.fromkeys(row.code for row in together))
        assert together == [
            row for code in codes for row in availability(store, Question(asked, code), terms)
        ]
    assert availability(store, Question(Asked.PROVINCE), terms) == availability(
        store, Question(Asked.PROVINCE), whole
    )
