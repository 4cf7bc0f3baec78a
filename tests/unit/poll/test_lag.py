"""The record of the event loop's lag."""

from __future__ import annotations

from channelwatch_collector.poll.lag import LagRecord


def test_only_lags_since_the_instant_count() -> None:
    record = LagRecord()
    for at, lag in ((100, 5), (200, 900), (300, 20), (400, 10)):
        record.note(at, lag)
    assert record.worst_since(0) == 900
    assert record.worst_since(200) == 900
    assert record.worst_since(201) == 20
    assert record.worst_since(500) == 0


def test_the_record_is_bounded() -> None:
    record = LagRecord(limit=10)
    record.note(0, 9_999)
    for at in range(1, 100):
        record.note(at, 1)
    assert record.worst_since(0) == 1
