"""The life of an incident as a table: (state, what happened) gives the next state. What is not in it is refused."""

from __future__ import annotations

from dataclasses import replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent
from channelwatch.incidents.model import Incident, IncidentState, IncidentStep, StepKind

REOPEN_WITHIN_MS = 24 * 3600_000
"""The same fault within this time opens the old incident again (domain model, section 3.4)."""

S, K = IncidentState, StepKind

TABLE: dict[tuple[IncidentState, StepKind], IncidentState] = {
    **{(state, K.ACKED): S.ACKED for state in (S.OPEN, S.REOPENED, S.ACKED)},
    **{(state, K.STARTED): S.WORKING for state in (S.OPEN, S.REOPENED, S.ACKED)},
    **{(state, K.RESTORED): S.RESTORED for state in (S.OPEN, S.REOPENED, S.ACKED, S.WORKING)},
    (S.RESOLVED, K.RESTORED): S.RESOLVED,
    **{(state, K.RESOLVED): S.RESOLVED for state in (S.ACKED, S.WORKING, S.RESTORED)},
    **{(state, K.REOPENED): S.REOPENED for state in (S.RESTORED, S.RESOLVED, S.CLOSED)},
    **{(state, K.DISMISSED): S.FALSE_ALARM for state in (S.OPEN, S.REOPENED, S.ACKED, S.WORKING, S.RESTORED)},
    **{
        (state, K.MERGED): S.MERGED
        for state in (S.OPEN, S.REOPENED, S.ACKED, S.WORKING, S.RESTORED, S.RESOLVED)
    },
    (S.RESTORED, K.ACKED): S.RESTORED,
    (S.WORKING, K.ACKED): S.WORKING,
    (S.RESOLVED, K.CLOSED): S.CLOSED,
}

_KEEPS_STATE = frozenset({K.IMPACT_CHANGED, K.SEVERITY_RAISED, K.PAGED, K.NOTE})


def advance(incident: Incident, step: IncidentStep) -> Incident:
    """`incident` after `step`. Permanent when its state does not allow it. T0 never changes."""
    assert step.incident == incident.id, "a step belongs to one incident"
    if step.kind in _KEEPS_STATE:
        return incident
    after = TABLE.get((incident.state, step.kind))
    if after is None:
        raise Permanent(
            f"an incident that is {incident.state} cannot be {step.kind}",
            operation="incident",
            subject=incident.number,
        )
    moved = replace(incident, state=after)
    match step.kind:
        case StepKind.ACKED if incident.acked_at is None:
            return replace(moved, acked_at=step.at, acked_by=step.by)
        case StepKind.RESTORED:
            return replace(moved, restored_at=step.at)
        case StepKind.REOPENED:
            return replace(
                moved, restored_at=None, closed_at=None, acked_at=None, acked_by=None,
                round=incident.round + 1, round_at=step.at, ladder=0, repeats=0,
            )  # fmt: skip
        case StepKind.CLOSED | StepKind.DISMISSED | StepKind.MERGED:
            return replace(moved, closed_at=step.at)
        case _:
            return moved


def may_reopen(incident: Incident, now: EpochMs) -> bool:
    """Does the same fault at `now` belong to this incident rather than to a new one?"""
    ended = incident.restored_at or incident.closed_at
    return (
        (incident.state, StepKind.REOPENED) in TABLE and ended is not None and now - ended < REOPEN_WITHIN_MS
    )
