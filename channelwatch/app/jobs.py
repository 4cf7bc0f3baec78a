"""Calendar jobs. APScheduler drives them by the wall clock; nothing that must be on time to the second is here."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.errors import Transient

if TYPE_CHECKING:
    from channelwatch.app.engine import Engine

log = logging.getLogger(__name__)

DAY_MS = 86_400_000


async def calendar(engine: Engine) -> None:
    """Run the calendar until cancelled: events past their retention are pruned each night at 02:30 local."""
    scheduler = AsyncIOScheduler(timezone=LOCAL_ZONE)
    scheduler.add_job(
        prune,
        CronTrigger(hour=2, minute=30, timezone=LOCAL_ZONE),
        args=[engine],
        misfire_grace_time=6 * 3600,
        coalesce=True,
        max_instances=1,
    )
    scheduler.start()
    try:
        await asyncio.Event().wait()
    finally:
        scheduler.shutdown(wait=False)


async def prune(engine: Engine) -> None:
    """Delete events older than the retention of the settings; transitions and incidents stay."""
    before = EpochMs(engine.clock.now() - engine.settings.store.event_retention_days * DAY_MS)
    removed = 0
    try:
        while some := await engine.in_store(engine.store.prune_events, before):
            removed += some
    except Transient as error:
        log.error("pruning put off", extra={"reason": str(error), "removed": removed})
        return
    log.info("events pruned", extra={"removed": removed, "before": before})
