"""What people type for a report, and how it reads."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from channelwatch.app.history import text, words
from channelwatch.base.errors import InputError
from channelwatch.base.intervals import Interval
from channelwatch.pipeline.availability import Asked, Question
from channelwatch.status.states import Axis
from channelwatch.uptime.figures import Availability, Sums
from channelwatch.uptime.ledger import Measured, ScopeKind
from channelwatch.uptime.outages import Outage, RepairFigures, summarise


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1000  # type: ignore[arg-type, misc]


NOVEMBER = Interval(utc(2026, 10, 31, 17), utc(2026, 11, 30, 17))


def test_a_month_is_a_month_in_viet_nam() -> None:
    assert words.span("2026-11", None) == NOVEMBER
    assert words.span("2026-11-01", "2026-11-30") == NOVEMBER
    assert words.span("2026-11", "2026-11") == NOVEMBER
    assert words.span("2026", None) == Interval(utc(2025, 12, 31, 17), utc(2026, 12, 31, 17))


def test_an_instant_without_an_offset_is_in_viet_nam() -> None:
    assert words.span("2026-11-22T08:00", "2026-11-22T02:00:00Z") == Interval(
        utc(2026, 11, 22, 1), utc(2026, 11, 22, 2)
    )


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-11-22T08:00", None),
        ("2026-12", "2026-11"),
        ("2026-13", None),
        ("22/11/2026", None),
        ("0001", None),
        ("9999", None),
        ("2026-02-30", None),
        ("", None),
    ],
)
def test_a_period_that_is_none_is_refused(first: str, last: str | None) -> None:
    with pytest.raises(InputError, match="--from"):
        words.span(first, last)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "must be such as 2026, 2026-11, 2026-11-22 or 2026-11-22T08:00:00+07:00"),
        ("20261", "must be such as"),
        ("2026-W10", "must be such as"),
        ("\uff12\uff10\uff12\uff16", "must be such as"),
        ("2026-02-30", "there is no such day or time"),
        ("2026-11-22T25:00", "there is no such day or time"),
        ("2026-11-22T08:00+99:00", "there is no such day or time"),
        ("1999", "the year must be from 2000 to 2199"),
    ],
)
def test_what_is_wrong_with_a_time_is_said_without_words_of_the_language_it_is_written_in(
    text: str, expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        words.when(text, "--from")
    assert str(caught.value).startswith(f"--from {text!r}: {expected}")
    assert "(" not in str(caught.value)


def test_scopes_are_read_and_others_refused() -> None:
    assert words.question("device:51-D-21548-1") == Question(Asked.DEVICE, "51-D-21548-1")
    assert words.question("channel:a:b") == Question(Asked.CHANNEL, "a:b")
    assert words.question("commune:21548") == Question(Asked.COMMUNE, "21548")
    assert words.question("province") == Question(Asked.PROVINCE)
    for wrong in ("", "device", "device:", "province:51", "unit:21548"):
        with pytest.raises(InputError, match="--scope"):
            words.question(wrong)
    with pytest.raises(InputError, match="ask for the channels over it"):
        words.question("circuit:TSLCD-21548")


def test_a_target_is_exact() -> None:
    assert words.target("99.9") == words.target("99,9%") == Fraction(999, 1000)
    for wrong in ("0", "100.1", "-5", "nan", "inf", "x", "1e999999999"):
        with pytest.raises(InputError, match="--target"):
            words.target(wrong)


OUTAGE = Outage(NOVEMBER.start + 1_000_000, NOVEMBER.start + 1_060_000, NOVEMBER.start + 1_600_000, None)
SUMS = Sums(
    up_ms=2_573_400_000, down_self_ms=480_000, edge_ms=120_000, blind_ms=10_800_000, maintenance_ms=7_200_000
)
FOUND = Measured(
    ScopeKind.DEVICE,
    "51-D-21548-1",
    Axis.HEALTH,
    Availability(NOVEMBER, Fraction(999, 1000), SUMS, SUMS),
    RepairFigures(1, summarise([540_000]), (), Fraction(2_573_700_000), 2, 1),
    (Outage(OUTAGE.down_lo, OUTAGE.down_hi, OUTAGE.up_lo, OUTAGE.down_lo + 660_000),),
)


def test_one_device_is_told_of_at_length() -> None:
    told = "\n".join(text.lines([FOUND]))
    for part in (
        "device 51-D-21548-1, health",
        "01/11/2026 00:00:00 to 01/12/2026 00:00:00 (+07:00)",
        "NOT PROVEN against 99.900 %",
        "99.558 % to 99.981 %; of the known time 99.979 %",
        "coverage      99.582 %",
        "480 s for certain, 600 s at most",
        "unknown       3 h 00 min",
        "maintenance   2 h 00 min",
        "1 began, 0 open at the end, MTTR 540 s (median 540 s, p90 540 s, of 1)",
        "2 planned, 1 by the hub",
        "01/11/2026 00:16:40 + 60 s to 01/11/2026 00:26:40 + 60 s",
        "outages shorter than the poll period may be missed",
    ):
        assert part in told


def test_many_scopes_have_a_line_each() -> None:
    told = list(text.lines([FOUND] * 5))
    assert len(told) == 6
    assert "99.558    99.981    99.558    99.582" in told[1]


def test_a_scope_of_which_nothing_is_known_prints_no_share() -> None:
    nothing = Measured(ScopeKind.PAIR, "x", Axis.PAIR, Availability(NOVEMBER, Fraction(1), Sums(), Sums()))
    told = "\n".join(text.lines([nothing]))
    assert "NO DATA" in told
    assert "availability  - to -; of the known time -" in told
