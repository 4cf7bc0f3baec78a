"""The projection: written with the transitions, compared with them, rebuilt from them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from channelwatch.base.ids import LogId
from channelwatch.status.states import Axis, Cause, Health
from channelwatch.store.desk import Act
from channelwatch.store.intervals import Fault
from channelwatch.store.sqlstore import SqlStore
from tests.contract.store.examples import DEVICE, GROUP, at, effects, transition
from tests.support.province import START, spoke
from tests.support.recorded import Recorder, silent

MINUTE = 60_000
BY = Act("truong-ca", at(0), "root")

Spans = list[tuple[str, int, int | None, int]]


def spans(store: SqlStore, subject: str = DEVICE, axis: Axis = Axis.HEALTH) -> Spans:
    """What is stored of one subject, times counted from the examples' own."""
    query = text(
        "SELECT state, t_from, t_to, err_ms FROM status_interval JOIN series ON series.id = series"
        " JOIN status_kind ON status_kind.id = kind WHERE subject = :subject AND axis = :axis"
        " ORDER BY t_from, src_seq"
    )
    with store.engine.connect() as connection:
        rows = connection.execute(query, {"subject": subject, "axis": axis})
        return [
            (row.state, row.t_from - at(0), None if row.t_to is None else row.t_to - at(0), row.err_ms)
            for row in rows
        ]


def change(store: SqlStore, statement: str) -> None:
    with store.engine.begin() as connection:
        connection.execute(text(statement))


def insert(store: SqlStore, seq: int, t_from: int, t_to: int | None, *, series: int = 7) -> None:
    ends = "NULL" if t_to is None else str(at(t_to))
    change(
        store,
        "INSERT INTO status_interval (series, kind, src_seq, t_from, t_to, err_ms)"
        f" VALUES ({series}, 1, {seq}, {at(t_from)}, {ends}, 0)",
    )


def of(subject: str) -> str:
    """The condition that a row is about `subject`."""
    return f"series IN (SELECT id FROM series WHERE subject = '{subject}')"


@pytest.fixture
def told(sql_store: SqlStore) -> SqlStore:
    """A store in which a recorder polled, with outages, a dead collector and a pair that failed over."""
    recorder = Recorder(sql_store, START)
    recorder.live(2 * MINUTE)
    recorder.live(2 * MINUTE, talk={spoke(1): silent, spoke(2): silent})
    recorder.sleep(5 * MINUTE)
    recorder.live(2 * MINUTE)
    return sql_store


def test_a_transition_closes_one_span_and_begins_the_next(sql_store: SqlStore, sql_epoch: int) -> None:
    sql_store.commit(effects(transitions=(transition(), transition(GROUP))), epoch=sql_epoch)
    assert spans(sql_store) == [("down", 0, None, 60_000)]
    sql_store.commit(effects(3, transitions=(transition(ms=90_000, after=Health.UP),)), epoch=sql_epoch)
    assert spans(sql_store) == [("down", 0, 90_000, 60_000), ("up", 90_000, None, 60_000)]
    assert spans(sql_store, GROUP) == [("down", 0, None, 60_000)]


def test_several_transitions_of_one_batch_follow_each_other(sql_store: SqlStore, sql_epoch: int) -> None:
    three = (transition(), transition(ms=70_000, after=Health.UP), transition(ms=200_000))
    sql_store.commit(effects(transitions=three), epoch=sql_epoch)
    assert spans(sql_store) == [
        ("down", 0, 70_000, 60_000),
        ("up", 70_000, 200_000, 60_000),
        ("down", 200_000, None, 60_000),
    ]


def test_committing_again_changes_nothing(sql_store: SqlStore, sql_epoch: int) -> None:
    batch = effects(transitions=(transition(), transition(ms=70_000, after=Health.UP)))
    sql_store.commit(batch, epoch=sql_epoch)
    before = spans(sql_store)
    sql_store.commit(batch, epoch=sql_epoch)
    assert spans(sql_store) == before


def test_bounds_that_overlap_are_cut_and_a_state_of_no_length_is_kept(
    sql_store: SqlStore, sql_epoch: int
) -> None:
    late = (transition(ms=100_000), transition(ms=90_000, after=Health.UP), transition(ms=130_000))
    sql_store.commit(effects(transitions=late), epoch=sql_epoch)
    assert spans(sql_store) == [
        ("down", 100_000, 100_000, 60_000),
        ("up", 100_000, 130_000, 0),
        ("down", 130_000, None, 30_000),
    ]
    assert sql_store.differences() == []


def test_another_log_goes_on_where_the_first_ended(sql_store: SqlStore, sql_epoch: int) -> None:
    sql_store.commit(effects(transitions=(transition(),)), epoch=sql_epoch)
    renamed = replace(effects(transitions=(transition(ms=90_000, after=Health.UP),)), log=LogId("renamed"))
    sql_store.commit(renamed, epoch=sql_epoch)
    assert spans(sql_store) == [("down", 0, 90_000, 60_000), ("up", 90_000, None, 60_000)]
    assert sql_store.differences() == []


def test_the_projection_of_a_story_is_that_of_its_transitions(told: SqlStore) -> None:
    assert told.differences() == []
    assert len(spans(told, spoke(1))) > 3


def test_a_span_that_is_missing_wrong_or_surplus_is_found_and_repaired(
    told: SqlStore, sql_epoch: int
) -> None:
    change(told, f"DELETE FROM status_interval WHERE {of(spoke(1))} AND t_to IS NOT NULL")
    change(told, f"DELETE FROM status_interval WHERE {of(spoke(2))} AND t_to IS NULL")
    change(
        told,
        "INSERT INTO status_interval SELECT t_to, NULL, 7, 999999, series, kind FROM status_interval"
        f" WHERE {of(spoke(2))} ORDER BY t_from DESC LIMIT 1",
    )
    change(told, f"UPDATE status_interval SET t_to = t_from + 5 WHERE {of(spoke(3))} AND t_to IS NULL")
    found = told.differences()
    faults = [item.fault for item in found]
    assert set(faults) == set(Fault)
    assert faults.count(Fault.WRONG) == 2
    assert str(found[0]).startswith("missing 51-D-20001-1 ")
    assert len(told.differences(limit=2)) == 2
    assert told.repair(BY, epoch=sql_epoch) == len(found)
    assert told.differences() == []
    assert told.repair(BY, epoch=sql_epoch) == 0


def test_a_database_without_a_projection_gets_one_when_it_is_opened(told: SqlStore) -> None:
    before = spans(told, spoke(1))
    change(told, "DELETE FROM status_interval")
    assert {item.fault for item in told.differences()} == {Fault.MISSING}
    told.upgrade()
    assert spans(told, spoke(1)) == before
    assert told.differences() == []


OVERLAPS = [(-10, 5), (0, 10), (5, 6), (9, None), (-10, None), (-10, 50)]


def refuses_overlaps(store: SqlStore) -> None:
    insert(store, 1, 0, 10)
    insert(store, 2, 10, 20)
    insert(store, 3, 20, None, series=8)
    insert(store, 3, 0, None, series=6)
    for start, end in OVERLAPS:
        with pytest.raises(DBAPIError):
            insert(store, 4, start, end)
    insert(store, 5, 5, 5)
    insert(store, 6, -20, 0)
    insert(store, 7, 20, None)
    with pytest.raises(DBAPIError):
        insert(store, 8, 30, None)
    with pytest.raises(DBAPIError):
        insert(store, 9, 30, 20)


def test_spans_that_overlap_are_refused(sql_store: SqlStore) -> None:
    refuses_overlaps(sql_store)


def test_a_change_of_cause_alone_is_a_span_of_its_own(sql_store: SqlStore, sql_epoch: int) -> None:
    again = replace(transition(ms=70_000), before=Health.DOWN, cause=Cause.POWER)
    sql_store.commit(effects(transitions=(transition(), again)), epoch=sql_epoch)
    assert spans(sql_store) == [("down", 0, 70_000, 60_000), ("down", 70_000, None, 60_000)]
