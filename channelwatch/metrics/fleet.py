"""The fleet's series as Prometheus text.

One block of text is kept per device and made anew only when the device's state object is another one than before:
rendering a national fleet through client objects at each scrape takes seconds, joining cached text does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.metrics.signals import NUMERIC, STATE_NUMBER, word
from channelwatch.metrics.text import Family, labels, sample, state_set
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Reading, Signal
from channelwatch.status.states import Health, PairState, Protection
from channelwatch.status.topology import PairView

READINGS_PER_DEVICE = 512
"""Readings of one device that become series; the rest is counted in `channelwatch_device_readings_omitted`."""

INFO = Family("channelwatch_device_info", "Identity of a device; always 1.")
HEALTH = Family("channelwatch_device_health", "Does the channel carry traffic? 1 for the present state.")
PROTECTION = Family("channelwatch_device_protection", "Is the traffic protected? 1 for the present state.")
CAUSE = Family("channelwatch_device_cause", "Why a device is not as it should be; only the present cause.")
FLAG = Family("channelwatch_device_flag", "Overlays that are set on a device.")
SINCE = Family(
    "channelwatch_device_state_since_timestamp_seconds", "Since when the state of an axis holds, Unix time."
)
LAST_SEEN = Family(
    "channelwatch_device_last_seen_timestamp_seconds", "Last usable answer, Unix time; 0 = never."
)
MISSES = Family("channelwatch_device_missed_polls", "Polls in a row without a usable answer.")
OMITTED = Family(
    "channelwatch_device_readings_omitted",
    "Readings that have no series: beyond the limit, or not told apart by their label.",
)
SIGNAL_STATE = Family(
    "channelwatch_signal_state",
    "Signal of a component: 0 ok, 1 degraded, 2 failed, 3 unknown (neither ok nor failed).",
)
SIGNAL_WORD = Family(
    "channelwatch_signal_word", "Present word of an enumerated signal (role, mode, state); always 1."
)
PAIR = Family("channelwatch_pair_state", "State of an HA group; 1 for the present state.")
PAIR_SINCE = Family(
    "channelwatch_pair_state_since_timestamp_seconds", "Since when an HA group is in its state, Unix time."
)

FAMILIES: tuple[Family, ...] = (
    INFO, HEALTH, PROTECTION, CAUSE, FLAG, SINCE, LAST_SEEN, MISSES, OMITTED, SIGNAL_STATE, SIGNAL_WORD,
    *(numeric.family for numeric in NUMERIC.values()), PAIR, PAIR_SINCE,
)  # fmt: skip

Lines = Mapping[str, str]
"""Sample lines by family name."""


@dataclass(frozen=True, slots=True)
class _Block:
    state: DeviceState
    bloc: Bloc
    lines: Lines


class FleetText:
    """The cache of one process. Belongs to the event loop; what `families` yields may be joined anywhere."""

    def __init__(self) -> None:
        self._inventory: Inventory | None = None
        self._blocks: dict[DeviceCode, _Block] = {}

    def families(
        self,
        inventory: Inventory,
        devices: Mapping[DeviceCode, DeviceState],
        pairs: Mapping[GroupCode, PairView],
        *,
        blocs: Collection[Bloc],
    ) -> list[str]:
        """The exposition restricted to `blocs`, as pieces to be joined: each family once, with HELP and TYPE."""
        if inventory is not self._inventory:
            self._inventory, self._blocks = inventory, {}
        pieces: dict[str, list[str]] = {family.name: [] for family in FAMILIES}
        for block in self._fresh(inventory, devices):
            if block.bloc in blocs:
                for name, lines in block.lines.items():
                    pieces[name].append(lines)
        for group, view in pairs.items():
            _add_pair(pieces, inventory, group, view, blocs=blocs)
        return [
            part for family in FAMILIES if pieces[family.name] for part in (family.head, *pieces[family.name])
        ]

    def _fresh(self, inventory: Inventory, devices: Mapping[DeviceCode, DeviceState]) -> Iterator[_Block]:
        for code, state in devices.items():
            if code not in inventory.device:
                continue
            block = self._blocks.get(code)
            if block is None or block.state is not state:
                block = _Block(state, inventory.bloc_of(code), device_lines(inventory, state))
                self._blocks[code] = block
            yield block


def device_lines(inventory: Inventory, state: DeviceState) -> dict[str, str]:
    """All series of one device, by family name."""
    base = labels(
        {
            "device": state.device,
            "bloc": inventory.bloc_of(state.device),
            "unit": inventory.unit_of(state.device).code,
        }
    )
    now = state.assessment
    lines = {
        INFO.name: sample(INFO.name, f"{base},{_identity(inventory, state)}", 1),
        HEALTH.name: state_set(HEALTH.name, base, Health, now.health),
        PROTECTION.name: state_set(PROTECTION.name, base, Protection, now.protection),
        CAUSE.name: sample(CAUSE.name, f'{base},cause="{now.cause}"', 1),
        SINCE.name: sample(SINCE.name, f'{base},axis="health"', state.health_since / 1000)
        + sample(SINCE.name, f'{base},axis="protection"', state.protection_since / 1000),
        LAST_SEEN.name: sample(LAST_SEEN.name, base, state.seen_at / 1000),
        MISSES.name: sample(MISSES.name, base, state.misses),
    }
    if state.flags:
        lines[FLAG.name] = "".join(
            sample(FLAG.name, f'{base},flag="{flag}"', 1) for flag in sorted(state.flags)
        )
    _add_readings(lines, base, state)
    return lines


def _identity(inventory: Inventory, state: DeviceState) -> str:
    device = inventory.device[state.device]
    return labels(
        {
            "life_cycle": device.life_cycle,
            "profile": state.profile,
            "ha_group": device.ha_group or "",
            "ha_member": device.ha_member or "",
            "model": _text(state, Signal.INV_MODEL),
            "firmware": _text(state, Signal.INV_FIRMWARE),
        }
    )


def _text(state: DeviceState, signal: Signal) -> str:
    reading = state.readings.get((signal, ""))
    return "" if reading is None or reading.value is None else str(reading.value)


def _add_readings(lines: dict[str, str], base: str, state: DeviceState) -> None:
    told: set[tuple[Signal, str]] = set()
    for reading in state.readings.values():
        key = (reading.signal, labels({"component": reading.component}))
        # Components that differ only beyond the longest label would be one series told twice.
        if key in told or len(told) == READINGS_PER_DEVICE:
            continue
        told.add(key)
        for name, line in _reading_lines(base, reading, key[1]):
            lines[name] = lines.get(name, "") + line
    if len(told) < len(state.readings):
        lines[OMITTED.name] = sample(OMITTED.name, base, len(state.readings) - len(told))


def _reading_lines(base: str, reading: Reading, component: str) -> Iterator[tuple[str, str]]:
    more = f",{component}" if component else ""
    state = STATE_NUMBER.get(reading.state)
    if state is not None:
        text = f'{base},signal="{reading.signal}"{more}'
        yield SIGNAL_STATE.name, sample(SIGNAL_STATE.name, text, state)
    said = word(reading)
    if said is not None:
        text = f'{base},signal="{reading.signal}"{more},word="{said}"'
        yield SIGNAL_WORD.name, sample(SIGNAL_WORD.name, text, 1)
    numeric = NUMERIC.get(reading.signal)
    value = None if numeric is None else numeric.value(reading)
    if numeric is not None and value is not None:
        yield numeric.family.name, sample(numeric.family.name, base + more, value)


def _add_pair(
    pieces: dict[str, list[str]],
    inventory: Inventory,
    group: GroupCode,
    view: PairView,
    *,
    blocs: Collection[Bloc],
) -> None:
    members = inventory.members.get(group, ())
    if not members or inventory.bloc_of(members[0]) not in blocs:
        return
    bloc, unit = inventory.bloc_of(members[0]), inventory.unit_of(members[0]).code
    base = labels({"group": group, "bloc": bloc, "unit": unit})
    pieces[PAIR.name].append(state_set(PAIR.name, base, PairState, view.state))
    pieces[PAIR_SINCE.name].append(sample(PAIR_SINCE.name, base, view.since / 1000))
