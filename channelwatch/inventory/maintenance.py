"""Planned work: windows that somebody asks for, somebody else approves, and that may come again every week."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode, SiteCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Bloc, Inventory

DAY_MS = 24 * 3600_000
MAX_LENGTH_MS = 14 * DAY_MS
"""The longest single window: what takes longer is taken out of service."""
MAX_WEEKLY_MS = 3 * 366 * DAY_MS
"""How long a window may come again."""
MAX_TEXT = 500
"""Characters of a reason or a name."""


class WindowScope(StrEnum):
    """What a window, or a correction, is about."""

    DEVICE = "device"
    SITE = "site"
    PAIR = "pair"
    BLOC = "bloc"


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window [`start`, `end`), epoch ms, and again every week while it starts before `weekly_until`.

    It counts for nothing until it is approved, and for nothing more from `ended_at` on. `owner` is the post that
    answers for the work.
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
    weekly_until: EpochMs | None = None
    approved_by: str | None = None
    approved_at: EpochMs | None = None
    ended_by: str | None = None
    ended_at: EpochMs | None = None

    def occurrences(self, until: int, *, since: int = 0) -> Iterator[Interval]:
        """When it takes place, as far as that begins before `until`, ends after `since`, and was not called off."""
        for start, planned_end in self._planned(since, until):
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
        last = self.end
        for part in self.occurrences((self.weekly_until or self.start) + 1):
            last = EpochMs(part.end)
        return last

    def _planned(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        week = max(0, (since - self.end) // (7 * DAY_MS)) if self.weekly_until else 0
        while True:
            start, end = _weeks_later(self.start, week), _weeks_later(self.end, week)
            if start >= until or (week and (self.weekly_until is None or start >= self.weekly_until)):
                return
            yield start, end
            week += 1


def _weeks_later(at: int, weeks: int) -> int:
    """The same time of day in Viet Nam, so many weeks later."""
    local = datetime.fromtimestamp(at // 1000, LOCAL_ZONE) + timedelta(weeks=weeks)
    return int(local.timestamp()) * 1000 + at % 1000


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
    if window.weekly_until is None:
        return
    if window.end - window.start > 7 * DAY_MS:
        yield "a window of every week must be shorter than a week"
    if not window.start < window.weekly_until <= window.start + MAX_WEEKLY_MS:
        yield "it may come again for three years at most, and not before it began"


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
