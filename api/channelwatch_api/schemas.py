"""Shapes of the JSON API. Instants come both as ISO 8601 (UTC) and as epoch milliseconds."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from channelwatch.base.clock import iso_utc
from channelwatch.incidents.ack import AckRefusal
from channelwatch.incidents.model import IncidentState, PageKind, Severity, StepKind, SubjectKind
from channelwatch.inventory.diff import ChangeKind
from channelwatch.inventory.model import Bloc, CommuneKind, LifeCycle, UnitKind
from channelwatch.pipeline.acts import MAX_REASON, ActKind
from channelwatch.pipeline.ports import OutboxState
from channelwatch.status.events import EventKind, MissCause, Transport
from channelwatch.status.service import Part
from channelwatch.status.signals import Scalar, Signal, SignalState
from channelwatch.status.states import Axis, Cause, Flag, Health, PairState, Protection, Reason
from channelwatch.status.topology import CircuitState

T = TypeVar("T")


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Instant(_Shape):
    """A moment, twice: `iso` for people and logs, `ms` (since 1970-01-01T00:00:00Z) for machines."""

    iso: str
    ms: int

    @classmethod
    def at(cls, ms: int) -> Instant:
        """The moment `ms`."""
        return cls(iso=iso_utc(ms), ms=ms)

    @classmethod
    def maybe(cls, ms: int | None) -> Instant | None:
        """The moment, or nothing for None and for 0, which means never."""
        return cls.at(ms) if ms else None


class Page(_Shape, Generic[T]):
    """One piece of a list. `next` is the `after` of the next piece; None when this was the last.

    Histories have no `next`: `truncated` says that older entries were left out at `limit`.
    """

    items: list[T]
    limit: int
    next: str | None = None
    truncated: bool = False


class UnitRef(_Shape):
    """A unit in passing."""

    code: str
    name: str
    kind: UnitKind
    commune_kind: CommuneKind | None = None


class DeviceSummary(_Shape):
    """A device on its axes. `rank` sorts: the smaller, the worse (0 = exposed)."""

    code: str
    unit: UnitRef
    bloc: Bloc
    site: str
    life_cycle: LifeCycle
    ha_group: str | None
    ha_member: str | None
    health: Health
    protection: Protection
    cause: Cause
    flags: list[Flag]
    rank: int
    health_since: Instant | None
    protection_since: Instant | None
    last_seen: Instant | None
    missed_polls: int
    miss_cause: MissCause | None
    profile: str


class ReadingOut(_Shape):
    """One signal of one component. `age_s`: time since the device last answered; None when it never did."""

    signal: Signal
    component: str
    state: SignalState
    value: Scalar
    unit: str
    source: str
    raw: Scalar
    state_since: Instant | None
    age_s: float | None


class LatchOut(_Shape):
    """A signal that stays failed until a person clears it."""

    signal: Signal
    component: str


class CountsOut(_Shape):
    """How many there are of each health."""

    up: int
    degraded: int
    down: int
    unknown: int


class BlocNow(_Shape):
    """One bloc now. Blocs stand side by side and are never added up."""

    bloc: Bloc
    communes: CountsOut
    channels: CountsOut
    circuits_lost: list[str]


class OverviewOut(_Shape):
    """The province now."""

    province: str
    blocs: list[BlocNow]


class ChannelNow(_Shape):
    """A channel now: its device, its tunnel and its hub, all of them. `cause` says which of them took it down."""

    code: str
    health: Health
    cause: Part | None


class PlaceOut(_Shape):
    """A unit in one bloc: as well served as the best of its channels."""

    unit: UnitRef
    bloc: Bloc
    health: Health
    cause: Part | None
    channels: list[ChannelNow]


class CircuitOut(_Shape):
    """A clear circuit that carries several devices. `since` is when it was lost or came back, null if it never was."""

    code: str
    bloc: Bloc
    state: CircuitState
    lost: bool
    since: Instant | None
    devices: list[str]


class SiteOut(_Shape):
    """A site now: as bad as its worst device."""

    code: str
    bloc: Bloc
    unit: UnitRef
    device: str
    health: Health
    protection: Protection
    devices: int


class TransitionOut(_Shape):
    """One change on one axis. It happened between `t_lo` and `t_hi`."""

    log: str
    seq: int
    subject: str
    axis: Axis
    before: str
    after: str
    cause: Cause
    reason: Reason
    t_lo: Instant
    t_hi: Instant
    recorded_at: Instant
    evidence: str


class EventOut(_Shape):
    """A trap or syslog line, normalised. `severity` is the syslog scale: 0 gravest, 7 debug."""

    device: str
    kind: EventKind
    transport: Transport
    received_at: Instant
    device_time: Instant | None
    severity: int
    trusted: bool
    component: str
    text: str
    source: str


class StrangerOut(_Shape):
    """A sender of traps or syslog that is not in the inventory. `count`: its messages ever; `sample`: one of them.

    `address` is an IP address, or a host name and the relay that it came by: `gw by way of 192.0.2.7`.
    """

    address: str
    transport: Transport
    last_at: Instant
    count: int
    sample: str


class DeviceDetail(DeviceSummary):
    """A device with its signals and its recent history, newest first."""

    latched: list[LatchOut]
    readings: list[ReadingOut]
    transitions: list[TransitionOut]
    events: list[EventOut]


class MemberOut(_Shape):
    """A member of an HA group; `role` is its own claim."""

    device: str
    member: str | None
    role: str | None
    health: Health
    protection: Protection


class GroupOut(_Shape):
    """A hot-standby pair."""

    code: str
    name: str
    bloc: Bloc
    state: PairState
    since: Instant | None
    members: list[MemberOut]


class CellOut(_Shape):
    """A unit in one bloc: the worst of its devices that are in service."""

    bloc: Bloc
    health: Health
    protection: Protection
    rank: int
    devices: list[str]


class UnitOut(UnitRef):
    """A row of the board's matrix."""

    cells: list[CellOut]


class IncidentOut(_Shape):
    """An incident as it stands. `title` is the rule's, by language."""

    id: int
    number: str
    rule: str
    title: dict[str, str]
    severity: Severity
    state: IncidentState
    subject_kind: SubjectKind
    subject: str
    bloc: Bloc | None
    cause: str
    t0: Instant
    opened_at: Instant
    acked_at: Instant | None
    acked_by: str | None
    restored_at: Instant | None
    closed_at: Instant | None
    resolution: str | None
    approved_by: str | None
    merged_into: int | None
    drill: bool
    impacted: list[str]


class StepOut(_Shape):
    """What happened to an incident. `reason` is None where the account may not read notes."""

    kind: StepKind
    at: Instant
    by: str
    origin: str
    reason: str | None


class PageOut(_Shape):
    """What became of one message about an incident."""

    kind: PageKind
    contact: str
    channel: str
    step: int
    state: OutboxState
    attempts: int
    created_at: Instant
    sent_at: Instant | None
    last_error: str | None


class IncidentDetail(IncidentOut):
    """An incident with its steps and pages, the oldest first."""

    steps: list[StepOut]
    pages: list[PageOut]


class ChangeOut(_Shape):
    """An applied inventory change; only the fields that differ."""

    at: Instant
    by: str
    section: str
    code: str
    kind: ChangeKind
    before: dict[str, str]
    after: dict[str, str]


class QueueOut(_Shape):
    """The observations' queue since the start."""

    length: int
    limit: int
    accepted: int
    dropped: int


class OutboxOut(_Shape):
    """Alerts on their way out."""

    pending: int
    claimed: int
    sent: int
    dead: int
    oldest_unsent_s: float


class BlindOut(_Shape):
    """Devices that nobody looks at now, and since when the first of them (None: none)."""

    devices: int
    since: Instant | None


class StatusOut(_Shape):
    """How the product itself is."""

    version: str
    instance: str
    province: str
    simulated: bool
    now: Instant
    started_at: Instant
    revision: int
    ready: bool
    problems: list[str]
    queue: QueueOut
    outbox: OutboxOut
    blind: BlindOut
    board_streams: int


class ReadinessOut(_Shape):
    """Whether the pipeline does its work."""

    ready: bool
    problems: list[str]


class ProblemOut(BaseModel):
    """An error. `title` is Vietnamese, `title_en` English, `detail` a technical line; `errors` name fields."""

    type: str
    title: str
    title_en: str
    status: int
    instance: str
    detail: str = ""
    errors: list[dict[str, str]] = []


class ActIn(_Shape):
    """What a person wants to do to an incident. `into` names the other one of a merge, `severity` a new one."""

    kind: ActKind
    reason: str = Field(default="", max_length=MAX_REASON)
    into: int | None = Field(default=None, ge=1, le=2**53)
    severity: Severity | None = None


class SpokenCode(_Shape):
    """The code that a contact said to the account: then the contact takes the incident, not the account."""

    code: Annotated[str, Field(pattern=r"^\d{4}$")] | None = None


class ReplyOut(_Shape):
    """What became of a reply: the number of the incident that was acknowledged, or why none was."""

    acknowledged: str | None
    refusal: AckRefusal | None


class ClearLatch(_Shape):
    """Which latched signal a person has looked at."""

    signal: Signal
