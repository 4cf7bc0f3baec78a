"""What a notification means under a device's profile. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from channelwatch.status.events import EventKind
from channelwatch.status.signals import Reading, Scalar
from channelwatch_collector.profiles import values
from channelwatch_collector.profiles.decode import decode_rows
from channelwatch_collector.profiles.expression import Absent, Expression, Unusable
from channelwatch_collector.profiles.model import ObjectSpec, TrapSpec
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import Answer, DeviceRow, Memory, Moment, Watch
from channelwatch_collector.profiles.vocabulary import MEANING
from channelwatch_collector.snmp.port import Oid, Value, VarBind

SNMP_TRAP_OID: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
MAX_EVENT_TEXT = 200
"""Longest text of an event, in characters."""

UNKNOWN_SEVERITY = 5
"""Notice, of the syslog scale: for a notification that the profile does not know."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A notification in the product's words. `severity` is the syslog scale."""

    kind: EventKind
    severity: int
    component: str
    text: str
    source: str
    readings: tuple[Reading, ...]


def decode_trap(profile: Profile, notification: Oid, varbinds: Sequence[VarBind], moment: Moment) -> Meant:
    """What `notification` says of the device; one that the profile does not know is `other`."""
    source = f"trap:{values.dotted(notification)}"
    spec = profile.traps.get(notification)
    if spec is None:
        return Meant(EventKind.OTHER, UNKNOWN_SEVERITY, "", values.dotted(notification), source, ())
    row = _VarbindRow(profile, spec, varbinds, moment)
    component = _text(spec.component, row) if spec.component is not None else ""
    wanted = frozenset(spec.readings)
    found = [reading for reading in decode_rows(profile, row) if reading.signal in wanted]
    fixed = [
        Reading(item.signal, (MEANING[item.signal].words or {})[item.word], item.word, component=component)
        for item in spec.fixed
    ]
    told = [text for text in (_text(part, row) for part in spec.text) if text]
    return Meant(
        kind=spec.kind,
        severity=spec.severity,
        component=component,
        text=": ".join((spec.name, ", ".join(told)) if told else (spec.name,))[:MAX_EVENT_TEXT],
        source=source,
        readings=tuple(_from(reading, source) for reading in (*found, *fixed)),
    )


def _from(reading: Reading, source: str) -> Reading:
    return Reading(
        reading.signal, reading.state, reading.value, reading.component, reading.unit, source, reading.raw
    )


def _text(expression: Expression, row: DeviceRow) -> str:
    try:
        found: Scalar = expression.evaluate(row)
    except (Absent, Unusable):
        return ""
    return str(found)


class _VarbindRow(DeviceRow):
    """The varbinds of a notification as scalars, as rows of the profile's tables, and by the trap's own names."""

    def __init__(self, profile: Profile, spec: TrapSpec, varbinds: Sequence[VarBind], moment: Moment) -> None:
        answer = _answer(profile, varbinds)
        super().__init__(answer, profile.scalars, moment, Watch(Memory(), moment.tick))
        self._varbinds = varbinds
        self._named: dict[str, ObjectSpec] = {}
        for table in profile.tables:
            self._named.update(table.columns)
        self._named.update(spec.varbinds)

    def _spec(self, name: str) -> ObjectSpec:
        return self._named.get(name) or super()._spec(name)

    def _found(self, spec: ObjectSpec) -> tuple[Value, Oid]:
        for wanted in spec.oid:
            for oid, value in self._varbinds:
                if oid[: len(wanted)] == wanted and value.exists:
                    return value, oid
        raise Absent


def _answer(profile: Profile, varbinds: Sequence[VarBind]) -> Answer:
    scalars: dict[Oid, Value] = {}
    columns: dict[Oid, dict[Oid, Value]] = {}
    plan = frozenset(profile.plan.scalars)
    by_length = {len(column) for column in profile.plan.columns}
    known = frozenset(profile.plan.columns)
    for oid, value in varbinds:
        if oid in plan:
            scalars[oid] = value
        for length in by_length:
            if length < len(oid) and oid[:length] in known:
                columns.setdefault(oid[:length], {})[oid[length:]] = value
    return Answer(scalars, columns)
