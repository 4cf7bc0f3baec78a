"""From a message to the kind of event it tells of, by patterns that are data (`packs/*.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple

from channelwatch.status.events import EventKind
from channelwatch.status.signals import Reading, Scalar, Signal, SignalState
from channelwatch_collector.profiles.vocabulary import MEANING, Meaning
from channelwatch_collector.syslog.parse.body import Body, read_body
from channelwatch_collector.syslog.parse.message import Message
from channelwatch_collector.syslog.parse.redact import redact_value

MAX_FIELD_CHARS: Final = 256
MAX_MATCHED_CHARS: Final = 2048
"""Of a longer text only the beginning is looked at: a pattern's time may grow with the square of its text."""
_MNEMONIC: Final = re.compile(r"%([A-Z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*-[0-7]-[A-Za-z0-9_]+) ?:")
_WRAPPING: Final = re.compile(
    r" ?(?:(message repeated \d{1,9} times: \[ ?)|\[ID \d{1,9} \w{1,16}\.\w{1,16}\] |%[A-Z]{2,12}-[0-7]: {1,2})"
)
"""What rsyslog puts before a text that it saw several times, Solaris before every text, and Junos with
explicit-priority before one that has no name."""
_LARGEST_NUMBER: Final = 1e15
_MAX_REMEMBERED: Final = 8192
"""Programs and field values of which a classifier remembers what it found out; beyond that it begins anew."""
_NOTHING: Final = frozenset({"N/A", "n/a", "none", "(null)", "-"})
"""What some write where they have no value."""
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
    """How a matched line becomes a reading; `value` and `component` may hold `{field}`.

    `words` turns the device's word (in lower case) into the vocabulary's, which then gives the state. Where the
    device judges a value itself, `by` names the field with its judgement and `states` what each word of it means.
    """

    signal: Signal
    value: str
    component: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    by: str | None = None
    states: Mapping[str, SignalState] = field(default_factory=dict)

    def read(self, fields: Mapping[str, str], source: str) -> Reading | None:
        """The reading, or None when the line lacks a field that it needs."""
        component, text = fill(self.component, fields), fill(self.value, fields)
        if component is None or text is None:
            return None
        meaning = MEANING[self.signal]
        value: Scalar = self.words.get(text.lower(), text) if meaning.words else _number(text)
        state = _judge(meaning, value)
        if self.by is not None:
            state = self.states.get(fields.get(self.by, "").lower(), SignalState.UNKNOWN)
        return Reading(
            signal=self.signal,
            state=state,
            value=value,
            component=component[:MAX_FIELD_CHARS],
            unit="" if meaning.words else meaning.unit,
            source=source,
            raw=None if value == text else text,
        )


@dataclass(frozen=True, slots=True)
class BodyRule:
    """What a pattern takes of a text that lists names and values (`parse.body`).

    `where` is a gate: each name's value must be one of those given, in lower case. `fields`: pair name, field name.
    """

    where: tuple[tuple[str, frozenset[str]], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()

    def read(self, body: Body | None) -> dict[str, str] | None:
        """The fields, or None if the text lists nothing or a gate is shut."""
        if body is None:
            return None
        pairs = body.pairs
        for name, wanted in self.where:
            if pairs.get(name, "").lower() not in wanted:
                return None
        found = ((name, pairs.get(pair, "")) for pair, name in self.fields)
        return {name: value for name, value in found if value and value not in _NOTHING}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One rule of a pack. Each gate that is given must let the message pass before `regex` is tried on its text.

    `apps` are as `app_key` spells them; one that ends with `*` stands for all that begin so.
    `sd_id` and `sd_fields` (parameter name, field name) take fields from that structured data element.
    `msgid_globs` stand beside `msgids` and take the place of `apps`: message ids with `*` and `?` in them.
    `contains` is a gate of literals, one of which must be in the text; `pack_contains` is its pack's, tried once for
    all. Only `fields` leave the pattern, besides what the templates use. `kind` None marks known noise.
    With `fallback` it is tried only where no other pattern fits, on texts that hold one of these literals in any case.
    """

    pack: str
    id: str
    kind: EventKind | None
    fields: tuple[str, ...] = ()
    apps: frozenset[str] = frozenset()
    msgids: frozenset[str] = frozenset()
    msgid_globs: tuple[str, ...] = ()
    pack_contains: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    regex: re.Pattern[str] | None = None
    sd_id: str | None = None
    sd_required: bool = True
    sd_fields: tuple[tuple[str, str], ...] = ()
    body: BodyRule | None = None
    fallback: tuple[str, ...] = ()
    severity: int | None = None
    component: str = ""
    readings: tuple[ReadingRule, ...] = ()

    @property
    def name(self) -> str:
        """`PACK/PATTERN`, as in metrics and in `Reading.source`."""
        return f"{self.pack}/{self.id}"

    def match(self, message: Message, body: Body | None = None) -> dict[str, str] | None:
        """The fields that the message yields, or None if it is not of this pattern. `body` is what its text lists."""
        text = message.text
        if self.contains and not _holds_one_of(text, self.contains):
            return None
        fields: dict[str, str] = {}
        if self.sd_id is not None:
            element = message.sd(self.sd_id)
            if element is not None:
                found_in = ((name, element.get(param)) for param, name in self.sd_fields)
                fields = {name: value for name, value in found_in if value is not None}
            elif self.sd_required:
                return None
        if self.body is not None:
            listed = self.body.read(body)
            if listed is None:
                return None
            fields |= listed
        if self.regex is not None:
            # Relays put a space before the text: RFC 3164 has it after the tag, and templates carry it over.
            found = self.regex.search(text.lstrip(" ")[:MAX_MATCHED_CHARS])
            if found is None:
                return None
            fields |= {name: value for name, value in found.groupdict().items() if value is not None}
        return fields


_Ranked = tuple[int, Pattern]


class Classified(NamedTuple):
    """What a line tells. `severity` 0..7; `fields` and `component` are redacted and at most 256 characters each.
    `text` is the pattern and its fields in words, where that was made beforehand.

    A named tuple, since one is made for most lines, and a frozen dataclass takes five times as long to make.
    """

    kind: EventKind
    severity: int
    component: str
    fields: tuple[tuple[str, str], ...]
    readings: tuple[Reading, ...]
    pack: str
    pattern: str
    text: str = ""

    @property
    def name(self) -> str:
        """`PACK/PATTERN`."""
        return f"{self.pack}/{self.pattern}"

    def in_words(self, again: int = 0) -> str:
        """The pattern and its fields; `again` is how many more lines like it came."""
        text = ", ".join([f"{name} {value}" for name, value in self.fields])
        if again:
            text = f"{again} more like it: {text}" if text else f"{again} more like it"
        return f"{self.pattern}: {text}" if text else self.pattern


class Classifier:
    """Finds the first pattern, in the order given, that fits a message."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._by_name: dict[tuple[str | None, str | None], list[_Ranked]] = {}
        by_text: dict[tuple[str, ...], list[tuple[str, _Ranked]]] = {}
        self._by_glob: list[tuple[re.Pattern[str], _Ranked]] = []
        self._fallbacks: list[tuple[str, Pattern]] = []
        self.stating: set[str] = set()
        """Names of the patterns that state a signal, where the line has the fields for it."""
        for ranked in enumerate(patterns):
            pattern = ranked[1]
            if pattern.readings:
                self.stating.add(pattern.name)
            if pattern.fallback:
                self._fallbacks += [(word, pattern) for word in pattern.fallback]
                continue
            assert pattern.apps or pattern.msgids or pattern.msgid_globs or pattern.contains, (
                "a pattern without a gate slows every line"
            )
            if pattern.msgid_globs:
                self._by_glob.append((_any_of(pattern.msgid_globs), ranked))
                continue
            if not pattern.apps and not pattern.msgids:
                words = by_text.setdefault(pattern.pack_contains, [])
                words += [(word, ranked) for word in pattern.contains]
                continue
            for app in pattern.apps or (None,):
                for msgid in pattern.msgids or (None,):
                    self._by_name.setdefault((app, msgid), []).append(ranked)
        self._always = by_text.pop((), [])
        self._behind_gate = [(gate, words) for gates, words in by_text.items() for gate in gates]
        self._app_globs = sorted({app for app, _ in self._by_name if app is not None and app.endswith("*")})
        self._named: dict[tuple[str | None, str | None], list[_Ranked]] = {}
        self._clean: set[str] = set()
        self._known: dict[int, Classified | NoKind] = {}
        self.masked = 0
        """Fields of matched lines that lost something to redaction."""

    def classify(self, message: Message, *, with_readings: bool = True) -> Classified | NoKind:
        """The kind of `message`, or why it has none. Without readings for who may not believe them anyway.

        Devices say the same again and again: what a text was found to tell is remembered, under its hash alone, and
        not where a secret was masked, so that each is counted.
        """
        key = hash(
            (
                message.text,
                message.app_name,
                message.msgid,
                message.structured_data,
                message.severity,
                with_readings,
            )
        )
        known = self._known.get(key)
        if known is None:
            masked = self.masked
            known = self._find(message, with_readings=with_readings)
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            if masked == self.masked:
                self._known[key] = known
        return known

    def _find(self, message: Message, *, with_readings: bool) -> Classified | NoKind:
        message = _unwrapped(message)
        candidates = self._candidates(message)
        body: Body | None = None
        is_read = False
        for _, pattern in candidates:
            if pattern.body is not None and not is_read:
                body, is_read = read_body(message.text, message.app_name), True
            fields = pattern.match(message, body)
            if fields is not None:
                return self._classified(pattern, message, fields, with_readings=with_readings)
        lowered = message.text.lower() if self._fallbacks else ""
        for word, pattern in self._fallbacks:
            fields = pattern.match(message) if word in lowered else None
            if fields is not None:
                return self._classified(pattern, message, fields, with_readings=with_readings)
        return NoKind.NO_MATCH if candidates else NoKind.NO_PATTERN

    def _candidates(self, message: Message) -> list[_Ranked]:
        """The patterns whose names and literals let `message` pass, in their order."""
        text, msgid = message.text, message.msgid
        if msgid is None and "%" in text:
            # A relay may have left a header of the device's own before it.
            mnemonic = _MNEMONIC.search(text)
            msgid = mnemonic[1] if mnemonic else None
        key = (message.app_name, msgid)
        named = self._named.get(key)
        if named is None:
            named = self._remember_named(*key)
        found = [ranked for word, ranked in self._always if word in text]
        for gate, words in self._behind_gate:
            if gate in text:
                found += [ranked for word, ranked in words if word in text]
        if not found:
            return named
        return sorted({ranked[0]: ranked for ranked in (*found, *named)}.values(), key=itemgetter(0))

    def _remember_named(self, app_name: str | None, msgid: str | None) -> list[_Ranked]:
        app = app_key(app_name) if app_name else None
        globs = [glob for glob in self._app_globs if app is not None and app.startswith(glob[:-1])]
        found: list[_Ranked] = []
        for name in {app, None, *globs}:
            for wanted in {msgid, None}:
                found += self._by_name.get((name, wanted), ())
        if msgid is not None:
            found += [ranked for glob, ranked in self._by_glob if glob.match(msgid)]
        found.sort(key=itemgetter(0))
        if len(self._named) >= _MAX_REMEMBERED:
            self._named.clear()
        self._named[app_name, msgid] = found
        return found

    def _classified(
        self, pattern: Pattern, message: Message, raw: dict[str, str], *, with_readings: bool
    ) -> Classified | NoKind:
        if pattern.kind is None:
            return NoKind.SUPPRESSED
        clean = self._clean
        fields = {}
        for name, found in raw.items():
            value = found.strip()
            fields[name] = value if value in clean else self._redacted(value)
        told = Classified(
            pattern.kind,
            message.severity if pattern.severity is None else pattern.severity,
            (fill(pattern.component, fields) or "")[:MAX_FIELD_CHARS],
            tuple([(name, fields[name]) for name in pattern.fields if name in fields]),
            _readings(pattern, fields) if pattern.readings and with_readings else (),
            pattern.pack,
            pattern.id,
        )
        return told._replace(text=told.in_words())

    def _redacted(self, value: str) -> str:
        """`value` without secrets. Only what had none is remembered."""
        shown = redact_value("", value)[:MAX_FIELD_CHARS]
        if shown != value:
            self.masked += 1
        else:
            if len(self._clean) >= _MAX_REMEMBERED:
                self._clean.clear()
            self._clean.add(value)
        return shown


def _unwrapped(message: Message) -> Message:
    """`message` without what a syslog daemon put around its text."""
    found = _WRAPPING.match(message.text)
    if found is None:
        return message
    text = message.text[found.end() :]
    return message._replace(text=text.removesuffix("]") if found[1] else text)


def _any_of(globs: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(glob) for glob in globs))


def app_key(app_name: str) -> str:
    """The name under which patterns look for a program: no folder, no PAM module behind it, lower case."""
    name = app_name.rpartition("/")[2].lower()
    return name.partition("(")[0] or name


def _holds_one_of(text: str, literals: tuple[str, ...]) -> bool:
    # A loop, since a generator within any() takes three times as long for the one or two that there are.
    for literal in literals:  # noqa: SIM110
        if literal in text:
            return True
    return False


def fill(template: str, fields: Mapping[str, str]) -> str | None:
    """`template` with each `{field}` replaced by its value; None if the line lacks one of them."""
    names, whole = _placeholders(template)
    if whole:
        return fields.get(names[0]) or None
    for name in names:
        if not fields.get(name):
            return None
    return PLACEHOLDER.sub(lambda found: fields[found[1]], template) if names else template


@lru_cache(maxsize=1024)
def _placeholders(template: str) -> tuple[tuple[str, ...], bool]:
    """The fields that `template` names, and whether it is one of them and nothing else."""
    names = tuple(PLACEHOLDER.findall(template))
    return names, len(names) == 1 and template == f"{{{names[0]}}}"


def _readings(pattern: Pattern, fields: Mapping[str, str]) -> tuple[Reading, ...]:
    source = f"syslog:{pattern.name}"
    readings = (rule.read(fields, source) for rule in pattern.readings)
    return tuple(reading for reading in readings if reading is not None)


def _judge(meaning: Meaning, value: Scalar) -> SignalState:
    """The state that the vocabulary gives to `value`."""
    if isinstance(value, str):
        return (meaning.words or {}).get(value, SignalState.UNKNOWN)
    if value is None:
        return SignalState.UNKNOWN
    number = abs(value) if meaning.absolute else value
    for state, place in ((SignalState.FAILED, 1), (SignalState.DEGRADED, 0)):
        high, low = meaning.above[place], meaning.at_most[place]
        if (high is not None and number > high) or (low is not None and number <= low):
            return state
    return SignalState.OK


def _number(text: str) -> int | float | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < _LARGEST_NUMBER else None
