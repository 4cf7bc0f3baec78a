"""What the pipeline needs from the world, as Protocols. Floor 3 implements them, `app/wiring.py` joins them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, LogId
from channelwatch.incidents.model import Incident, IncidentStep, Page, PageKind, Severity, SubjectKind
from channelwatch.inventory.diff import Change
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.status.events import EventReceived, RogueSource
from channelwatch.status.signals import Signal
from channelwatch.status.states import Assessment, Flag, PairState, Transition


@dataclass(frozen=True, slots=True)
class CurrentRow:
    """A device's present state as kept for a restart. `seen_at` is the last usable answer, 0 = never."""

    device: DeviceCode
    assessment: Assessment
    health_since: EpochMs
    protection_since: EpochMs
    seen_at: EpochMs
    flags: frozenset[Flag] = frozenset()
    latched: frozenset[tuple[Signal, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class PairRow:
    """An HA group's present state as kept for a restart."""

    group: str
    state: PairState
    since: EpochMs


@dataclass(frozen=True, slots=True)
class Alert:
    """What a delivery channel is given: facts, from which its template makes the text.

    `key` is the idempotency key that the receiver sees. `contact` is the post that it is for, `round` counts how often
    the incident was opened again, `others` how many incidents a digest stands for beside this one. Inside of the
    network or not is the channel's affair; no field here holds an address, a serial number or text from a device.
    """

    key: str
    incident: int
    number: str
    kind: PageKind
    severity: Severity
    rule: str
    subject_kind: SubjectKind
    subject: str
    unit: str
    bloc: Bloc | None
    cause: str
    title: Mapping[str, str]
    runbook: str
    t0: EpochMs
    caused_at: EpochMs
    created_at: EpochMs
    restored_at: EpochMs | None = None
    impacted: int = 0
    step: int = 0
    drill: bool = False
    contact: str = ""
    round: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One alert on its way to one destination: committed together with what it tells of."""

    page: Page
    alert: Alert


@dataclass(frozen=True, slots=True)
class Effects:
    """Everything that one batch of observations changes. It is committed whole or not at all.

    `first_seq` numbers `transitions` in the log: transition i is entry `first_seq + i`. Committing the newest
    effects again changes nothing: a batch is known by its numbers, one without transitions by its content.
    """

    log: LogId
    first_seq: int
    transitions: tuple[Transition, ...] = ()
    current: tuple[CurrentRow, ...] = ()
    pairs: tuple[PairRow, ...] = ()
    incidents: tuple[Incident, ...] = ()
    steps: tuple[IncidentStep, ...] = ()
    outbox: tuple[OutboxRow, ...] = ()
    events: tuple[EventReceived, ...] = ()
    rogues: tuple[RogueSource, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing to commit."""
        return not (
            self.transitions or self.current or self.pairs or self.incidents
            or self.steps or self.outbox or self.events or self.rogues
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a start resumes from. `alive_until` is the last moment at which the collector is known to have run.

    `backed`: the devices whose present time is backed by their counters, each with since when. `recent_events`: the
    newest of the last day, without readings, the oldest first; as many as a store gives. `told`: what contacts were
    told within the time that a limit of messages looks back, the oldest first.
    """

    inventory: Inventory | None
    current: tuple[CurrentRow, ...]
    pairs: tuple[PairRow, ...]
    incidents: tuple[Incident, ...]
    next_incident: int
    next_seq: int
    alive_until: EpochMs | None
    backed: Mapping[DeviceCode, EpochMs] = field(default_factory=dict)
    recent_events: tuple[EventReceived, ...] = ()
    told: tuple[Page, ...] = ()


class OutboxState(StrEnum):
    """Where one alert stands. `DEAD` = refused for good; the next channel has been asked.

    `STANDBY` = a further way that waits for those before it to fail, `SPARED` = one of them did not, or there was
    nothing to tell any more.
    """

    STANDBY = "standby"
    SPARED = "spared"
    PENDING = "pending"
    CLAIMED = "claimed"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Claim:
    """An outbox row that this process holds the right to send until its lease ends. `attempts` counts this one.

    `is_needless`: there is nothing to tell any more.
    """

    row_id: int
    attempts: int
    channel: str
    destination: str
    alert: Alert
    is_needless: bool = False


@dataclass(frozen=True, slots=True)
class Lanes:
    """How wide the ways out are now: at most `each` rows of one destination are claimed at a time, and none of a
    channel or a (channel, destination) that is full. Rows to a `well` destination, one that has just taken a message
    again, are due `well_ms` before their time."""

    each: int = 1_000
    full_channels: frozenset[str] = frozenset()
    full_destinations: frozenset[tuple[str, str]] = frozenset()
    well_destinations: frozenset[tuple[str, str]] = frozenset()
    well_ms: int = 0


OPEN_LANES = Lanes()
"""Nothing is full."""


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """Rows by state, and the age of the oldest unsent one in milliseconds (0 when there is none)."""

    pending: int
    claimed: int
    sent: int
    dead: int
    oldest_unsent_ms: int


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver took it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now: `reason` is a short class (`timeout`, `http_503`, `refused`), `after_ms` the receiver's own wish."""

    reason: str
    after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Unsure:
    """Nobody knows whether the receiver took it: it goes out again, under the same key, after `after_ms` at least."""

    reason: str
    after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """Never: the receiver refuses this message for good."""

    reason: str


Outcome = Sent | Retry | Unsure | Dead


@dataclass(frozen=True, slots=True)
class Spared:
    """Nobody was asked: there was nothing to tell any more when its turn came."""


Fate = Outcome | Spared


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a claim at `now`; `not_before` is when a `Retry` or an `Unsure` is due again."""

    claim: Claim
    outcome: Fate
    now: EpochMs
    not_before: EpochMs | None


class DeliveryChannel(Protocol):
    """One way to reach people. It tries once; whether to try again is decided outside it."""

    @property
    def name(self) -> str:
        """The word before the colon in a contact's `deliver` texts."""
        ...

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """Try to deliver within the channel's own time limit. Does not raise for what a peer may do."""
        ...


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """An applied inventory change: what, who, when."""

    at: EpochMs
    by: str
    change: Change


@dataclass(frozen=True, slots=True)
class Purge:
    """A run of pruning: `removed` of `what` (`events`, `messages`) from before `before`, over at `happened_at`."""

    what: str
    before: EpochMs
    removed: int
    happened_at: EpochMs


class Store(Protocol):
    """The status store. Synchronous: called from one worker thread. Times are epoch ms UTC."""

    def upgrade(self) -> None:
        """Bring the schema to the newest version. Idempotent."""
        ...

    def load(self, log: LogId, *, now: EpochMs) -> Snapshot:
        """The state to resume from; incidents are those not over and those over for less than 24 h."""
        ...

    def commit(self, effects: Effects, *, epoch: int) -> None:
        """Write a batch in one transaction. Transient when the database is busy or full; the batch may be tried
        again. Permanent when the lease epoch has been taken over by another process. Bug when `first_seq` leaves
        a gap in the log or the numbers belong to other transitions."""
        ...

    def apply_inventory(self, wanted: Inventory, changes: Sequence[Change], *, by: str, at: EpochMs) -> int:
        """Store `wanted` as the next inventory version with its change log, in one transaction; the version."""
        ...

    def inventory(self) -> Inventory | None:
        """The newest applied inventory, None when there is none."""
        ...

    def inventory_version(self) -> int:
        """The number of the newest applied inventory, 0 when there is none; cheap enough to ask every second."""
        ...

    def inventory_log(self, limit: int) -> list[LoggedChange]:
        """The newest applied changes first."""
        ...

    def take_lease(self, name: str, holder: str, *, now: EpochMs, ttl_ms: int) -> int | None:
        """Take or renew the lease; its epoch, which grows each time the holder changes. None when another holds it."""
        ...

    def release_lease(self, name: str, holder: str) -> None:
        """Give it up on an orderly stop, so that the next start need not wait."""
        ...

    def heartbeat(self, collector: str, *, since: EpochMs, until: EpochMs) -> None:
        """Extend (or begin) the interval in which the collector was not blind."""
        ...

    def claim_outbox(
        self, *, now: EpochMs, limit: int, lease_ms: int, epoch: int, lanes: Lanes = OPEN_LANES
    ) -> list[Claim]:
        """Claim due rows by conditional UPDATE, oldest first; a claim whose lease ran out may be claimed again.

        Rows that `lanes` have no room for are passed over, so that none of them keeps a newer one waiting.
        """
        ...

    def settle_outbox(self, claim: Claim, outcome: Fate, *, now: EpochMs, not_before: EpochMs | None) -> None:
        """Record what became of a claimed row; `not_before` is when a `Retry` or an `Unsure` is due again.

        A claim counts until its row is claimed again, except that what was sent was sent. Bug without such a row.

        A `Sent` or `Spared` spares the rows of its chain that stand by, a `Dead` makes the next of them due at once.
        """
        ...

    def settle_all(self, settlements: Sequence[Settlement]) -> None:
        """`settle_outbox` of each, all in one transaction or none."""
        ...

    def outbox_counts(self, now: EpochMs) -> OutboxCounts:
        """How the outbox stands."""
        ...

    def prune_events(self, before: EpochMs) -> int:
        """Delete some events received before `before`; how many, 0 when none is left. Call it again until then, so
        that commits get their turn in between. Those of a device with a live incident stay; transitions and incidents
        are never pruned."""
        ...

    def prune_pages(self, before: EpochMs) -> int:
        """Delete some messages written before `before` that need no sending any more and whose incident is over; how
        many, as with `prune_events`."""
        ...

    def note_purge(self, done: Purge) -> None:
        """Record what a run of pruning has deleted."""
        ...

    def close(self) -> None:
        """Release every connection."""
        ...


@dataclass(frozen=True, slots=True)
class StoredTransition:
    """A transition with its place in the log."""

    log: LogId
    seq: int
    transition: Transition


@dataclass(frozen=True, slots=True)
class StoredPage:
    """What became of one page; `sent_at` is None until a receiver took it."""

    page: Page
    state: OutboxState
    attempts: int
    created_at: EpochMs
    sent_at: EpochMs | None
    last_error: str | None


class History(Protocol):
    """What people read back: the newest first, at most `limit` rows, from `since` (epoch ms) on."""

    def transitions(
        self, *, subjects: Sequence[str], since: int = 0, limit: int = 200
    ) -> list[StoredTransition]:
        """Transitions of `subjects`."""
        ...

    def events(self, *, devices: Sequence[str], since: int = 0, limit: int = 200) -> list[EventReceived]:
        """Events of `devices`; their `readings` are not kept."""
        ...

    def incidents(self, *, blocs: Sequence[Bloc], since: int = 0, limit: int = 200) -> list[Incident]:
        """Incidents opened in `blocs` (and those of the collector itself)."""
        ...

    def incident(self, number: int) -> Incident | None:
        """The incident of that number; None when there never was one."""
        ...

    def steps(self, incident: int) -> list[IncidentStep]:
        """All steps of one incident, the oldest first."""
        ...

    def pages(self, incident: int) -> list[StoredPage]:
        """All pages of one incident, the oldest first."""
        ...

    def rogues(self, *, limit: int = 200) -> list[RogueSource]:
        """Unknown sources, the latest first."""
        ...
