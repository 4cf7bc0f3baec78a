"""What one engine will hold at most."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """The limits of one shard.

    `max_in_flight` operations talk at once and `max_waiting` more may queue. `max_rows` per column and
    `max_pages` per operation bound a walk, `max_questions` the repetitions of a GET that an agent refuses
    in parts. `max_names` are asked in one GET. The layouts of `max_layouts` answers are
    remembered, some 10 KB each. An unauthenticated Report is believed after
    `report_grace_s` without a genuine answer. `receive_buffer` is in octets.
    """

    max_in_flight: int = 500
    max_waiting: int = 20_000
    max_peers: int = 50_000
    max_rows: int = 10_000
    max_pages: int = 1_000
    max_questions: int = 64
    max_names: int = 40
    max_layouts: int = 1_000
    report_grace_s: float = 0.05
    receive_buffer: int = 4 * 1024 * 1024


class Gate:
    """Lets `max_inside` through at once and `max_waiting` more wait in order of arrival."""

    def __init__(self, *, max_inside: int, max_waiting: int) -> None:
        self._slots = asyncio.Semaphore(max_inside)
        self._max_waiting = max_waiting
        self._waiting = 0

    async def enter(self) -> bool:
        """Wait for a place; False at once if too many wait already. Each True needs one `leave`."""
        if self._slots.locked() and self._waiting >= self._max_waiting:
            return False
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        return True

    def leave(self) -> None:
        """Make room for the next."""
        self._slots.release()
