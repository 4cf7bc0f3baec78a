"""Alert rule files: YAML checked by pydantic, turned into the domain's rules."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from channelwatch.app.yamlfile import load_model
from channelwatch.base.errors import InputError
from channelwatch.base.ids import RuleId
from channelwatch.incidents.model import Severity, SubjectKind
from channelwatch.incidents.rules import Condition, Rule, RuleBook
from channelwatch.inventory.model import Bloc
from channelwatch.status.signals import Signal, SignalState
from channelwatch.status.states import Cause, Flag, Health, PairState, Protection

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration_ms(value: object) -> int:
    """Milliseconds of `90s`, `5m`, `24h`. ValueError for anything else."""
    match = re.fullmatch(r"(\d{1,9})(ms|s|m|h|d)", str(value))
    if match is None:
        raise ValueError("must be a whole number with a unit: ms, s, m, h or d")
    return int(match[1]) * _UNITS[match[2]]


Duration = Annotated[int, BeforeValidator(duration_ms)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WhenFile(_Model):
    """The condition of a rule; all parts that are given must hold."""

    health: frozenset[Health] = frozenset()
    protection: frozenset[Protection] = frozenset()
    cause: frozenset[Cause] = frozenset()
    flag: Flag | None = None
    signal: Signal | None = None
    signal_states: frozenset[SignalState] = frozenset()
    pair: frozenset[PairState] = frozenset()
    bloc: frozenset[Bloc] = frozenset()
    hub: bool | None = None

    @model_validator(mode="after")
    def _signal_with_states(self) -> WhenFile:
        if (self.signal is None) != (not self.signal_states):
            raise ValueError("signal and signal_states are given together")
        return self


_CONDITIONS: Mapping[SubjectKind, frozenset[str]] = {
    SubjectKind.DEVICE: frozenset(WhenFile.model_fields) - {"pair"},
    SubjectKind.GROUP: frozenset({"pair", "bloc"}),
    SubjectKind.COLLECTOR: frozenset(),
}
"""What a rule about each subject looks at. Whatever else it said would be ignored, and somebody would rely on it."""


class RuleFileEntry(_Model):
    """One rule as written in a file."""

    id: str = Field(pattern=r"^[a-z0-9-]{1,48}$")
    subject: SubjectKind
    when: WhenFile = WhenFile()
    severity: Severity
    title: Mapping[str, str]
    confirm: Duration = 0
    clear_after: Duration = 0
    yields: bool = False
    pages: bool = True
    runbook: str = Field(default="", pattern=r"^[a-z0-9-]{0,48}$")

    @model_validator(mode="after")
    def _complete(self) -> RuleFileEntry:
        if set(self.title) != {"vi", "en"}:
            raise ValueError("title has exactly the languages vi and en")
        said = {name for name, value in self.when if value not in (None, frozenset())}
        surplus = said - _CONDITIONS[self.subject]
        if surplus:
            raise ValueError(f"a rule about a {self.subject} does not look at when.{min(surplus)}")
        if self.subject is SubjectKind.GROUP and not self.when.pair:
            raise ValueError("a rule about a group says when.pair")
        if self.subject is SubjectKind.DEVICE and said <= {"bloc", "hub"}:
            raise ValueError("a rule about a device says which state of it is an incident")
        return self

    def rule(self) -> Rule:
        """The domain's rule."""
        return Rule(
            id=RuleId(self.id),
            subject=self.subject,
            when=Condition(**dict(self.when)),
            severity=self.severity,
            title=dict(self.title),
            confirm_ms=self.confirm,
            clear_ms=self.clear_after,
            yields=self.yields,
            pages=self.pages,
            runbook=self.runbook,
        )


class RuleFile(_Model):
    """A file of rules on one theme."""

    version: int = Field(ge=1, le=1)
    rules: tuple[RuleFileEntry, ...]


def shipped_rules() -> Path:
    """The folder of the rules that come with the product: in a checkout beside the packages, else in share/."""
    checkout = Path(__file__).resolve().parents[2] / "alert_rules"
    return (
        checkout if checkout.is_dir() else Path(sysconfig.get_path("data")) / "share/channelwatch/alert_rules"
    )


def load_rules(folder: Path) -> RuleBook:
    """All rules of the `*.yaml` files in `folder`. InputError names file, line and key, or a repeated id."""
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
    if problems:
        raise InputError(problems)
    return RuleBook(tuple(rules.values()))
