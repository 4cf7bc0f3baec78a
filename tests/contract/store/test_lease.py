"""The lease, the same for every store: one holder at a time, and a number that shuts out the one before."""

from __future__ import annotations

from channelwatch.base.clock import EpochMs
from tests.contract.store.examples import FullStore, at, effects, event

TTL_MS = 5_000


def take(store: FullStore, holder: str, ms: int = 0, name: str = "pipeline") -> int | None:
    return store.take_lease(name, holder, now=at(ms), ttl_ms=TTL_MS)


def test_only_one_holds_a_lease(store: FullStore) -> None:
    assert take(store, "a") is not None
    assert take(store, "b") is None
    assert take(store, "b", ms=TTL_MS - 1) is None


def test_the_holder_renews_under_the_same_epoch(store: FullStore) -> None:
    epoch = take(store, "a")
    assert take(store, "a", ms=4_000) == epoch
    assert take(store, "b", ms=TTL_MS + 3_999) is None
    assert take(store, "a", ms=60_000) == epoch


def test_an_expired_lease_passes_on_with_a_greater_epoch(store: FullStore) -> None:
    first = take(store, "a")
    second = take(store, "b", ms=TTL_MS)
    third = take(store, "a", ms=2 * TTL_MS)
    assert first is not None and second is not None and third is not None
    assert first < second < third


def test_a_lease_taken_before_the_clock_was_set_back_does_not_last_until_it_has_caught_up(
    store: FullStore,
) -> None:
    # As after a power cut on a machine whose own clock had stood still.
    first = take(store, "a", ms=3600_000)
    second = take(store, "b", ms=0)
    assert first is not None and second is not None and second > first


def test_a_lease_of_a_server_whose_clock_is_a_little_ahead_is_kept(store: FullStore) -> None:
    assert take(store, "a", ms=30_000) is not None
    assert take(store, "b", ms=0) is None


def test_a_released_lease_is_free_at_once(store: FullStore) -> None:
    first = take(store, "a")
    store.release_lease("pipeline", "a")
    second = take(store, "b")
    assert first is not None and second is not None and second > first


def test_only_the_holder_can_release(store: FullStore) -> None:
    epoch = take(store, "a")
    store.release_lease("pipeline", "b")
    store.release_lease("no-such-lease", "a")
    assert take(store, "b") is None
    assert take(store, "a") == epoch


def test_taking_ones_own_released_lease_begins_a_new_epoch(store: FullStore) -> None:
    first = take(store, "a")
    store.release_lease("pipeline", "a")
    second = take(store, "a")
    assert first is not None and second is not None and second > first


def test_leases_of_two_names_never_share_an_epoch(store: FullStore) -> None:
    epochs = [take(store, "a"), take(store, "a", name="reports"), take(store, "b", ms=TTL_MS)]
    assert None not in epochs
    assert len(set(epochs)) == 3


def test_an_epoch_holds_beyond_its_time_until_another_takes_over(store: FullStore) -> None:
    epoch = store.take_lease("pipeline", "a", now=EpochMs(0), ttl_ms=1)
    assert epoch is not None
    store.commit(effects(events=(event(),)), epoch=epoch)
    assert len(store.events(devices=[event().device])) == 1
