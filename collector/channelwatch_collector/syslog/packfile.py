"""Reads packs of patterns: YAML files, each pattern with the lines that prove it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from channelwatch.app.yamlfile import YamlFile
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError
from channelwatch.status.events import EventKind
from channelwatch.status.signals import Signal, SignalState
from channelwatch_collector.profiles.vocabulary import MEANING
from channelwatch_collector.syslog.parse.classify import (
    PLACEHOLDER,
    BodyRule,
    Classified,
    Classifier,
    NoKind,
    Pattern,
    ReadingRule,
    app_key,
)
from channelwatch_collector.syslog.parse.header import parse_header

_SEVERITIES: Final = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
_EXAMPLES_AT: Final = EpochMs(1_795_318_923_000)
"""When the example lines are taken to arrive: 2026-11-22T03:42:03Z."""

_Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SdEntry(_Model):
    """Fields out of one structured data element: parameter name to field name. A `*` ends an id that only begins so.

    With `optional` a line without the element may fit too.
    """

    id: _Text
    optional: bool = False
    fields: dict[_Text, _Name] = {}


class BodyEntry(_Model):
    """Gate and fields of a text that lists names and values: CEF, LEEF, key=value (`parse.body`)."""

    where: dict[_Text, str | list[str]] = {}
    fields: dict[_Text, _Name] = {}

    def compile(self) -> BodyRule:
        """The same for the classifier."""
        wanted = ((name, [given] if isinstance(given, str) else given) for name, given in self.where.items())
        gates = tuple((name, frozenset(word.lower() for word in words)) for name, words in wanted)
        return BodyRule(gates, tuple(self.fields.items()))


class ReadingEntry(_Model):
    """A signal that the line states; see `parse.classify.ReadingRule`."""

    signal: Signal
    value: _Text
    component: str = ""
    words: dict[_Text, str] = {}
    by: _Name | None = None
    states: dict[_Text, SignalState] = {}

    @model_validator(mode="after")
    def _in_vocabulary(self) -> Self:
        words = MEANING[self.signal].words
        used = set(self.words.values()) | ({self.value} if not PLACEHOLDER.search(self.value) else set())
        if words is not None and not used <= set(words):
            raise ValueError(f"{self.signal} has the words {', '.join(words)}")
        if words is None and self.words:
            raise ValueError(f"{self.signal} is a number and has no words")
        if (self.by is None) != (not self.states):
            raise ValueError("by and states go together")
        return self

    def used_fields(self) -> set[str]:
        """Fields that the reading is made of."""
        named = {self.by} if self.by else set()
        return named | set(PLACEHOLDER.findall(self.value)) | set(PLACEHOLDER.findall(self.component))

    def compile(self) -> ReadingRule:
        """The same for the classifier."""
        return ReadingRule(
            signal=self.signal,
            value=self.value,
            component=self.component,
            words=self.words,
            by=self.by,
            states=self.states,
        )


class ExampleReading(_Model):
    """What an example line must state of one signal."""

    signal: Signal
    state: SignalState
    value: str | int | float | None = None
    component: str = ""


class Example(_Model):
    """A whole line as received, and what must come of it. What is left out is not compared."""

    line: _Text
    component: str = ""
    fields: dict[_Name, str] = {}
    readings: list[ExampleReading] = []


class PatternEntry(_Model):
    """One pattern; see `parse.classify.Pattern`."""

    id: _Id
    kind: EventKind | None = None
    noise: bool = False
    apps: list[_Text] = []
    msgids: list[_Text] = []
    contains: list[_Text] = []
    regex: _Text | None = None
    sd: SdEntry | None = None
    body: BodyEntry | None = None
    severity: str | None = None
    component: str = ""
    fields: list[_Name] = []
    readings: list[ReadingEntry] = []
    examples: list[Example] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.noise == (self.kind is not None):
            raise ValueError("give either a kind or noise: true")
        if self.severity is not None and self.severity not in _SEVERITIES:
            raise ValueError(f"severity must be one of {', '.join(_SEVERITIES)}")
        known = self._known_fields()
        used = set(PLACEHOLDER.findall(self.component)).union(
            *(entry.used_fields() for entry in self.readings)
        )
        unknown = (used | set(self.fields)) - known
        if unknown:
            raise ValueError(f"no group or parameter gives {', '.join(sorted(unknown))}")
        return self

    def _known_fields(self) -> set[str]:
        known = set(self.sd.fields.values()) if self.sd else set()
        known |= set(self.body.fields.values()) if self.body else set()
        if self.regex is not None:
            try:
                known |= set(re.compile(self.regex).groupindex)
            except re.error as error:
                raise ValueError(f"regex: {error}") from None
        return known

    def compile(self, pack: PackFile) -> Pattern:
        """The same for the classifier; gates that the pattern leaves out are those of its pack."""
        has_glob = any("*" in msgid or "?" in msgid for msgid in self.msgids)
        return Pattern(
            pack=pack.id,
            id=self.id,
            kind=self.kind,
            fields=tuple(self.fields),
            apps=frozenset(app_key(name) for name in self.apps or pack.apps),
            msgids=frozenset(() if has_glob else self.msgids),
            msgid_globs=tuple(self.msgids if has_glob else ()),
            pack_contains=tuple(pack.contains),
            contains=() if pack.fallback else tuple(self.contains),
            fallback=tuple(word.lower() for word in self.contains) if pack.fallback else (),
            regex=re.compile(self.regex) if self.regex is not None else None,
            sd_id=self.sd.id if self.sd else None,
            sd_required=self.sd is not None and not self.sd.optional,
            sd_fields=tuple(self.sd.fields.items()) if self.sd else (),
            body=self.body.compile() if self.body else None,
            severity=_SEVERITIES.index(self.severity) if self.severity else None,
            component=self.component,
            readings=tuple(entry.compile() for entry in self.readings),
        )


class PackFile(_Model):
    """One file: patterns of one product, tried in order.

    `apps` are for patterns that name none; `contains` are literals, one of which is in every line of the product.
    The patterns of a `fallback` pack are tried where no other fits, and their own `contains` match in any case.
    """

    version: int = Field(ge=1, le=1)
    id: _Id
    title: _Text
    apps: list[_Text] = []
    contains: list[_Text] = []
    fallback: bool = False
    patterns: list[PatternEntry] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [entry.id for entry in self.patterns]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ValueError(f"pattern ids stand twice: {', '.join(sorted(repeated))}")
        for entry in self.patterns:
            if not (entry.apps or self.apps or entry.msgids or entry.contains):
                raise ValueError(f"pattern {entry.id} has no gate: give apps, msgids or contains")
            if self.fallback and (not entry.contains or entry.apps or entry.msgids or entry.body):
                raise ValueError(f"pattern {entry.id} of a fallback pack needs contains and no other gate")
        return self


def built_in_packs() -> list[Path]:
    """The pack files that come with the product, in the order in which they are tried."""
    folder = resources.files("channelwatch_collector.syslog") / "packs"
    return sorted(Path(str(entry)) for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def packs_in(folder: Path) -> list[Path]:
    """The pack files of a folder, in the order of their names. InputError when it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".yaml")
    except OSError as error:
        raise InputError([f"{folder}: {error.strerror}"], operation="load syslog packs") from None


def load_packs(paths: Sequence[Path] | None = None) -> list[Pattern]:
    """The patterns of `paths`, or of the built-in packs. InputError lists every fault with file, line and key."""
    problems: list[str] = []
    patterns: list[Pattern] = []
    seen: set[str] = set()
    for path in built_in_packs() if paths is None else paths:
        try:
            file = YamlFile(path)
            pack = file.validate(PackFile)
        except InputError as error:
            problems += error.problems
            continue
        if pack.id in seen:
            problems.append(file.problem(("id",), f"another pack is called {pack.id} too"))
        seen.add(pack.id)
        patterns += [entry.compile(pack) for entry in pack.patterns]
        problems += _failed_examples(file, pack)
    if problems:
        raise InputError(problems, operation="load syslog packs")
    return patterns


def _failed_examples(file: YamlFile, pack: PackFile) -> Iterator[str]:
    """The examples are part of the file: a pack that fails its own is not loaded."""
    compiled = [entry.compile(pack) for entry in pack.patterns]
    classifier = Classifier(compiled)
    for number, entry in enumerate(pack.patterns):
        for index, example in enumerate(entry.examples):
            for key, fault in _faults(classifier, entry, example):
                yield file.problem(("patterns", number, "examples", index, *key), fault)


def _faults(
    classifier: Classifier, entry: PatternEntry, example: Example
) -> Iterable[tuple[tuple[str, ...], str]]:
    message = parse_header(example.line.encode(), received_at=_EXAMPLES_AT)
    result = classifier.classify(message)
    if isinstance(result, NoKind):
        if not (entry.noise and result is NoKind.SUPPRESSED):
            yield ("line",), f"{result.value} instead of {entry.id}"
        return
    if result.pattern != entry.id:
        yield ("line",), f"matches {result.pattern} before {entry.id}"
        return
    yield from _differences(result, example)


def _differences(result: Classified, example: Example) -> Iterator[tuple[tuple[str, ...], str]]:
    if result.component != example.component:
        yield ("component",), f"is {result.component!r}"
    if dict(result.fields) != example.fields:
        yield ("fields",), f"are {dict(result.fields)}"
    stated = [
        ExampleReading(signal=r.signal, state=r.state, value=r.value, component=r.component)
        for r in result.readings
    ]
    if stated != example.readings:
        shown = [reading.model_dump(mode="json") for reading in stated]
        yield ("readings",), f"are {shown}"
