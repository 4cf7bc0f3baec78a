"""Calendar jobs. APScheduler drives them by the wall clock; nothing that must be on time to the second is here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.errors import Bug, Permanent, Transient
from channelwatch.base.intervals import Interval
from channelwatch.incidents.rules import OwnFault
from channelwatch.metrics.process import Projection
from channelwatch.pipeline.availability import Terms
from channelwatch.pipeline.ports import Purge
from channelwatch.pipeline.snapshots import MonthArchive, make_month, stale_months
from channelwatch.pipeline.world import World

if TYPE_CHECKING:
    from channelwatch.app.running.engine import Engine, Job

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
SHOWN = 5
"""Differences of the projection that are logged."""
COUNTED = 1000
"""Differences that are looked for at most."""
MONTHS_MS = 5 * 366 * DAY_MS
"""How long ago a month may lie that is measured without being asked for."""


class Projected(MonthArchive, Protocol):
    """A store whose projection can be compared with what it was made of, and that keeps months, from any thread."""

    def differences(self, *, limit: int) -> Sequence[object]:
        """Where the projection is not what the transitions say."""
        ...


def calendar(store: Projected) -> Job:
    """The calendar, run until cancelled: each night at 02:30 local time what is past its retention goes, and at 03:30
    the projection of `store` is compared with its transitions, and months that are over are measured. It is compared
    at once, too, while the last comparison's incident is live: a restart alone is no repair.
    """

    async def keep(engine: Engine) -> None:
        scheduler = AsyncIOScheduler(timezone=LOCAL_ZONE)
        meter = Projection(engine.registry)
        _nightly(scheduler, partial(prune, engine), hour=2)
        _nightly(scheduler, partial(compare, engine, store, meter), hour=3)
        _nightly(scheduler, partial(measure_months, engine, store), hour=3)
        scheduler.start()
        try:
            if awaits_comparison(engine.world):
                engine.extra_faults.add(OwnFault.PROJECTION)
                await compare(engine, store, meter)
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    keep.__name__ = "calendar"
    return keep


def awaits_comparison(world: World) -> bool:
    """Is there a live incident about a projection that differed?"""
    rules = {rule.id for rule in world.rules.collector if OwnFault.PROJECTION in rule.when.own}
    return any(item.rule in rules and item.is_live for item in world.incidents.values())


def _nightly(
    scheduler: AsyncIOScheduler, job: Callable[[], Coroutine[None, None, None]], *, hour: int
) -> None:
    scheduler.add_job(
        job,
        CronTrigger(hour=hour, minute=30, timezone=LOCAL_ZONE),
        misfire_grace_time=6 * 3600,
        coalesce=True,
        max_instances=1,
    )


async def prune(engine: Engine) -> None:
    """Delete events and messages that are older than the settings keep them; transitions and incidents stay.

    What each run has deleted is recorded in the store.
    """
    settings = engine.settings.store
    await _prune(engine, "events", engine.store.prune_events, settings.event_retention_days)
    await _prune(engine, "messages", engine.store.prune_pages, settings.message_retention_days)


async def _prune(engine: Engine, what: str, some_of: Callable[[EpochMs], int], days: int) -> None:
    before = EpochMs(engine.clock.now() - days * DAY_MS)
    removed = 0
    try:
        while some := await engine.in_store(some_of, before):
            removed += some
    except Transient as error:
        log.error("pruning put off", extra={"what": what, "reason": str(error), "removed": removed})
    else:
        log.info(f"{what} pruned", extra={"removed": removed, "before": before})
    try:
        await engine.in_store(engine.store.note_purge, Purge(what, before, removed, engine.clock.now()))
    except Transient as error:
        log.error("pruning not noted", extra={"what": what, "reason": str(error), "removed": removed})


async def compare(engine: Engine, store: Projected, meter: Projection) -> None:
    """Compare the projection that reports read with the transitions, beside what is being written.

    A difference is a fault of the monitoring until a comparison finds none.
    """
    try:
        found = await asyncio.to_thread(store.differences, limit=COUNTED)
    except (Transient, Permanent, Bug) as error:
        log.error("projection not compared", extra={"reason": str(error)})
        return
    meter.compared(len(found), engine.clock.now())
    (engine.extra_faults.add if found else engine.extra_faults.discard)(OwnFault.PROJECTION)
    for difference in found[:SHOWN]:
        log.error(
            "status intervals differ; run `channelwatch rebuild`", extra={"difference": str(difference)}
        )
    log.info("projection compared", extra={"differences": len(found)})


async def measure_months(engine: Engine, store: MonthArchive) -> None:
    """Measure the months that are over and not kept, or no longer right; another night's turn for what fails."""
    now = engine.clock.now()
    terms = Terms(
        Interval(max(0, now - MONTHS_MS), now), now, Fraction(1), engine.settings.collector.snmp.poll_s * 1000
    )
    try:
        for month in await asyncio.to_thread(stale_months, store, terms):
            kept = await asyncio.to_thread(make_month, store, month, terms)
            log.info("month measured", extra={"from": month.start, "to": month.end, "kept": kept})
    except (Transient, Permanent, Bug) as error:
        log.error("months not measured", extra={"reason": str(error)})
