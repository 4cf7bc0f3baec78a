"""What people ask for and decide: maintenance windows and corrections. Every act is a row of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Table, insert, select

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError, Permanent
from channelwatch.inventory.maintenance import Every, Window, WindowScope, same_person
from channelwatch.store.sql import Lock, Values, take_turns
from channelwatch.store.tables import correction, correction_step, maintenance, maintenance_step
from channelwatch.uptime.corrections import CorrectedState, Correction, Decision

T = TypeVar("T")
APPROVED, ENDED = "approved", "ended"


@dataclass(frozen=True, slots=True)
class Act:
    """Who decides, when (epoch ms) and why; `origin` is who sat at the keyboard."""

    by: str
    at: EpochMs
    origin: str
    reason: str = ""


def plan(connection: Connection, window: Window, *, origin: str) -> int:
    """Record a request; its number."""
    return asked(
        connection,
        maintenance,
        {
            "scope": window.scope,
            "code": window.code,
            "t_from": window.start,
            "t_to": window.end,
            "weekly_until": window.again_until,
            "every": window.every,
            "except_days": ",".join(sorted(day.isoformat() for day in window.except_days)),
            "owner": window.owner,
            "reason": window.reason,
            "requested_by": window.requested_by,
            "requested_at": window.requested_at,
            "origin": origin,
        },
    )


def approve(connection: Connection, number: int, act: Act) -> Window:
    """Approve the window `number`."""
    take_turns(connection, Lock.DESK)
    window = _window(connection, number)
    subject = f"maintenance {number}"
    if window.approved_at is not None:
        raise refused(f"{window.approved_by} has approved it already", "approve", subject)
    _refuse_over(window, act, "approve")
    if same_person(window.requested_by, act.by):
        raise refused("whoever asks for it cannot approve it", "approve", subject)
    add_step(connection, maintenance_step, number, APPROVED, act)
    return _window(connection, number)


def end(connection: Connection, number: int, act: Act) -> Window:
    """End the window `number` at the time of the act."""
    take_turns(connection, Lock.DESK)
    _refuse_over(_window(connection, number), act, "end")
    add_step(connection, maintenance_step, number, ENDED, act)
    return _window(connection, number)


def request(connection: Connection, wanted: Correction, *, origin: str) -> int:
    """Record a request; its number."""
    return asked(
        connection,
        correction,
        {
            "scope": wanted.scope,
            "code": wanted.code,
            "state": wanted.state,
            "t_from": wanted.start,
            "t_to": wanted.end,
            "reason": wanted.reason,
            "requested_by": wanted.requested_by,
            "requested_at": wanted.requested_at,
            "origin": origin,
            "signature": wanted.signature,
        },
    )


def decide(
    connection: Connection, number: int, decision: Decision, act: Act, sign: Callable[[Correction], str]
) -> Correction:
    """Approve or refuse the correction `number`; `sign` gives the signature under what it has become."""
    assert decision is not Decision.OPEN, "that is no decision"
    take_turns(connection, Lock.DESK)
    found = _correction(connection, number)
    operation, subject = ("approve" if decision is Decision.APPROVED else "refuse"), f"correction {number}"
    if found.decision is not Decision.OPEN:
        raise refused(f"{found.decided_by} has {found.decision} it already", operation, subject)
    if same_person(found.requested_by, act.by):
        raise refused("whoever asks for it cannot decide on it", operation, subject)
    became = replace(found, decision=decision, decided_by=act.by, decided_at=act.at)
    add_step(connection, correction_step, number, decision, act, signature=sign(became))
    return _correction(connection, number)


def windows(connection: Connection, number: int | None = None) -> Iterator[Window]:
    """All windows, or the one of that number, with what became of them."""
    for row, steps in with_steps(connection, maintenance, maintenance_step, number):
        approved, ended = steps.get(APPROVED), steps.get(ENDED)
        yield Window(
            id=row.id,
            scope=WindowScope(row.scope),
            code=row.code,
            start=EpochMs(row.t_from),
            end=EpochMs(row.t_to),
            owner=row.owner,
            reason=row.reason,
            requested_by=row.requested_by,
            requested_at=EpochMs(row.requested_at),
            every=Every(row.every),
            again_until=None if row.weekly_until is None else EpochMs(row.weekly_until),
            except_days=frozenset(date.fromisoformat(day) for day in row.except_days.split(",") if day),
            approved_by=approved and approved.actor,
            approved_at=approved and approved.happened_at,
            ended_by=ended and ended.actor,
            ended_at=ended and ended.happened_at,
        )


def corrections(connection: Connection, number: int | None = None) -> Iterator[Correction]:
    """All corrections, or the one of that number, with what became of them."""
    for row, steps in with_steps(connection, correction, correction_step, number):
        step = next(iter(steps.values()), None)
        yield Correction(
            id=row.id,
            scope=WindowScope(row.scope),
            code=row.code,
            state=CorrectedState(row.state),
            start=row.t_from,
            end=row.t_to,
            reason=row.reason,
            requested_by=row.requested_by,
            requested_at=row.requested_at,
            decision=Decision.OPEN if step is None else Decision(step.kind),
            decided_by=step and step.actor,
            decided_at=step and step.happened_at,
            signature=row.signature,
            decision_signature="" if step is None else step.signature,
        )


def asked(connection: Connection, table: Table, values: Values) -> int:
    """Record what was asked for; its number."""
    return int(connection.scalars(insert(table).values(**values).returning(table.c.id)).one())


def add_step(connection: Connection, table: Table, number: int, kind: str, act: Act, **more: str) -> None:
    """Record what somebody did about the entry `number`."""
    of = table.name.removesuffix("_step")
    values: Values = {
        of: number,
        "kind": kind,
        "happened_at": act.at,
        "actor": act.by,
        "reason": act.reason,
        "origin": act.origin,
        **more,
    }
    connection.execute(insert(table).values(**values))


def with_steps(
    connection: Connection, table: Table, steps: Table, number: int | None
) -> Iterator[tuple[Row[Any], dict[str, Row[Any]]]]:
    """Each entry, or one of them, with its steps by their kind."""
    own = steps.c[table.name]
    asked, decided = select(table).order_by(table.c.id), select(steps)
    if number is not None:
        asked, decided = asked.where(table.c.id == number), decided.where(own == number)
    by_entry: dict[int, dict[str, Row[Any]]] = {}
    for step in connection.execute(decided):
        by_entry.setdefault(step._mapping[own], {})[step.kind] = step
    for row in connection.execute(asked):
        yield row, by_entry.get(row.id, {})


def _window(connection: Connection, number: int) -> Window:
    return _only(windows(connection, number), f"maintenance {number}")


def _correction(connection: Connection, number: int) -> Correction:
    return _only(corrections(connection, number), f"correction {number}")


def _only(found: Iterable[T], subject: str) -> T:
    for item in found:
        return item
    raise InputError([f"{subject}: no such number"])


def _refuse_over(window: Window, act: Act, operation: str) -> None:
    subject = f"maintenance {window.id}"
    if window.ended_at is not None:
        raise refused(f"{window.ended_by} has ended it", operation, subject)
    if window.last_end <= act.at:
        raise refused("it is over: what was not approved before it began is a correction", operation, subject)


def refused(message: str, operation: str, subject: str) -> Permanent:
    """What will not be done, whoever asks again."""
    return Permanent(message, operation=operation, subject=subject)
