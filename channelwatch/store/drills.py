"""Drills and what became of them. Every act is a row of its own."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.drills import Drill, DrillEnd, Scenario
from channelwatch.store.desk import Act, add_step, asked, refused, with_steps
from channelwatch.store.sql import Lock, take_turns
from channelwatch.store.tables import drill, drill_step

BEGUN, STOP, ENDED = "begun", "stop", "ended"


def ask(connection: Connection, wanted: Drill, *, origin: str) -> int:
    """Record a drill that somebody asked for and somebody else approved; its number. One at a time."""
    take_turns(connection, Lock.DESK)
    for other in drills(connection):
        if other.ended_at is None and other.ends_at > wanted.requested_at:
            raise refused("another one is not over", "start", f"drill {other.number}")
    values = {
        "scenario": wanted.scenario,
        "code": wanted.code,
        "ends_at": wanted.ends_at,
        "approved_by": wanted.approved_by,
        "requested_by": wanted.requested_by,
        "requested_at": wanted.requested_at,
        "origin": origin,
    }
    return asked(connection, drill, values)


def mark(connection: Connection, number: int, kind: str, act: Act) -> None:
    """Record that it has begun, is to stop or has ended. The second time changes nothing."""
    take_turns(connection, Lock.DESK)
    for _, steps in with_steps(connection, drill, drill_step, number):
        if kind in steps:
            return
        if ENDED in steps:
            raise refused("it is over", kind, f"drill {number}")
        add_step(connection, drill_step, number, kind, act)
        return
    raise refused("no such number", kind, f"drill {number}")


def drills(connection: Connection) -> Iterator[Drill]:
    """All of them, by number."""
    for row, steps in with_steps(connection, drill, drill_step, None):
        at = {kind: EpochMs(step.happened_at) for kind, step in steps.items()}
        yield Drill(
            number=row.id,
            scenario=Scenario(row.scenario),
            code=row.code,
            requested_by=row.requested_by,
            approved_by=row.approved_by,
            requested_at=EpochMs(row.requested_at),
            ends_at=EpochMs(row.ends_at),
            begun_at=at.get(BEGUN),
            stop_asked_at=at.get(STOP),
            ended_at=at.get(ENDED),
            end=DrillEnd(steps[ENDED].reason) if ENDED in steps else None,
        )
