"""What the running service needs of the place where drills are written down."""

from __future__ import annotations

from typing import Protocol

from channelwatch.incidents.drills import Drill
from channelwatch.store.desk import Act


class DrillBook(Protocol):
    """Where drills are written down."""

    def drills(self) -> tuple[Drill, ...]:
        """All of them, by number."""
        ...

    def ask_drill(self, wanted: Drill, *, origin: str) -> int:
        """Record a drill; its number. Permanent while another one is not over."""
        ...

    def mark_drill(self, number: int, kind: str, act: Act) -> None:
        """Record that one has begun, is to stop or has ended."""
        ...
