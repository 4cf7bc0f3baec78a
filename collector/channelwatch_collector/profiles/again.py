"""Reading a row again and again: what has not moved since the last answer is not judged anew. Pure.

A reading is the same as last time if the objects that it is made from are, and, where it shows the rate of a counter,
if that stood still the time before as well. Whatever depends on the hour or on a whole column is read each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from channelwatch.status.signals import Reading
from channelwatch_collector.profiles.judge import Read
from channelwatch_collector.profiles.known import KnownRow, Looked, Readings
from channelwatch_collector.profiles.plan import EVERY_PLACE, Cells, Plan
from channelwatch_collector.profiles.rows import DeviceRow, Watch

_NOBODY: frozenset[str] = frozenset()


def moved_places(now: Cells, before: Cells) -> int:
    """The places, as bits, at which two answers differ."""
    if now == before:
        return 0
    moved, bit = 0, 1
    for new, old in zip(now, before, strict=True):
        if new is not old and new != old:
            moved |= bit
        bit <<= 1
    return moved


def stands_still(plan: Plan, known: KnownRow) -> bool:
    """Whether all readings of a row that has not moved are those of last time."""
    return plan.lasts and not known.moved & plan.counters


def keep_counters(plan: Plan, watch: Watch, known: KnownRow) -> None:
    """The counters of a row that stands still were looked at now."""
    if plan.counters:
        for keys in known.counters:
            watch.keep(keys)


def read_own(plan: Plan, readers: Sequence[Read], device: DeviceRow, before: KnownRow | None) -> KnownRow:
    """The scalars of a device."""
    cells = tuple(map(device.answer.scalars.get, plan.oids))
    moved = EVERY_PLACE if before is None else moved_places(cells, before.cells)
    return KnownRow(cells, moved, "", _NOBODY, "", *read_row(plan, readers, device, moved, before))


def read_row(
    plan: Plan, readers: Sequence[Read], row: DeviceRow, moved: int, before: KnownRow | None
) -> tuple[Readings, Looked, tuple[Reading, ...]]:
    """The last three parts of a row: readings of `before` where they must be the same, all others from `row`."""
    if before is None:
        before = _nothing_known(len(readers))
    readings, counters = list(before.readings), list(before.counters)
    for at in plan.to_read(moved, before.moved):
        row.counted = []
        readings[at] = readers[at](row)
        counters[at] = tuple(row.counted)
    if plan.counters:
        for keys in counters:
            if keys:
                row.watch.keep(keys)
    told = tuple([reading for reading in readings if reading is not None])
    # What is equal in many rows is kept once.
    looked = tuple(counters) if plan.counters else before.counters
    return told if len(told) == len(readings) else tuple(readings), looked, told


@cache
def _nothing_known(readers: int) -> KnownRow:
    return KnownRow((), EVERY_PLACE, "", _NOBODY, "", (None,) * readers, ((),) * readers)
