"""Lines that come again, told from lines that are alike."""

from __future__ import annotations

from channelwatch_collector.syslog.resends import Resends

RAW = b"<13>Nov 22 10:42:03 gw a: x"


def resends(limit: int = 100) -> Resends:
    return Resends(keep_s=600, limit=limit)


def take(known: Resends, session: int, raw: bytes = RAW, *, source: str = "a", tick: int = 0) -> bool:
    """Whether the line was new."""
    if known.recognise(session, source, raw, tick) is not None:
        return False
    known.remember(session, source, raw, tick=tick, receipt=None)
    return True


def test_a_line_of_an_earlier_session_is_recognised() -> None:
    known = resends()
    assert take(known, 1)
    assert not take(known, 2)
    assert not take(known, 3), "and once more, when that session broke too"


def test_equal_lines_of_one_session_are_two_events_and_both_are_recognised() -> None:
    known = resends()
    assert [take(known, 1) for _ in range(2)] == [True, True]
    assert [take(known, 2) for _ in range(3)] == [False, False, True]


def test_other_lines_and_other_sources_are_new() -> None:
    known = resends()
    assert take(known, 1)
    assert take(known, 2, RAW + b"y")
    assert take(known, 2, source="b")


def test_after_ten_minutes_a_line_is_new() -> None:
    known = resends()
    assert take(known, 1, tick=0)
    assert not take(known, 2, tick=599_999)
    assert take(known, 3, tick=600_000)


def test_only_so_many_lines_are_remembered() -> None:
    known = resends(limit=2)
    for number in range(3):
        take(known, 1, b"%d" % number)
    assert [take(known, 2, b"%d" % number) for number in (2, 1)] == [False, False]
    assert take(known, 2, b"0")
