"""How floor 5 joins the house: through entry points, since floor 4 imports nothing above itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from channelwatch.app.running.engine import Part
from channelwatch.base.errors import Bug

PARTS = "channelwatch.parts"
COMMANDS = "channelwatch.commands"


class Command(Protocol):
    """A subcommand of `channelwatch`."""

    name: str
    help: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the exit status. Permanent errors are printed by the caller."""
        ...


def load_parts(names: frozenset[str] | None = None) -> list[Part]:
    """The installed parts (all, or those named), each constructed without arguments."""
    return [entry.load()() for entry in _entries(PARTS) if names is None or entry.name in names]


def load_commands() -> list[Command]:
    """The installed commands of floor 5, already objects."""
    return [entry.load() for entry in _entries(COMMANDS)]


def _entries(group: str) -> Iterator[EntryPoint]:
    seen: set[str] = set()
    for entry in sorted(entry_points(group=group), key=lambda item: item.name):
        if entry.name in seen:
            raise Bug(f"two packages offer {entry.name!r}", operation="load plug-ins", subject=group)
        seen.add(entry.name)
        yield entry
