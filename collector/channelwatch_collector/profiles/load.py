"""Profiles from their files: those that come with the product, then the operator's own, which replace by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from channelwatch.app.yamlfile import YamlFile
from channelwatch.base.errors import InputError
from channelwatch_collector.profiles.model import Fragment, OidText, ProfileFile
from channelwatch_collector.profiles.profile import FALLBACK, Profile, join, problems
from channelwatch_collector.snmp.port import Oid

BUILT_IN_FOLDER = Path(__file__).parent / "data"
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


def load_profiles(folder: Path | None = None) -> Mapping[str, Profile]:
    """All profiles by name: the built-in ones and those of `folder`, which win. InputError names every problem."""
    profiles: dict[str, _Source] = {}
    fragments: dict[str, _Source] = {}
    complaints: list[str] = []
    for place in (BUILT_IN_FOLDER, *(() if folder is None else (folder,))):
        complaints += _read_folder(place, profiles, fragments)
    forbidden = YamlFile(BUILT_IN_FOLDER / "never-read.yaml").validate(NeverRead).never_read
    loaded: dict[str, Profile] = {}
    for name, source in sorted(profiles.items()):
        profile, found = _assemble(source, fragments, forbidden)
        complaints += found
        loaded[name] = profile
    if FALLBACK not in loaded and not complaints:
        complaints = [f"{BUILT_IN_FOLDER}: there is no profile {FALLBACK!r}"]
    if complaints:
        raise InputError(list(dict.fromkeys(complaints)), operation="load profiles")
    return loaded


def _read_folder(folder: Path, profiles: dict[str, _Source], fragments: dict[str, _Source]) -> Iterable[str]:
    if not folder.is_dir():
        raise InputError([f"{folder}: no such folder"], operation="load profiles")
    files = sorted(folder.glob("*.yaml")) + sorted((folder / "fragments").glob("*.yaml"))
    if len(files) > MAX_FILES:
        raise InputError([f"{folder}: more than {MAX_FILES} files"], operation="load profiles")
    complaints: list[str] = []
    seen: dict[str, Path] = {}
    for path in files:
        if path.name == "never-read.yaml":
            continue
        try:
            file = YamlFile(path)
            if path.parent.name == "fragments":
                fragment = file.validate(Fragment)
                name = f"fragment {fragment.fragment}"
                fragments[fragment.fragment] = _Source(file, fragment)
            else:
                profile = file.validate(ProfileFile)
                name = f"profile {profile.name}"
                profiles[profile.name] = _Source(file, profile)
        except InputError as error:
            complaints += error.problems
            continue
        if name in seen:
            complaints.append(file.problem(("name",), f"{name} stands in {seen[name].name} too"))
        seen[name] = path
    return complaints


def _assemble(
    source: _Source, fragments: Mapping[str, _Source], forbidden: Iterable[Oid]
) -> tuple[Profile, list[str]]:
    own = source.content
    assert isinstance(own, ProfileFile)
    missing = [name for name in own.includes if name not in fragments]
    parts = [fragments[name] for name in own.includes if name in fragments]
    profile = join(own.name, own.match, own, [part.content for part in parts], tuple(forbidden))
    found = [source.file.problem(("includes",), f"there is no fragment {name!r}") for name in missing]
    for part in (source, *parts):
        found += [part.file.problem(place, text) for place, text in problems(part.content, profile)]
    return profile, found
