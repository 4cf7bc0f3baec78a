"""Alert rule files: YAML checked by pydantic, turned into the domain's rules."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)

from channelwatch.app.yamlfile import load_model
from channelwatch.base.errors import InputError
from channelwatch.base.ids import RuleId
from channelwatch.incidents.model import Severity, SubjectKind
from channelwatch.incidents.rules import (
    Condition,
    Flap,
    Hours,
    Layer,
    OwnFault,
    Rule,
    RuleBook,
    inhibition_problems,
)
from channelwatch.inventory.model import Bloc
from channelwatch.status.events import EventKind
from channelwatch.status.signals import Signal, SignalState
from channelwatch.status.states import Cause, Flag, Health, PairState, Protection

MAX_RULES = 500
"""Rules of one file."""
MAX_TITLE = 120
"""Characters of a title: it stands in one line of a message."""

MAX_TIMES = 1_000
"""Events that a rule may ask for: so many instants are remembered of each subject."""
MAX_COUNTED_MS = 86_400_000
COUNTED = frozenset({"events", "times", "within", "hours", "per_source", "bloc"})
"""What a rule that counts events looks at."""

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(value: object) -> int:
    """Milliseconds of `90s`, `5m`, `24h`. ValueError for anything else."""
    match = re.fullmatch(r"(\d{1,9})(ms|s|m|h|d)", str(value))
    if match is None:
        raise ValueError("must be a whole number with a unit: ms, s, m, h or d")
    return int(match[1]) * _UNITS[match[2]]


Duration = Annotated[
    int,
    BeforeValidator(duration_ms),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,9}(ms|s|m|h|d)$"}),
]
_WORDS: Mapping[str, JsonValue] = {"type": "string", "minLength": 1, "maxLength": MAX_TITLE}
Title = Annotated[
    Mapping[str, Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"vi": _WORDS, "en": _WORDS},
            "required": ["vi", "en"],
            "additionalProperties": False,
        }
    ),
]


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


Signals = Annotated[
    frozenset[Signal],
    BeforeValidator(_one_or_many),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": sorted(Signal)},
                {"type": "array", "items": {"enum": sorted(Signal)}, "uniqueItems": True},
            ]
        }
    ),
]


Events = Annotated[
    frozenset[EventKind],
    BeforeValidator(_one_or_many),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": sorted(EventKind)},
                {"type": "array", "items": {"enum": sorted(EventKind)}, "uniqueItems": True},
            ]
        }
    ),
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WhenFile(_Model):
    """The condition of a rule; all parts that are given must hold."""

    health: frozenset[Health] = frozenset()
    protection: frozenset[Protection] = frozenset()
    cause: frozenset[Cause] = frozenset()
    flag: Flag | None = None
    signal: Signals = frozenset()
    signal_states: frozenset[SignalState] = frozenset()
    pair: frozenset[PairState] = frozenset()
    bloc: frozenset[Bloc] = frozenset()
    hub: bool | None = None
    communes_down: int | None = Field(default=None, ge=2, le=100_000)
    within: Duration = 0
    percent_down: int | None = Field(default=None, ge=1, le=100)
    own: frozenset[OwnFault] = frozenset()
    events: Events = frozenset()
    times: int = Field(default=1, ge=1, le=MAX_TIMES)
    hours: Hours | None = None
    per_source: bool = False

    @model_validator(mode="after")
    def _belonging(self) -> WhenFile:
        if (not self.signal) != (not self.signal_states):
            raise ValueError("signal and signal_states are given together")
        if self.within and self.communes_down is None and not self.events:
            raise ValueError("within belongs to communes_down or events")
        if self.events:
            return self._counting()
        if self.times > 1 or self.hours is not None or self.per_source:
            raise ValueError("times, hours and per_source belong to events")
        return self

    def _counting(self) -> WhenFile:
        if not 0 < self.within <= MAX_COUNTED_MS:
            raise ValueError("events are counted within a time of 1ms to 1d: say when.within")
        if surplus := self.model_fields_set - COUNTED:
            raise ValueError(f"a rule that counts events does not look at when.{min(surplus)}")
        return self


_CONDITIONS: Mapping[SubjectKind, frozenset[str]] = {
    SubjectKind.DEVICE: frozenset(
        {
            *("health", "protection", "cause", "flag", "signal", "signal_states", "bloc", "hub"),
            *("events", "times", "within", "hours"),
        }
    ),
    SubjectKind.GROUP: frozenset({"pair", "bloc"}),
    SubjectKind.BLOC: frozenset({"communes_down", "within", "percent_down", "bloc"}),
    SubjectKind.CIRCUIT: frozenset({"bloc"}),
    SubjectKind.COLLECTOR: frozenset({"own", "events", "times", "within", "hours", "per_source"}),
}
"""What a rule about each subject looks at. Whatever else it said would be ignored, and somebody would rely on it."""


class FlapFile(_Model):
    """How often a condition comes before it counts as one that lasts."""

    times: int = Field(ge=2, le=100)
    within: Duration


class RuleFileEntry(_Model):
    """One rule as written in a file."""

    id: str = Field(pattern=r"^[a-z0-9-]{1,48}$")
    subject: SubjectKind
    when: WhenFile = WhenFile()
    severity: Severity
    title: Title
    confirm: Duration = 0
    clear_after: Duration = 0
    flap: FlapFile | None = None
    yields: bool = False
    inhibits: tuple[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,48}$")], ...] = ()
    layer: Layer = Layer.ONSITE
    pages: bool = True
    runbook: str = Field(default="", pattern=r"^[a-z0-9-]{0,48}$")

    @model_validator(mode="after")
    def _complete(self) -> RuleFileEntry:
        if set(self.title) != {"vi", "en"}:
            raise ValueError("title has exactly the languages vi and en")
        given = self.when.model_fields_set
        said = {name for name, value in self.when if name in given and value not in (None, frozenset())}
        surplus = said - _CONDITIONS[self.subject]
        if surplus:
            raise ValueError(f"a rule about a {self.subject} does not look at when.{min(surplus)}")
        if self.subject is SubjectKind.GROUP and not self.when.pair:
            raise ValueError("a rule about a group says when.pair")
        if self.subject is SubjectKind.BLOC and said <= {"bloc"}:
            raise ValueError("a rule about a bloc says when.communes_down or when.percent_down")
        if self.subject is SubjectKind.DEVICE and said <= {"bloc", "hub"}:
            raise ValueError("a rule about a device says which state of it is an incident")
        strangers = EventKind.ROGUE_SOURCE in self.when.events
        if self.when.events and strangers != (self.subject is SubjectKind.COLLECTOR):
            raise ValueError("rogue_source is counted by rules about the collector, and nothing else by them")
        if strangers and len(self.when.events) > 1:
            raise ValueError("rogue_source is counted by itself")
        return self

    def rule(self) -> Rule:
        """The domain's rule."""
        return Rule(
            id=RuleId(self.id),
            subject=self.subject,
            when=self._condition(),
            severity=self.severity,
            title=dict(self.title),
            confirm_ms=self.confirm,
            clear_ms=self.clear_after,
            flap=None if self.flap is None else Flap(self.flap.times, self.flap.within),
            yields=self.yields,
            inhibits=frozenset(map(RuleId, self.inhibits)),
            layer=self.layer,
            pages=self.pages,
            runbook=self.runbook,
        )

    def _condition(self) -> Condition:
        parts = dict(self.when)
        parts["within_ms"] = parts.pop("within")
        if self.subject is SubjectKind.COLLECTOR and not parts["own"] and not parts["events"]:
            parts["own"] = frozenset({OwnFault.BLIND})
        return Condition(**parts)


class RuleFile(_Model):
    """A file of rules on one theme."""

    version: int = Field(ge=1, le=1)
    rules: tuple[RuleFileEntry, ...] = Field(max_length=MAX_RULES)


def shipped_rules() -> Path:
    """The folder of the rules that come with the product: in a checkout beside the packages, else in share/."""
    checkout = Path(__file__).resolve().parents[2] / "alert_rules"
    return (
        checkout if checkout.is_dir() else Path(sysconfig.get_path("data")) / "share/channelwatch/alert_rules"
    )


def load_rules(folder: Path) -> RuleBook:
    """All rules of the `*.yaml` files in `folder`. InputError names file, line and key, or a repeated id."""
    if not folder.is_dir():
        raise InputError([f"{folder}: no such folder"])
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise InputError([f"{folder}: no rule files (*.yaml)"])
    rules: dict[str, Rule] = {}
    problems: list[str] = []
    for path in files:
        try:
            entries = load_model(path, RuleFile).rules
        except InputError as error:
            problems += error.problems
            continue
        for entry in entries:
            if entry.id in rules:
                problems.append(f"{path}: rule {entry.id!r} stands in two places")
            rules[entry.id] = entry.rule()
    if not problems:
        problems = [
            f"{folder}: rule {name!r} {text}" for name, text in inhibition_problems([*rules.values()])
        ]
    if problems:
        raise InputError(problems)
    return RuleBook(tuple(rules.values()))
