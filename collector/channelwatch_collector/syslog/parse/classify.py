"""From a message to the kind of event it tells of, by patterns that are data (`packs/*.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from channelwatch.status.events import EventKind
from channelwatch.status.signals import Reading, Scalar, Signal, SignalState
from channelwatch_collector.syslog.parse.message import Message
from channelwatch_collector.syslog.parse.redact import redact

MAX_FIELD_CHARS: Final = 256
PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class NoKind(StrEnum):
    """Why a message has no kind."""

    NO_PATTERN = "no_pattern"
    """No pattern speaks of this program, message id or wording."""
    NO_MATCH = "no_match"
    """Patterns speak of it, and none fits the line."""
    SUPPRESSED = "suppressed"
    """A pattern knows the line as noise."""


@dataclass(frozen=True, slots=True)
class ReadingRule:
    """How a matched line becomes a reading. `value` and `component` may hold `{field}`.

    `names` turns the device's word (lowered) into ours. The state is `state`, or what `states` has for the value, or
    follows from `degraded_at` and `failed_at` (the larger of the two tells the direction); else `UNKNOWN`. With a
    `unit`, the value is a number.
    """

    signal: Signal
    value: str
    state: SignalState | None = None
    states: Mapping[str, SignalState] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    degraded_at: float | None = None
    failed_at: float | None = None
    component: str = ""
    unit: str = ""

    def judge(self, value: Scalar) -> SignalState:
        """The state that `value` means."""
        if self.state is not None:
            return self.state
        if isinstance(value, str):
            return self.states.get(value, SignalState.UNKNOWN)
        if value is None or self.degraded_at is None or self.failed_at is None:
            return SignalState.UNKNOWN
        sign = 1 if self.failed_at >= self.degraded_at else -1
        if value * sign >= self.failed_at * sign:
            return SignalState.FAILED
        return SignalState.DEGRADED if value * sign >= self.degraded_at * sign else SignalState.OK


@dataclass(frozen=True, slots=True)
class Pattern:
    """One rule of a pack. Each gate that is given must let the message pass before `regex` is tried on its text.

    `sd_id` and `sd_fields` (parameter name, field name) take fields from that structured data element.
    Only `fields` leave the pattern, besides what the templates use. `kind` None marks known noise.
    """

    pack: str
    id: str
    kind: EventKind | None
    fields: tuple[str, ...] = ()
    apps: frozenset[str] = frozenset()
    msgids: frozenset[str] = frozenset()
    contains: tuple[str, ...] = ()
    regex: re.Pattern[str] | None = None
    sd_id: str | None = None
    sd_fields: tuple[tuple[str, str], ...] = ()
    severity: int | None = None
    component: str = ""
    readings: tuple[ReadingRule, ...] = ()

    @property
    def name(self) -> str:
        """`PACK/PATTERN`, as in metrics and in `Reading.source`."""
        return f"{self.pack}/{self.id}"

    def match(self, message: Message) -> dict[str, str] | None:
        """The fields that the message yields, or None if it is not of this pattern."""
        if self.contains and not any(literal in message.text for literal in self.contains):
            return None
        fields: dict[str, str] = {}
        if self.sd_id is not None:
            element = message.sd(self.sd_id)
            if element is None:
                return None
            for param, name in self.sd_fields:
                value = element.get(param)
                if value is not None:
                    fields[name] = value
        if self.regex is not None:
            found = self.regex.search(message.text)
            if found is None:
                return None
            fields |= {name: value for name, value in found.groupdict().items() if value is not None}
        return fields


@dataclass(frozen=True, slots=True)
class Classified:
    """What a line tells. `severity` 0..7; `fields` and `component` are redacted and at most 256 characters each."""

    kind: EventKind
    severity: int
    component: str
    fields: tuple[tuple[str, str], ...]
    readings: tuple[Reading, ...]
    pack: str
    pattern: str


class Classifier:
    """Finds the first pattern, in the order given, that fits a message."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._by_app: dict[str, list[tuple[int, Pattern]]] = {}
        self._by_msgid: dict[str, list[tuple[int, Pattern]]] = {}
        self._by_text: list[tuple[int, Pattern]] = []
        for order, pattern in enumerate(patterns):
            assert pattern.apps or pattern.msgids or pattern.contains, (
                "a pattern without a gate slows every line"
            )
            for app in pattern.apps:
                self._by_app.setdefault(app, []).append((order, pattern))
            if not pattern.apps:
                for msgid in pattern.msgids:
                    self._by_msgid.setdefault(msgid, []).append((order, pattern))
            if not pattern.apps and not pattern.msgids:
                self._by_text.append((order, pattern))

    def classify(self, message: Message) -> Classified | NoKind:
        """The kind of `message`, or why it has none."""
        tried = False
        for pattern in self._candidates(message):
            tried = True
            fields = pattern.match(message)
            if fields is not None:
                return _classified(pattern, message, fields)
        return NoKind.NO_MATCH if tried else NoKind.NO_PATTERN

    def _candidates(self, message: Message) -> Sequence[Pattern]:
        found: list[tuple[int, Pattern]] = []
        if message.app_name:
            for order, pattern in self._by_app.get(app_key(message.app_name), ()):
                if not pattern.msgids or message.msgid in pattern.msgids:
                    found.append((order, pattern))
        if message.msgid:
            found += self._by_msgid.get(message.msgid, ())
        text = message.text
        for order, pattern in self._by_text:
            if any(literal in text for literal in pattern.contains):
                found.append((order, pattern))
        found.sort(key=lambda entry: entry[0])
        return [pattern for _, pattern in found]


def app_key(app_name: str) -> str:
    """The name under which patterns look for a program: no folder, lower case."""
    return app_name.rpartition("/")[2].lower()


def fill(template: str, fields: Mapping[str, str]) -> str:
    """`template` with each `{field}` replaced by its value; a field that the line lacks leaves nothing."""
    if "{" not in template:
        return template
    return PLACEHOLDER.sub(lambda found: fields.get(found[1], ""), template).strip()


def _classified(pattern: Pattern, message: Message, raw: dict[str, str]) -> Classified | NoKind:
    if pattern.kind is None:
        return NoKind.SUPPRESSED
    fields = {name: redact(value.strip()).text[:MAX_FIELD_CHARS] for name, value in raw.items()}
    return Classified(
        kind=pattern.kind,
        severity=message.severity if pattern.severity is None else pattern.severity,
        component=fill(pattern.component, fields)[:MAX_FIELD_CHARS],
        fields=tuple((name, fields[name]) for name in pattern.fields if name in fields),
        readings=tuple(_reading(rule, fields, pattern.name) for rule in pattern.readings),
        pack=pattern.pack,
        pattern=pattern.id,
    )


def _reading(rule: ReadingRule, fields: Mapping[str, str], source: str) -> Reading:
    text = fill(rule.value, fields)
    value: Scalar = _number(text) if rule.unit else rule.names.get(text.lower(), text)
    return Reading(
        signal=rule.signal,
        state=SignalState.UNKNOWN if value is None else rule.judge(value),
        value=value,
        component=fill(rule.component, fields)[:MAX_FIELD_CHARS],
        unit=rule.unit,
        source=f"syslog:{source}",
        raw=None if value == text else text,
    )


def _number(text: str) -> int | float | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None
