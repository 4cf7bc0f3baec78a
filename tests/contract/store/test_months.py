"""Months measured once: kept in either database, added up exactly, and dropped when the past turns out otherwise."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from sqlalchemy import text

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, LogId
from channelwatch.base.intervals import Interval
from channelwatch.pipeline.availability import ALL, Asked, Question, Terms, availability
from channelwatch.pipeline.ports import Effects
from channelwatch.pipeline.snapshots import brief, make_month, stale_months, wrong_months
from channelwatch.status.states import Axis, Cause, Reason, Transition
from channelwatch.store import snapshots
from channelwatch.store.desk import Act
from channelwatch.store.sqlstore import SqlStore
from channelwatch.uptime.period import month
from tests.support.province import HUB_A, spoke
from tests.support.recorded import HOUR, POLL_MS, Recorder, silent

MINUTE = 60_000
BY = Act("truong-ca", EpochMs(0), "root")
SEPTEMBER = month(2026, 9)
QUARTER = [month(2026, 7), month(2026, 8), SEPTEMBER]
QUESTIONS = [Question(asked, ALL) for asked in Asked if asked is not Asked.PROVINCE] + [
    Question(Asked.PROVINCE)
]


@pytest.fixture
def recorder(sql_store: SqlStore) -> Recorder:
    """Polled around the first and the last midnight of September, and dead in between; a spoke was lost over each."""
    found = Recorder(sql_store, SEPTEMBER.start - 10 * MINUTE)
    for edge in (SEPTEMBER.start, SEPTEMBER.end):
        found.sleep(edge - 5 * MINUTE - found.now)
        found.live(10 * MINUTE, talk={spoke(1): silent})
        found.live(10 * MINUTE, talk={HUB_A: silent})
    found.sleep(4 * HOUR)
    found.live(5 * MINUTE)
    return found


def terms(recorder: Recorder) -> Terms:
    period = Interval(SEPTEMBER.start - 10 * MINUTE, SEPTEMBER.end + 20 * MINUTE)
    return Terms(period, recorder.now, Fraction(999, 1000), POLL_MS)


def test_a_kept_month_and_its_edges_are_what_the_history_says(
    recorder: Recorder, sql_store: SqlStore
) -> None:
    wanted = terms(recorder)
    assert stale_months(sql_store, wanted) == [SEPTEMBER]
    assert make_month(sql_store, SEPTEMBER, wanted)
    assert stale_months(sql_store, wanted) == []
    assert wrong_months(sql_store, wanted) == []
    for question in QUESTIONS:
        direct = availability(sql_store, question, wanted)
        assert brief(sql_store, question, wanted) == [
            row._replace(repair=None, outages=(), response=None, carried=False) for row in direct
        ]


def test_a_month_is_read_from_what_was_kept(recorder: Recorder, sql_store: SqlStore) -> None:
    make_month(sql_store, SEPTEMBER, terms(recorder))
    tamper(sql_store)
    wanted = replace(terms(recorder), period=SEPTEMBER)
    (row, _) = brief(sql_store, Question(Asked.DEVICE, spoke(1)), wanted)
    assert row.availability.sums.up_ms == 7
    assert wrong_months(sql_store, wanted) == [(SEPTEMBER, 1)]


def tamper(store: SqlStore, stretch: Interval = SEPTEMBER) -> None:
    with store.engine.begin() as connection:
        changed = connection.execute(
            text(
                "UPDATE month_share SET up_ms = 7 WHERE code = :code AND axis = 'health' AND kind = 'device'"
                " AND t_from = :start AND t_to = :end"
            ),
            {"code": spoke(1), "start": stretch.start, "end": stretch.end},
        )
        assert changed.rowcount == 1


@pytest.fixture
def quarter(sql_store: SqlStore) -> Recorder:
    """Polled around the first midnight of each month from July to October, and dead in between."""
    found = Recorder(sql_store, QUARTER[0].start - 10 * MINUTE)
    for number, edge in enumerate((*(one.start for one in QUARTER), SEPTEMBER.end)):
        found.sleep(max(0, edge - 5 * MINUTE - found.now))
        found.live(10 * MINUTE, talk={spoke(number % 2 + 1): silent})
    found.sleep(4 * HOUR)
    found.live(5 * MINUTE)
    return found


def test_a_quarter_is_added_up_once_and_right_as_long_as_its_months_are(
    quarter: Recorder, sql_store: SqlStore
) -> None:
    whole = Interval(QUARTER[0].start, SEPTEMBER.end)
    wanted = replace(terms(quarter), period=whole)
    assert not make_month(sql_store, whole, wanted), "no month is kept yet"
    assert stale_months(sql_store, wanted) == [*QUARTER, whole]
    assert all(make_month(sql_store, one, wanted) for one in [*QUARTER, whole])
    assert stale_months(sql_store, wanted) == wrong_months(sql_store, wanted) == []
    for question in QUESTIONS:
        for period in (whole, Interval(whole.start - 5 * MINUTE, whole.end + 5 * MINUTE), SEPTEMBER):
            asked = replace(wanted, period=period)
            direct = availability(sql_store, question, asked)
            assert brief(sql_store, question, asked) == [
                row._replace(repair=None, outages=(), response=None, carried=False) for row in direct
            ]
    tamper(sql_store, whole)
    device = Question(Asked.DEVICE, spoke(1))
    assert brief(sql_store, device, wanted)[0].availability.sums.up_ms == 7
    assert wrong_months(sql_store, wanted) == [(whole, 1)]
    tell(quarter, sql_store, SEPTEMBER.end - MINUTE)
    assert stale_months(sql_store, wanted) == [SEPTEMBER, whole]
    direct = availability(sql_store, device, wanted)[0]
    assert brief(sql_store, device, wanted)[0].availability == direct.availability
    assert not make_month(sql_store, whole, wanted), "one of its months is not right"
    assert make_month(sql_store, SEPTEMBER, wanted)
    assert stale_months(sql_store, wanted) == [whole]
    assert make_month(sql_store, whole, wanted)
    assert wrong_months(sql_store, wanted) == stale_months(sql_store, wanted) == []


def test_what_is_recorded_late_of_a_month_makes_it_stale_and_of_a_later_one_does_not(
    recorder: Recorder, sql_store: SqlStore
) -> None:
    wanted = terms(recorder)
    make_month(sql_store, SEPTEMBER, wanted)
    tell(recorder, sql_store, SEPTEMBER.end + MINUTE, spoke(4))
    assert stale_months(sql_store, wanted) == []
    tell(recorder, sql_store, SEPTEMBER.end - MINUTE)
    assert stale_months(sql_store, wanted) == [SEPTEMBER]
    tamper(sql_store)
    device = Question(Asked.DEVICE, spoke(1))
    direct = availability(sql_store, device, wanted)[0]
    assert brief(sql_store, device, wanted)[0].availability == direct.availability
    assert make_month(sql_store, SEPTEMBER, wanted)
    assert wrong_months(sql_store, wanted) == stale_months(sql_store, wanted) == []


def tell(recorder: Recorder, store: SqlStore, at: int, code: DeviceCode | None = None) -> None:
    """Another log tells of a device that nobody had told of at `at`."""
    log = LogId(f"late-{at}")
    move = Transition(
        code or spoke(3),
        Axis.CONTINUITY,
        "unbacked",
        "backed",
        Cause.NONE,
        Reason.POLL,
        EpochMs(at),
        EpochMs(at),
        EpochMs(recorder.now),
        "test",
    )
    epoch = store.take_lease("late", "test", now=EpochMs(recorder.now), ttl_ms=10**9)
    assert epoch is not None
    store.commit(Effects(log, 1, transitions=(move,)), epoch=epoch)


def test_what_is_recorded_while_a_month_is_measured_keeps_it_from_being_kept(
    recorder: Recorder, sql_store: SqlStore
) -> None:
    sql_store.begin_month(SEPTEMBER)
    tell(recorder, sql_store, SEPTEMBER.end - MINUTE)
    assert not sql_store.keep_month(SEPTEMBER, "ground", [])
    assert stale_months(sql_store, terms(recorder)) == [SEPTEMBER]


def test_a_month_is_not_measured_before_its_last_answers_are_settled(
    recorder: Recorder, sql_store: SqlStore
) -> None:
    early = replace(terms(recorder), now=SEPTEMBER.end + HOUR)
    assert stale_months(sql_store, early) == []


def test_a_repaired_projection_makes_every_month_stale(recorder: Recorder, sql_store: SqlStore) -> None:
    make_month(sql_store, SEPTEMBER, terms(recorder))
    with sql_store.engine.begin() as connection:
        lost = "DELETE FROM status_interval WHERE series IN (SELECT id FROM series WHERE subject = :code)"
        connection.execute(text(lost), {"code": spoke(2)})
    epoch = sql_store.take_lease("repair", "test", now=EpochMs(recorder.now), ttl_ms=10**9)
    assert epoch is not None
    assert sql_store.repair(BY, epoch=epoch) > 0
    assert stale_months(sql_store, terms(recorder)) == [SEPTEMBER]


def test_shares_are_written_a_few_at_a_time(
    recorder: Recorder, sql_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "ROWS", 3)
    assert make_month(sql_store, SEPTEMBER, terms(recorder))
    assert len(sql_store.shares_of(SEPTEMBER)) > 10
    assert wrong_months(sql_store, terms(recorder)) == []
