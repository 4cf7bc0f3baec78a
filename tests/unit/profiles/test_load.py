"""Profile files: what is refused, and that the refusal names file, line and key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.model import json_schema

from channelwatch.base.errors import InputError
from tests.unit.profiles.answers import oid

GOOD = """
name: own
description: A profile of a test.
match: {sysobjectid: ['1.3.6.1.4.1.99999.7']}
scalars:
  mode: '1.3.9.1.0'
signals:
  - {signal: crypto.mode, value: mode, enum: {1: encrypting}}
"""


def complaints(folder: Path, text: str) -> list[str]:
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_profiles(folder)
    return refused.value.problems


def test_an_operators_profile_joins_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(GOOD, encoding="utf-8")
    profiles = load_profiles(tmp_path)
    assert {"own", "generic", "net-snmp", "reference-encryptor"} <= profiles.keys()
    assert profiles["own"].plan.scalars == (oid("1.3.9.1.0"),)


def test_an_operators_profile_replaces_the_built_in_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(GOOD.replace("name: own", "name: net-snmp"), encoding="utf-8")
    assert load_profiles(tmp_path)["net-snmp"].description == "A profile of a test."


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("value: mode", "value: mood", 8, "signals[0]: there is no object 'mood'"),
        ("value: mode", "value: open(mode)", 8, "there is no function 'open'"),
        ("1: encrypting", "1: encrypted", 8, "crypto.mode has no word 'encrypted'"),
        ("1: encrypting", "3: off", 8, "put the word in quotes"),
        ("1: encrypting", "on: encrypting", 8, "put the key in quotes"),
        ("signal: crypto.mode", "signal: crypto.mood", 8, "signals[0].signal"),
        ("value: mode, enum: {1: encrypting}", "value: mode", 8, "enum is required"),
        ("mode: '1.3.9.1.0'", "mode: '1.3.9.x'", 6, "must be an object identifier"),
        ("mode: '1.3.9.1.0'", "mode: '1.3.6.1.6.3.18.1.1.1.2.1'", 6, "scalars.mode: must never be read"),
        ("mode: '1.3.9.1.0'", "mode: {oid: '1.3.6.1.6.3.18', column: true}", 6, "must never be read"),
        (
            "description: A profile of a test.",
            "description: x\nincludes: [nothing]",
            4,
            "there is no fragment 'nothing'",
        ),
        ("description: A profile of a test.", "describtion: x", 3, "describtion: unknown key"),
        ("name: own", "name: Own Name", 2, "name"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, told: str
) -> None:
    assert old in GOOD
    problems = complaints(tmp_path, GOOD.replace(old, new))
    assert any(f"own.yaml:{line}: " in problem and told in problem for problem in problems), problems


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "second.yaml").write_text("name: second\n", encoding="utf-8")
    problems = complaints(tmp_path, GOOD.replace("value: mode", "value: mood"))
    assert any("own.yaml" in problem for problem in problems)
    assert any("second.yaml" in problem for problem in problems)


def test_one_name_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    assert any("stands in a.yaml too" in problem for problem in complaints(tmp_path, GOOD))


def test_a_trap_may_only_read_what_a_poll_reads(tmp_path: Path) -> None:
    trap = (
        "traps:\n  - {oid: '1.3.9.0.1', name: x, kind: tamper, readings: [crypto.tamper], text: [nobody]}\n"
    )
    problems = complaints(tmp_path, GOOD + trap)
    assert any("no poll of this profile reads crypto.tamper" in problem for problem in problems)
    assert any("there is no object 'nobody'" in problem for problem in problems)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            "{name: t, signals: [{signal: channel.state, value: index, enum: {1: up}}]}",
            "columns or a json source",
        ),
        (
            "{name: t, columns: {a: '1.3.9'}, keys: [b], signals: [{signal: key.expires_in, value: a}]}",
            "keys belong",
        ),
        (
            "{name: t, columns: {a: '1.3.9'}, peers: [a], signals: [{signal: key.expires_in, value: a}]}",
            "peers need",
        ),
        (
            "{name: t, when: a == 1, columns: {a: '1.3.9'}, signals: [{signal: key.expires_in, value: a}]}",
            "there is no object 'a'",
        ),
        ("{name: t, columns: {a: '1.3.9'}, signals: []}", "signals"),
    ],
)
def test_a_table_must_make_sense(tmp_path: Path, table: str, told: str) -> None:
    assert any(told in problem for problem in complaints(tmp_path, f"{GOOD}tables:\n  - {table}\n"))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        load_profiles(tmp_path / "nowhere")


def test_the_schema_is_exported_for_editors() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert {"name", "match", "scalars", "signals", "tables", "traps"} <= schema["properties"].keys()
