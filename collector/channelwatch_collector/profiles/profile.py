"""A profile ready for use: fragments joined in, names checked, and what to ask of a device worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from channelwatch.status.signals import Signal
from channelwatch_collector.profiles.damping import Damping
from channelwatch_collector.profiles.judge import Read, reader
from channelwatch_collector.profiles.model import (
    BUILT_IN,
    Content,
    ContinuitySpec,
    MatchSpec,
    ObjectSpec,
    SignalSpec,
    TableSpec,
    TrapSpec,
)
from channelwatch_collector.profiles.plan import Plan, plan_of_scalars, plan_of_table
from channelwatch_collector.profiles.vocabulary import MEANING
from channelwatch_collector.snmp.port import Oid, PollPlan

FALLBACK = "generic"
"""The profile of a device that no other recognises."""

Place = tuple[str | int, ...]
"""Where in a file something stands, as for `YamlFile.problem`."""


@dataclass(frozen=True)
class Profile:
    """What one kind of device offers. `traps` is by notification OID."""

    name: str
    description: str
    match: MatchSpec
    scalars: Mapping[str, ObjectSpec]
    signals: tuple[SignalSpec, ...]
    tables: tuple[TableSpec, ...]
    traps: Mapping[Oid, TrapSpec]
    continuity: ContinuitySpec
    never_read: tuple[Oid, ...]

    @cached_property
    def plan(self) -> PollPlan:
        """Everything that a poll of such a device reads."""
        scalars = [oid for spec in self.scalars.values() if not spec.column for oid in spec.oid]
        scalars += [table.json_.oid for table in self.tables if table.json_ is not None]
        columns = [oid for spec in self.scalars.values() if spec.column for oid in spec.oid]
        columns += [oid for table in self.tables for spec in table.columns.values() for oid in spec.oid]
        return PollPlan(tuple(dict.fromkeys(scalars)), tuple(dict.fromkeys(columns)))

    @cached_property
    def readers(self) -> tuple[Read, ...]:
        """How each of its own signals is read."""
        return tuple(reader(spec) for spec in self.signals)

    @cached_property
    def table_readers(self) -> tuple[tuple[TableSpec, Plan, tuple[Read, ...]], ...]:
        """Each table with how its rows are laid out and its signals read."""
        return tuple(
            (
                table,
                plan_of_table(table, self.scalars),
                tuple(reader(spec) for spec in table.signals),
            )
            for table in self.tables
        )

    @cached_property
    def own_plan(self) -> Plan:
        """How its scalars are laid out."""
        return plan_of_scalars(self.scalars, self.signals)

    @cached_property
    def offered(self) -> frozenset[Signal]:
        """Every signal that this profile can see at best."""
        found = {spec.signal for spec in self.signals}
        for table in self.tables:
            found |= {spec.signal for spec in table.signals}
            if table.peers:
                found |= {Signal.CHANNEL_EXPECTED_COUNT, Signal.CHANNEL_UP_COUNT}
        return frozenset(found)

    @cached_property
    def damping(self) -> Mapping[Signal, Damping]:
        """How many polls must say that a signal is worse, and how long it then stays so, where that is not one."""
        specs = [*self.signals, *(spec for table in self.tables for spec in table.signals)]
        rules = {spec.signal: _damping(spec) for spec in specs}
        return {signal: rule for signal, rule in rules.items() if not rule.is_idle}


def _damping(spec: SignalSpec) -> Damping:
    hold = spec.hold or MEANING[spec.signal].hold
    return Damping(hold, spec.of or hold, spec.stays or 1)


def join(
    name: str, match: MatchSpec, own: Content, fragments: Sequence[Content], never_read: Sequence[Oid]
) -> Profile:
    """One profile from its own content and the fragments that it includes; its own replaces theirs by name."""
    scalars: dict[str, ObjectSpec] = {}
    signals: dict[tuple[Signal, str], SignalSpec] = {}
    tables: dict[str, TableSpec] = {}
    traps: dict[Oid, TrapSpec] = {}
    continuity = ContinuitySpec()
    forbidden = list(never_read)
    for content in (*fragments, own):
        scalars.update(content.scalars)
        signals.update({(spec.signal, _label(spec)): spec for spec in content.signals})
        tables.update({table.name: table for table in content.tables})
        traps.update({trap.oid: trap for trap in content.traps})
        continuity = ContinuitySpec(
            agent=content.continuity.agent or continuity.agent,
            host=content.continuity.host or continuity.host,
        )
        forbidden.extend(content.never_read)
    return Profile(
        name=name,
        description=own.description,
        match=match,
        scalars=scalars,
        signals=tuple(signals.values()),
        tables=tuple(tables.values()),
        traps=traps,
        continuity=continuity,
        never_read=tuple(dict.fromkeys(forbidden)),
    )


def _label(spec: SignalSpec) -> str:
    return spec.component.text if spec.component is not None else ""


def problems(content: Content, profile: Profile) -> Iterator[tuple[Place, str]]:
    """What is wrong with `content` as a part of `profile`: unknown names, and objects that must never be read."""
    scalars = frozenset(profile.scalars)
    for index, spec in enumerate(content.signals):
        yield from _unknown(("signals", index), _names(spec), scalars)
    for index, table in enumerate(content.tables):
        if table.when is not None:
            yield from _unknown(("tables", index, "when"), table.when.names, scalars)
        known = scalars | table.names
        names = [name for found in table.expressions for name in found.names]
        yield from _unknown(("tables", index), names, known)
    everything = scalars.union(*(table.names for table in profile.tables))
    for index, trap in enumerate(content.traps):
        expressions = (*trap.text, *(() if trap.component is None else (trap.component,)))
        names = [name for found in expressions for name in found.names]
        yield from _unknown(("traps", index), names, everything | frozenset(trap.varbinds))
        missing = [signal for signal in trap.readings if signal not in profile.offered]
        if missing:
            yield ("traps", index, "readings"), f"no poll of this profile reads {missing[0].value}"
    for key, name in (("agent", content.continuity.agent), ("host", content.continuity.host)):
        if name is not None and name not in scalars:
            yield ("continuity", key), f"there is no scalar {name!r}"
    yield from _forbidden(content, profile.never_read)


def _names(spec: SignalSpec) -> list[str]:
    return [name for found in spec.expressions for name in found.names]


def _unknown(place: Place, names: Sequence[str], known: frozenset[str]) -> Iterator[tuple[Place, str]]:
    for name in dict.fromkeys(names):
        if name not in known and name not in BUILT_IN:
            yield place, f"there is no object {name!r}"


def _forbidden(content: Content, never_read: Sequence[Oid]) -> Iterator[tuple[Place, str]]:
    for place, oid in _read_oids(content):
        for forbidden in never_read:
            shorter = min(len(oid), len(forbidden))
            if oid[:shorter] == forbidden[:shorter]:
                yield place, f"must never be read: it would bring {'.'.join(map(str, forbidden))}"


def _read_oids(content: Content) -> Iterator[tuple[Place, Oid]]:
    for name, spec in content.scalars.items():
        yield from ((("scalars", name), oid) for oid in spec.oid)
    for index, table in enumerate(content.tables):
        if table.json_ is not None:
            yield ("tables", index, "json"), table.json_.oid
        for name, spec in table.columns.items():
            yield from ((("tables", index, "columns", name), oid) for oid in spec.oid)
