"""Corrections of the record: asked for by one person, approved by another, and never in place of what was recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from channelwatch.base.intervals import Interval, intersect, normalise, subtract
from channelwatch.inventory.maintenance import WindowScope
from channelwatch.uptime.timeline import Cause, DownCause, Segment, State, Timeline, UnknownCause


class CorrectedState(StrEnum):
    """What a correction says that it was. `MAINTENANCE`: work that was not approved before it began."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"


class Decision(StrEnum):
    """What became of a correction."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Correction:
    """From `start` to `end` (epoch ms) the health of `code` was `state`, whatever was recorded.

    A state other than maintenance is that of one device or one pair. `signature` is the one of `requested_by` under
    `requested_fact`, `decision_signature` the one of `decided_by` under `decided_fact`; empty: not signed.
    """

    id: int
    scope: WindowScope
    code: str
    state: CorrectedState
    start: int
    end: int
    reason: str
    requested_by: str
    requested_at: int
    decision: Decision = Decision.OPEN
    decided_by: str | None = None
    decided_at: int | None = None
    signature: str = ""
    decision_signature: str = ""

    @property
    def span(self) -> Interval:
        """The corrected time."""
        return Interval(self.start, self.end)


def requested_fact(item: Correction) -> bytes:
    """What whoever asks for it signs: its fields as canonical JSON (sorted keys, no spaces, UTF-8)."""
    return _canonical(_request(item))


def decided_fact(item: Correction) -> bytes:
    """What whoever decides signs: the request, its number and the decision."""
    decided = {"decided_at": item.decided_at, "decided_by": item.decided_by, "decision": item.decision.value}
    return _canonical({**_request(item), **decided, "number": item.id})


def _request(item: Correction) -> dict[str, int | str | None]:
    return {
        "code": item.code,
        "from": item.start,
        "reason": item.reason,
        "requested_at": item.requested_at,
        "requested_by": item.requested_by,
        "scope": item.scope.value,
        "state": item.state.value,
        "to": item.end,
        "type": "channelwatch.correction/1",
    }


def _canonical(fields: dict[str, int | str | None]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


_MEANING: dict[CorrectedState, tuple[State, Cause | None]] = {
    CorrectedState.UP: (State.UP, None),
    CorrectedState.DEGRADED: (State.DEGRADED, None),
    CorrectedState.DOWN: (State.DOWN, DownCause.SELF),
    CorrectedState.UNKNOWN: (State.UNKNOWN, UnknownCause.SILENT),
}


def corrected(timeline: Timeline, corrections: Iterable[Correction]) -> Timeline:
    """`timeline` as `corrections`, the oldest first, say that it was; those about maintenance change no state."""
    for item in corrections:
        if item.state is not CorrectedState.MAINTENANCE:
            timeline = _overlaid(timeline, item.span, *_MEANING[item.state])
    return timeline


def _overlaid(timeline: Timeline, span: Interval, state: State, cause: Cause | None) -> Timeline:
    whole = timeline.span
    if not timeline.segments:
        return Timeline((Segment(span.start, span.end, state, cause),))
    parts = [Segment(span.start, span.end, state, cause)]
    for part in timeline.segments:
        if part.start == part.end:
            parts += [] if span.start <= part.start <= span.end else [part]
            continue
        kept = subtract(normalise([(part.start, part.end)]), (span,))
        parts += [part._replace(start=start, end=end) for start, end in kept]
    gaps = subtract(normalise([(min(whole.start, span.start), max(whole.end, span.end))]), (whole,))
    unknown = subtract(gaps, (span,))
    parts += [Segment(start, end, State.UNKNOWN, UnknownCause.BLIND) for start, end in unknown]
    attested = subtract(timeline.attested, (span,))
    return Timeline(tuple(sorted(parts, key=lambda part: (part.start, part.end))), attested)


def touches(item: Correction, period: Interval) -> bool:
    """Does the correction say anything about `period`?"""
    return bool(intersect((item.span,), (period,)))
