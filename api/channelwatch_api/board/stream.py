"""The event stream of the board (server-sent events): bounded, resumable, with a heartbeat.

Nothing is queued per client. A client says which round it has seen, and is sent the fragments that changed since:
whoever lags or comes back is brought up to date by one patch, however much happened meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from channelwatch.base.errors import Transient
from channelwatch_api.board.model import newest_answer
from channelwatch_api.board.recent import fetch
from channelwatch_api.board.screens import Compose, Render, Screen, ScreenKey, View
from channelwatch_api.house import House
from channelwatch_api.limits import (
    HEARTBEAT_S,
    MAX_SCREENS,
    MAX_STREAMS,
    PATCH_INTERVAL_S,
    RECENT_INTERVAL_S,
)
from channelwatch_api.meters import HttpMeters
from channelwatch_api.problems import Problem
from channelwatch_api.texts import Language

RETRY_MS = 2000
"""How soon a browser comes back after a broken stream."""


Say = Callable[[Language, str], str]
"""What the engine says, in a language."""


def _as_it_is(_: Language, sentence: str) -> str:
    return sentence


class Screens:
    """All screens of the process, and the loops that keep them current while somebody looks."""

    def __init__(
        self, house: House, compose: Compose, render: Render, meters: HttpMeters, *, say: Say = _as_it_is
    ) -> None:
        self._house = house
        self._say = say
        self._meters = meters
        meters.watch_streams(lambda: self.streams)
        self._compose = compose
        self._render = render
        self._screens: OrderedDict[ScreenKey, Screen] = OrderedDict()
        self._boot = secrets.token_hex(4)
        self._round = 0
        self._changed = asyncio.Event()
        self._recent_due = asyncio.Event()
        self._closing = False

    @property
    def streams(self) -> int:
        """Open event streams."""
        return sum(len(screen.listeners) for screen in self._screens.values())

    async def current(self, key: ScreenKey) -> Screen:
        """The screen of `key`, as the world is now."""
        screen = self._screens.get(key)
        if screen is None:
            screen = self._screens[key] = Screen(key, self._compose, self._render)
            self._forget_unwatched()
        self._screens.move_to_end(key)
        if not screen.listeners:
            await self._read_recent(screen)
        self._refresh(screen)
        return screen

    def event_id(self, screen: Screen) -> str:
        """The id from which a stream of `screen` resumes: `boot-round`."""
        return f"{self._boot}-{screen.revision}"

    async def run(self) -> None:
        """Keep watched screens current until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._keep_current())
            tasks.create_task(self._keep_recent())

    def close(self) -> None:
        """End every stream at once."""
        self._closing = True
        for screen in self._screens.values():
            for listener in screen.listeners:
                listener.set()

    async def open(
        self, key: ScreenKey, last_id: str, still_valid: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        """A stream of `key` after `last_id`. Problem 503 when too many are open.

        `still_valid` is asked at each message: when the session has ended, so does the stream.
        """
        if self._closing or self.streams >= MAX_STREAMS:
            self._meters.stream_refused()
            raise Problem(503, headers={"Retry-After": "10"})
        return self._messages(await self.current(key), self._seen(last_id), still_valid)

    async def _messages(
        self, screen: Screen, seen: int, still_valid: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        # Entered only now: a client that left before its first message leaves no listener behind.
        screen = self._screens.setdefault(screen.key, screen)
        wake = asyncio.Event()
        screen.listeners.add(wake)
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            while not self._closing:
                if not still_valid():
                    yield _message("signed-out", "{}")
                    return
                wake.clear()
                if seen < screen.shape_revision:
                    yield _message("reload", "{}")
                    return
                if seen < screen.revision:
                    seen, patch = screen.revision, screen.patch(seen)
                    yield _message("patch", self._with_beat(screen, patch), self.event_id(screen))
                else:
                    yield _message("beat", self._with_beat(screen, "{}"))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HEARTBEAT_S):
                        await wake.wait()
        finally:
            screen.listeners.discard(wake)

    def _seen(self, last_id: str) -> int:
        """The round that a client has seen; -1 when it comes from another run of the process or from nowhere."""
        boot, _, number = last_id.partition("-")
        return int(number) if boot == self._boot and number.isascii() and number.isdecimal() else -1

    def _with_beat(self, screen: Screen, patch: str) -> str:
        beat = {
            "at": self._house.clock.now(),
            "seen": screen.seen_at,
            "problems": [self._say(screen.key.language, item) for item in self._house.readiness().problems],
        }
        return f'{json.dumps(beat, ensure_ascii=False)[:-1]}, "html": {patch}}}'

    async def _listen(self) -> None:
        async with self._house.subscribe() as changes:
            async for _ in changes:
                self._changed.set()
                self._recent_due.set()

    async def _keep_current(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S / 2):
                    await self._changed.wait()
            self._changed.clear()
            for screen in self._watched():
                self._refresh(screen)
                await asyncio.sleep(0)
            await asyncio.sleep(PATCH_INTERVAL_S)

    async def _keep_recent(self) -> None:
        while True:
            await self._recent_due.wait()
            self._recent_due.clear()
            for screen in self._watched():
                await self._read_recent(screen)
            self._changed.set()
            await asyncio.sleep(RECENT_INTERVAL_S)

    async def _read_recent(self, screen: Screen) -> None:
        if screen.key.view is not View.BOARD:
            return
        with contextlib.suppress(Transient):
            recent = await fetch(self._house, screen.key.scope)
            screen.beside = replace(screen.beside, recent=recent)

    def _refresh(self, screen: Screen) -> None:
        self._round += 1
        screen.beside = replace(screen.beside, drill=self._house.drill)
        screen.seen_at = newest_answer(self._house.world, screen.key.scope)
        screen.refresh(self._house.world, self._round)

    def _watched(self) -> list[Screen]:
        return [screen for screen in self._screens.values() if screen.listeners]

    def _forget_unwatched(self) -> None:
        idle = [key for key, screen in self._screens.items() if not screen.listeners]
        for key in idle[: max(0, len(idle) - MAX_SCREENS)]:
            del self._screens[key]


def _message(event: str, data: str, event_id: str = "") -> bytes:
    """One server-sent event. JSON text holds no line break, so one data line is enough."""
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {event}\ndata: {data}\n\n".encode()
