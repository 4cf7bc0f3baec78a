"""The Prometheus text format 0.0.4: families, label sets, samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LABEL_VALUE_CHARS = 64
"""Longest label value: a device's own words must not grow the series names without limit."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family: `name` follows the Prometheus naming rules, `kind` is its TYPE."""

    name: str
    help: str
    kind: str = "gauge"

    @property
    def head(self) -> str:
        """Its HELP and TYPE lines."""
        text = self.help.replace("\\", r"\\").replace("\n", r"\n")
        return f"# HELP {self.name} {text}\n# TYPE {self.name} {self.kind}\n"


def label_value(text: str) -> str:
    """`text` as it stands between the quotes: cut, unprintable characters replaced, escaped."""
    short = text[:LABEL_VALUE_CHARS]
    if not short.isprintable():
        short = "".join(
            char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in short
        )
    return short.translate(_ESCAPES)


def labels(pairs: Mapping[str, str]) -> str:
    """`name="value"` pairs joined by commas, without braces; empty values are left out."""
    return ",".join(f'{name}="{label_value(value)}"' for name, value in pairs.items() if value)


def sample(name: str, label_text: str, value: float) -> str:
    """One line of the exposition, newline included."""
    return f"{name}{{{label_text}}} {number(value)}\n"


def number(value: float) -> str:
    """`value` as the format writes it: integers without a fraction, `NaN` and the infinities by name."""
    if isinstance(value, int):
        return str(int(value))
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def state_set(name: str, base: str, states: Iterable[str], current: str) -> str:
    """One sample per possible state, 1 for the present one and 0 for each other."""
    return "".join(f'{name}{{{base},state="{state}"}} {1 if state == current else 0}\n' for state in states)
