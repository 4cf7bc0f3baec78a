"""Files that are no YAML, or not the YAML that is wanted: one plain sentence with file and line for each mistake."""

from __future__ import annotations

import gc
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from channelwatch.app.yamlfile import load_model
from channelwatch.base.errors import InputError


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    day: date | None = None
    count: int = 0
    parts: list[str] = Field(default=[], max_length=2)
    ready: bool = False


def complaint(folder: Path, content: bytes) -> str:
    path = folder / "plan.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_model(path, Plan)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"name: a\nday: 2026-02-30\n", "plan.yaml:2: there is no such date or number: 2026-02-30"),
        (b"name: a\ncount: " + b"9" * 5000, "plan.yaml:2: there is no such date or number: " + "9" * 40),
        (b"name: a\nparts:\n\t- b\n", "plan.yaml:3: not valid YAML: a tab; indent by blanks"),
        (b"name: 'a\0b'\n", "plan.yaml:1: not valid YAML: the control character U+0000"),
        ("name: à\nday: \x07".encode(), "plan.yaml:2: not valid YAML: the control character U+0007"),
        (b"name: a\nday: \xe0\n", "plan.yaml:2: not UTF-8 text"),
        ("name: a\n".encode("utf-16"), "plan.yaml:1: not UTF-8 text"),
        (b"[a, b]\n", "plan.yaml:1: must be a mapping"),
        (b"text\n", "plan.yaml:1: must be a mapping"),
        (b"name: 51\n", "plan.yaml:1: name: must be text: put it in quotes"),
        (b"name: a\ncount: many\n", "plan.yaml:2: count: must be a whole number"),
        (b"name: a\nparts: b\n", "plan.yaml:2: parts: must be a list"),
        (b"name: a\nparts: [a, b, c]\n", "plan.yaml:2: parts: must have at most 2 items"),
        (b"name: a\nready: perhaps\n", "plan.yaml:2: ready: must be true or false"),
        (b"name: a\n2: b\n", "plan.yaml:2: 2: a key must be text: put it in quotes"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words_with_its_line(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    assert complaint(tmp_path, content) == expected


def test_a_folder_in_place_of_a_file_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_model(tmp_path, Plan)
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


def test_a_path_with_a_nul_is_refused_and_no_fault(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: embedded null byte"):
        load_model(tmp_path / "a\0b", Plan)


def test_a_device_that_never_ends_is_read_up_to_the_limit_only() -> None:
    with pytest.raises(InputError, match="/dev/zero: larger than 64 MiB"):
        load_model(Path("/dev/zero"), Plan)


def test_the_garbage_collector_works_again_after_a_file_that_is_refused(tmp_path: Path) -> None:
    assert gc.isenabled()
    complaint(tmp_path, b"- a\n")
    assert gc.isenabled()
