"""The series of a device's readings, as text that is prepared once for all devices of one kind. Pure.

What a reading is called, its state and its word seldom change: they are a `Shape`, shared by all devices with the same
components in the same states. Only numbers are written anew.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from channelwatch.metrics.signals import NUMERIC, SIGNAL, STATE_NUMBER, device_family, word
from channelwatch.metrics.text import more_label, number, surrounding
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Reading, Signal, SignalState

READINGS_PER_DEVICE = 512
"""Readings of one device that become series; the rest is counted in `channelwatch_device_readings_omitted`."""

OMITTED = device_family(
    "device_readings_omitted",
    "Readings that have no series: beyond the limit, or not told apart by their label.",
    optional=True,
)
SIGNAL_STATE = device_family(
    "signal_state",
    "Signal of a component: 0 ok, 1 degraded, 2 failed, 3 unknown (neither ok nor failed).",
    SIGNAL,
)
SIGNAL_WORD = device_family(
    "signal_word",
    "Present word of an enumerated signal (role, mode, state); always 1.",
    {**SIGNAL, "word": "what the device's words are mapped to; `other` for anything else"},
    optional=True,
)

FORMS = 65_536
"""Readings by name, unit, state and word that are kept."""

SHAPES = 4_096
"""Shapes that devices share; a device keeps its own beyond that."""


class _Form(NamedTuple):
    """All of a reading but its number."""

    key: tuple[Signal, str]
    state: str
    word: str
    family: str
    ahead: bytes
    behind: bytes


class Number(NamedTuple):
    """Where a number stands: `at` among the device's readings, between `ahead` and `behind` of its labels."""

    at: int
    ahead: bytes
    behind: bytes


class Shape:
    """The readings of a device but for their numbers; see `channelwatch.metrics.text.surrounding`."""

    __slots__ = ("forms", "numbers", "omitted", "states", "words")

    def __init__(self, forms: tuple[_Form, ...]) -> None:
        self.forms = forms
        told: dict[tuple[Signal, str], tuple[int, _Form]] = {}
        for at, form in enumerate(forms):
            # Components that differ only beyond the longest label would be one series told twice.
            if form.key not in told and len(told) < READINGS_PER_DEVICE:
                told[form.key] = (at, form)
        self.states = surrounding(SIGNAL_STATE.name, [form.state for _, form in told.values() if form.state])
        self.words = surrounding(SIGNAL_WORD.name, [form.word for _, form in told.values() if form.word])
        left = len(forms) - len(told)
        self.omitted = surrounding(OMITTED.name, [f"}} {left}\n"] if left else [])
        self.numbers: dict[str, list[Number]] = {}
        for at, form in told.values():
            if form.family:
                self.numbers.setdefault(form.family, []).append(Number(at, form.ahead, form.behind))


NO_READINGS = Shape(())
_shared = lru_cache(maxsize=SHAPES)(Shape)


def shape(state: DeviceState, was: Shape) -> Shape:
    """The shape of a device's readings; `was` itself if it still is that."""
    forms = tuple(
        [
            _form(reading.signal, reading.component, reading.unit, reading.state, word(reading))
            for reading in state.readings.values()
        ]
    )
    return was if forms == was.forms else _shared(forms)


def numbers(now: Shape, state: DeviceState, base: bytes, was: DeviceState | None) -> list[tuple[str, bytes]]:
    """The lines of each family that has other numbers than `was`, a state of the same shape; all without it."""
    if not now.numbers:
        return []
    fresh = list(state.readings.values())
    old = None if was is None else list(was.readings.values())
    lines = []
    for name, places in now.numbers.items():
        if old is not None and all(fresh[place.at].value == old[place.at].value for place in places):
            continue
        if len(places) == 1:
            lines.append((name, _line(places[0], fresh[places[0].at], base)))
            continue
        lines.append((name, b"".join([_line(place, fresh[place.at], base) for place in places])))
    return lines


def _line(place: Number, reading: Reading, base: bytes) -> bytes:
    value = NUMERIC[reading.signal].value(reading)
    return b"" if value is None else b"%b%b%b%b\n" % (place.ahead, base, place.behind, number(value).encode())


@lru_cache(maxsize=FORMS)
def _form(signal: Signal, component: str, unit: str, state: SignalState, said: str | None) -> _Form:
    more = more_label("component", component)
    start = f',signal="{signal.value}"{more}'
    figure = STATE_NUMBER.get(state)
    numeric = NUMERIC.get(signal)
    family = "" if numeric is None or unit not in numeric.factors else numeric.family.name
    return _Form(
        (signal, more),
        "" if figure is None else f"{start}}} {figure}\n",
        "" if said is None else f'{start},word="{said}"}} 1\n',
        family,
        f"{family}{{".encode(),
        f"{more}}} ".encode(),
    )
