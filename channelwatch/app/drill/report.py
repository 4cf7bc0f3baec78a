"""How a drill went: when the fault was detected, who was told when, who took it when, when it was over. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from channelwatch.base.clock import EpochMs, local_text
from channelwatch.incidents.drills import Drill
from channelwatch.incidents.model import Incident, IncidentStep, StepKind
from channelwatch.pipeline.ports import StoredPage

JsonValue = str | int | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


@dataclass(frozen=True, slots=True)
class Played:
    """One incident of a drill with its history."""

    incident: Incident
    steps: Sequence[IncidentStep]
    pages: Sequence[StoredPage]


@dataclass(frozen=True, slots=True)
class Answer:
    """One post in a drill: when it was first told, by which way, and when it acknowledged (ms; None: never)."""

    contact: str
    told_ms: int | None = None
    way: str | None = None
    acknowledged_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """One incident of a drill, in milliseconds since the fault was injected; None: it did not happen."""

    detected_ms: int
    acknowledged_ms: int | None
    acknowledged_by: str | None
    restored_ms: int | None
    people: tuple[Answer, ...]


def report(drill: Drill, played: Sequence[Played]) -> dict[str, JsonValue]:
    """All times in milliseconds since the fault was injected; null: it did not happen."""
    began = drill.begun_at
    return {
        "drill": drill.number,
        "scenario": drill.scenario,
        "code": drill.code,
        "requested_by": drill.requested_by,
        "approved_by": drill.approved_by,
        "injected_at": began,
        "ended_at": drill.ended_at,
        "end": drill.end,
        "incidents": [_incident(item, began or EpochMs(0)) for item in played],
    }


def times(item: Played, began: EpochMs) -> Times:
    """When what happened to one incident of a drill that began at `began`."""
    acks = [step for step in item.steps if step.kind is StepKind.ACKED]
    restored = [step.at for step in item.steps if step.kind is StepKind.RESTORED]
    return Times(
        detected_ms=item.incident.opened_at - began,
        acknowledged_ms=acks[0].at - began if acks else None,
        acknowledged_by=acks[0].by if acks else None,
        restored_ms=restored[0] - began if restored else None,
        people=_people(item, began),
    )


def _incident(item: Played, began: EpochMs) -> dict[str, JsonValue]:
    found = times(item, began)
    return {
        "number": item.incident.number,
        "rule": item.incident.rule,
        "subject": item.incident.subject,
        "severity": item.incident.severity,
        "detected_ms": found.detected_ms,
        "acknowledged_ms": found.acknowledged_ms,
        "acknowledged_by": found.acknowledged_by,
        "restored_ms": found.restored_ms,
        "people": [
            {
                "contact": answer.contact,
                "told_ms": answer.told_ms,
                "by": answer.way,
                "acknowledged_ms": answer.acknowledged_ms,
            }
            for answer in found.people
        ],
    }


def _people(item: Played, began: EpochMs) -> tuple[Answer, ...]:
    """By contact."""
    found: dict[str, Answer] = {}
    for page in sorted(item.pages, key=lambda page: (page.sent_at is None, page.sent_at or 0)):
        known = found.setdefault(page.page.contact, Answer(page.page.contact))
        if known.told_ms is None and page.sent_at is not None:
            told = replace(known, told_ms=page.sent_at - began, way=page.page.channel)
            found[page.page.contact] = told
    for step in item.steps:
        known = found.get(step.by, Answer(step.by))
        if step.kind is StepKind.ACKED and known.acknowledged_ms is None:
            found[step.by] = replace(known, acknowledged_ms=step.at - began)
    return tuple(found[contact] for contact in sorted(found))


def lines(drill: Drill, played: Sequence[Played]) -> list[str]:
    """The same for people."""
    began = drill.begun_at
    told = [f"drill {drill.number}: {drill.scenario} on {drill.code}"]
    told.append(f"  asked for by {drill.requested_by}, approved by {drill.approved_by}")
    if began is None:
        return [*told, "  has not begun"]
    told.append(f"  injected {local_text(began)}")
    if drill.ended_at is not None:
        told.append(f"  ended {local_text(drill.ended_at)}: {drill.end}")
    for item in played:
        told += _lines_of(item, began)
    return told if played else [*told, "  no incident came of it"]


def _lines_of(item: Played, began: EpochMs) -> list[str]:
    incident, found = item.incident, times(item, began)
    return [
        f"  {incident.number} {incident.severity} {incident.rule} {incident.subject}",
        (
            f"    detected {_after(found.detected_ms)}, acknowledged {_after(found.acknowledged_ms)},"
            f" restored {_after(found.restored_ms)}"
        ),
        *(
            f"    {answer.contact}: told {_after(answer.told_ms)} by {answer.way or 'nothing'},"
            f" acknowledged {_after(answer.acknowledged_ms)}"
            for answer in found.people
        ),
    ]


def _after(ms: int | None) -> str:
    return "never" if ms is None else f"after {ms / 1000:.1f} s"
