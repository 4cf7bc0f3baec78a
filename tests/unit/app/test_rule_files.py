"""Alert rule files."""

from __future__ import annotations

from pathlib import Path

import pytest

from channelwatch.app.rulefile import duration_ms, load_rules, shipped_rules
from channelwatch.base.errors import InputError
from channelwatch.incidents.rules import OwnFault

RULE = """\
version: 1
rules:
  - id: one
    subject: device
    when: {health: [down]}
    severity: p3
    title: {vi: Một, en: One}
"""


def problems(folder: Path, text: str) -> list[str]:
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_rules(folder)
    return caught.value.problems


def test_the_shipped_rules_are_complete_and_exposed_is_the_gravest() -> None:
    rules = load_rules(shipped_rules())
    assert {rule.severity for rule in rules.device if rule.when.protection} == {"p1"}
    assert {fault for rule in rules.collector for fault in rule.when.own} == set(OwnFault)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("severity: p3", "severity: p9", "rules.yaml:6: rules[0].severity:"),
        ("health: [down]", "health: [dead]", "rules.yaml:5: rules[0].when.health"),
        (
            "when: {health: [down]}",
            "when: {signal: crypto.tamper}",
            "signal and signal_states are given together",
        ),
        (", en: One", "", "title has exactly the languages vi and en"),
        ("subject: device", "subject: group", "a rule about a group does not look at when.health"),
        (
            "subject: device\n    when: {health: [down]}",
            "subject: group\n    when: {bloc: [party]}",
            "a rule about a group says when.pair",
        ),
        ("subject: device", "subject: collector", "a rule about a collector does not look at when.health"),
        ("{health: [down]}", "{health: [down], pair: [lost]}", "a device does not look at when.pair"),
        ("{health: [down]}", "{bloc: [party], hub: true}", "says which state of it is an incident"),
        ("\n    when: {health: [down]}", "", "says which state of it is an incident"),
        ("severity: p3", "severity: p3\n    confirm: soon", "must be a whole number with a unit"),
        ("{health: [down]}", "{events: login_fail}", "say when.within"),
        ("{health: [down]}", "{events: login_fail, within: 2d}", "a time of 1ms to 1d"),
        ("{health: [down]}", "{events: login, within: 1m}", "when.events"),
        ("{health: [down]}", "{events: tamper, within: 1m, health: [up]}", "does not look at when.health"),
        ("{health: [down]}", "{health: [down], times: 3}", "times, hours and per_source belong to events"),
        ("{health: [down]}", "{events: rogue_source, within: 1m}", "rogue_source is counted by rules about"),
        (
            "{health: [down]}",
            "{events: tamper, within: 1m, per_source: true}",
            "does not look at when.per_source",
        ),
        (
            "subject: device\n    when: {health: [down]}",
            "subject: collector\n    when: {events: tamper, within: 1m}",
            "rogue_source is counted by rules about",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_key(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    found = problems(tmp_path, RULE.replace(old, new, 1))
    assert any(expected in line for line in found), found


def test_an_identifier_stands_once(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(RULE, encoding="utf-8")
    assert any("rule 'one' stands in two places" in line for line in problems(tmp_path, RULE))


def test_the_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(RULE.replace("severity: p3", "severity: p9"), encoding="utf-8")
    found = problems(tmp_path, RULE.replace("[down]", "[dead]"))
    assert {line.split(":")[0].rpartition("/")[2] for line in found} == {"other.yaml", "rules.yaml"}


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rule files"):
        load_rules(tmp_path)
    with pytest.raises(InputError, match="none: no such folder"):
        load_rules(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "ms"), [("250ms", 250), ("90s", 90_000), ("5m", 300_000), ("24h", 86_400_000)]
)
def test_durations_carry_their_unit(text: str, ms: int) -> None:
    assert duration_ms(text) == ms
