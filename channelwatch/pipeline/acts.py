"""What people do to an incident. Each act is one step in its history: who, when, why, from where. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError, Permanent
from channelwatch.base.ids import IncidentId
from channelwatch.incidents.escalation import raised
from channelwatch.incidents.life import check_closing, graded
from channelwatch.incidents.model import Incident, Severity, StepKind
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.duty import duty_for
from channelwatch.pipeline.world import World

MAX_REASON = 500
"""Characters of what a person writes."""


class ActKind(StrEnum):
    """What a person may do beside acknowledging."""

    START = "start"
    RESOLVE = "resolve"
    APPROVE = "approve"
    CLOSE = "close"
    DISMISS = "dismiss"
    MERGE = "merge"
    GRADE = "grade"
    NOTE = "note"


NEEDS_REASON = frozenset({ActKind.RESOLVE, ActKind.DISMISS, ActKind.MERGE, ActKind.GRADE, ActKind.NOTE})


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `reason` is what the person says; `into` is for a merge, `severity` for a change of it."""

    kind: ActKind
    by: str
    origin: str
    is_chief: bool = False
    reason: str = ""
    into: int | None = None
    severity: Severity | None = None


def perform(world: World, number: int, act: Act, now: EpochMs) -> Draft:
    """The draft in which `act` has been done.

    InputError when something is missing from it; Permanent when there is no such incident or its state forbids it.
    """
    found = world.incidents.get(IncidentId(number))
    if found is None:
        raise Permanent("no such incident", operation=act.kind, subject=str(number))
    if act.kind in NEEDS_REASON and not act.reason.strip():
        raise InputError([f"{act.kind}: a reason is needed"])
    if len(act.reason) > MAX_REASON:
        raise InputError([f"{act.kind}: at most {MAX_REASON} characters"])
    draft = Draft(world, now)
    _perform(draft, found, act)
    return draft


def _perform(draft: Draft, incident: Incident, act: Act) -> None:
    match act.kind:
        case ActKind.START:
            _step(draft, incident, StepKind.STARTED, act)
        case ActKind.RESOLVE:
            _step(draft, incident, StepKind.RESOLVED, act)
        case ActKind.APPROVE:
            _step(draft, incident, StepKind.APPROVED, act)
        case ActKind.CLOSE:
            check_closing(incident, by_chief=act.is_chief)
            _step(draft, incident, StepKind.CLOSED, act)
        case ActKind.DISMISS:
            _step(draft, incident, StepKind.DISMISSED, act)
        case ActKind.MERGE:
            _merge(draft, incident, act)
        case ActKind.GRADE:
            _grade(draft, incident, act)
        case ActKind.NOTE:
            _step(draft, incident, StepKind.NOTE, act)
        case _:
            assert_never(act.kind)


def _step(draft: Draft, incident: Incident, kind: StepKind, act: Act, *, reason: str = "") -> Incident:
    words = reason or act.reason.strip()
    return draft.advance(incident, kind, reason=words, by=act.by, origin=act.origin)


def _merge(draft: Draft, incident: Incident, act: Act) -> None:
    """Make it part of another one, which must itself be no part of anything."""
    other = None if act.into is None else draft.world.incidents.get(IncidentId(act.into))
    if other is None or other.id == incident.id:
        raise InputError(["merge: into which other incident?"])
    if other.state.is_over:
        raise Permanent("the other incident is over", operation="merge", subject=other.number)
    if other.severity > incident.severity and not act.is_chief:
        # It would call nobody any more, and be over without its cause and a chief's approval.
        raise Permanent("only a chief merges into a lesser one", operation="merge", subject=incident.number)
    if incident.is_live and not other.is_live:
        # Nobody would hear of it again: what it is made part of is no more.
        raise Permanent("the other incident's fault is over", operation="merge", subject=other.number)
    if other.bloc is not None and incident.bloc is not None and other.bloc is not incident.bloc:
        raise Permanent("the other incident is another bloc's", operation="merge", subject=other.number)
    reason = f"{other.number}: {act.reason.strip()}"
    merged = _step(draft, incident, StepKind.MERGED, act, reason=reason)
    draft.put(replace(merged, merged_into=other.id))
    listed = tuple(dict.fromkeys((*other.impacted, incident.subject)))
    draft.advance(other, StepKind.IMPACT_CHANGED, reason=incident.number, by=act.by, origin=act.origin)
    draft.put(replace(draft.incidents[other.id], impacted=listed))


def _grade(draft: Draft, incident: Incident, act: Act) -> None:
    """Anybody who may may raise it; only a chief may lower it."""
    if act.severity is None or act.severity is incident.severity:
        raise InputError(["grade: which other severity?"])
    lowers = act.severity > incident.severity
    if lowers and not act.is_chief:
        raise Permanent("only a chief lowers a severity", operation="grade", subject=incident.number)
    kind = StepKind.SEVERITY_LOWERED if lowers else StepKind.SEVERITY_RAISED
    reason = f"{incident.severity}>{act.severity}: {act.reason.strip()}"
    moved = graded(
        _step(draft, incident, kind, act, reason=reason), act.severity, draft.now, draft.world.policy.ladders
    )
    if not moved.ladder:
        # Nobody was told yet: who is called now is not called in one breath with those of hours later.
        moved = replace(moved, round_at=draft.now)
    draft.put(moved)
    if not lowers and moved.is_live:
        draft.page(moved, raised(moved, duty_for(draft.world, moved), draft.now))
