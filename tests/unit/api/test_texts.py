"""The catalogue: complete in both languages, and holding every key that a template or an enumeration asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from importlib import import_module
from importlib.resources import files
from pkgutil import iter_modules
from string import Formatter

import pytest
from channelwatch_api import problems
from channelwatch_api.board.marks import Mark
from channelwatch_api.texts import Language, load_catalogue, own_rows, plain
from channelwatch_collector.profiles.vocabulary import MEANING

from channelwatch import incidents, inventory, notify, pipeline, sharing, status, uptime
from channelwatch.app.texts import catalogue as glossary
from channelwatch.incidents.ack import AckRefusal
from channelwatch.incidents.drills import DrillEnd, Scenario
from channelwatch.incidents.model import EndReason, IncidentState, PageKind, Severity, StepKind
from channelwatch.inventory.model import Bloc, CommuneKind, LifeCycle, Role, UnitKind
from channelwatch.pipeline.acts import ActKind
from channelwatch.pipeline.ports import OutboxState
from channelwatch.status.continuity import Continuity
from channelwatch.status.events import EventKind, MissCause, Transport
from channelwatch.status.signals import Signal, SignalState
from channelwatch.status.states import Axis, Cause, Flag, Health, PairState, Protection, Reason
from channelwatch.status.topology import CircuitState

WORDS = {language: load_catalogue().words(language) for language in Language}
KEY = re.compile(r'"([a-z_]+(?:\.[a-z0-9_]+)+)"(?! ~)')
PREFIX = re.compile(r'"([a-z_.]+[._])" ~')

ENUMERATED: dict[str, Iterable[StrEnum | str]] = {
    "health.": Health, "protection.": Protection, "cause.": Cause, "flag.": Flag, "ha.": PairState, "mark.": Mark,
    "axis.": Axis, "continuity.": Continuity, "reason.": Reason,
    "inc.": IncidentState, "act.": ActKind, "sev.": Severity, "sev.short.": Severity,
    "step.": StepKind, "page.": PageKind, "outbox.": OutboxState, "event.": EventKind, "miss.": MissCause,
    "state.": SignalState, "signal.": Signal, "family.": {signal.family for signal in Signal}, "bloc.": Bloc,
    "unit.": [*CommuneKind, *UnitKind], "life.": LifeCycle, "role.": Role,
    "ha.role_": ["active", "standby", "other", "none"],
    "problem.": [
        *problems.BY_STATUS.values(), "wrong_password", "too_many_failures", "stale_form", "unknown_code", "internal",
    ],
    "ack.": AckRefusal,
    "circuit.": CircuitState, "transport.": Transport,
    "drill.scenario.": Scenario, "drill.end.": DrillEnd, "end.": EndReason,
    "origin.": ["rule", "drill", "alertmanager", "device", "board", "api", "link", "reply", "spoken"],
    "way.": [module.name for module in iter_modules(notify.__path__) if module.ispkg],
    "source.": ["poll", "inventory", "rows", "engine", "uptime", "trap", "latch", "person", "drill"],
    "value.": {word for meaning in MEANING.values() for word in meaning.words or ()},
}  # fmt: skip
"""What may follow each prefix that a page joins to a value."""

UNSHOWN = {
    "inventory.model.Category": "nothing is shared yet",
    "inventory.maintenance.Every": "the agenda is kept on the command line",
    "inventory.maintenance.WindowScope": "the agenda is kept on the command line",
    "inventory.diff.ChangeKind": "the inventory's record is read over the API",
    "incidents.model.SubjectKind": "decides which name is shown",
    "incidents.rules.": "words of the rule files",
    "pipeline.arrivals.SetAside": "a label of a metric",
    "pipeline.availability.Asked": "a word of a question, in the API and on the command line",
    "pipeline.heartbeat.Stale": "said by the watchdog in words of its own",
    "pipeline.heartbeat.Cry": "said by the watchdog in words of its own",
    "status.service.Part": "a word of a report's columns",
    "status.topology.Claim": "a member's claim, shown as the value that it sent",
    "uptime.": "columns and cells of reports that programs read: CSV and JSON",
    "sharing.": "nothing is shared yet",
}
"""Enumerations that no page shows, and why; a name that ends in a dot stands for all below it."""


def enumerations() -> dict[str, type[StrEnum]]:
    """Every enumeration below the floor that reads files and sockets, by its module and name."""
    found: dict[str, type[StrEnum]] = {}
    for package in (incidents, inventory, pipeline, sharing, status, uptime):
        for module in iter_modules(package.__path__, f"{package.__name__}."):
            for kind in vars(import_module(module.name)).values():
                if isinstance(kind, type) and issubclass(kind, StrEnum) and kind.__module__ == module.name:
                    found[f"{kind.__module__.removeprefix('channelwatch.')}.{kind.__name__}"] = kind
    return found


def test_every_enumeration_has_words_or_is_shown_nowhere() -> None:
    worded = {type(item) for items in ENUMERATED.values() for item in items}
    every, packages = enumerations(), tuple(name for name in UNSHOWN if name.endswith("."))
    unshown = {name for name in every if name in UNSHOWN or name.startswith(packages)}
    assert {name for name, kind in every.items() if kind not in worded and name not in unshown} == set()
    assert {name for name in UNSHOWN if not any(known.startswith(name) for known in every)} == set()
    assert len(every) > 30


def templates() -> dict[str, str]:
    root = files("channelwatch_api") / "templates"
    folders = (root, root / "frag")
    return {
        item.name: item.read_text(encoding="utf-8")
        for folder in folders
        for item in folder.iterdir()
        if item.is_file()
    }


def test_every_row_is_complete_in_both_languages() -> None:
    assert own_rows()
    assert [row for row in own_rows() if not all(row.get(name) for name in ("key", "vi", "en"))] == []


def test_no_key_stands_twice_or_in_the_glossary_as_well() -> None:
    keys = [row["key"] for row in own_rows()]
    assert sorted(keys) == sorted(set(keys))
    assert set(keys) & set(glossary()) == set()


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_leave_the_same_gaps_to_fill() -> None:
    assert any(gaps(row["vi"]) for row in own_rows())
    assert [row["key"] for row in own_rows() if gaps(row["vi"]) != gaps(row["en"])] == []


def test_every_key_that_a_template_names_is_listed() -> None:
    named = {
        key
        for text in templates().values()
        for key in KEY.findall(text)
        if not key.endswith((".html", ".js"))
    }
    files_of_pages = {"board.css", "icon.svg"}
    assert {key for key in named - files_of_pages if key not in WORDS[Language.VI].by_key} == set()
    assert len(named) > 60


def test_every_prefix_that_a_template_joins_is_one_whose_values_are_tested() -> None:
    joined = {prefix for text in templates().values() for prefix in PREFIX.findall(text)}
    assert joined - {"who."} <= ENUMERATED.keys()


def test_every_value_that_may_follow_a_prefix_has_its_word() -> None:
    keys = [f"{prefix}{value}" for prefix, values in ENUMERATED.items() for value in values]
    assert [key for key in keys if key not in WORDS[Language.VI].by_key] == []


def test_every_key_of_this_package_is_used() -> None:
    sources = "\n".join(
        [*templates().values(), *(path.read_text(encoding="utf-8") for path in python_files())]
    )
    dynamic = (*ENUMERATED, "measure.", "who.", "time.", "said.")
    unused = [
        row["key"]
        for row in own_rows()
        if f'"{row["key"]}"' not in sources and not row["key"].startswith(dynamic)
    ]
    assert unused == []


def python_files() -> list:  # type: ignore[type-arg]
    root = files("channelwatch_api")
    return [
        item
        for folder in (root, root / "board", root / "pages")
        for item in folder.iterdir()
        if item.name.endswith(".py")
    ]


def test_a_missing_word_shows_as_its_key() -> None:
    assert WORDS[Language.VI]("no.such.key") == "no.such.key"


@pytest.mark.parametrize(
    ("ms", "vi", "en"),
    [
        (-5, "0 giây", "0 s"),
        (59_999, "59 giây", "59 s"),
        (61_000, "1 phút", "1 min"),
        (3_900_000, "1 giờ 05 phút", "1 h 05 min"),
        (180_000_000, "2 ngày 2 giờ", "2 d 2 h"),
    ],
)
def test_durations_have_their_two_largest_units(ms: int, vi: str, en: str) -> None:
    assert (WORDS[Language.VI].duration(ms), WORDS[Language.EN].duration(ms)) == (vi, en)


@pytest.mark.parametrize(
    ("value", "vi", "en"), [(3321, "3.321", "3,321"), (99.95, "99,95", "99.95"), (0, "0", "0")]
)
def test_numbers_are_written_as_each_language_does(value: float, vi: str, en: str) -> None:
    assert (WORDS[Language.VI].number(value), WORDS[Language.EN].number(value)) == (vi, en)


def test_names_are_compared_without_accents() -> None:
    assert plain("Đặng Thuỳ Trâm") == plain("dang thùy tram") == "dang thuy tram"
