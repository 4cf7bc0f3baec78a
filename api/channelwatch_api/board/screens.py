"""One screen: a page's live fragments for one language and scope, rendered once for everybody who looks at it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.drills import Drill
from channelwatch.pipeline.world import World
from channelwatch_api.board.recent import RecentRow
from channelwatch_api.scope import Scope
from channelwatch_api.texts import Language


class View(StrEnum):
    """Which page a screen belongs to; on a still one only what every page has keeps itself current."""

    BOARD = "board"
    TABLE = "table"
    DEVICE = "device"
    CIRCUITS = "circuits"
    INCIDENTS = "incidents"
    INCIDENT = "incident"
    STILL = "still"


@dataclass(frozen=True, slots=True)
class ScreenKey:
    """What decides a screen's text. `subject` is a device code or an incident number where the view needs one."""

    view: View
    language: Language
    prefix: str
    scope: Scope
    may_ack: bool
    may_clear: bool
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment to be: the template that shows it and the value it shows. Equal pieces look the same."""

    template: str
    model: object


@dataclass(frozen=True, slots=True)
class Fragment:
    """A rendered element. `revision` is the round in which it last changed."""

    piece: Piece
    html: str
    revision: int


@dataclass(frozen=True, slots=True)
class Beside:
    """What a screen shows beside the world: recent history, and the drill that is on."""

    recent: tuple[RecentRow, ...] = ()
    drill: Drill | None = None


Compose = Callable[[World, ScreenKey, Beside], Mapping[str, Piece]]
"""A screen's pieces by element id, from the world as it is now."""

Render = Callable[[ScreenKey, str, Piece], str]
"""The HTML of one piece; its outermost element carries the id."""


class Screen:
    """The fragments of one key. Belongs to the event loop."""

    def __init__(self, key: ScreenKey, compose: Compose, render: Render) -> None:
        self.key = key
        self.fragments: dict[str, Fragment] = {}
        self.revision = 0
        self.shape_revision = 0
        self.listeners: set[asyncio.Event] = set()
        self.beside = Beside()
        self.seen_at = EpochMs(0)
        self._compose = compose
        self._render = render
        self._patches: dict[int, str] = {}

    def refresh(self, world: World, revision: int) -> None:
        """Render what looks different from before, and wake whoever is looking at it."""
        pieces = self._compose(world, self.key, self.beside)
        if pieces.keys() != self.fragments.keys():
            self.fragments = {name: old for name, old in self.fragments.items() if name in pieces}
            self.shape_revision = self.revision = revision
        for name, piece in pieces.items():
            old = self.fragments.get(name)
            if old is None or old.piece != piece:
                self.fragments[name] = Fragment(piece, self._render(self.key, name, piece), revision)
                self.revision = revision
        if self.revision == revision:
            self._patches.clear()
            for listener in self.listeners:
                listener.set()

    def html(self, names: Iterable[str]) -> str:
        """The fragments of `names`, one after the other."""
        return "\n".join(self.fragments[name].html for name in names)

    def patch(self, after: int) -> str:
        """The fragments that changed after round `after`, as a JSON object of HTML by element id."""
        held = self._patches.get(after)
        if held is None:
            changed = {
                name: fragment.html for name, fragment in self.fragments.items() if fragment.revision > after
            }
            held = json.dumps(changed, ensure_ascii=False, separators=(",", ":"))
            self._patches[after] = held
        return held
