"""Incidents, their steps, and the pages that go out about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ContactCode, IncidentId, RuleId
from channelwatch.inventory.model import Bloc, Role


class Severity(StrEnum):
    """P1 is the gravest. The order of the members is the order of gravity."""

    P1 = "p1"
    P2 = "p2"
    P3 = "p3"
    P4 = "p4"


GRAVE = frozenset({Severity.P1, Severity.P2})
"""What people are called to at any hour, and what is closed only with its cause and a chief's approval."""


class IncidentState(StrEnum):
    """Life of an incident (domain model, section 3.4)."""

    OPEN = "open"
    ACKED = "acked"
    WORKING = "working"
    RESTORED = "restored"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    FALSE_ALARM = "false_alarm"
    MERGED = "merged"

    @property
    def is_over(self) -> bool:
        """Nothing more will happen to it by itself, except that a fault within 24 h opens it again."""
        return self in (IncidentState.CLOSED, IncidentState.FALSE_ALARM, IncidentState.MERGED)

    @property
    def awaits_person(self) -> bool:
        """Nobody has taken it: the ladder goes on."""
        return self in (IncidentState.OPEN, IncidentState.REOPENED)


class StepKind(StrEnum):
    """What happened to an incident; each is one append-only row."""

    OPENED = "opened"
    ACKED = "acked"
    STARTED = "started"
    RESTORED = "restored"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    DISMISSED = "dismissed"
    MERGED = "merged"
    APPROVED = "approved"
    ACK_EXPIRED = "ack_expired"
    IMPACT_CHANGED = "impact_changed"
    SEVERITY_RAISED = "severity_raised"
    SEVERITY_LOWERED = "severity_lowered"
    PAGED = "paged"
    NOTE = "note"


class EndReason(StrEnum):
    """Why an incident was restored without a person's doing."""

    CONDITION_ENDED = "condition_ended"
    SUBJECT_REMOVED = "subject_removed"
    OUT_OF_SERVICE = "out_of_service"
    RULE_REMOVED = "rule_removed"


class SubjectKind(StrEnum):
    """What an incident is about."""

    DEVICE = "device"
    GROUP = "group"
    BLOC = "bloc"
    CIRCUIT = "circuit"
    COLLECTOR = "collector"


class Rung(NamedTuple):
    """After `after_ms` without an acknowledgement, or when the next working day begins, `roles` are told."""

    after_ms: int
    roles: tuple[Role, ...]
    is_next_day: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs of one severity. Those reached are told again every `repeat_ms`, or as each working day begins.

    `first_layer` answers first: 1 the on-site force, 2 the watch, without the on-site force. An acknowledgement counts
    for `ack_ms`, unless work begins or the fault ends. 0 = never. Reminders count from `reminded_at`, if that is later
    than the round's begin, and after the `reminded` that were given before. `told` rungs were climbed in a round that
    ended with an acknowledgement's, not with the fault.
    """

    rungs: tuple[Rung, ...]
    repeat_ms: int
    first_layer: int = 1
    repeats_daily: bool = False
    ack_ms: int = 0
    reminded: int = 0
    reminded_at: EpochMs = EpochMs(0)
    told: int = 0


@dataclass(frozen=True, slots=True)
class Incident:
    """The projection of an incident's steps.

    `t0` (thời điểm phát hiện) is fixed at the first event and never edited. `impacted` lists the subjects that
    the fault takes with it and that have no incident of their own. `ladder` counts the escalation steps done.
    `caused_at` is when the packet that caused it was received, for latency figures. `round` counts how often it was
    opened again, and `round_at` is when the present round began: the ladder's times count from there.
    `policy` is the ladder as it was when the incident opened or its severity changed, whatever is configured since;
    `graded_at` is when that was, or when it was opened again: the time to restore it counts from there. `resolution` is
    the cause that a person named, `approved_by` the chief who agreed to close it, `merged_into` the incident that a
    person made it part of. A `drill` counts nowhere. `impact_told` is how many impacted were told of at
    `impact_told_at`.
    """

    id: IncidentId
    rule: RuleId
    subject_kind: SubjectKind
    subject: str
    bloc: Bloc | None
    severity: Severity
    state: IncidentState
    t0: EpochMs
    opened_at: EpochMs
    caused_at: EpochMs
    cause: str = "none"
    impacted: tuple[str, ...] = ()
    acked_at: EpochMs | None = None
    acked_by: str | None = None
    restored_at: EpochMs | None = None
    closed_at: EpochMs | None = None
    round: int = 0
    round_at: EpochMs = EpochMs(0)
    ladder: int = 0
    repeats: int = 0
    policy: Ladder | None = None
    graded_at: EpochMs = EpochMs(0)
    resolution: str = ""
    approved_by: str | None = None
    merged_into: IncidentId | None = None
    drill: bool = False
    impact_told: int = 0
    impact_told_at: EpochMs = EpochMs(0)

    @property
    def key(self) -> tuple[RuleId, str]:
        """One incident may be live for one rule and one subject."""
        return (self.rule, self.subject)

    @property
    def number(self) -> str:
        """What people call it: `SC-000123`."""
        return f"SC-{self.id:06d}"

    @property
    def is_live(self) -> bool:
        """The fault that it was opened for is still there. At most one for one rule and subject is."""
        return not self.state.is_over and self.restored_at is None

    @property
    def is_hushed(self) -> bool:
        """A person called it a false alarm, or part of another incident, while its fault was still there."""
        return self.restored_at is None and (
            self.state is IncidentState.FALSE_ALARM or self.merged_into is not None
        )

    @property
    def ended_at(self) -> EpochMs | None:
        """When it was restored or closed, whichever came last; None while it is live."""
        if self.restored_at is None or self.closed_at is None:
            return self.restored_at or self.closed_at
        return max(self.restored_at, self.closed_at)


@dataclass(frozen=True, slots=True)
class IncidentStep:
    """Who did what to an incident, when, why and from where. Never updated."""

    incident: IncidentId
    kind: StepKind
    at: EpochMs
    by: str
    origin: str
    reason: str = ""


class PageKind(StrEnum):
    """Why a message goes out. `PASSED`: it was restored before anybody was told that it opened."""

    OPENED = "opened"
    ESCALATED = "escalated"
    REPEATED = "repeated"
    REOPENED = "reopened"
    LAPSED = "lapsed"
    RESTORED = "restored"
    PASSED = "passed"
    IMPACT = "impact"
    RAISED = "raised"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Page:
    """One message to one contact over one channel. `key` is unique for ever and travels with the message.

    Pages of one `chain` (its first page's key) are ways to tell the same thing: a later one goes out at its
    `not_before`, or as soon as the one before it is refused for good, and not at all once another has arrived. A page
    without a chain is the only way.
    """

    incident: IncidentId
    kind: PageKind
    contact: ContactCode
    channel: str
    destination: str
    key: str
    not_before: EpochMs
    step: int = 0
    chain: str = ""

    @property
    def is_spare(self) -> bool:
        """Does it wait for another page of its chain to fail?"""
        return self.chain not in ("", self.key)


OVER = frozenset({PageKind.RESTORED, PageKind.PASSED})
"""Messages that say that nothing is to be done any more."""
