"""Which states are an incident, and how grave. Rules are data; this is their meaning. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from channelwatch.base.ids import RuleId
from channelwatch.incidents.model import Severity, SubjectKind
from channelwatch.inventory.model import Bloc
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Signal, SignalState
from channelwatch.status.states import Cause, Flag, Health, PairState, Protection


@dataclass(frozen=True, slots=True)
class Condition:
    """All parts that are given must hold; an empty part holds always.

    `signal` with `signal_states` holds when any component of that signal is in one of the states. `hub` asks whether
    other devices hang on this one (a single device, not a member of a group: that is the group's affair).
    """

    health: frozenset[Health] = frozenset()
    protection: frozenset[Protection] = frozenset()
    cause: frozenset[Cause] = frozenset()
    flag: Flag | None = None
    signal: Signal | None = None
    signal_states: frozenset[SignalState] = frozenset()
    pair: frozenset[PairState] = frozenset()
    bloc: frozenset[Bloc] = frozenset()
    hub: bool | None = None

    def holds_for_device(self, state: DeviceState, bloc: Bloc, *, is_hub: bool) -> bool:
        """Does a device's present state meet it?"""
        now = state.assessment
        return (
            (not self.health or now.health in self.health)
            and (not self.protection or now.protection in self.protection)
            and (not self.cause or now.cause in self.cause)
            and (self.flag is None or self.flag in state.flags)
            and (not self.bloc or bloc in self.bloc)
            and self.hub in (None, is_hub)
            and (self.signal is None or self._signal_holds(state))
        )

    def _signal_holds(self, state: DeviceState) -> bool:
        return any(
            key[0] is self.signal and reading.state in self.signal_states
            for key, reading in state.readings.items()
        )

    def holds_for_pair(self, state: PairState, bloc: Bloc) -> bool:
        """Does an HA group's present state meet it?"""
        return state in self.pair and (not self.bloc or bloc in self.bloc)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of incident.

    It opens once its condition has held for `confirm_ms`, and restores once it has not held for `clear_ms`.
    `yields`: while a greater fault takes the device with it (the hub above is lost, its own HA group has an incident)
    it opens nothing of its own.
    `pages`: false for what only stands in the daily list. `runbook` is a document name.
    """

    id: RuleId
    subject: SubjectKind
    when: Condition
    severity: Severity
    title: Mapping[str, str]
    confirm_ms: int = 0
    clear_ms: int = 0
    yields: bool = False
    pages: bool = True
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules in force, by what they are about."""

    rules: tuple[Rule, ...]
    device: tuple[Rule, ...] = field(init=False)
    group: tuple[Rule, ...] = field(init=False)
    collector: tuple[Rule, ...] = field(init=False)
    by_id: Mapping[RuleId, Rule] = field(init=False)

    def __post_init__(self) -> None:
        for name, kind in (
            ("device", SubjectKind.DEVICE),
            ("group", SubjectKind.GROUP),
            ("collector", SubjectKind.COLLECTOR),
        ):
            found = [rule for rule in self.rules if rule.subject is kind]
            # Whether a device flaps is decided before what it flaps between.
            found.sort(key=lambda rule: rule.when.flag is None)
            object.__setattr__(self, name, tuple(found))
        object.__setattr__(self, "by_id", {rule.id: rule for rule in self.rules})


def device_matches(
    rules: Sequence[Rule], state: DeviceState, bloc: Bloc, *, is_hub: bool
) -> frozenset[RuleId]:
    """The device rules whose condition `state` meets now."""
    return frozenset(rule.id for rule in rules if rule.when.holds_for_device(state, bloc, is_hub=is_hub))


def group_matches(rules: Sequence[Rule], state: PairState, bloc: Bloc) -> frozenset[RuleId]:
    """The group rule whose condition `state` meets; of several only the gravest: one fault is one incident."""
    found = [rule for rule in rules if rule.when.holds_for_pair(state, bloc)]
    return frozenset({min(found, key=lambda rule: rule.severity).id} if found else ())
