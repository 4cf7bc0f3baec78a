"""What one engine will hold at most."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """The limits of one shard.

    `max_in_flight` operations talk at once and `max_waiting` more may queue; those that have waited for an answer
    longer than `slow_after_s` do not count, up to `max_slow` of them. `max_rows` per column and
    `max_pages` per operation bound a walk, `max_questions` the repetitions of a GET that an agent refuses
    in parts. `max_names` are asked in one GET. The layouts of `max_layouts` answers are
    remembered, some 10 KB each. An unauthenticated Report is believed after
    `report_grace_s` without a genuine answer. `receive_buffer` is in octets.
    """

    max_in_flight: int = 500
    max_slow: int = 4_000
    slow_after_s: float = 0.5
    max_waiting: int = 20_000
    max_peers: int = 50_000
    max_rows: int = 10_000
    max_pages: int = 1_000
    max_questions: int = 64
    max_names: int = 40
    max_layouts: int = 1_000
    report_grace_s: float = 0.05
    receive_buffer: int = 4 * 1024 * 1024

    def gate(self) -> Gate:
        """What keeps to the first four of them, on the running event loop."""
        places = Places(most=self.max_in_flight, most_slow=self.max_slow, patience_s=self.slow_after_s)
        return Gate(places, max_waiting=self.max_waiting)


class Places:
    """Who is inside, and who of them counts. Pure; times are seconds of one monotonic clock.

    At most `most` count. Whoever has been inside longer than `patience_s` waits for somebody who does not answer and
    costs next to nothing, so up to `most_slow` of them count no more: the dead must not keep out the living.
    """

    def __init__(self, *, most: int, most_slow: int, patience_s: float) -> None:
        self._most = most
        self._most_slow = most_slow
        self._patience_s = patience_s
        self._counted: dict[object, float] = {}
        self._slow: set[object] = set()

    def __len__(self) -> int:
        return len(self._counted) + len(self._slow)

    def free(self, now_s: float) -> int:
        """How many more may come in."""
        if len(self._counted) >= self._most:
            self._set_slow_aside(now_s)
        return self._most - len(self._counted)

    def frees_at(self) -> float | None:
        """When somebody will have been inside for so long that there is a free place; None if that is not certain."""
        if len(self._slow) >= self._most_slow or not self._counted:
            return None
        return next(iter(self._counted.values())) + self._patience_s

    def take(self, who: object, now_s: float) -> None:
        """`who` comes in."""
        self._counted[who] = now_s

    def give_back(self, who: object) -> None:
        """`who` has left."""
        if self._counted.pop(who, None) is None:
            self._slow.discard(who)

    def _set_slow_aside(self, now_s: float) -> None:
        while self._counted and len(self._slow) < self._most_slow:
            who, since_s = next(iter(self._counted.items()))
            if since_s + self._patience_s > now_s:
                return
            del self._counted[who]
            self._slow.add(who)


class Gate:
    """Lets in whom `places` have room for; `max_waiting` more wait in order of arrival."""

    def __init__(self, places: Places, *, max_waiting: int) -> None:
        self._places = places
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[asyncio.Future[None], object]] = deque()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, who: object) -> bool:
        """Wait for a place; False at once if too many wait already. Each True needs one `leave`."""
        if self.enters_at_once(who):
            return True
        if len(self._waiting) >= self._max_waiting:
            return False
        admitted = self._loop.create_future()
        self._waiting.append((admitted, who))
        self._look_again_in_time()
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled():
                self.leave(who)
            else:
                with suppress(ValueError):  # passed over already
                    self._waiting.remove((admitted, who))
            raise
        return True

    def enters_at_once(self, who: object) -> bool:
        """Take a place if there is one and nobody waits for it."""
        now_s = self._loop.time()
        if self._waiting or self._places.free(now_s) < 1:
            return False
        self._places.take(who, now_s)
        return True

    def leave(self, who: object) -> None:
        """Make room for the next."""
        self._places.give_back(who)
        if self._waiting:
            self._admit()

    def _admit(self) -> None:
        now_s = self._loop.time()
        while self._waiting and self._places.free(now_s) > 0:
            admitted, who = self._waiting.popleft()
            if not admitted.done():
                self._places.take(who, now_s)
                admitted.set_result(None)
        self._look_again_in_time()

    def _look_again_in_time(self) -> None:
        """Nobody may leave for long, and yet there may be room."""
        at_s = self._places.frees_at() if self._waiting else None
        if self._timer is None and at_s is not None:
            self._timer = self._loop.call_at(at_s, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self._admit()
