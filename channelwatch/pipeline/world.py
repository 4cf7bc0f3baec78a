"""The present, in memory: what every device, group and incident is now. Changed only by adopting a committed draft."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode, ContactCode, DeviceCode, GroupCode, IncidentId, LogId, RuleId
from channelwatch.incidents.escalation import LADDERS
from channelwatch.incidents.life import REOPEN_WITHIN_MS
from channelwatch.incidents.model import Incident, Ladder, Severity
from channelwatch.incidents.oncall import NO_ROSTER, Gap, Roster
from channelwatch.incidents.restraint import Budget, Restraint
from channelwatch.incidents.rules import Hours, OwnFault, RuleBook
from channelwatch.incidents.worktime import ORDINARY, WorkCalendar
from channelwatch.inventory.maintenance import Window
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.pipeline.arrivals import Arrival, Source, known
from channelwatch.pipeline.overview import Overview
from channelwatch.status.device import DeviceState, StepPolicy
from channelwatch.status.events import EventKind
from channelwatch.status.topology import CircuitView, PairView

RuleKey = tuple[RuleId, str]
"""A rule and the subject it is about."""

Tallies = Mapping[tuple[RuleId, str], tuple[EpochMs, ...]]
"""When the newest events came that rules count, by rule and, where each is counted by itself, unknown source."""

EventCount = tuple[DeviceCode, EventKind, Hours]
"""Whose events, of which kind and when: inside or outside working hours. No device: unknown sources."""


@dataclass(frozen=True, slots=True)
class WorldPolicy:
    """Limits of the pipeline. Times in milliseconds.

    `poll_ms` is the period of a device that names none. A device unpolled for `blind_periods` periods is blind.
    A spoke that falls within `sibling_hold_ms` of another of the same hub waits so long for the hub's own fate, and
    `suspect_hold_ms` while the hub does not answer; for `settle_ms` after a lost hub came back none is opened.
    A spoke that falls silent while `storm_suspects` others of its hub miss polls waits as well. What every rule says of
    every subject is looked at again within `safety_sweep_ms`, changed or not.
    At most `blind_batch` devices are called blind at a time, so that the others' polls get their turn in between. An
    incident that ended `keep_ended_ms` ago leaves the memory; of those that await closing, `keep_restored` stay.
    New incidents have the `ladders`. Rules that count events do so in `security_blocs` only: such monitoring is done
    where it was asked for.
    """

    poll_ms: int = 60_000
    blind_periods: float = 3.0
    sibling_hold_ms: int = 15_000
    suspect_hold_ms: int = 60_000
    settle_ms: int = 10_000
    storm_suspects: int = 4
    safety_sweep_ms: int = 30_000
    blind_batch: int = 2_000
    keep_ended_ms: int = REOPEN_WITHIN_MS
    keep_restored: int = 2_000
    step: StepPolicy = StepPolicy()
    restraint: Restraint = Restraint()
    security_blocs: frozenset[Bloc] = frozenset()
    ladders: Mapping[Severity, Ladder] = field(default_factory=lambda: LADDERS)


@dataclass(frozen=True, slots=True)
class WorldChange:
    """What one committed batch changed, for listeners. `revision` grows only when something did."""

    revision: int
    at: EpochMs
    devices: tuple[DeviceCode, ...] = ()
    groups: tuple[GroupCode, ...] = ()
    incidents: tuple[IncidentId, ...] = ()


class World:
    """The read side for parts, and the ground on which drafts are made. Belongs to one event loop."""

    def __init__(self, inventory: Inventory, rules: RuleBook, log: LogId, policy: WorldPolicy) -> None:
        self.rules = rules
        self.log = log
        self.policy = policy
        self.revision = 0
        self.next_incident = 1
        self.next_seq = 1
        self._devices: dict[DeviceCode, DeviceState] = {}
        self._pairs: dict[GroupCode, PairView] = {}
        self._incidents: dict[IncidentId, Incident] = {}
        self.latest: dict[RuleKey, IncidentId] = {}
        self.holding: dict[RuleKey, EpochMs] = {}
        self.clearing: dict[RuleKey, EpochMs] = {}
        self.comings: dict[RuleKey, tuple[EpochMs, ...]] = {}
        """When the condition of a rule that heeds flapping came, as far as that still counts."""
        self.tallies: dict[str, Tallies] = {}
        """The events that rules count, by the subject that they are about."""
        self.event_counts: Counter[EventCount] = Counter()
        """How many events of counted kinds have come since the start."""
        self.own_faults: frozenset[OwnFault] = frozenset()
        """What the process says is wrong with itself; that nobody looks at a device is found out here."""
        self.next_swept = 0
        self.heard: dict[Source, Arrival] = {}
        """What each source sent last."""
        self.external: dict[RuleKey, frozenset[str]] = {}
        """The alerts of other systems that fire, by the incident that they are."""
        self.budgets: dict[ContactCode, Budget] = {}
        """What each contact has been told lately."""
        self.roster: Roster = NO_ROSTER
        self.calendar: WorkCalendar = ORDINARY
        self.duty_gaps: tuple[Gap, ...] = ()
        """When a team will have nobody on call, as far as that is looked ahead."""
        self.windows: tuple[Window, ...] | None = None
        """The maintenance windows that may be on; None until they were read."""
        self.order: tuple[DeviceCode, ...] = ()
        self.spokes: Mapping[Bloc, tuple[DeviceCode, ...]] = {}
        """Every bloc's devices in service that hang on a hub."""
        self.circuits: Mapping[CircuitCode, tuple[DeviceCode, ...]] = {}
        """The devices in service over each clear circuit to one hub that carries several."""
        self.circuit_of: Mapping[DeviceCode, CircuitCode] = {}
        self.circuit_views: dict[CircuitCode, CircuitView] = {}
        self.blind_after_ms: dict[DeviceCode, int] = {}
        """How long each device may go unpolled before nothing is known of it."""
        self.inventory = inventory
        self.overview = Overview(inventory)
        """What channels, communes and blocs are now."""
        self.set_inventory(inventory)

    @property
    def devices(self) -> dict[DeviceCode, DeviceState]:
        """The state of every device of the inventory. To be read only."""
        return self._devices

    @property
    def pairs(self) -> dict[GroupCode, PairView]:
        """The state of every HA group of the inventory. To be read only."""
        return self._pairs

    @property
    def incidents(self) -> Mapping[IncidentId, Incident]:
        """Live incidents, and those that ended while this process ran or within a day before it."""
        return self._incidents

    def set_inventory(self, inventory: Inventory) -> None:
        """Take a new inventory version: states of what stays are kept, others begin or go."""
        self.inventory = inventory
        self._devices = {
            item.code: self._devices.get(item.code) or DeviceState(item.code) for item in inventory.devices
        }
        self.heard = known(self.heard, self._devices)
        self._pairs = {item.code: self._pairs.get(item.code) or PairView() for item in inventory.ha_groups}
        self.blind_after_ms = {
            code: int(self.poll_period_ms(code) * self.policy.blind_periods) for code in self._devices
        }
        self.order = tuple(self._devices)
        spokes: defaultdict[Bloc, list[DeviceCode]] = defaultdict(list)
        for code in self.inventory.parent:
            if code in self.inventory.device and self.inventory.device[code].in_service:
                spokes[self.inventory.bloc_of(code)].append(code)
        self.spokes = {bloc: tuple(codes) for bloc, codes in spokes.items()}
        self.overview = Overview(inventory)
        self.overview.follow(self._devices, self._devices, self._pairs)
        self.circuits = circuits(self.inventory)
        self.circuit_of = {code: name for name, codes in self.circuits.items() for code in codes}
        self.circuit_views = {name: self.circuit_views.get(name) or CircuitView() for name in self.circuits}
        self.holding = {key: at for key, at in self.holding.items() if self.knows(key[1])}
        self.clearing = {key: at for key, at in self.clearing.items() if self.knows(key[1])}
        self.comings = {key: at for key, at in self.comings.items() if self.knows(key[1])}
        self.tallies = {name: tallies for name, tallies in self.tallies.items() if self.knows(name)}
        self.event_counts = Counter(
            {key: count for key, count in self.event_counts.items() if not key[0] or self.knows(key[0])}
        )
        self.revision += 1

    def knows(self, subject: str) -> bool:
        """Is `subject` a device, a group or a circuit of the inventory, a bloc, or the collector itself?"""
        return (
            DeviceCode(subject) in self._devices
            or GroupCode(subject) in self._pairs
            or subject == self.log
            or subject in self.spokes
            or subject in self.circuits
        )

    def restore(
        self, devices: list[DeviceState], pairs: dict[GroupCode, PairView], incidents: list[Incident]
    ) -> None:
        """Fill in what was stored before a restart; what the inventory no longer has is left out."""
        self._devices.update({item.device: item for item in devices if item.device in self._devices})
        self._pairs.update({code: view for code, view in pairs.items() if code in self._pairs})
        self.overview.follow(self._devices, self._devices, self._pairs)
        for incident in incidents:
            self.put_incident(incident)

    def put_incident(self, incident: Incident) -> None:
        """Replace or add one incident; the newest of its rule and subject is the one that may reopen."""
        self._incidents[incident.id] = incident
        if incident.id >= self.latest.get(incident.key, 0):
            self.latest[incident.key] = incident.id

    def forget(self, incidents: Iterable[IncidentId]) -> None:
        """Leave out incidents that are over for good; the store keeps them."""
        for number in incidents:
            gone = self._incidents.pop(number, None)
            if gone is not None and self.latest.get(gone.key) == number:
                del self.latest[gone.key]

    def put_device(self, state: DeviceState) -> None:
        """Replace one device's state."""
        before = self._devices.get(state.device)
        self._devices[state.device] = state
        if before is None or before.assessment != state.assessment:
            self.overview.follow((state.device,), self._devices, self._pairs)

    def put_pair(self, group: GroupCode, view: PairView) -> None:
        """Replace one HA group's state."""
        self._pairs[group] = view
        self.overview.follow(self.inventory.members.get(group, ())[:1], self._devices, self._pairs)

    def longest_gap_ms(self, device: DeviceCode) -> int:
        """How far apart two polls of `device` may lie that are joined: two and a half periods."""
        return 5 * self.poll_period_ms(device) // 2

    def poll_period_ms(self, device: DeviceCode) -> int:
        """How often `device` is to be polled."""
        own = self.inventory.device[device].poll_s
        return own * 1000 if own is not None else self.policy.poll_ms


def circuits(inventory: Inventory) -> dict[CircuitCode, tuple[DeviceCode, ...]]:
    """The clear circuits that carry several devices in service to one hub. One that leads to several hubs is one for
    each of them: blocs never answer for one another."""
    over: defaultdict[tuple[str, str], list[DeviceCode]] = defaultdict(list)
    for channel in inventory.channels:
        spoke = inventory.device.get(channel.spoke)
        if channel.circuit is not None and spoke is not None and spoke.in_service:
            over[channel.circuit, channel.hub].append(channel.spoke)
    shared = Counter(circuit for circuit, _ in over)
    return {
        CircuitCode(circuit if shared[circuit] == 1 else f"{circuit}/{hub}"): tuple(spokes)
        for (circuit, hub), spokes in over.items()
        if len(spokes) > 1
    }
