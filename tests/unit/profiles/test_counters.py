"""Rates, wraps, resets and restarts."""

from __future__ import annotations

import pytest
from channelwatch_collector.profiles.counters import (
    HOUR_MS,
    Restart,
    Sample,
    Uptimes,
    Window,
    per_second,
    restart,
    rise,
)
from hypothesis import given
from hypothesis import strategies as st

QUARTER = 1 << 30


@given(st.integers(0, (1 << 32) - 1), st.integers(0, QUARTER - 1))
def test_a_32_bit_counter_that_wraps_keeps_its_rise(before: int, risen: int) -> None:
    after = (before + risen) % (1 << 32)
    assert rise(Sample(before, 0, 32), Sample(after, 1, 32)) == risen


@given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 62) - 1))
def test_a_64_bit_counter_that_wraps_keeps_its_rise(before: int, risen: int) -> None:
    after = (before + risen) % (1 << 64)
    assert rise(Sample(before, 0, 64), Sample(after, 1, 64)) == risen


@pytest.mark.parametrize("bits", [0, 32, 64])
def test_a_reset_is_no_spike(bits: int) -> None:
    assert rise(Sample(2_000_000_000, 0, bits), Sample(17, 1, bits)) is None
    assert per_second(Sample(2_000_000_000, 0, bits), Sample(17, 60_000, bits)) is None


def test_the_rate_is_per_second_of_the_monotonic_clock() -> None:
    assert per_second(Sample(100, 1_000, 64), Sample(700, 61_000, 64)) == 10
    assert per_second(Sample(100, 1_000, 64), Sample(700, 1_000, 64)) is None


def test_a_window_forgets_after_a_day() -> None:
    window = Window().add(2, 0).add(3, 5 * HOUR_MS).add(1, 5 * HOUR_MS + 1)
    assert window.total == 6
    assert window.add(0, 24 * HOUR_MS).total == 4
    assert window.add(0, 29 * HOUR_MS).total == 0
    assert len(window.add(0, 29 * HOUR_MS).hours) == 1


HOST_UP = Uptimes(at=0, agent=1_000_000, host=2_000_000, boots=4, engine_id=b"e")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (Uptimes(60_000, 1_006_000, 2_006_000, 4, b"e"), None),
        (Uptimes(60_000, 100, 2_006_000, 4, b"e"), Restart.AGENT),
        (Uptimes(60_000, 1_006_000, 2_006_000, 5, b"e"), Restart.AGENT),
        (Uptimes(60_000, 100, 100, 5, b"e"), Restart.HOST),
        (Uptimes(60_000, 100, None, None, b""), Restart.UNKNOWN),
        (Uptimes(60_000, None, None, 5, b"e"), Restart.UNKNOWN),
        (Uptimes(60_000, None, None, None, b""), None),
        (Uptimes(60_000, 100, 100, 1, b"another"), None),
    ],
)
def test_restarts_are_told_apart(after: Uptimes, expected: Restart | None) -> None:
    assert restart(HOST_UP, after) is expected


def test_an_uptime_that_wraps_after_497_days_is_no_restart() -> None:
    before = Uptimes(0, agent=(1 << 32) - 3_000, host=(1 << 32) - 3_000)
    assert restart(before, Uptimes(60_000, agent=3_000, host=3_000)) is None


def test_a_restart_shows_even_when_the_uptime_has_overtaken_the_old_one() -> None:
    before = Uptimes(0, agent=500, host=500)
    assert restart(before, Uptimes(at=3_600_000, agent=100_000, host=100_000)) is Restart.HOST
