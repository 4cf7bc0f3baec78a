"""How floor 5 joins the house: through entry points, since floor 4 imports nothing above itself."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Protocol

from channelwatch.base.errors import Bug

if TYPE_CHECKING:
    from channelwatch.app.engine import Engine

PARTS = "channelwatch.parts"
COMMANDS = "channelwatch.commands"


class Part(Protocol):
    """A piece of the running process beside the pipeline: the collector, the HTTP server."""

    name: str

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain and return within the stop time-out.

        Raises a Permanent error (a port in use, a wrong profile) when it cannot start: the process ends with it.
        """
        ...


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
