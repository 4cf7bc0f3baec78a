"""Profiles from their files: those that come with the product, then the operator's own, which replace by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from channelwatch.app.yamlfile import YamlFile
from channelwatch.base.errors import InputError
from channelwatch_collector.profiles.model import Fragment, OidText, ProfileFile
from channelwatch_collector.profiles.profile import FALLBACK, Profile, join, problems
from channelwatch_collector.snmp.port import Oid

BUILT_IN_FOLDER = Path(__file__).parent / "data"
NEVER_READ = "never-read.yaml"
MAX_FILES = 500
"""The most profile files in one folder."""


class NeverRead(BaseModel):
    """Objects that hold keys or pass phrases, whatever the profile."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    never_read: tuple[OidText, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    file: YamlFile
    content: ProfileFile | Fragment


@dataclass(frozen=True, slots=True)
class _Folder:
    """What a folder's files hold, and what is wrong with them."""

    profiles: dict[str, _Source] = field(default_factory=dict)
    fragments: dict[str, _Source] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


def load_profiles(folder: Path | None = None) -> Mapping[str, Profile]:
    """All profiles by name: the built-in ones and those of `folder`, which win. InputError names every problem."""
    found = _built_in()
    own = _Folder() if folder is None else _read_folder(folder)
    profiles = {**found.profiles, **own.profiles}
    fragments = {**found.fragments, **own.fragments}
    complaints = [*found.complaints, *own.complaints]
    loaded: dict[str, Profile] = {}
    for name, source in sorted(profiles.items()):
        is_built_in = name not in own.profiles and not own.fragments
        profile, wrong = _built_in_profile(name) if is_built_in else _assemble(source, fragments)
        complaints += wrong
        loaded[name] = profile
    if FALLBACK not in loaded and not complaints:
        complaints = [f"{BUILT_IN_FOLDER}: there is no profile {FALLBACK!r}"]
    if complaints:
        raise InputError(list(dict.fromkeys(complaints)), operation="load profiles")
    return loaded


def check_profile(path: Path) -> Profile:
    """The profile of one file, with the fragments beside it. InputError names every mistake of it."""
    own = _Folder()
    _read_file(path, own)
    if own.fragments:
        raise InputError(
            [f"{path}: a fragment is checked with the profiles that include it: check its folder"]
        )
    fragments = dict(_built_in().fragments)
    for beside in sorted((path.parent / "fragments").glob("*.yaml")):
        read = _Folder()
        _read_file(beside, read)
        fragments |= read.fragments
    (source,) = own.profiles.values()
    profile, wrong = _assemble(source, fragments)
    if wrong:
        raise InputError(list(dict.fromkeys(wrong)), operation="check profile")
    return profile


@cache
def _forbidden() -> tuple[Oid, ...]:
    return YamlFile(BUILT_IN_FOLDER / NEVER_READ).validate(NeverRead).never_read


@cache
def _built_in() -> _Folder:
    """The product's own files, which do not change while it runs."""
    return _read_folder(BUILT_IN_FOLDER)


@cache
def _built_in_profile(name: str) -> tuple[Profile, list[str]]:
    """A built-in profile with built-in fragments: the same however often an operator's folder is read again."""
    return _assemble(_built_in().profiles[name], _built_in().fragments)


def _read_folder(folder: Path) -> _Folder:
    if not folder.is_dir():
        raise InputError([f"{folder}: no such folder"], operation="load profiles")
    files = sorted(folder.glob("*.yaml")) + sorted((folder / "fragments").glob("*.yaml"))
    if len(files) > MAX_FILES:
        raise InputError([f"{folder}: more than {MAX_FILES} files"], operation="load profiles")
    read = _Folder()
    for path in files:
        if path.name == NEVER_READ:
            continue
        try:
            _read_file(path, read)
        except InputError as error:
            read.complaints.extend(error.problems)
    return read


def _read_file(path: Path, read: _Folder) -> None:
    file = YamlFile(path)
    if path.parent.name == "fragments":
        fragment = file.validate(Fragment)
        name, key, kept, source = fragment.fragment, "fragment", read.fragments, _Source(file, fragment)
    else:
        profile = file.validate(ProfileFile)
        name, key, kept, source = profile.name, "name", read.profiles, _Source(file, profile)
    if name in kept:
        read.complaints.append(file.problem((key,), f"{name!r} stands in {kept[name].file.path.name} too"))
    kept[name] = source


def _assemble(source: _Source, fragments: Mapping[str, _Source]) -> tuple[Profile, list[str]]:
    own = source.content
    assert isinstance(own, ProfileFile)
    missing = [name for name in own.includes if name not in fragments]
    parts = [fragments[name] for name in own.includes if name in fragments]
    profile = join(own.name, own.match, own, [part.content for part in parts], _forbidden())
    found = [source.file.problem(("includes",), f"there is no fragment {name!r}") for name in missing]
    for part in (source, *parts):
        found += [part.file.problem(place, text) for place, text in problems(part.content, profile)]
    return profile, found
