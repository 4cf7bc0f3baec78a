"""Lines that a sender sends again since it saw no acknowledgement (RELP): recognised, so that each counts once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

Receipt = asyncio.Future[None]
"""Done once the line is committed."""


@dataclass(slots=True)
class _Line:
    """How often each session sent it, and the receipt of the last time; `tick` is when that was (monotonic ms)."""

    tick: int
    receipt: Receipt | None
    by_session: dict[int, int] = field(default_factory=dict)


class Resends:
    """Knows the lines of the last `keep_s` seconds, at most `limit` of them.

    Within a session nothing is sent again, whatever its transaction number: two equal lines are two events. A
    line that another session of the same source sent, and this one has not yet, is that one sent again.
    """

    def __init__(self, *, keep_s: float, limit: int) -> None:
        self._keep_ms = int(keep_s * 1000)
        self._limit = limit
        self._lines: OrderedDict[int, _Line] = OrderedDict()
        self._sessions = 0

    def begin_session(self) -> int:
        """A number for a new session."""
        self._sessions += 1
        return self._sessions

    def recognise(self, session: int, source: str, raw: bytes, tick: int) -> _Line | None:
        """The line that this is once more (its `receipt` says when it is safe), or None for a new one."""
        self._forget(tick)
        known = self._lines.get(hash((source, raw)))
        if known is None:
            return None
        for other, count in known.by_session.items():
            if other != session and count:
                known.by_session[other] -= 1
                known.by_session[session] = known.by_session.get(session, 0) + 1
                return known
        return None

    def remember(self, session: int, source: str, raw: bytes, *, tick: int, receipt: Receipt | None) -> None:
        """A new line was taken."""
        key = hash((source, raw))
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(tick, receipt)
        line.tick, line.receipt = tick, receipt
        line.by_session[session] = line.by_session.get(session, 0) + 1
        self._lines.move_to_end(key)
        if len(self._lines) > self._limit:
            self._lines.popitem(last=False)

    def _forget(self, tick: int) -> None:
        while self._lines:
            oldest = next(iter(self._lines.values()))
            if tick - oldest.tick < self._keep_ms:
                return
            self._lines.popitem(last=False)
