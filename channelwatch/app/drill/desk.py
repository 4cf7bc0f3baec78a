"""Starting, stopping and looking up drills: what the command line and the pages share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec, Protocol, TypeVar

from channelwatch.app.drill.report import Played
from channelwatch.app.premises import Premises
from channelwatch.app.running.drillbook import DrillBook
from channelwatch.app.settings import Settings
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError, Transient
from channelwatch.incidents.drills import Drill, People, problems
from channelwatch.inventory.model import Bloc, Inventory, Role
from channelwatch.pipeline.ports import History
from channelwatch.store.desk import Act
from channelwatch.store.drills import STOP

P = ParamSpec("P")
R = TypeVar("R")

READ_MOST = 10_000
"""Incidents read for one report, those that are no drill's among them."""
ANSWER_S = 5.0
"""How long a person waits for the store, in seconds."""


class DrillHouse(Premises, Protocol):
    """What a desk uses of the running engine."""

    @property
    def history(self) -> History: ...

    async def in_store(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a store call in the one store thread."""
        ...

    async def look_up(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a reading store call in a thread for reads."""
        ...


class DrillDesk:
    """Drills as people hold them on a running service. Belongs to one event loop."""

    def __init__(self, house: DrillHouse, book: DrillBook) -> None:
        self._house = house
        self._book = book

    async def every(self) -> list[Drill]:
        """All drills, the newest first."""
        return list(reversed(await self._house.look_up(self._book.drills)))

    async def start(self, wanted: Drill, *, origin: str) -> int:
        """Ask for a drill; its number. The engine begins it within a second or two.

        InputError when it cannot be held so, Permanent while another one is not over, Transient when the store is slow.
        """
        inventory = self._house.world.inventory
        check(wanted, inventory, people(inventory, self._house.settings))
        return await _in_time(self._house.in_store(self._book.ask_drill, wanted, origin=origin))

    async def stop(self, number: int, *, by: str, origin: str) -> None:
        """Ask for a drill's end. Permanent when there is none or it is over, Transient when the store is slow."""
        act = Act(by, self._house.clock.now(), origin)
        await _in_time(self._house.in_store(self._book.mark_drill, number, STOP, act))

    async def played(self, drill: Drill) -> list[Played]:
        """The incidents that came of a drill, the oldest first."""
        return await self._house.look_up(played_in, self._house.history, drill, self._house.clock.now())


def people(inventory: Inventory, settings: Settings) -> People:
    """Who may ask for drills and agree to them: the contacts of the inventory, and the accounts of the settings."""
    named = [(item.role, str(item.code)) for item in inventory.contacts]
    if settings.http is not None:
        named += [(item.role, item.name) for item in settings.http.accounts]
    chiefs, owners = ({name for role, name in named if role is wanted} for wanted in (Role.CHIEF, Role.OWNER))
    return People(frozenset(chiefs), frozenset(owners))


def check(wanted: Drill, inventory: Inventory, known: People) -> None:
    """InputError, naming everything that stands against it, when a drill cannot be held so."""
    wrong = list(problems(wanted, inventory, known))
    if wrong:
        raise InputError(wrong)


def played_in(history: History, drill: Drill, now: EpochMs) -> list[Played]:
    """What came of a drill until its end or `now`, the oldest first."""
    since = drill.begun_at if drill.begun_at is not None else drill.requested_at
    until = drill.ended_at if drill.ended_at is not None else now
    opened = history.incidents(blocs=list(Bloc), since=since, limit=READ_MOST)
    own = [item for item in opened if item.drill and item.opened_at <= until]
    return [Played(item, history.steps(item.id), history.pages(item.id)) for item in reversed(own)]


async def _in_time(asked: Awaitable[R]) -> R:
    try:
        async with asyncio.timeout(ANSWER_S):
            return await asked
    except TimeoutError:
        raise Transient("the store is slow; it may be recorded yet", operation="drill") from None
