"""What a bench prints: one JSON line for each figure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Figure:
    """One figure. With `measure` "ratio" floor and target are for `ratio` (ours by the peer's), else for `value`.

    `notes` go into the line as they are.
    """

    figure: str
    unit: str
    value: float
    floor: float
    target: float
    measure: Literal["value", "ratio"] = "value"
    better: Literal["higher", "lower"] = "lower"
    peer: str | None = None
    peer_value: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's, None where there is no peer or it measured nothing."""
        return self.value / self.peer_value if self.peer_value else None

    def line(self) -> str:
        """The JSON line."""
        document = {
            "figure": self.figure,
            "unit": self.unit,
            "value": self.value,
            "peer": self.peer,
            "peer_value": self.peer_value,
            "ratio": self.ratio,
            "floor": self.floor,
            "target": self.target,
            "measure": self.measure,
            "better": self.better,
            **self.notes,
        }
        return json.dumps({name: _short(value) for name, value in document.items()})


def _short(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float):
        return round(value, 4) if abs(value) < 100 else round(value)
    return value
