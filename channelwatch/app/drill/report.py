"""How a drill went: when the fault was detected, who was told when, who took it when, when it was over. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from channelwatch.base.clock import local_text
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
        "incidents": [_incident(item, began or 0) for item in played],
    }


def _incident(item: Played, began: int) -> dict[str, JsonValue]:
    acks = [step for step in item.steps if step.kind is StepKind.ACKED]
    restored = [step.at for step in item.steps if step.kind is StepKind.RESTORED]
    return {
        "number": item.incident.number,
        "rule": item.incident.rule,
        "subject": item.incident.subject,
        "severity": item.incident.severity,
        "detected_ms": item.incident.opened_at - began,
        "acknowledged_ms": acks[0].at - began if acks else None,
        "acknowledged_by": acks[0].by if acks else None,
        "restored_ms": restored[0] - began if restored else None,
        "people": [{"contact": contact, **times} for contact, times in sorted(_people(item, began).items())],
    }


def _people(item: Played, began: int) -> Mapping[str, dict[str, JsonValue]]:
    """For each post when it was first told, by which way, and when it acknowledged."""
    found: dict[str, dict[str, JsonValue]] = {}
    for page in sorted(item.pages, key=lambda page: (page.sent_at is None, page.sent_at or 0)):
        known = found.setdefault(page.page.contact, {"told_ms": None, "by": None, "acknowledged_ms": None})
        if known["told_ms"] is None and page.sent_at is not None:
            known["told_ms"], known["by"] = page.sent_at - began, page.page.channel
    for step in item.steps:
        if step.kind is StepKind.ACKED:
            post = found.setdefault(step.by, {"told_ms": None, "by": None, "acknowledged_ms": None})
            post["acknowledged_ms"] = post["acknowledged_ms"] or step.at - began
    return found


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


def _lines_of(item: Played, began: int) -> list[str]:
    facts = _incident(item, began)
    head = f"  {facts['number']} {facts['severity']} {facts['rule']} {facts['subject']}"
    times = ", ".join(
        f"{name} {_seconds(facts[key])}"
        for name, key in (
            ("detected", "detected_ms"), ("acknowledged", "acknowledged_ms"), ("restored", "restored_ms")
        )
    )  # fmt: skip
    people = [
        f"    {contact}: told {_seconds(times['told_ms'])} by {times['by'] or 'nothing'},"
        f" acknowledged {_seconds(times['acknowledged_ms'])}"
        for contact, times in sorted(_people(item, began).items())
    ]
    return [head, f"    {times}", *people]


def _seconds(value: JsonValue) -> str:
    return f"after {value / 1000:.1f} s" if isinstance(value, int) else "never"
