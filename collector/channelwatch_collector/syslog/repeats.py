"""What is over a source's rate: lines that differ in nothing but their stamp are told once, with their number."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from channelwatch_collector.syslog.directory import Peer

_DATED: Final = re.compile(
    rb"<\d{1,3}>(?:1 [^ ]+ |(?:\d{1,10}: +)?[*.]?[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?)?"
)


class Seen(Enum):
    """What a line over the rate is to its source."""

    FIRST = auto()
    AGAIN = auto()
    TOO_MANY = auto()
    """Another new one, and no room to remember it."""


@dataclass(slots=True)
class Repeated:
    """`again` more lines like `raw` came from `peer`, the last of them at `last_tick` (monotonic ms)."""

    raw: bytes
    peer: Peer
    source: str
    since_tick: int
    again: int = 0


class Repeats:
    """Counts repetitions for an interval of `every_s` from the first of its kind on."""

    def __init__(self, *, every_s: float, per_source: int, total: int) -> None:
        self._every_ms = int(every_s * 1000)
        self._per_source = per_source
        self._total = total
        self._groups: dict[tuple[str, bytes], Repeated] = {}
        self._of_source: Counter[str] = Counter()

    def count(self, source: str, raw: bytes, peer: Peer, tick: int) -> Seen:
        """Take note of one line of `source`."""
        key = (source, undated(raw))
        group = self._groups.get(key)
        if group is not None:
            group.again += 1
            group.raw = raw
            return Seen.AGAIN
        if self._of_source[source] >= self._per_source or len(self._groups) >= self._total:
            return Seen.TOO_MANY
        self._groups[key] = Repeated(raw, peer, source, tick)
        self._of_source[source] += 1
        return Seen.FIRST

    def due(self, tick: int, most: int) -> list[Repeated]:
        """At most so many whose interval is over, whether they came again or not; they are then forgotten."""
        over: list[tuple[tuple[str, bytes], Repeated]] = []
        for key, group in self._groups.items():
            if len(over) == most or tick - group.since_tick < self._every_ms:
                break
            over.append((key, group))
        for key, group in over:
            del self._groups[key]
            self._of_source[group.source] -= 1
            if not self._of_source[group.source]:
                del self._of_source[group.source]
        return [group for _, group in over]


def undated(raw: bytes) -> bytes:
    """`raw` without its PRI, sequence number and stamp, as far as these stand where they usually do."""
    found = _DATED.match(raw)
    return raw[found.end() :] if found else raw
