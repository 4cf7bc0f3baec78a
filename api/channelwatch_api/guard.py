"""Slows down password guessing: counts failures per name and address in a bounded table."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from channelwatch_api.limits import GUARD_ENTRIES, LOGIN_WINDOW_MS


class FailureGuard:
    """At most `limit` attempts of one key within the window; a success wipes the key's slate.

    An attempt counts from its beginning, so that many at once do not slip through. Times are monotonic ms.
    """

    def __init__(self, limit: int, *, window_ms: int = LOGIN_WINDOW_MS, entries: int = GUARD_ENTRIES) -> None:
        self._limit = limit
        self._window_ms = window_ms
        self._entries = entries
        self._attempts: OrderedDict[Hashable, list[int]] = OrderedDict()

    def wait_ms(self, key: Hashable, now: int) -> int:
        """How long `key` has to wait before its next attempt; 0 = it may try now."""
        recent = self._recent(key, now)
        return 0 if len(recent) < self._limit else recent[-self._limit] + self._window_ms - now

    def begin(self, key: Hashable, now: int) -> None:
        """Count an attempt."""
        self._attempts[key] = [*self._recent(key, now), now]
        self._attempts.move_to_end(key)
        while len(self._attempts) > self._entries:
            self._attempts.popitem(last=False)

    def succeeded(self, key: Hashable) -> None:
        """Forget the key's attempts."""
        self._attempts.pop(key, None)

    def _recent(self, key: Hashable, now: int) -> list[int]:
        return [at for at in self._attempts.get(key, ()) if at > now - self._window_ms][-self._limit :]
