"""Maintenance and corrections: asked for, decided by somebody else, and never changed afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from channelwatch.base.errors import Permanent
from channelwatch.inventory.maintenance import Every, Window, WindowScope
from channelwatch.store.desk import Act
from channelwatch.store.sqlstore import SqlStore
from channelwatch.uptime.corrections import CorrectedState, Correction, Decision
from tests.contract.store.examples import DEVICE, at

HOUR = 3600_000
WINDOW = Window(
    id=1,
    scope=WindowScope.DEVICE,
    code=DEVICE,
    start=at(HOUR),
    end=at(3 * HOUR),
    owner="Phòng Kỹ thuật",
    reason="thay nguồn",
    requested_by="truong-ca",
    requested_at=at(0),
    every=Every.MONTH_WEEKDAY,
    again_until=at(1000 * HOUR),
    except_days=frozenset({date(2027, 2, 6), date(2026, 12, 26)}),
)
CORRECTION = Correction(
    1,
    WindowScope.DEVICE,
    DEVICE,
    CorrectedState.MAINTENANCE,
    at(0),
    at(HOUR),
    "biên bản 7",
    "truong-ca",
    at(2 * HOUR),
)


def act(by: str = "chi-huy", ms: int = 1000, reason: str = "") -> Act:
    return Act(by, at(ms), origin="root", reason=reason)


def plan(store: SqlStore, window: Window = WINDOW) -> int:
    return store.plan_window(window, origin="root")


def test_a_window_is_read_back_as_it_was_asked_for(sql_store: SqlStore) -> None:
    first = plan(sql_store)
    second = plan(sql_store, replace(WINDOW, again_until=None))
    assert sql_store.windows() == (replace(WINDOW, id=first), replace(WINDOW, id=second, again_until=None))


def test_somebody_else_approves_it_once(sql_store: SqlStore) -> None:
    number = plan(sql_store)
    with pytest.raises(Permanent, match="cannot approve"):
        sql_store.approve_window(number, act(" Truong-Ca"))
    approved = sql_store.approve_window(number, act())
    assert (approved.approved_by, approved.approved_at) == ("chi-huy", at(1000))
    assert sql_store.windows() == (approved,)
    with pytest.raises(Permanent, match="already"):
        sql_store.approve_window(number, act("another"))


def test_a_window_is_ended_once_and_stays_ended(sql_store: SqlStore) -> None:
    number = plan(sql_store)
    sql_store.approve_window(number, act())
    ended = sql_store.end_window(number, act("truong-ca", 2 * HOUR, "xong sớm"))
    assert (ended.ended_by, ended.ended_at, ended.last_end) == ("truong-ca", at(2 * HOUR), at(2 * HOUR))
    with pytest.raises(Permanent, match="has ended it"):
        sql_store.end_window(number, act(ms=3 * HOUR))


def test_what_is_over_is_neither_approved_nor_ended(sql_store: SqlStore) -> None:
    number = plan(sql_store, replace(WINDOW, again_until=None))
    for late in (sql_store.end_window, sql_store.approve_window):
        with pytest.raises(Permanent, match="it is over"):
            late(number, act(ms=3 * HOUR))


def test_only_windows_that_may_still_matter_are_listed(sql_store: SqlStore) -> None:
    plan(sql_store, replace(WINDOW, again_until=None))
    weekly = plan(sql_store)
    assert [window.id for window in sql_store.windows(since=at(4 * HOUR))] == [weekly]


def test_a_correction_is_decided_once_by_somebody_else(sql_store: SqlStore) -> None:
    first = sql_store.request_correction(CORRECTION, origin="root")
    second = sql_store.request_correction(CORRECTION, origin="root")
    with pytest.raises(Permanent, match="cannot decide"):
        sql_store.decide_correction(first, Decision.APPROVED, act("truong-ca"))
    approved = sql_store.decide_correction(first, Decision.APPROVED, act())
    refused = sql_store.decide_correction(second, Decision.REFUSED, act(reason="không có biên bản"))
    assert (approved.decision, approved.decided_by, approved.decided_at) == (
        Decision.APPROVED,
        "chi-huy",
        at(1000),
    )
    assert sql_store.corrections() == (approved, refused)
    with pytest.raises(Permanent, match="already"):
        sql_store.decide_correction(second, Decision.APPROVED, act())


def test_numbers_that_nobody_was_given_are_refused(sql_store: SqlStore) -> None:
    with pytest.raises(Permanent, match="no such number"):
        sql_store.approve_window(10**6, act())
    with pytest.raises(Permanent, match="no such number"):
        sql_store.decide_correction(10**6, Decision.REFUSED, act())


@pytest.mark.parametrize("table", ["maintenance", "maintenance_step", "correction", "correction_step"])
@pytest.mark.parametrize("change", ["UPDATE {} SET origin = 'x'", "DELETE FROM {}"])
def test_nothing_of_it_can_be_changed(sql_store: SqlStore, table: str, change: str) -> None:
    sql_store.approve_window(plan(sql_store), act())
    number = sql_store.request_correction(CORRECTION, origin="root")
    sql_store.decide_correction(number, Decision.APPROVED, act())
    with pytest.raises(DBAPIError, match="append-only"), sql_store.engine.begin() as connection:
        connection.execute(text(change.format(table)))
