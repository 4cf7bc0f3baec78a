"""The schema of a profile file. What a file may say stands here; the rest is refused by name and line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from channelwatch.status.events import EventKind
from channelwatch.status.signals import Signal, SignalState
from channelwatch_collector.profiles.expression import Expression, parse
from channelwatch_collector.profiles.values import TypeRule
from channelwatch_collector.profiles.vocabulary import MEANING
from channelwatch_collector.snmp.port import Oid

MAX_ARCS = 128
"""RFC 2578 section 3.5."""

BUILT_IN = frozenset({"index", "value", "expected"})
"""Names that every row has: its whole index in dotted form, and whether the inventory expects it as a tunnel; in
`judge` also the signal's own value."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _oid(value: object) -> Oid:
    if isinstance(value, tuple):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\.?[0-2](\.\d{1,10})+", value):
        raise ValueError("must be an object identifier in numbers, in quotes: '1.3.6.1.2.1.1.3.0'")
    oid = tuple(int(part) for part in value.lstrip(".").split("."))
    if len(oid) > MAX_ARCS or max(oid) >= 1 << 32:
        raise ValueError("an object identifier has at most 128 numbers below 2^32")
    return oid


def _object(value: object) -> object:
    """The short form of an object is its identifier alone."""
    return {"oid": value} if isinstance(value, str | list) else value


def _oids(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _pattern(value: object) -> re.Pattern[str]:
    try:
        return re.compile(str(value))
    except re.error as error:
        raise ValueError(f"not a pattern: {error}") from None


def _word_or_state(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("put the word in quotes: YAML reads on, off, yes and no as true or false")
    return {"word": value} if isinstance(value, str) else value


OidText = Annotated[
    Oid, BeforeValidator(_oid), WithJsonSchema({"type": "string", "pattern": r"^\.?[0-2](\.\d+)+$"})
]
ExpressionText = Annotated[
    Expression,
    BeforeValidator(parse),
    PlainSerializer(lambda found: found.text),
    WithJsonSchema({"type": ["string", "number"]}),
]
PatternText = Annotated[re.Pattern[str], BeforeValidator(_pattern), WithJsonSchema({"type": "string"})]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ProfileName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class ObjectSpec(_Model):
    """One object that is read: an instance, or a column of a table.

    With several identifiers the first that the device offers counts (64-bit columns before 32-bit ones).
    `scale` multiplies what came, so that 0.1 turns tenths into units. `column`, among the scalars only: a whole
    column, for the functions that take all of its values.
    """

    oid: Annotated[tuple[OidText, ...], BeforeValidator(_oids), Field(min_length=1, max_length=4)]
    type: TypeRule = TypeRule.AUTO
    scale: float = 1
    column: bool = False


Object = Annotated[ObjectSpec, BeforeValidator(_object)]


class Word(_Model):
    """What a value means: a word of the signal, and a state where it differs from the word's usual one."""

    word: str
    state: SignalState | None = None


class Limits(_Model):
    """Where a signal becomes degraded or failed: numbers, or expressions over the row."""

    degraded: ExpressionText | None = None
    failed: ExpressionText | None = None


class Judgement(_Model):
    """A state that holds when `if` does; `value` names the signal's own value there."""

    if_: Annotated[ExpressionText, Field(alias="if")]
    state: SignalState


class SignalSpec(_Model):
    """One signal, made from objects.

    `enum` maps values to words; a value that it lacks is unknown, with the number kept. `when`: the signal exists
    only where this holds. `judge` comes before `above` and `at_most`, which replace the vocabulary's own limits.
    `allow` is for texts: one that matches none of the patterns is degraded.
    """

    signal: Signal
    value: ExpressionText
    component: ExpressionText | None = None
    when: ExpressionText | None = None
    enum: Mapping[str, Annotated[Word, BeforeValidator(_word_or_state)]] | None = None
    judge: tuple[Judgement, ...] = ()
    above: Limits | None = None
    at_most: Limits | None = None
    allow: tuple[PatternText, ...] = ()
    unit: str | None = None
    hold: int | None = Field(default=None, ge=1, le=10)
    of: int | None = Field(default=None, ge=1, le=30)
    stays: int | None = Field(default=None, ge=1, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _enum_keys_are_text(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("enum"), dict):
            keyed = {enum_key(key): word for key, word in data["enum"].items()}
            if any(isinstance(key, bool) for key in data["enum"]):
                raise ValueError("put the key in quotes: YAML reads on, off, yes and no as true or false")
            return {**data, "enum": keyed}
        return data

    @model_validator(mode="after")
    def _damping_is_possible(self) -> SignalSpec:
        if self.of is not None and (self.hold is None or self.hold > self.of):
            raise ValueError("of is given with hold, and is not smaller")
        return self

    @model_validator(mode="after")
    def _words_are_the_vocabularys(self) -> SignalSpec:
        words = MEANING[self.signal].words
        if self.enum is None:
            if words is not None and not MEANING[self.signal].unit:
                raise ValueError(f"{self.signal.value} is told in words: enum is required")
            return self
        if words is None:
            raise ValueError(f"{self.signal.value} is a number or text: it has no words")
        wrong = sorted({entry.word for entry in self.enum.values()} - set(words))
        if wrong:
            raise ValueError(
                f"{self.signal.value} has no word {wrong[0]!r}; it has {', '.join(sorted(words))}"
            )
        return self

    @cached_property
    def counters(self) -> tuple[str, ...]:
        """Counters whose rise it needs: each is to be remembered, whichever part of an expression fails first."""
        return tuple(dict.fromkeys(name for found in self.expressions for name in found.counters))

    @property
    def expressions(self) -> Iterator[Expression]:
        """Every expression of it."""
        yield self.value
        yield from (found for found in (self.component, self.when) if found is not None)
        yield from (item.if_ for item in self.judge)
        for limits in (self.above, self.at_most):
            if limits is not None:
                yield from (found for found in (limits.degraded, limits.failed) if found is not None)


def enum_key(value: object) -> str:
    """How a value is looked up in an `enum`: numbers by their digits, texts in lower case."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().lower()


class JsonSource(_Model):
    """A table inside a JSON text that one object holds (net-snmp `extend`).

    `rows` is the path to the rows: keys, and `*` for every key or entry. The keys that `*` met, joined with `/`,
    are the row's index; columns are then keys of the row.
    """

    oid: OidText
    rows: tuple[str, ...] = Field(max_length=6)


class TableSpec(_Model):
    """Rows that become components.

    `when`: the table counts only where this holds of the scalars, for a device that offers one of several.
    `component` names a row; without it the whole index does, and an empty text `''` is the device itself. `where`
    picks rows. `peers`: expressions under which an expected tunnel is recognised; with it, expected tunnels without a
    row are reported as missing, and the counts of expected and working tunnels are made. `merge` joins rows of one
    component: numbers are summed, of states and of seconds the best or the worst stands; without it such rows are told
    apart by their index. `keys` are the columns of a JSON source.
    """

    name: Name
    columns: Mapping[Name, Object] = {}
    json_: Annotated[JsonSource | None, Field(alias="json")] = None
    keys: tuple[Name, ...] = ()
    when: ExpressionText | None = None
    component: ExpressionText | None = None
    where: ExpressionText | None = None
    peers: tuple[ExpressionText, ...] = ()
    merge: Literal["best", "worst"] | None = None
    signals: tuple[SignalSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_source(self) -> TableSpec:
        if bool(self.columns) == (self.json_ is not None):
            raise ValueError("a table has either columns or a json source")
        if bool(self.keys) != (self.json_ is not None):
            raise ValueError("keys belong to a json source, which needs them")
        if self.peers and all(item.signal is not Signal.CHANNEL_STATE for item in self.signals):
            raise ValueError("peers need a channel.state in the same table")
        return self

    @property
    def expressions(self) -> Iterator[Expression]:
        """Every expression of it."""
        yield from (found for found in (self.component, self.where, *self.peers) if found is not None)
        for signal in self.signals:
            yield from signal.expressions

    @cached_property
    def tells_each_once(self) -> bool:
        """Whether no two of its readings can be of one signal and component."""
        signals = [spec.signal for spec in self.signals]
        named = any(spec.component is not None for spec in self.signals)
        return self.merge is None and not named and len(set(signals)) == len(signals)

    @property
    def may_be_nameless(self) -> bool:
        """Whether `component` itself says that a row may stand for the device: it has an empty text in it."""
        return self.component is not None and ("''" in self.component.text or '""' in self.component.text)

    @property
    def names(self) -> frozenset[str]:
        """The names that a row of it has."""
        return frozenset(self.columns) | frozenset(self.keys)


class FixedReading(_Model):
    """A reading that a trap stands for by its mere arrival."""

    signal: Signal
    word: str

    @model_validator(mode="after")
    def _known_word(self) -> FixedReading:
        if self.word not in (MEANING[self.signal].words or {}):
            raise ValueError(f"{self.signal.value} has no word {self.word!r}")
        return self


class TrapSpec(_Model):
    """What one notification means.

    `readings` lists signals that are decoded from its varbinds by the same rules as a poll's answer; `fixed` are
    those that it stands for itself. `component` and `text` are taken from the varbinds, `varbinds` naming those
    that no poll reads. `severity` is the syslog scale, 0 the gravest.
    """

    oid: OidText
    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")
    kind: EventKind
    severity: int = Field(default=5, ge=0, le=7)
    component: ExpressionText | None = None
    varbinds: Mapping[Name, Object] = {}
    text: tuple[ExpressionText, ...] = ()
    readings: tuple[Signal, ...] = ()
    fixed: tuple[FixedReading, ...] = ()


class MatchSpec(_Model):
    """How a device of this profile is recognised; any one is enough, the earlier kind counts more.

    `probe` is an instance that only these devices have. `weak`: others that match any better go first.
    """

    sysobjectid: tuple[OidText, ...] = ()
    sysdescr: PatternText | None = None
    probe: OidText | None = None
    weak: bool = False


class ContinuitySpec(_Model):
    """Names of the scalars that prove whether device or agent ran through, in 1/100 s."""

    agent: Name | None = None
    host: Name | None = None


class Content(_Model):
    """What profiles and shared fragments have in common."""

    description: str
    scalars: Mapping[Name, Object] = {}
    signals: tuple[SignalSpec, ...] = ()
    tables: tuple[TableSpec, ...] = ()
    traps: tuple[TrapSpec, ...] = ()
    continuity: ContinuitySpec = ContinuitySpec()
    never_read: tuple[OidText, ...] = ()


class Fragment(Content):
    """A piece that several profiles include."""

    fragment: ProfileName


class ProfileFile(Content):
    """One profile: how to recognise a kind of device and what it offers."""

    format: Literal[1] = 1
    name: ProfileName
    match: MatchSpec = MatchSpec()
    includes: tuple[ProfileName, ...] = ()


def json_schema() -> dict[str, Any]:
    """The schema of a profile file as JSON Schema, for editors and for those who write profiles."""
    return ProfileFile.model_json_schema(by_alias=True)
