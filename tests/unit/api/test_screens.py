"""Screens: what is rendered anew, and what a client that was away is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from channelwatch_api.board.screens import Piece, Screen, ScreenKey, View
from channelwatch_api.scope import Scope
from channelwatch_api.texts import Language

from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.world import World
from tests.unit.api.memory_house import MemoryHouse

KEY = ScreenKey(View.BOARD, Language.VI, "", Scope.of(frozenset(Bloc)), may_ack=True, may_clear=False)
WORLD: World = MemoryHouse().world


class Stage:
    """A screen over pieces that the test sets; renders are counted."""

    def __init__(self, **values: object) -> None:
        self.values: dict[str, object] = dict(values)
        self.rendered: list[str] = []
        self.screen = Screen(KEY, self.compose, self.render)

    def compose(self, *_: Any) -> Mapping[str, Piece]:
        return {name: Piece("t.html", value) for name, value in self.values.items()}

    def render(self, key: ScreenKey, name: str, piece: Piece) -> str:
        self.rendered.append(name)
        return f"<p id={name}>{piece.model}</p>"

    def refresh(self, revision: int, **values: object) -> None:
        self.values.update(values)
        self.rendered.clear()
        self.screen.refresh(WORLD, revision)

    def patch(self, after: int) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.screen.patch(after))
        return found


def test_only_what_looks_different_is_rendered_again() -> None:
    stage = Stage(a=1, b=1)
    stage.refresh(1)
    assert stage.rendered == ["a", "b"]
    stage.refresh(2, b=2)
    assert stage.rendered == ["b"]
    stage.refresh(3)
    assert stage.rendered == []


def test_a_client_is_sent_what_changed_since_the_round_it_has_seen() -> None:
    stage = Stage(a=1, b=1, c=1)
    stage.refresh(1)
    stage.refresh(2, a=2)
    stage.refresh(5, b=2)
    assert stage.patch(1) == {"a": "<p id=a>2</p>", "b": "<p id=b>2</p>"}
    assert stage.patch(2) == {"b": "<p id=b>2</p>"}
    assert stage.patch(5) == {}


def test_a_patch_is_not_kept_beyond_the_next_change() -> None:
    stage = Stage(a=1)
    stage.refresh(1)
    stage.refresh(2, a=2)
    assert stage.patch(1) == {"a": "<p id=a>2</p>"}
    stage.refresh(3, a=3)
    assert stage.patch(1) == {"a": "<p id=a>3</p>"}


def test_listeners_are_woken_by_a_change_alone() -> None:
    stage, wake = Stage(a=1), asyncio.Event()
    stage.refresh(1)
    stage.screen.listeners.add(wake)
    stage.refresh(2)
    assert not wake.is_set()
    stage.refresh(3, a=2)
    assert wake.is_set()


def test_another_set_of_elements_is_told_apart_from_other_contents() -> None:
    stage = Stage(a=1, b=1)
    stage.refresh(1)
    stage.refresh(2, a=2)
    assert stage.screen.shape_revision == 1
    del stage.values["b"]
    stage.refresh(3)
    assert stage.screen.shape_revision == 3
    assert set(stage.screen.fragments) == {"a"}
