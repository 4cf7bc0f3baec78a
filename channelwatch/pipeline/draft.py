"""One batch in the making: changes laid over the world, adopted only after they were committed."""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode, ContactCode, DeviceCode, GroupCode, IncidentId
from channelwatch.incidents.escalation import freeze
from channelwatch.incidents.life import advance
from channelwatch.incidents.model import (
    GRAVE,
    OVER,
    Incident,
    IncidentState,
    IncidentStep,
    Page,
    PageKind,
    StepKind,
    SubjectKind,
)
from channelwatch.incidents.restraint import Budget, by_recipient, spend
from channelwatch.incidents.rules import Rule
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.arrivals import Heard, SetAside
from channelwatch.pipeline.ports import Alert, CurrentRow, Effects, OutboxRow, PairRow
from channelwatch.pipeline.world import EventCount, RuleKey, World, WorldChange
from channelwatch.status.device import DeviceState, Step
from channelwatch.status.events import EventReceived, Observation, RogueSource
from channelwatch.status.states import SERVES_UNSEEN, Axis, Cause, PairState, Reason, Transition
from channelwatch.status.topology import CircuitView, PairView

SYSTEM = "system"
"""Who acts when no person does."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A condition that holds on a subject, seen at `at`; `impacted` is what it takes with it."""

    subject: str
    bloc: Bloc | None
    at: EpochMs
    cause: str
    impacted: tuple[str, ...] = ()


class Draft:
    """The world as it would be after this batch. Pure memory: nothing is written and the world is untouched."""

    def __init__(self, world: World, now: EpochMs) -> None:
        self.world = world
        self.now = now
        self.devices: dict[DeviceCode, DeviceState] = {}
        self.pairs: dict[GroupCode, PairView] = {}
        self.circuits: dict[CircuitCode, CircuitView] = {}
        self.incidents: dict[IncidentId, Incident] = {}
        self.latest: dict[RuleKey, IncidentId] = {}
        self.holding = dict(world.holding)
        self.clearing = dict(world.clearing)
        self.comings = dict(world.comings)
        self.tallies = dict(world.tallies)
        self.event_counts: Counter[EventCount] = Counter()
        self.budgets: dict[ContactCode, Budget] = {}
        self.external = dict(world.external)
        self.heard = Heard(world.heard)
        self.next_swept = world.next_swept
        self.touched: dict[DeviceCode, EpochMs] = {}
        self.parted: list[DeviceState] = []
        self.parted_pairs: list[PairRow] = []
        self.transitions: list[Transition] = []
        self.steps: list[IncidentStep] = []
        self.outbox: list[OutboxRow] = []
        self.events: list[EventReceived] = []
        self.rogues: list[RogueSource] = []
        self.set_aside: list[tuple[Observation, SetAside]] = []
        self.outlived: list[IncidentId] = []
        self.is_revision = False
        self.next_incident = world.next_incident

    def device(self, code: DeviceCode) -> DeviceState:
        """A device's state as of now in this draft."""
        return self.devices.get(code) or self.world.devices[code]

    def pair(self, code: GroupCode) -> PairView:
        """A group's state as of now in this draft."""
        return self.pairs.get(code) or self.world.pairs[code]

    def circuit(self, code: CircuitCode) -> CircuitView:
        """A circuit's state as of now in this draft."""
        return self.circuits.get(code) or self.world.circuit_views[code]

    @property
    def all_devices(self) -> Mapping[DeviceCode, DeviceState]:
        """Every device's state as of now in this draft."""
        return ChainMap(self.devices, self.world.devices)

    @property
    def all_pairs(self) -> Mapping[GroupCode, PairView]:
        """Every group's state as of now in this draft."""
        return ChainMap(self.pairs, self.world.pairs)

    def take(self, step: Step, at: EpochMs) -> None:
        """Accept a device's step, caused by something received at `at`."""
        self.devices[step.state.device] = step.state
        self.transitions.extend(step.transitions)
        self.touched.setdefault(step.state.device, at)

    def take_pair(self, code: GroupCode, state: PairState, serves: bool, at: EpochMs) -> None:
        """Record that a group is in `state`, and whether it serves though that is unknown, seen at `at`: it changed
        after its members were known to be otherwise."""
        view = self.pair(code)
        moved_at = min(max(at, view.since), self.now)
        known = [self.world.devices[name].known_at for name in self._touched_members(code)]
        earliest = max(min((at for at in known if at), default=moved_at), view.since)
        bounds = (min(earliest, moved_at), moved_at)
        self.transitions.append(_pair_move(code, view, state, bounds, self.now, serves=serves))
        lost_until = moved_at if view.state is PairState.LOST else view.lost_until
        self.pairs[code] = PairView(state, moved_at, lost_until, serves)

    def _touched_members(self, code: GroupCode) -> list[DeviceCode]:
        members = self.world.inventory.members.get(code, ())
        return [name for name in members if name in self.touched and name in self.world.devices]

    def part(self, step: Step) -> None:
        """Accept the last step of a device that the inventory no longer has: should it come back, it begins anew."""
        self.transitions.extend(step.transitions)
        self.parted.append(replace(step.state, flags=frozenset(), latched=frozenset()))

    def part_pair(self, code: GroupCode, view: PairView) -> None:
        """Record that nothing is known any more of a group that the inventory no longer has."""
        if view.state is not PairState.UNKNOWN or view.serves is not False:
            self.transitions.append(_pair_move(code, view, PairState.UNKNOWN, (self.now, self.now), self.now))
            self.parted_pairs.append(PairRow(code, PairState.UNKNOWN, self.now))

    def latest_incident(self, key: RuleKey) -> Incident | None:
        """The newest incident of a rule and subject, live or over."""
        number = self.latest.get(key) or self.world.latest.get(key)
        if number is None:
            return None
        return self.incidents.get(number) or self.world.incidents.get(number)

    def open(self, rule: Rule, fault: Fault, *, origin: str = "rule") -> Incident:
        """Open a new incident; its T0 is when the fault was seen, for ever."""
        incident = Incident(
            id=IncidentId(self.next_incident),
            rule=rule.id,
            subject_kind=rule.subject,
            subject=fault.subject,
            bloc=fault.bloc,
            severity=rule.severity,
            state=IncidentState.OPEN,
            t0=fault.at,
            opened_at=self.now,
            caused_at=fault.at,
            cause=fault.cause,
            impacted=fault.impacted,
            round_at=self.now,
            policy=freeze(rule.severity, first_layer=rule.layer, ladders=self.world.policy.ladders),
            graded_at=self.now,
        )
        self.next_incident += 1
        self.put(incident)
        self.steps.append(IncidentStep(incident.id, StepKind.OPENED, self.now, SYSTEM, origin, rule.id))
        return incident

    def reopen(self, incident: Incident, fault: Fault) -> Incident:
        """Begin another round of an incident whose fault has come back."""
        again = self.advance(incident, StepKind.REOPENED, reason=fault.cause)
        again = replace(
            again, cause=fault.cause, caused_at=fault.at, impacted=fault.impacted, graded_at=self.now
        )
        self.put(again)
        return again

    def advance(
        self, incident: Incident, kind: StepKind, *, reason: str, by: str = SYSTEM, origin: str = "rule"
    ) -> Incident:
        """Let `kind` happen to `incident`. Permanent when its state does not allow it."""
        step = IncidentStep(incident.id, kind, self.now, by, origin, reason)
        moved = advance(incident, step)
        self.steps.append(step)
        self.put(moved)
        return moved

    def put(self, incident: Incident) -> None:
        """Replace or add an incident."""
        self.incidents[incident.id] = incident
        if incident.id >= self.latest.get(incident.key, self.world.latest.get(incident.key, 0)):
            self.latest[incident.key] = incident.id

    def page(self, incident: Incident, pages: Sequence[Page]) -> None:
        """Put pages about `incident` in the outbox; whoever has had many gets one that stands for all of them."""
        for chain in by_recipient(pages):
            contact, restraint = chain[0].contact, self.world.policy.restraint
            grave = incident.severity in GRAVE and not incident.drill and chain[0].kind not in OVER
            budget, kept = spend(self.budget(contact), chain, self.now, restraint, is_grave=grave)
            self.budgets[contact] = budget
            self.outbox.extend(OutboxRow(page, self._alert(incident, page)) for page in kept)

    def budget(self, contact: ContactCode) -> Budget:
        """How many messages a contact has had lately, as of now in this draft."""
        return self.budgets.get(contact) or self.world.budgets.get(contact, Budget())

    def effects(self) -> Effects:
        """All that must be committed."""
        changed = [state for state in self.devices.values() if self._changed(state)]
        return Effects(
            log=self.world.log,
            first_seq=self.world.next_seq,
            transitions=tuple(self.transitions),
            current=tuple(map(current_row, [*changed, *self.parted])),
            pairs=(
                *(PairRow(code, view.state, view.since) for code, view in self.pairs.items()),
                *self.parted_pairs,
            ),
            incidents=tuple(self.incidents.values()),
            steps=tuple(self.steps),
            outbox=tuple(self.outbox),
            events=tuple(self.events),
            rogues=tuple(self.rogues),
        )

    def adopt(self) -> WorldChange | None:
        """Make it the present; what changed of it that people see, None if nothing did. Call it once, after `effects()`
        was committed."""
        world = self.world
        visible = tuple(code for code, state in self.devices.items() if self._changed(state))
        for state in self.devices.values():
            world.put_device(state)
        for code, view in self.pairs.items():
            world.put_pair(code, view)
        world.circuit_views.update(self.circuits)
        for incident in self.incidents.values():
            world.put_incident(incident)
        world.forget(self.outlived)
        world.holding, world.clearing, world.comings = self.holding, self.clearing, self.comings
        world.tallies = self.tallies
        world.event_counts.update(self.event_counts)
        world.next_swept = self.next_swept
        world.budgets.update(self.budgets)
        world.heard.update(self.heard.fresh)
        world.external = self.external
        world.next_incident = self.next_incident
        world.next_seq += len(self.transitions)
        if not (visible or self.pairs or self.incidents or self.outlived or self.is_revision):
            return None
        world.revision += 1
        return WorldChange(world.revision, self.now, visible, tuple(self.pairs), tuple(self.incidents))

    def _changed(self, state: DeviceState) -> bool:
        old = self.world.devices[state.device]
        return (old.assessment, old.flags, old.latched) != (state.assessment, state.flags, state.latched)

    def alert_of(self, incident: Incident) -> Alert:
        """What there is to tell of `incident` now, to nobody in particular."""
        rule = self.world.rules.of(incident.rule)
        assert rule is not None, "nobody is told of an incident whose rule was removed"
        return Alert(
            key="",
            incident=incident.id,
            number=incident.number,
            kind=PageKind.OPENED,
            severity=incident.severity,
            rule=incident.rule,
            subject_kind=incident.subject_kind,
            subject=incident.subject,
            unit=self._unit(incident),
            bloc=incident.bloc,
            cause=incident.cause,
            title=rule.title,
            runbook=rule.runbook,
            t0=incident.t0,
            caused_at=incident.caused_at,
            created_at=self.now,
            restored_at=incident.restored_at,
            impacted=len(incident.impacted),
            drill=incident.drill,
            round=incident.round,
        )

    def _alert(self, incident: Incident, page: Page) -> Alert:
        alert = self.alert_of(incident)
        return replace(alert, key=page.key, kind=page.kind, step=page.step, contact=page.contact)

    def _unit(self, incident: Incident) -> str:
        inventory = self.world.inventory
        match incident.subject_kind:
            case SubjectKind.DEVICE if incident.subject in inventory.device:
                return inventory.unit_of(DeviceCode(incident.subject)).name
            case SubjectKind.GROUP:
                names = [item.name for item in inventory.ha_groups if item.code == incident.subject]
                return names[0] if names else incident.subject
            case SubjectKind.BLOC:
                return self.world.inventory.province.name or incident.subject
            case _:
                return incident.subject


def current_row(state: DeviceState) -> CurrentRow:
    """What is kept of a device's state for a restart."""
    return CurrentRow(
        state.device,
        state.assessment,
        state.health_since,
        state.protection_since,
        state.seen_at,
        state.flags,
        state.latched,
    )


def _pair_move(
    code: GroupCode,
    view: PairView,
    state: PairState,
    bounds: tuple[EpochMs, EpochMs],
    now: EpochMs,
    *,
    serves: bool = False,
) -> Transition:
    cause = SERVES_UNSEEN if serves else Cause.NONE
    return Transition(code, Axis.PAIR, view.state, state, cause, Reason.MEMBERS, *bounds, now, "members")
