"""Incidents and their steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, func, or_, select

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import IncidentId, RuleId
from channelwatch.incidents.model import (
    Incident,
    IncidentState,
    IncidentStep,
    Ladder,
    Severity,
    StepKind,
    SubjectKind,
)
from channelwatch.inventory.model import Bloc
from channelwatch.store.sql import Values, add, put
from channelwatch.store.tables import incident, incident_step
from channelwatch.uptime.outages import Alarm

_LADDER = TypeAdapter(Ladder)
_OVER = [state for state in IncidentState if state.is_over]


def write(connection: Connection, changed: Sequence[Incident], steps: Sequence[IncidentStep]) -> None:
    """Bring incidents up to date and append their steps."""
    # What ended goes first: its successor may be in the same batch, and one rule and subject has one live incident.
    ended_first = sorted(changed, key=lambda item: item.restored_at is None and item.closed_at is None)
    put(connection, incident, [_incident(item) for item in ended_first])
    if steps:
        add(connection, incident_step, [_step(item) for item in steps])


def next_number(connection: Connection) -> int:
    """The number of the next incident."""
    return int(connection.scalar(select(func.max(incident.c.id))) or 0) + 1


def to_resume(connection: Connection, ended_after: EpochMs) -> tuple[Incident, ...]:
    """Incidents that are not over, and those that ended after `ended_after`, in order of their numbers."""
    ended = func.coalesce(incident.c.closed_at, incident.c.restored_at, incident.c.opened_at)
    rows = connection.execute(
        select(incident)
        .where(or_(incident.c.state.not_in(_OVER), ended > ended_after))
        .order_by(incident.c.id)
    )
    return tuple(_to_incident(row) for row in rows)


def opened(connection: Connection, *, blocs: Sequence[Bloc], since: int, limit: int) -> list[Incident]:
    """Incidents of `blocs`, and those of none, opened at `since` or later; the newest first."""
    rows = connection.execute(
        select(incident)
        .where(or_(incident.c.bloc.in_(blocs), incident.c.bloc.is_(None)), incident.c.opened_at >= since)
        .order_by(incident.c.opened_at.desc(), incident.c.id.desc())
        .limit(limit)
    )
    return [_to_incident(row) for row in rows]


def by_number(connection: Connection, number: int) -> Incident | None:
    """The incident `number`, None when there is none."""
    row = connection.execute(select(incident).where(incident.c.id == number)).one_or_none()
    return None if row is None else _to_incident(row)


def steps(connection: Connection, number: int) -> list[IncidentStep]:
    """All steps of one incident, the oldest first."""
    rows = connection.execute(
        select(incident_step).where(incident_step.c.incident == number).order_by(incident_step.c.id)
    )
    return [
        IncidentStep(
            IncidentId(row.incident),
            StepKind(row.kind),
            EpochMs(row.happened_at),
            row.actor,
            row.origin,
            row.reason,
        )
        for row in rows
    ]


def alarms(connection: Connection, *, subjects: Sequence[str], until: int) -> dict[str, list[Alarm]]:
    """When incidents of each of `subjects` were opened, or opened again, before `until`, and then first taken by
    somebody. One that was found to be part of another is an alarm as well: people were alerted. A drill's is none."""
    kinds = (StepKind.OPENED, StepKind.REOPENED, StepKind.ACKED)
    rows = connection.execute(
        select(incident.c.subject, incident_step.c.kind, incident_step.c.happened_at, incident.c.id)
        .join(incident_step, incident_step.c.incident == incident.c.id)
        .where(
            incident.c.subject.in_(subjects),
            incident.c.opened_at < until,
            incident_step.c.kind.in_(kinds),
            ~incident.c.drill,
        )
        .order_by(incident.c.id, incident_step.c.id)
    )
    found: dict[str, list[Alarm]] = defaultdict(list)
    present = 0
    for subject, kind, at, number in rows:
        told = found[subject]
        if kind != StepKind.ACKED:
            told.append(Alarm(at))
        elif number == present and told[-1].ack_at is None:
            told[-1] = told[-1]._replace(ack_at=at)
        present = number
    return {
        subject: sorted((alarm for alarm in told if alarm.at < until), key=lambda alarm: alarm.at)
        for subject, told in found.items()
    }


def _incident(item: Incident) -> Values:
    return {
        "id": item.id,
        "rule": item.rule,
        "subject_kind": item.subject_kind,
        "subject": item.subject,
        "bloc": item.bloc,
        "severity": item.severity,
        "state": item.state,
        "t0": item.t0,
        "opened_at": item.opened_at,
        "caused_at": item.caused_at,
        "cause": item.cause,
        "impacted": item.impacted,
        "acked_at": item.acked_at,
        "acked_by": item.acked_by,
        "restored_at": item.restored_at,
        "closed_at": item.closed_at,
        "round": item.round,
        "round_at": item.round_at,
        "ladder": item.ladder,
        "repeats": item.repeats,
        "policy": "" if item.policy is None else _LADDER.dump_json(item.policy).decode(),
        "graded_at": item.graded_at,
        "resolution": item.resolution,
        "approved_by": item.approved_by,
        "merged_into": item.merged_into,
        "drill": item.drill,
        "impact_told": item.impact_told,
        "impact_told_at": item.impact_told_at,
    }


def _step(item: IncidentStep) -> Values:
    return {
        "incident": item.incident,
        "kind": item.kind,
        "happened_at": item.at,
        "actor": item.by,
        "origin": item.origin,
        "reason": item.reason,
    }


def _to_incident(row: Row[*tuple[object, ...]]) -> Incident:
    return Incident(
        id=IncidentId(row.id),
        rule=RuleId(row.rule),
        subject_kind=SubjectKind(row.subject_kind),
        subject=row.subject,
        bloc=None if row.bloc is None else Bloc(row.bloc),
        severity=Severity(row.severity),
        state=IncidentState(row.state),
        t0=row.t0,
        opened_at=row.opened_at,
        caused_at=row.caused_at,
        cause=row.cause,
        impacted=tuple(row.impacted),
        acked_at=row.acked_at,
        acked_by=row.acked_by,
        restored_at=row.restored_at,
        closed_at=row.closed_at,
        round=row.round,
        round_at=row.round_at,
        ladder=row.ladder,
        repeats=row.repeats,
        policy=_LADDER.validate_json(row.policy) if row.policy else None,
        graded_at=EpochMs(row.graded_at),
        resolution=row.resolution,
        approved_by=row.approved_by,
        merged_into=None if row.merged_into is None else IncidentId(row.merged_into),
        drill=row.drill,
        impact_told=row.impact_told,
        impact_told_at=EpochMs(row.impact_told_at),
    )
