"""What a bench prints: one JSON line for each figure, and how rounds against a peer are taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal


@dataclass(frozen=True)
class Figure:
    """One figure. With `measure` "ratio" floor and target are for `ratio`, else for `value`.

    `value` and `peer_value` are medians in `unit`. `ratio` is the median of the rounds' own ratios, our value by the
    peer's. `notes` go into the line as they are.
    """

    figure: str
    unit: str
    value: float
    floor: float
    target: float
    measure: Literal["value", "ratio"]
    better: Literal["higher", "lower"]
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """The JSON line."""
        document = {name: _short(value) for name, value in vars(self).items() if name != "notes"}
        return json.dumps({**document, **{name: _short(value) for name, value in self.notes.items()}})


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3) if abs(value) < 100 else round(value)
    return value


def interleaved(rounds: int, ours: Callable[[], float], peer: Callable[[], float]) -> dict[str, float]:
    """Measure in turns, ours first; the medians as `value`, `peer_value` and `ratio`."""
    pairs = [(ours(), peer()) for _ in range(rounds)]
    return {
        "value": median(mine for mine, _ in pairs),
        "peer_value": median(theirs for _, theirs in pairs),
        "ratio": median(mine / theirs for mine, theirs in pairs),
    }
