"""The operator's profiles, taken again when a file of them changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from channelwatch_collector.profiles.load import load_profiles
from channelwatch_collector.profiles.profile import Profile

Stamp = tuple[tuple[str, int, int], ...]
"""Each file's path, when it was last written (ns), and its size (octets)."""


def stamp(folder: Path | None) -> Stamp:
    """What tells one state of a folder from another; empty where there is no folder."""
    if folder is None:
        return ()
    found = []
    for path in (*folder.glob("*.yaml"), *(folder / "fragments").glob("*.yaml")):
        try:
            told = path.stat()
        except OSError:  # it went away meanwhile
            continue
        found.append((str(path), told.st_mtime_ns, told.st_size))
    return tuple(sorted(found))


class ProfilesFolder:
    """A folder of profiles beside the built-in ones."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._seen = stamp(folder)

    def load(self) -> Mapping[str, Profile]:
        """All profiles. InputError names every mistake."""
        return load_profiles(self._folder)

    def changed(self) -> Mapping[str, Profile] | None:
        """All profiles anew, if a file was added, altered or taken away since the last look; else None.

        InputError names every mistake, once for each change: until the next one, what was loaded before holds.
        """
        now = stamp(self._folder)
        if now == self._seen:
            return None
        self._seen = now
        return self.load()
