"""Rates, reports and sequence numbers: pure, on a clock of the test's own."""

from __future__ import annotations

from channelwatch_collector.syslog.limits import Limits, RateLimiter, Reporter, SequenceWatch, TokenBucket
from hypothesis import given
from hypothesis import strategies as st


@given(
    rate=st.floats(0.5, 1000),
    burst=st.integers(1, 500),
    gaps=st.lists(st.integers(0, 5000), min_size=1, max_size=300),
)
def test_a_bucket_never_lets_more_through_than_burst_and_rate_allow(
    rate: float, burst: int, gaps: list[int]
) -> None:
    bucket, now, passed = TokenBucket(rate_per_s=rate, burst=burst, now_ms=0), 0, 0
    for gap in gaps:
        now += gap
        passed += bucket.take(now)
        assert passed <= burst + rate * now / 1000 + 1e-6


def test_a_bucket_refills_at_its_rate() -> None:
    bucket = TokenBucket(rate_per_s=10, burst=2, now_ms=0)
    assert [bucket.take(0) for _ in range(3)] == [True, True, False]
    assert not bucket.take(99)
    assert bucket.take(100)
    assert not bucket.take(150)


def test_sources_have_rates_of_their_own_and_only_so_many_are_remembered() -> None:
    limiter = RateLimiter(Limits(rate_per_s=1, burst=1, sources=2))
    assert limiter.allows("a", 0)
    assert limiter.allows("b", 0)
    assert not limiter.allows("a", 0)
    assert limiter.allows("c", 0), "a third source pushes out the one heard longest ago"
    assert not limiter.allows("a", 0)
    assert limiter.allows("b", 0)


def test_a_subject_is_reported_once_an_interval_with_what_came_meanwhile() -> None:
    reporter = Reporter(every_s=60, subjects=10)
    assert [reporter.count("a", now) for now in (0, 1_000, 59_999)] == [1, 0, 0]
    assert reporter.count("b", 1_000) == 1
    assert reporter.count("a", 60_000) == 3
    assert reporter.count("a", 61_000) == 0


def test_missing_sequence_numbers_are_counted() -> None:
    watch = SequenceWatch(senders=10)
    assert [watch.missing("a", number) for number in (5, 6, 9, 10)] == [0, 0, 2, 0]
    assert watch.missing("b", 100) == 0, "the first number says nothing"


def test_a_late_number_a_restart_and_a_wrap_are_no_loss() -> None:
    watch = SequenceWatch(senders=10)
    assert [watch.missing("late", number) for number in (5, 8, 6, 9)] == [0, 2, 0, 0]
    assert [watch.missing("restart", number) for number in (5_000, 1, 2)] == [0, 0, 0]
    assert [watch.missing("wrap", number) for number in (2_147_483_647, 1, 2)] == [0, 0, 0]


def test_only_so_many_senders_sequences_are_remembered() -> None:
    watch = SequenceWatch(senders=1)
    watch.missing("a", 1)
    watch.missing("b", 1)
    assert watch.missing("a", 50) == 0
