"""The life of an incident as a table: (state, what happened) gives the next state. What is not in it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent
from channelwatch.incidents.escalation import LADDERS, freeze, policy_of, reminding
from channelwatch.incidents.model import (
    GRAVE,
    Incident,
    IncidentState,
    IncidentStep,
    Ladder,
    Severity,
    StepKind,
)

HOUR_MS = 3600_000
DAY_MS = 24 * HOUR_MS
REOPEN_WITHIN_MS = DAY_MS
"""The same fault within this time opens the old incident again (domain model, section 3.4)."""

TARGET_MS = {Severity.P2: 8 * HOUR_MS, Severity.P3: 2 * DAY_MS, Severity.P4: 10 * DAY_MS}
"""A fault that is still there after so long is one step graver. Nothing is graver than P1."""

S, K = IncidentState, StepKind

TABLE: dict[tuple[IncidentState, StepKind], IncidentState] = {
    **{(state, K.ACKED): S.ACKED for state in (S.OPEN, S.REOPENED, S.ACKED)},
    **{(state, K.ACKED): state for state in (S.WORKING, S.RESTORED, S.RESOLVED)},
    **{(state, K.STARTED): S.WORKING for state in (S.OPEN, S.REOPENED, S.ACKED, S.WORKING)},
    **{(state, K.RESTORED): S.RESTORED for state in (S.OPEN, S.REOPENED, S.ACKED, S.WORKING)},
    **{(state, K.RESTORED): state for state in (S.RESOLVED, S.FALSE_ALARM, S.MERGED)},
    **{(state, K.RESOLVED): S.RESOLVED for state in (S.ACKED, S.WORKING, S.RESTORED)},
    (S.RESOLVED, K.APPROVED): S.RESOLVED,
    (S.RESTORED, K.CLOSED): S.CLOSED,
    (S.RESOLVED, K.CLOSED): S.CLOSED,
    **{(state, K.REOPENED): S.REOPENED for state in (S.RESTORED, S.RESOLVED, S.CLOSED)},
    **{(state, K.DISMISSED): S.FALSE_ALARM for state in (S.OPEN, S.REOPENED, S.ACKED, S.WORKING, S.RESTORED)},
    **{
        (state, K.MERGED): S.MERGED
        for state in (S.OPEN, S.REOPENED, S.ACKED, S.WORKING, S.RESTORED, S.RESOLVED)
    },
    **{
        (state, kind): state
        for state in (S.OPEN, S.REOPENED, S.ACKED, S.WORKING, S.RESTORED, S.RESOLVED)
        for kind in (K.SEVERITY_RAISED, K.SEVERITY_LOWERED)
    },
    (S.ACKED, K.ACK_EXPIRED): S.OPEN,
}
"""What moves or is refused. A note, a page and a change of what is impacted are no moves: they fit every state."""

_KEEPS_STATE = frozenset({K.IMPACT_CHANGED, K.PAGED, K.NOTE})


def advance(incident: Incident, step: IncidentStep) -> Incident:
    """`incident` after `step`. Permanent when its state does not allow it. T0 never changes."""
    assert step.incident == incident.id, "a step belongs to one incident"
    if step.kind in _KEEPS_STATE:
        return incident
    after = TABLE.get((incident.state, step.kind))
    if after is None:
        raise _refused(incident, f"an incident that is {incident.state} cannot be {step.kind}")
    moved = replace(incident, state=after)
    match step.kind:
        case StepKind.ACKED if incident.acked_at is None:
            return replace(moved, acked_at=step.at, acked_by=step.by)
        case StepKind.RESTORED:
            return replace(moved, restored_at=step.at)
        case StepKind.RESOLVED:
            return replace(moved, resolution=step.reason)
        case StepKind.APPROVED:
            return replace(moved, approved_by=step.by)
        case StepKind.REOPENED | StepKind.ACK_EXPIRED:
            return replace(
                moved, restored_at=None, closed_at=None, acked_at=None, acked_by=None, resolution="",
                approved_by=None, round=incident.round + 1, round_at=step.at, ladder=0, repeats=0,
                policy=_anew(incident, told=incident.ladder if step.kind is StepKind.ACK_EXPIRED else None),
            )  # fmt: skip
        case StepKind.CLOSED | StepKind.DISMISSED | StepKind.MERGED:
            return replace(moved, closed_at=step.at)
        case _:
            return moved


def graded(
    incident: Incident, severity: Severity, now: EpochMs, ladders: Mapping[Severity, Ladder] = LADDERS
) -> Incident:
    """With another severity since `now`, and with that one's ladder; steps done are not done again.

    Where the new ladder has fewer, those done stay in it: whoever was told hears how it ends.
    """
    before = policy_of(incident)
    policy = reminding(incident, freeze(severity, first_layer=before.first_layer, ladders=ladders), now)
    if len(policy.rungs) < incident.ladder:
        policy = replace(policy, rungs=before.rungs[: incident.ladder])
    return replace(incident, severity=severity, graded_at=now, policy=policy)


def graver(incident: Incident, now: EpochMs) -> Severity | None:
    """The next severity, if the time to restore a fault of the present one has passed; None otherwise."""
    target = TARGET_MS.get(incident.severity)
    since = incident.graded_at or incident.round_at
    if target is None or not incident.is_live or now - since < target:
        return None
    return list(Severity)[list(Severity).index(incident.severity) - 1]


def check_closing(incident: Incident, *, by_chief: bool) -> None:
    """Permanent with the reason why `incident` may not be closed now (domain model, section 3.4)."""
    if incident.is_live:
        raise _refused(incident, "the fault is still there")
    if incident.severity in GRAVE:
        if not incident.resolution:
            raise _refused(incident, "a P1 or P2 is closed only once its cause is named")
        if not by_chief and incident.approved_by is None:
            raise _refused(incident, "a P1 or P2 is closed only once a chief has approved it")


def may_reopen(incident: Incident, now: EpochMs) -> bool:
    """Does the same fault at `now` belong to this incident rather than to a new one?"""
    ended = incident.restored_at or incident.closed_at
    return (
        (incident.state, StepKind.REOPENED) in TABLE and ended is not None and now - ended < REOPEN_WITHIN_MS
    )


def _anew(incident: Incident, *, told: int | None) -> Ladder | None:
    """The ladder of another round. A P4 calls nobody: what was kept of a graver one's is done with.

    `told` is how many rungs have heard of the fault in the round before; None: they have heard of its end.
    """
    policy = incident.policy
    if policy is None:
        return None
    rungs = () if incident.severity is Severity.P4 else policy.rungs
    heard = 0 if told is None else max(told, policy.told)
    return replace(policy, rungs=rungs, reminded=0, reminded_at=EpochMs(0), told=heard)


def _refused(incident: Incident, why: str) -> Permanent:
    return Permanent(why, operation="incident", subject=incident.number)
