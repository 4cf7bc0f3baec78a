"""No question that is asked often reads a whole table, however long the history grows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import event as event_of

from channelwatch.inventory.model import Bloc
from channelwatch.store.sqlstore import SqlStore
from channelwatch.store.tables import metadata
from tests.contract.store.examples import DEVICE, at, full_batch

MANY = [DEVICE, *(f"51-D-{number}" for number in range(500))]

QUESTIONS: dict[str, Callable[[SqlStore, int], object]] = {
    "transitions of one": lambda store, _: store.transitions(subjects=[DEVICE]),
    "transitions of many": lambda store, _: store.transitions(subjects=MANY),
    "events of one": lambda store, _: store.events(devices=[DEVICE]),
    "events of many": lambda store, _: store.events(devices=MANY),
    "incidents": lambda store, _: store.incidents(blocs=[Bloc.PARTY]),
    "steps": lambda store, _: store.steps(1),
    "pages": lambda store, _: store.pages(1),
    "rogues": lambda store, _: store.rogues(),
    "counts": lambda store, _: store.outbox_counts(at(0)),
    "claim": lambda store, epoch: store.claim_outbox(now=at(99), limit=9, lease_ms=9, epoch=epoch),
    "prune": lambda store, _: store.prune_events(at(0)),
    "prune messages": lambda store, _: store.prune_pages(at(0)),
    "heartbeat": lambda store, _: store.heartbeat("col-1", since=at(0), until=at(1)),
    "commit": lambda store, epoch: store.commit(full_batch(3), epoch=epoch),
    "history": lambda store, _: store.chapters(subjects=[DEVICE], since=at(0), until=at(9)),
    "inventory version": lambda store, _: store.inventory_version(),
}
TABLES = {*metadata.tables, "older"} - {"month_snapshot", "status_kind"}
"""All but one of a row a month, and one of the words for a state."""
SORTS_FEW = ("claim", "pages")
"""These put in order only what is unsent, or of one incident."""


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("sql_url", ["sqlite"], indirect=True)
def test_no_question_reads_a_whole_table(sql_store: SqlStore, sql_epoch: int, question: str) -> None:
    sql_store.commit(full_batch(), epoch=sql_epoch)
    plans: list[str] = []

    def explain(_: object, cursor: object, statement: str, values: object, *rest: object) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            values = values[0] if isinstance(values, list) else values
            rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)  # type: ignore[attr-defined]
            plans.extend(row[3] for row in rows)

    event_of.listen(sql_store.engine, "before_cursor_execute", explain)
    QUESTIONS[question](sql_store, sql_epoch)
    assert plans
    scans = [step for step in plans if step.startswith("SCAN") and " USING " not in step]
    assert [step for step in scans if step.split()[1] in TABLES] == []
    assert question in SORTS_FEW or "USE TEMP B-TREE FOR ORDER BY" not in plans
