"""Keeps the running world told of the maintenance windows that people plan."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Bug, Transient
from channelwatch.inventory.maintenance import DAY_MS, Window

if TYPE_CHECKING:
    from channelwatch.app.running.engine import Engine, Job

log = logging.getLogger(__name__)

READ_EVERY_S = 2.0
KEPT_MS = 15 * DAY_MS
"""So long after its end a window may still be asked when it began."""


class Agenda(Protocol):
    """Where windows are written down."""

    def windows(self, *, since: int) -> tuple[Window, ...]:
        """Those that may take place at `since` (epoch ms) or later."""
        ...


def follow_agenda(agenda: Agenda) -> Job:
    """A job of the engine that reads the windows again and again, until it is cancelled."""

    async def follow(engine: Engine) -> None:
        while True:
            try:
                since = EpochMs(engine.clock.now() - KEPT_MS)
                engine.world.windows = await engine.in_store(agenda.windows, since=since)
            except (Transient, Bug, ValueError) as error:
                # Whatever a newer program wrote there, what is watched must go on being watched.
                log.warning("maintenance windows not read; will be tried again", extra={"reason": str(error)})
            await asyncio.sleep(READ_EVERY_S)

    return follow
