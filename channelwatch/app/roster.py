"""Keeps the running world told of the roster, and of the gaps that lie ahead."""

from __future__ import annotations

import asyncio
import logging
from datetime import time
from typing import TYPE_CHECKING, Protocol

from channelwatch.app.settings import OncallSettings
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug, Transient
from channelwatch.base.intervals import Interval
from channelwatch.incidents.oncall import Gap, Roster
from channelwatch.incidents.worktime import WorkCalendar, known_holidays
from channelwatch.inventory.model import Inventory

if TYPE_CHECKING:
    from channelwatch.app.running.engine import Engine, Job

log = logging.getLogger(__name__)

READ_EVERY_S = 2.0
LOOK_AHEAD_EVERY_MS = 60_000
DAY_MS = 86_400_000
NOT_READ = "roster not read; the one before it stays"


class RosterBook(Protocol):
    """Where the roster is written down."""

    def roster_version(self) -> int:
        """The newest version's number."""
        ...

    def roster(self) -> tuple[int, Roster]:
        """The newest version with its number."""
        ...


def calendar_of(settings: OncallSettings, roster: Roster) -> WorkCalendar:
    """Working hours of the settings with the days off that are known and those of the roster."""
    hours = WorkCalendar(time.fromisoformat(settings.work_begins), time.fromisoformat(settings.work_ends))
    return hours.with_days((*known_holidays(), *roster.holidays))


def gaps_ahead(
    roster: Roster, inventory: Inventory, settings: OncallSettings, now: EpochMs
) -> tuple[Gap, ...]:
    """Where a team has nobody on call in the next `gap_days` days."""
    window = Interval(now, now + settings.gap_days * DAY_MS)
    known = frozenset(item.code for item in inventory.contacts)
    return tuple(roster.gaps(window, calendar_of(settings, roster), known))


def take_roster(book: RosterBook) -> Job:
    """A preparation of the engine: whoever is called as it begins is called by the roster, not everyone of a role."""

    async def take(engine: Engine) -> None:
        try:
            _, engine.world.roster = await engine.in_store(book.roster)
        except (Transient, Bug, ValueError) as error:
            log.warning(NOT_READ, extra={"reason": str(error)})
        engine.world.calendar = calendar_of(engine.settings.oncall, engine.world.roster)

    return take


def follow_roster(book: RosterBook) -> Job:
    """A job of the engine that reads the roster again and again, until it is cancelled."""

    async def follow(engine: Engine) -> None:
        version, looked_at, settings = 0, -LOOK_AHEAD_EVERY_MS, engine.settings.oncall
        while True:
            try:
                if await engine.in_store(book.roster_version) != version:
                    version, engine.world.roster = await engine.in_store(book.roster)
                    looked_at = -LOOK_AHEAD_EVERY_MS
            except (Transient, Bug, ValueError) as error:
                # Whatever a newer program wrote there, people must go on being paged by the roster before.
                log.warning(NOT_READ, extra={"reason": str(error)})
            if engine.clock.monotonic_ms() - looked_at >= LOOK_AHEAD_EVERY_MS:
                looked_at, world = engine.clock.monotonic_ms(), engine.world
                world.calendar = calendar_of(settings, world.roster)
                world.duty_gaps = gaps_ahead(world.roster, world.inventory, settings, engine.clock.now())
            await asyncio.sleep(READ_EVERY_S)

    return follow
