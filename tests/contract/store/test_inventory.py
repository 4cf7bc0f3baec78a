"""Inventory versions and their change log, the same for every store."""

from __future__ import annotations

from dataclasses import replace

from channelwatch.inventory.diff import diff
from channelwatch.inventory.model import Inventory, Province
from channelwatch.pipeline.ports import LoggedChange
from tests.contract.store.examples import LOG, FullStore, T, at, device, inventory


def apply(store: FullStore, wanted: Inventory, ms: int = 0, by: str = "Quản trị viên") -> int:
    return store.apply_inventory(wanted, diff(store.inventory(), wanted), by=by, at=at(ms))


def test_a_new_store_has_no_inventory(store: FullStore) -> None:
    assert (store.inventory(), store.inventory_version(), store.inventory_log(10)) == (None, 0, [])


def test_an_inventory_comes_back_whole_with_its_version(store: FullStore) -> None:
    wanted = inventory()
    assert apply(store, wanted) == 1
    stored = store.inventory()
    assert stored is not None
    assert stored == wanted
    assert stored.version == store.inventory_version() == 1
    assert store.load(LOG, now=T).inventory == wanted


def test_the_newest_version_is_the_one_in_force(store: FullStore) -> None:
    apply(store, inventory())
    wider = inventory(device("51-D-21549-1"))
    assert apply(store, wider) == 2
    assert store.inventory() == wider
    assert store.inventory_version() == 2


def test_applying_the_same_inventory_again_writes_nothing(store: FullStore) -> None:
    apply(store, inventory())
    logged = store.inventory_log(100)
    assert apply(store, inventory()) == 1
    assert store.apply_inventory(inventory(), diff(None, inventory()), by="x", at=at(9)) == 1
    assert store.inventory_log(100) == logged


def test_going_back_is_a_new_version(store: FullStore) -> None:
    for wanted in (inventory(), inventory(device("51-D-21549-1")), inventory()):
        apply(store, wanted)
    assert store.inventory() == inventory()
    assert store.inventory_version() == 3


def test_the_log_tells_what_changed_when_and_by_whom(store: FullStore) -> None:
    first, second = inventory(), replace(inventory(), province=Province("51", "Tỉnh Quảng Ngãi"))
    second = replace(second, devices=(replace(device(), port=161), device("51-D-21549-1")), channels=())
    apply(store, first)
    changes = diff(first, second)
    assert len(changes) == 4
    apply(store, second, ms=60_000, by="truc")
    log = store.inventory_log(100)
    assert log[:4] == [LoggedChange(at(60_000), "truc", change) for change in reversed(changes)]
    assert len(log) == 4 + len(diff(None, first))
    assert {item.by for item in log[4:]} == {"Quản trị viên"}
    assert store.inventory_log(2) == log[:2]
