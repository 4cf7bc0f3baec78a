"""Evidence of life, and the vigil over it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channelwatch.pipeline.heartbeat import Cry, Evidence, Stale, Vigil, heard, is_replayed, watch

START = 1_789_970_400_000
BEAT = Evidence("test-1", START, 1, START, 500, 20_000, 60_000, 0, 7, 0)
TIMES = {"dead_after_ms": 45_000, "repeat_ms": 900_000}


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, ()),
        ({"evaluated_ms": 30_001}, (Stale.NOT_EVALUATING,)),
        ({"polled_ms": 210_001}, (Stale.NOT_POLLING,)),
        ({"polled_ms": 210_000}, ()),
        ({"unsent_ms": 120_001}, (Stale.NOT_DELIVERING,)),
        ({"evaluated_ms": 10**6, "unsent_ms": 10**6}, (Stale.NOT_EVALUATING, Stale.NOT_DELIVERING)),
    ],
)
def test_what_is_alive_but_stale_counts_as_dead(changes: dict[str, int], reasons: tuple[Stale, ...]) -> None:
    beat = replace(BEAT, **changes)  # type: ignore[arg-type]
    assert beat.stale() == reasons
    vigil = heard(Vigil(alive_at=0), beat, 40_000)
    _, cry = watch(vigil, 46_000, **TIMES)
    assert cry is (Cry.DEAD if reasons else None)


def test_it_cries_once_then_repeats_and_says_when_all_is_well() -> None:
    vigil, cries = Vigil(alive_at=0), list[tuple[int, Cry]]()
    for second in range(2000):
        if second >= 1900:
            beat = replace(BEAT, seq=second)
            vigil = heard(vigil, beat, second * 1000)
        vigil, cry = watch(vigil, second * 1000, **TIMES)
        if cry is not None:
            cries.append((second, cry))
    assert cries == [
        (46, Cry.DEAD), (946, Cry.STILL_DEAD), (1846, Cry.STILL_DEAD), (1900, Cry.ALIVE_AGAIN),
    ]  # fmt: skip
    assert vigil.episode == 1


def test_an_old_beat_sent_again_is_known() -> None:
    vigil = heard(Vigil(alive_at=0), BEAT, 0)
    assert is_replayed(vigil, BEAT, START)
    assert not is_replayed(vigil, replace(BEAT, seq=2), START)
    assert is_replayed(vigil, replace(BEAT, seq=2), START + 7_200_001)
    later = heard(vigil, replace(BEAT, seq=1, started_at=START + 20_000, at=START + 30_000), 0)
    assert is_replayed(later, replace(BEAT, seq=9, at=START + 15_000), START + 30_000), "of the start before"


def test_a_service_that_begins_anew_is_heard_whatever_its_clock_said_then() -> None:
    """After a power cut the clock may be years behind for a moment: that is no reason to call it dead."""
    vigil = heard(Vigil(alive_at=0), BEAT, 0)
    for minute, began in ((1, START + 1), (2, 946_684_800_000)):
        now = START + minute * 60_000
        first = replace(BEAT, seq=1, started_at=began, at=now)
        assert not is_replayed(vigil, first, now)
        vigil = heard(vigil, first, now)
        assert is_replayed(vigil, first, now)
        assert not is_replayed(vigil, replace(first, seq=2), now)


@pytest.mark.parametrize("step_ms", [-3_600_000, 3_600_000])
def test_a_clock_that_is_an_hour_off_is_no_death(step_ms: int) -> None:
    beat = replace(BEAT, at=START + step_ms)
    assert not is_replayed(Vigil(alive_at=0), beat, START + 200)
    assert not is_replayed(heard(Vigil(alive_at=0), BEAT, 0), replace(beat, seq=2), START + 200)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60_000), st.booleans()), max_size=60))
def test_without_proof_for_the_time_it_is_dead_and_with_proof_it_is_not(
    beats: list[tuple[int, bool]],
) -> None:
    vigil, now, proof = Vigil(alive_at=0), 0, 0
    for number, (wait, is_good) in enumerate(beats, 1):
        now += wait
        vigil, _ = watch(vigil, now, **TIMES)
        assert vigil.is_dead == (now - proof > 45_000)
        beat = replace(BEAT, seq=number, evaluated_ms=0 if is_good else 10**6)
        vigil = heard(vigil, beat, now)
        proof = now if is_good else proof
