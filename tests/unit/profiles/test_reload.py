"""Profiles whose files change while the collector runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from channelwatch_collector.profiles.reload import ProfilesFolder, stamp

from channelwatch.base.errors import InputError

PROFILE = "name: own\ndescription: {}\nscalars: {{place: '1.3.6.1.2.1.1.6.0'}}\n"


def write(path: Path, text: str, at: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at, at))


def test_an_altered_file_is_taken_once(tmp_path: Path) -> None:
    write(tmp_path / "own.yaml", PROFILE.format("one"), 1)
    folder = ProfilesFolder(tmp_path)
    assert folder.load()["own"].description == "one"
    assert folder.changed() is None
    write(tmp_path / "own.yaml", PROFILE.format("two"), 2)
    changed = folder.changed()
    assert changed is not None and changed["own"].description == "two"
    assert folder.changed() is None


def test_a_file_added_or_taken_away_is_a_change(tmp_path: Path) -> None:
    folder = ProfilesFolder(tmp_path)
    write(tmp_path / "own.yaml", PROFILE.format("one"), 1)
    added = folder.changed()
    assert added is not None and "own" in added
    (tmp_path / "own.yaml").unlink()
    left = folder.changed()
    assert left is not None and "own" not in left


def test_a_mistake_is_told_once_and_its_repair_is_taken(tmp_path: Path) -> None:
    folder = ProfilesFolder(tmp_path)
    write(tmp_path / "own.yaml", "name: own\ndescriptio: x\n", 1)
    with pytest.raises(InputError, match=r"own\.yaml:2: descriptio: unknown key"):
        folder.changed()
    assert folder.changed() is None
    write(tmp_path / "own.yaml", PROFILE.format("one"), 2)
    assert folder.changed() is not None


def test_fragments_count_too(tmp_path: Path) -> None:
    before = stamp(tmp_path)
    write(tmp_path / "fragments" / "mine.yaml", "fragment: mine\ndescription: x\n", 1)
    assert stamp(tmp_path) != before


def test_without_a_folder_nothing_ever_changes() -> None:
    folder = ProfilesFolder(None)
    assert "generic" in folder.load()
    assert folder.changed() is None
