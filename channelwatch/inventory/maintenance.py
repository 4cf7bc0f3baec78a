"""Planned work: windows that somebody asks for, somebody else approves, and that may come again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode, SiteCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Bloc, Inventory

DAY_MS = 24 * 3600_000
MAX_LENGTH_MS = 14 * DAY_MS
"""The longest single window: what takes longer is taken out of service."""
MAX_AGAIN_MS = 3 * 366 * DAY_MS
"""How long a window may come again."""
MAX_EXCEPTIONS = 200
"""Days on which one window may not take place."""
MAX_TEXT = 500
"""Characters of a reason or a name."""


_RAREST_MS = 124 * DAY_MS
"""The longest time from one occurrence to the next: two fifth Tuesdays lie a quarter of a year apart."""


class Every(StrEnum):
    """How often a window comes again, at the same time of day in Viet Nam.

    `MONTH` keeps the day of the month, `MONTH_WEEKDAY` the weekday and its place in the month, such as the second
    Tuesday; months without such a day are left out.
    """

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    MONTH_WEEKDAY = "month_weekday"


class WindowScope(StrEnum):
    """What a window, or a correction, is about."""

    DEVICE = "device"
    SITE = "site"
    PAIR = "pair"
    BLOC = "bloc"


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window [`start`, `end`), epoch ms, and again, as `every` says, while it starts before
    `again_until`.

    What would touch one of `except_days`, days in Viet Nam, is left out. It counts for nothing until it is approved,
    and for nothing more from `ended_at` on. `owner` is the post that answers for the work.
    """

    id: int
    scope: WindowScope
    code: str
    start: EpochMs
    end: EpochMs
    owner: str
    reason: str
    requested_by: str
    requested_at: EpochMs
    every: Every = Every.WEEK
    again_until: EpochMs | None = None
    except_days: frozenset[date] = frozenset()
    approved_by: str | None = None
    approved_at: EpochMs | None = None
    ended_by: str | None = None
    ended_at: EpochMs | None = None

    def occurrences(self, until: int, *, since: int = 0) -> Iterator[Interval]:
        """When it takes place, as far as that begins before `until`, ends after `since`, and was not called off."""
        for start, planned_end in self._planned(since, until):
            if not self.except_days.isdisjoint(_days(start, planned_end)):
                continue
            end = planned_end if self.ended_at is None else min(planned_end, self.ended_at)
            if end > max(start, since):
                yield Interval(start, end)

    def is_on(self, now: EpochMs) -> bool:
        """Does it take place at `now`, with approval?"""
        if self.approved_at is None or now < max(self.approved_at, self.start):
            return False
        return any(start <= now < end for start, end in self.occurrences(now + 1, since=now))

    def began_before(self, now: EpochMs) -> int | None:
        """When the newest occurrence that ended by `now` began; None when none did within the last weeks."""
        recent = self.occurrences(now, since=now - 14 * DAY_MS)
        over = [part.start for part in recent if part.end <= now]
        return over[-1] if over else None

    @property
    def last_end(self) -> int:
        """When its last occurrence ends."""
        if self.again_until is None:
            over = self.start
        else:
            over = self.again_until if self.ended_at is None else min(self.again_until, self.ended_at)
        last = self.end if self.ended_at is None else min(self.end, self.ended_at)
        since = self.start if self.except_days else over - _RAREST_MS
        for part in self.occurrences(over + 1, since=since):
            last = EpochMs(max(last, part.end))
        return last

    def without(self, days: Iterable[date]) -> Window:
        """The same window, left out on those of `days` that it would touch."""
        whole = replace(self, except_days=frozenset())
        touched = {day for start, end in whole.occurrences(self._over) for day in _days(start, end)}
        return replace(self, except_days=frozenset(days) & touched)

    @property
    def _over(self) -> int:
        return self.start + 1 if self.again_until is None else self.again_until

    def _planned(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        if self.again_until is None:
            yield from [(self.start, self.end)] if self.start < until else []
            return
        first, length = _local(self.start), _local(self.end) - _local(self.start)
        number = max(0, (since - self.end) // _LONGEST_MS[self.every])
        while True:
            begins = _again(first, self.every, number)
            number += 1
            if begins is None:
                continue
            start = _at(begins)
            if start >= until or (start > self.start and start >= self.again_until):
                return
            yield start, _at(begins + length)


_LONGEST_MS = {
    Every.DAY: DAY_MS,
    Every.WEEK: 7 * DAY_MS,
    Every.MONTH: 31 * DAY_MS,
    Every.MONTH_WEEKDAY: 35 * DAY_MS,
}


def _local(at: int) -> datetime:
    return datetime.fromtimestamp(at // 1000, LOCAL_ZONE).replace(microsecond=at % 1000 * 1000)


def _at(local: datetime) -> int:
    return int(local.replace(microsecond=0).timestamp()) * 1000 + local.microsecond // 1000


def _days(start: int, end: int) -> Iterator[date]:
    """The days in Viet Nam that [start, end) touches."""
    day, last = _local(start).date(), _local(max(start, end - 1)).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _again(first: datetime, every: Every, number: int) -> datetime | None:
    """The time of the occurrence `number` after `first`; None where that month has no such day."""
    match every:
        case Every.DAY:
            return first + timedelta(days=number)
        case Every.WEEK:
            return first + timedelta(weeks=number)
        case Every.MONTH | Every.MONTH_WEEKDAY:
            years, month = divmod(first.month - 1 + number, 12)
            month_begins = first.replace(year=first.year + years, month=month + 1, day=1)
            ahead = first.day - 1
            if every is Every.MONTH_WEEKDAY:
                ahead = (first.weekday() - month_begins.weekday()) % 7 + ahead // 7 * 7
            found = month_begins + timedelta(days=ahead)
            return found if found.month == month_begins.month else None
        case _:
            assert_never(every)


def problems(window: Window, inventory: Inventory) -> list[str]:
    """Why `window` cannot be planned; nothing when it can."""
    found = [*scope_problems(window.scope, window.code, inventory), *_times(window)]
    for name, text in (("reason", window.reason), ("owner", window.owner), ("name", window.requested_by)):
        if not 0 < len(text.strip()) <= MAX_TEXT:
            found.append(f"{name}: must have 1 to {MAX_TEXT} characters")
    return found


def _times(window: Window) -> Iterator[str]:
    if window.start <= window.requested_at:
        yield "it has begun already: what was not approved before is a correction (channelwatch correct)"
    if not 0 < window.end - window.start <= MAX_LENGTH_MS:
        yield f"it must end after it begins, within {MAX_LENGTH_MS // DAY_MS} days"
    if window.again_until is None:
        if window.except_days:
            yield "only a window that comes again may have days on which it does not take place"
        return
    if len(window.except_days) > MAX_EXCEPTIONS:
        yield f"it may be left out on {MAX_EXCEPTIONS} days at most"
    if window.every in (Every.DAY, Every.WEEK) and window.end - window.start > _LONGEST_MS[window.every]:
        yield f"a window of every {window.every} must be shorter than a {window.every}"
    if not window.start < window.again_until <= window.start + MAX_AGAIN_MS:
        yield "it may come again for three years at most, and not before it began"
    elif window.except_days and not any(window.occurrences(window.again_until)):
        yield "nothing is left of it: every time is left out"


def scope_problems(scope: WindowScope, code: str, inventory: Inventory) -> Iterator[str]:
    """Why there is no such scope, if there is none."""
    known: dict[WindowScope, Iterable[str]] = {
        WindowScope.DEVICE: inventory.device,
        WindowScope.SITE: inventory.site,
        WindowScope.PAIR: inventory.members,
        WindowScope.BLOC: {site.bloc.value for site in inventory.sites},
    }
    if code not in known[scope]:
        yield f"{scope} {code!r}: not in the inventory"


def same_person(one: str, other: str) -> bool:
    """Are these two names, as typed, of one person?"""
    return one.strip().casefold() == other.strip().casefold()


def devices_in(windows: Iterable[Window], inventory: Inventory, now: EpochMs) -> frozenset[DeviceCode]:
    """The devices of `inventory` that approved work is done on at `now`."""
    found: set[DeviceCode] = set()
    for window in windows:
        if window.is_on(now):
            found.update(devices_of(window, inventory))
    return frozenset(found & inventory.device.keys())


def devices_of(window: Window, inventory: Inventory) -> Iterable[DeviceCode]:
    """The devices that `window` is about."""
    match window.scope:
        case WindowScope.DEVICE:
            return (DeviceCode(window.code),)
        case WindowScope.PAIR:
            return inventory.members.get(GroupCode(window.code), ())
        case WindowScope.SITE:
            return (item.code for item in inventory.devices if item.site == SiteCode(window.code))
        case WindowScope.BLOC:
            sites = {site.code for site in inventory.sites if site.bloc is Bloc(window.code)}
            return (item.code for item in inventory.devices if item.site in sites)
