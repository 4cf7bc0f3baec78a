"""When each device is due. Pure: takes the monotonic clock in milliseconds, never reads one.

Each device has its own phase within its period, taken from its code, so that devices added together are not polled
together, and a restart does not change who is polled when.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from zlib import crc32

from channelwatch.base.ids import DeviceCode


@dataclass(frozen=True, slots=True)
class Timing:
    """Times in milliseconds.

    After a miss the device is asked again `confirm_ms` later, until `misses_before_down` misses in a row; from then
    on only at its period. `hint_spacing_ms`: never two polls of a device that begin closer together. After a start
    the first polls are spread over `first_spread_ms`, or over the period where that is shorter.
    """

    confirm_ms: int = 1_000
    misses_before_down: int = 3
    hint_spacing_ms: int = 1_000
    first_spread_ms: int = 5_000


@dataclass(frozen=True, slots=True)
class Due:
    """A poll to start now. `late_ms` is how long ago it should have begun; `misses` how many went before in a row."""

    device: DeviceCode
    late_ms: int
    misses: int


@dataclass(slots=True)
class _Entry:
    period: int
    phase: int
    due_at: int
    serial: int = 0
    started_at: int | None = None
    in_flight: bool = False
    misses: int = 0
    hinted: bool = False


class Schedule:
    """A heap of due times, in which outdated entries are recognised by their serial number and passed over."""

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self.overruns = 0
        self._entries: dict[DeviceCode, _Entry] = {}
        self._heap: list[tuple[int, int, DeviceCode]] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, device: DeviceCode, period_ms: int, now: int) -> None:
        """Add a device, or change its period; one that is there with the same period is left alone."""
        assert period_ms > 0, "a period is above zero"
        entry = self._entries.get(device)
        if entry is not None and entry.period == period_ms:
            return
        phase = crc32(device.encode()) % period_ms
        if entry is None:
            spread = max(1, min(period_ms, self.timing.first_spread_ms))
            entry = self._entries[device] = _Entry(period_ms, phase, now + crc32(device.encode()) % spread)
        else:
            entry.period, entry.phase = period_ms, phase
            entry.due_at = _next_slot(entry, now)
        self._push(device, entry)

    def remove(self, device: DeviceCode) -> None:
        """Forget a device; the outcome of a poll in flight is then ignored."""
        self._entries.pop(device, None)

    def next_at(self) -> int | None:
        """When something is due next, None if nothing is scheduled."""
        self._drop_outdated()
        return self._heap[0][0] if self._heap else None

    def due(self, now: int, room: int) -> list[Due]:
        """The polls to start now, the longest due first, at most `room`. They count as in flight from here on."""
        started: list[Due] = []
        while len(started) < room:
            self._drop_outdated()
            if not self._heap or self._heap[0][0] > now:
                break
            due_at, _, device = heapq.heappop(self._heap)
            entry = self._entries[device]
            late = now - due_at
            self.overruns += late // entry.period
            entry.in_flight, entry.started_at, entry.hinted = True, now, False
            started.append(Due(device, late, entry.misses))
        return started

    def answered(self, device: DeviceCode, now: int) -> None:
        """The poll in flight was answered."""
        entry = self._landed(device)
        if entry is None:
            return
        entry.misses = 0
        self._regular(device, entry, now)

    def missed(self, device: DeviceCode, now: int, *, counts: bool = True) -> None:
        """The poll in flight gave nothing. `counts` is false when the collector itself may be at fault."""
        entry = self._landed(device)
        if entry is None:
            return
        if counts:
            entry.misses += 1
        if counts and entry.misses < self.timing.misses_before_down:
            entry.due_at = now + self.timing.confirm_ms
            self._push(device, entry)
        else:
            self._regular(device, entry, now)

    def hint(self, device: DeviceCode, now: int) -> bool:
        """Something happened to the device: poll it at once, though never closer than `hint_spacing_ms`.

        False for a device that is not scheduled.
        """
        entry = self._entries.get(device)
        if entry is None:
            return False
        if entry.in_flight:
            entry.hinted = True
            return True
        earliest = self._earliest(entry, now)
        if earliest < entry.due_at:
            entry.due_at = earliest
            self._push(device, entry)
        return True

    def _landed(self, device: DeviceCode) -> _Entry | None:
        entry = self._entries.get(device)
        if entry is None or not entry.in_flight:
            return None
        entry.in_flight = False
        return entry

    def _regular(self, device: DeviceCode, entry: _Entry, now: int) -> None:
        """Back to the device's own rhythm; slots that passed while the poll ran are overruns.

        A slot that comes right after an extra poll is left out: it would tell nothing new.
        """
        assert entry.started_at is not None
        self.overruns += (now - entry.started_at) // entry.period
        entry.due_at = _next_slot(entry, now)
        if entry.due_at - entry.started_at < min(self.timing.hint_spacing_ms, entry.period // 2):
            entry.due_at += entry.period
        if entry.hinted:
            entry.due_at = min(entry.due_at, self._earliest(entry, now))
        self._push(device, entry)

    def _earliest(self, entry: _Entry, now: int) -> int:
        return now if entry.started_at is None else max(now, entry.started_at + self.timing.hint_spacing_ms)

    def _push(self, device: DeviceCode, entry: _Entry) -> None:
        self._serial += 1
        entry.serial = self._serial
        if not entry.in_flight:
            heapq.heappush(self._heap, (entry.due_at, entry.serial, device))

    def _drop_outdated(self) -> None:
        while self._heap:
            _, serial, device = self._heap[0]
            entry = self._entries.get(device)
            if entry is not None and entry.serial == serial and not entry.in_flight:
                return
            heapq.heappop(self._heap)


def _next_slot(entry: _Entry, now: int) -> int:
    """The device's first regular instant after `now`."""
    return now + entry.period - (now - entry.phase) % entry.period
