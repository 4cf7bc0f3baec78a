"""Silence proves something only while somebody else is heard."""

from __future__ import annotations

from itertools import islice

from channelwatch_collector.poll.witness import ASKED, Witnesses

from channelwatch.base.ids import DeviceCode

A, B, C = (DeviceCode(f"51-D-{number:05d}-1") for number in (1, 2, 3))


def watching(*devices: DeviceCode) -> Witnesses:
    found = Witnesses()
    for device in devices:
        found.watch(device)
    return found


def silent(witnesses: Witnesses, device: DeviceCode, since: int) -> list[bool]:
    """Three misses in a row from `since` on, each of 4 s, a second apart; the third decides."""
    began = range(since, since + 15_000, 5_000)
    return [
        witnesses.missed(device, began=at, at=at + 4_000, decides=number == 2)
        for number, at in enumerate(began)
    ]


def test_a_silent_device_is_counted_out_while_another_answers() -> None:
    witnesses = watching(A, B)
    witnesses.heard(B, 9_500)
    assert silent(witnesses, A, 0) == [True, True, True]
    assert not witnesses.waiting


def test_while_nobody_is_heard_no_one_is_counted_out() -> None:
    witnesses = watching(A, B)
    for device in (A, B):
        witnesses.heard(device, 0)
    assert silent(witnesses, A, 1_000) == [True, True, False]
    assert silent(witnesses, B, 1_500) == [True, True, False]
    assert witnesses.waits(A) and witnesses.waits(B)


def test_what_was_heard_while_the_first_poll_still_waited_proves_nothing() -> None:
    witnesses = watching(A, B)
    witnesses.heard(B, 3_999)  # the first miss landed at 4 000: the network may have been cut before
    assert silent(witnesses, A, 0) == [True, True, False]


def test_of_a_device_that_is_down_each_miss_needs_a_witness_of_its_own() -> None:
    witnesses = watching(A, B)
    witnesses.heard(B, 9_500)
    silent(witnesses, A, 0)
    assert not witnesses.missed(A, began=60_000, at=62_000, decides=True)
    witnesses.heard(B, 100_000)
    assert witnesses.missed(A, began=120_000, at=122_000, decides=True)


def test_as_soon_as_another_answers_again_the_silent_one_is_counted_out() -> None:
    witnesses = watching(A, B)
    silent(witnesses, A, 0)
    witnesses.heard(B, 30_000)
    assert witnesses.missed(A, began=60_000, at=62_000, decides=True)
    assert not witnesses.waiting


def test_the_only_device_needs_no_witness() -> None:
    assert silent(watching(A), A, 0) == [True, True, True]


def test_the_last_one_that_was_alive_needs_no_witness() -> None:
    witnesses = watching(A, B, C)
    for device in (A, B):
        witnesses.heard(C, 9_500)
        silent(witnesses, device, 0)
    assert silent(witnesses, C, 20_000) == [True, True, True]


def test_a_device_that_came_back_may_be_waited_for_again() -> None:
    witnesses = watching(A, B)
    witnesses.heard(B, 9_500)
    silent(witnesses, A, 0)
    witnesses.heard(A, 20_000)
    assert silent(witnesses, B, 30_000) == [True, True, False]


def test_a_withdrawn_device_is_waited_for_no_more() -> None:
    witnesses = watching(A, B)
    silent(witnesses, A, 0)
    witnesses.forget(B)
    assert witnesses.missed(A, began=60_000, at=62_000, decides=True)


def test_a_network_that_is_cut_for_long_is_no_outage_at_any_time() -> None:
    witnesses = watching(A, B)
    for device in (A, B):
        witnesses.heard(device, 0)
        silent(witnesses, device, 1_000)
    later = range(60_000, 3_600_000, 60_000)
    assert not any(
        witnesses.missed(device, began=at, at=at + 2_000, decides=True) for at in later for device in (A, B)
    )


def test_those_heard_last_are_asked_and_only_if_nobody_is_heard() -> None:
    others = [DeviceCode(f"51-D-{number:05d}-1") for number in range(10, 20)]
    witnesses = watching(A, *others)
    for at, device in enumerate(others):
        witnesses.heard(device, at)
    assert list(witnesses.to_ask(A, quiet_since=9)) == []
    assert list(witnesses.to_ask(A, quiet_since=10)) == list(islice(reversed(others), ASKED))
    assert others[-1] not in witnesses.to_ask(others[-1], quiet_since=10)


def test_a_stranger_is_not_heard() -> None:
    witnesses = watching(A, B)
    witnesses.heard(C, 9_500)
    assert silent(witnesses, A, 0) == [True, True, False]
