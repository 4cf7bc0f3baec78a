"""Which states are an incident, and how grave. Rules are data; this is their meaning. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from channelwatch.base.ids import RuleId
from channelwatch.incidents.model import Severity, SubjectKind
from channelwatch.inventory.model import Bloc
from channelwatch.status.device import DeviceState
from channelwatch.status.events import EventKind
from channelwatch.status.signals import Signal, SignalState
from channelwatch.status.states import Cause, Flag, Health, PairState, Protection

INHIBITOR_CONFIRM_MS = 60_000
"""A rule that keeps others back confirms at least as fast as this: what it keeps back is told of no later."""

LIKENESSES = 4_096
"""States of devices of which is remembered which rules they meet."""

Sight = tuple[Signal, SignalState]
"""A signal in a state, in whichever component."""


class OwnFault(StrEnum):
    """What may be wrong with the monitoring itself."""

    BLIND = "blind"
    LOST = "lost"
    UNSENT = "unsent"
    UNHEARD = "unheard"
    BACKLOG = "backlog"
    UNWATCHED = "unwatched"
    DUTY_GAP = "duty_gap"
    PROJECTION = "projection"


class Hours(StrEnum):
    """When something happened, by the calendar of working days."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class Layer(IntEnum):
    """Which of the four layers answers first (domain model, section 3.4)."""

    ONSITE = 1
    WATCH = 2


@dataclass(frozen=True, slots=True)
class Flap:
    """Coming `times` within `within_ms`, a condition counts as one that lasts, until it has come less often."""

    times: int
    within_ms: int


@dataclass(frozen=True, slots=True)
class Condition:
    """All parts that are given must hold; an empty part holds always.

    `hub`: true asks for a single device on which others hang, false for any other. A pair's loss is the group's affair.
    `communes_down` and `percent_down` count a bloc's spokes that are down and not because their hub is lost; with
    `within_ms`, those that fell in the last so many milliseconds, and those that an incident of the rule lists.
    `sights`: one of these signals, in any component, is in one of the states named with it.
    `events`: so many (`times`) of these kinds came within `within_ms`, in these `hours`; `per_source` counts each
    unknown source by itself. Events are counted, not seen: what stands here is asked of `Tally` (pipeline/tally.py).
    """

    health: frozenset[Health] = frozenset()
    protection: frozenset[Protection] = frozenset()
    cause: frozenset[Cause] = frozenset()
    flag: Flag | None = None
    signal: frozenset[Signal] = frozenset()
    signal_states: frozenset[SignalState] = frozenset()
    pair: frozenset[PairState] = frozenset()
    bloc: frozenset[Bloc] = frozenset()
    hub: bool | None = None
    own: frozenset[OwnFault] = frozenset()
    communes_down: int | None = None
    within_ms: int = 0
    percent_down: int | None = None
    events: frozenset[EventKind] = frozenset()
    times: int = 1
    hours: Hours | None = None
    per_source: bool = False
    sights: frozenset[Sight] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "sights", frozenset((one, state) for one in self.signal for state in self.signal_states)
        )

    def holds_for_device(
        self, state: DeviceState, bloc: Bloc, *, is_hub: bool, seen: frozenset[Sight]
    ) -> bool:
        """Does a device's present state meet it? `seen` is what `sights_of` says of the state."""
        now = state.assessment
        return (
            (not self.health or now.health in self.health)
            and (not self.protection or now.protection in self.protection)
            and (not self.cause or now.cause in self.cause)
            and (self.flag is None or self.flag in state.flags)
            and (not self.bloc or bloc in self.bloc)
            and self.hub in (None, is_hub)
            and (not self.signal or not self.sights.isdisjoint(seen))
        )

    def holds_for_pair(self, state: PairState, bloc: Bloc) -> bool:
        """Does an HA group's present state meet it?"""
        return state in self.pair and (not self.bloc or bloc in self.bloc)

    def holds_for_bloc(self, down: int, of: int, bloc: Bloc) -> bool:
        """Are so many of a bloc's `of` communes down by themselves, and so great a part of them?"""
        return (
            of > 0
            and (self.communes_down is None or down >= self.communes_down)
            and (self.percent_down is None or 100 * down >= self.percent_down * of)
            and (not self.bloc or bloc in self.bloc)
        )

    def holds_for_collector(self, faults: frozenset[OwnFault]) -> bool:
        """Do the monitoring's own faults meet it?"""
        return not self.own.isdisjoint(faults)


def sights_of(state: DeviceState) -> frozenset[Sight]:
    """Every signal of a device with each state that one of its components is in."""
    return frozenset((key[0], reading.state) for key, reading in state.readings.items())


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of incident.

    It opens once its condition has held for `confirm_ms`, and restores once it has not held for `clear_ms`.
    `yields`: while a greater fault takes the device with it (the hub above is lost, its own HA group has an incident)
    it opens nothing of its own. `inhibits`: rules that open nothing on the same subject while this one's condition
    holds there. `layer` answers first. `pages`: false for what only stands in the daily list. `runbook` is a
    document name.
    """

    id: RuleId
    subject: SubjectKind
    when: Condition
    severity: Severity
    title: Mapping[str, str]
    confirm_ms: int = 0
    clear_ms: int = 0
    flap: Flap | None = None
    yields: bool = False
    inhibits: frozenset[RuleId] = frozenset()
    layer: Layer = Layer.ONSITE
    pages: bool = True
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules in force, by what they are about. `inhibitors` has those that keep a rule back."""

    rules: tuple[Rule, ...]
    device: tuple[Rule, ...] = field(init=False)
    group: tuple[Rule, ...] = field(init=False)
    bloc: tuple[Rule, ...] = field(init=False)
    circuit: tuple[Rule, ...] = field(init=False)
    collector: tuple[Rule, ...] = field(init=False)
    by_id: Mapping[RuleId, Rule] = field(init=False)
    inhibitors: Mapping[RuleId, tuple[Rule, ...]] = field(init=False)
    counting: Mapping[EventKind, tuple[Rule, ...]] = field(init=False)
    """The rules that count events of a kind."""
    taking: tuple[Rule, ...] = field(init=False)
    """Rules about a hub that is gone: their incidents speak for everything below."""
    _known: dict[Hashable, frozenset[RuleId]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, kind in (
            ("device", SubjectKind.DEVICE),
            ("group", SubjectKind.GROUP),
            ("bloc", SubjectKind.BLOC),
            ("circuit", SubjectKind.CIRCUIT),
            ("collector", SubjectKind.COLLECTOR),
        ):
            found = [rule for rule in self.rules if rule.subject is kind]
            # Whether a device flaps is decided before what it flaps between, and who inhibits before the inhibited.
            found.sort(key=lambda rule: (rule.when.flag is None, not rule.inhibits))
            object.__setattr__(self, name, tuple(found))
        object.__setattr__(self, "by_id", {rule.id: rule for rule in self.rules})
        by: defaultdict[RuleId, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            for kept_back in sorted(rule.inhibits):
                by[kept_back].append(rule)
        object.__setattr__(self, "inhibitors", {key: tuple(rules) for key, rules in by.items()})
        counting: defaultdict[EventKind, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            for counted in sorted(rule.when.events):
                counting[counted].append(rule)
        object.__setattr__(self, "counting", {kind: tuple(rules) for kind, rules in counting.items()})
        object.__setattr__(self, "taking", tuple(filter(takes_spokes, self.rules)))
        object.__setattr__(self, "_known", {})

    def device_matches(self, state: DeviceState, bloc: Bloc, *, is_hub: bool) -> frozenset[RuleId]:
        """The device rules whose condition `state` meets now; those that count events are not among them.

        Thousands of devices are in few different states.
        """
        seen = sights_of(state)
        likeness = (state.assessment, state.flags, bloc, is_hub, seen)
        found = self._known.get(likeness)
        if found is None:
            if len(self._known) >= LIKENESSES:
                self._known.clear()
            found = self._known[likeness] = frozenset(
                rule.id
                for rule in self.device
                if not rule.when.events and rule.when.holds_for_device(state, bloc, is_hub=is_hub, seen=seen)
            )
        return found

    def of(self, name: RuleId) -> Rule | None:
        """The rule of an incident: one in force, or what stands for another system's alert. None: it was removed."""
        if name.startswith(EXTERNAL):
            return external_rule(name)
        return self.by_id.get(RuleId(name.removeprefix(REHEARSED)))


def takes_spokes(rule: Rule) -> bool:
    """Is the rule about a hub that is gone, so that its incident speaks for everything below?"""
    return PairState.LOST in rule.when.pair or Health.DOWN in rule.when.health


EXTERNAL = "external."
"""What begins the rule of an incident that another system's alert opened; the alert's own name follows."""


REHEARSED = "drill."
"""What begins the rule of a drill's incident; the rule that is rehearsed follows."""


def external_rule(name: RuleId) -> Rule:
    """The rule of another system's alert: it speaks our words, whatever that system wrote."""
    return Rule(
        name,
        SubjectKind.COLLECTOR,
        Condition(),
        Severity.P3,
        {"vi": "Cảnh báo từ hệ thống giám sát khác", "en": "Alert of another monitoring system"},
        layer=Layer.WATCH,
        runbook="external-alert",
    )


def inhibition_problems(rules: Sequence[Rule]) -> Iterator[tuple[RuleId, str]]:
    """What is wrong between rules that keep one another back: a fault must not stay untold because of it."""
    by_id = {rule.id: rule for rule in rules}
    for rule in rules:
        for name in sorted(rule.inhibits):
            other = by_id.get(name)
            if other is None:
                yield rule.id, f"inhibits {name!r}, which is no rule"
            elif not other.subject is rule.subject is SubjectKind.DEVICE:
                yield rule.id, f"inhibits {name!r}: only rules about devices keep one another back"
            elif rule.id == name or rule.id in other.inhibits:
                yield rule.id, f"inhibits {name!r}, which inhibits it"
            elif rule.severity > other.severity or (other.pages and not rule.pages):
                yield rule.id, f"inhibits {name!r}, which is graver, or pages where this one does not"
            elif rule.confirm_ms > INHIBITOR_CONFIRM_MS:
                yield (
                    rule.id,
                    f"inhibits {name!r} and confirms for more than {INHIBITOR_CONFIRM_MS // 1000} s",
                )


def group_matches(rules: Sequence[Rule], state: PairState, bloc: Bloc) -> frozenset[RuleId]:
    """The group rule whose condition `state` meets; of several only the gravest: one fault is one incident."""
    return gravest(rule for rule in rules if rule.when.holds_for_pair(state, bloc))


def gravest(found: Iterable[Rule]) -> frozenset[RuleId]:
    """Of several rules that hold, the one that counts."""
    first = min(found, key=lambda rule: rule.severity, default=None)
    return frozenset() if first is None else frozenset({first.id})
