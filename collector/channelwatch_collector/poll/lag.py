"""How late the event loop wakes: a collector that is starved must blame itself, not the devices. Pure."""

from __future__ import annotations

from collections import deque

MAX_SAMPLES = 2_048


class LagRecord:
    """The loop's lags of the recent past. Instants and lags in milliseconds of the monotonic clock."""

    def __init__(self, limit: int = MAX_SAMPLES) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=limit)

    def note(self, at: int, lag: int) -> None:
        """At `at` a timer was `lag` late."""
        self._samples.append((at, lag))

    def worst_since(self, since: int) -> int:
        """The greatest lag noted at or after `since`; 0 if none was."""
        worst = 0
        for at, lag in reversed(self._samples):
            if at < since:
                break
            worst = max(worst, lag)
        return worst
