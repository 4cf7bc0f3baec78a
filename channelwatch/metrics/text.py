"""The Prometheus text formats (0.0.4 and OpenMetrics 1.0.0): families, label sets, samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar

LABEL_VALUE_CHARS = 64
"""Longest label value: a device's own words must not grow the series names without limit."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
END = b"# EOF\n"
"""The last line of an OpenMetrics answer, and of nothing else."""

PREPARED = 256
"""Endings that a `Prepared` family keeps."""

V = TypeVar("V", bound=int | str)

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_NO_LABELS: Mapping[str, str] = MappingProxyType({})


class Kind(StrEnum):
    """The TYPE of a family. An `INFO` is a gauge to scrapers that do not speak OpenMetrics."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family: `name` follows the Prometheus naming rules and is what one asks for (`_total`, `_info`).

    `labels` tells of each label, in order, what its values are. A family that is `optional` has no series as long as
    there is nothing to tell.
    """

    name: str
    help: str
    kind: Kind = Kind.GAUGE
    labels: Mapping[str, str] = field(default_factory=lambda: _NO_LABELS)
    buckets: tuple[float, ...] = ()
    optional: bool = False

    @property
    def stem(self) -> str:
        """The family's name in OpenMetrics: without what its samples add."""
        match self.kind:
            case Kind.COUNTER:
                return self.name.removesuffix("_total")
            case Kind.INFO:
                return self.name.removesuffix("_info")
            case _:
                return self.name

    def head(self, *, openmetrics: bool = False) -> bytes:
        """Its HELP and TYPE lines."""
        name = self.stem if openmetrics else self.name
        kind = self.kind if openmetrics or self.kind is not Kind.INFO else Kind.GAUGE
        text = self.help.replace("\\", r"\\").replace("\n", r"\n")
        text = text.replace('"', r"\"") if openmetrics else text
        return f"# HELP {name} {text}\n# TYPE {name} {kind}\n".encode()


def label_value(text: str) -> str:
    """`text` as it stands between the quotes: cut, unprintable characters replaced, escaped."""
    short = text[:LABEL_VALUE_CHARS]
    if short.isprintable():
        return short.translate(_ESCAPES) if '"' in short or "\\" in short else short
    short = "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in short
    )
    return short.translate(_ESCAPES)


def labels(pairs: Mapping[str, str]) -> str:
    """`name="value"` pairs joined by commas, without braces; empty values are left out."""
    return ",".join([f'{name}="{label_value(value)}"' for name, value in pairs.items() if value])


@lru_cache(maxsize=65_536)
def more_label(name: str, value: str) -> str:
    """One more label after others, its comma included; empty for an empty value."""
    return f',{name}="{label_value(value)}"' if value else ""


def sample(name: str, label_text: str, value: float) -> str:
    """One line of the exposition, newline included."""
    return f"{name}{{{label_text}}} {number(value)}\n"


def number(value: float) -> str:
    """`value` as the format writes it: integers without a fraction, `NaN` and the infinities by name."""
    if isinstance(value, int):
        return str(int(value))
    if math.isfinite(value):
        return repr(value)
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def surrounding(name: str, tails: Sequence[str]) -> tuple[bytes, ...]:
    """What stands around a subject's labels in its samples of family `name`, one for each of `tails`.

    `labels.join(...)` of it gives the samples; of no tails, nothing.
    """
    opened = f"{name}{{"
    if not tails:
        return ()
    return tuple(part.encode() for part in (opened, *(tail + opened for tail in tails[:-1]), tails[-1]))


def around(subjects: Iterable[bytes], parts: Iterable[tuple[bytes, ...]]) -> bytes:
    """The samples of many subjects, given by their labels and by what stands around them."""
    return b"".join(map(bytes.join, subjects, parts))


class StateSet:
    """A family with one sample per possible state, 1 for the present one and 0 for each other.

    All of it is prepared but for the labels of its subject, so that a fleet's sets need not be kept in memory.
    """

    def __init__(self, family: Family, states: Iterable[str]) -> None:
        self.family = family
        every = list(states)
        self._parts = {
            present: surrounding(
                family.name, [f',state="{state}"}} {int(state == present)}\n' for state in every]
            )
            for present in every
        }

    def parts(self, present: str) -> tuple[bytes, ...]:
        """What stands around the labels of a subject in state `present`."""
        return self._parts[present]


class Prepared(Generic[V]):
    """A family whose samples end in one of few ways: `tail` is what follows the subject's labels for a value."""

    def __init__(self, family: Family, tail: Callable[[V], str]) -> None:
        self.family = family
        self._tail = tail
        self._parts: dict[V, tuple[bytes, ...]] = {}

    def parts(self, value: V) -> tuple[bytes, ...]:
        """What stands around the labels of a subject that has `value`."""
        found = self._parts.get(value)
        if found is None:
            found = surrounding(self.family.name, [f"{self._tail(value)}\n"])
            if len(self._parts) < PREPARED:
                self._parts[value] = found
        return found
