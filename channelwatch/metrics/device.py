"""The series of one device, as text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Device, Inventory, Site
from channelwatch.metrics.signals import NUMERIC, STATE_NUMBER, word
from channelwatch.metrics.text import (
    Family,
    Kind,
    Prepared,
    StateSet,
    label_value,
    labels,
    more_label,
    sample,
)
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Reading, Signal
from channelwatch.status.states import Health, Protection, rank

READINGS_PER_DEVICE = 512
"""Readings of one device that become series; the rest is counted in `channelwatch_device_readings_omitted`."""

DEVICE_LABELS = {
    "device": "code of the device",
    "bloc": "`party`, `gov`, `na`, `front`",
    "unit": "code of the unit where it stands",
}
COMPONENT = {"component": "tunnel, peer, interface or sensor; left out for the device itself"}
SIGNAL = {"signal": "word of the signal vocabulary", **COMPONENT}


def _family(
    name: str, help_text: str, more: Mapping[str, str] | None = None, *, optional: bool = False
) -> Family:
    every = MappingProxyType({**DEVICE_LABELS, **(more or {})})
    return Family(f"channelwatch_{name}", help_text, labels=every, optional=optional)


def _value(value: int) -> str:
    return f"}} {value}"


def _cause(cause: str) -> str:
    return f',cause="{cause}"}} 1'


INFO = Family(
    "channelwatch_device_info",
    "Identity of a device; always 1.",
    Kind.INFO,
    {
        **DEVICE_LABELS,
        "life_cycle": "`registered` to `withdrawn`",
        "profile": "the device profile in use",
        "ha_group": "HA group, if any",
        "ha_member": "`A` or `B` in it",
        "upstream": "the hub, a device or an HA group, on which it hangs, if any",
        "hub": "`true` if other devices hang on it by itself",
        "model": "as the device says, at most 64 printable characters",
        "firmware": "the same",
    },
)
HEALTH = StateSet(
    _family(
        "device_health",
        "Does the channel carry traffic? 1 for the present state.",
        {"state": "`up`, `degraded`, `down`, `unknown`"},
    ),
    Health,
)
PROTECTION = StateSet(
    _family(
        "device_protection",
        "Is the traffic protected? 1 for the present state.",
        {"state": "`secured`, `weakened`, `exposed`, `unknown`"},
    ),
    Protection,
)
IN_SERVICE = Prepared(
    _family("device_in_service", "Is the device in service? 1 if it counts and may open incidents."), _value
)
SEVERITY = Prepared(
    _family(
        "device_severity",
        "Health, protection and alarms of a device as one number: 0 fine, 1 degraded, 2 no data, 3 weakened, "
        "4 security alarm, 5 down, 6 exposed.",
    ),
    _value,
)
CAUSE = Prepared(_family(
    "device_cause",
    "Why a device is not as it should be; only the present cause.",
    {"cause": "`none`, `tunnel_down`, `unreachable`, `carrier`, `power`, `hardware`, `auth`, `tamper`, `bypass`, "
     "`key`, `monitoring`"},
), _cause)  # fmt: skip
FLAG = _family(
    "device_flag",
    "Overlays that are set on a device.",
    {"flag": "`maintenance`, `silenced`, `security_alarm`, `drill`, `impacted`, `flapping`"},
    optional=True,
)
SINCE = _family(
    "device_state_since_timestamp_seconds",
    "Since when the state of an axis holds, Unix time.",
    {"axis": "`health`, `protection`"},
)
LAST_SEEN = _family("device_last_seen_timestamp_seconds", "Last usable answer, Unix time; 0 = never.")
MISSES = Prepared(_family("device_missed_polls", "Polls in a row without a usable answer."), _value)
OMITTED = _family(
    "device_readings_omitted",
    "Readings that have no series: beyond the limit, or not told apart by their label.",
    optional=True,
)
SIGNAL_STATE = _family(
    "signal_state",
    "Signal of a component: 0 ok, 1 degraded, 2 failed, 3 unknown (neither ok nor failed).",
    SIGNAL,
)
SIGNAL_WORD = _family(
    "signal_word",
    "Present word of an enumerated signal (role, mode, state); always 1.",
    {**SIGNAL, "word": "what the device's words are mapped to; `other` for anything else"},
    optional=True,
)

STATES = (
    INFO, HEALTH.family, PROTECTION.family, IN_SERVICE.family, SEVERITY.family, CAUSE.family, FLAG, SINCE,
    LAST_SEEN, MISSES.family,
)  # fmt: skip
"""What is told of every device."""
SIGNALS = (OMITTED, SIGNAL_STATE, SIGNAL_WORD, *(numeric.family for numeric in NUMERIC.values()))
"""What is told of its readings."""


def severity(state: DeviceState) -> int:
    """The smaller the better: 0 fine to 6 exposed."""
    now = state.assessment
    return 6 - rank(now.health, now.protection, state.flags)


def base_labels(site: Site, state: DeviceState) -> str:
    """The labels that every series of a device at `site` bears."""
    return f'device="{label_value(state.device)}",bloc="{site.bloc}",unit="{label_value(site.unit)}"'


def hanging(inventory: Inventory, code: DeviceCode) -> dict[str, str]:
    """What a device hangs on, and whether others hang on it: labels of its identity."""
    return {
        "upstream": inventory.parent.get(code, ""),
        "hub": "true" if code in inventory.children else "",
    }


def device_lines(
    device: Device, state: DeviceState, base: str, hangs: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """The series of one device by family name, all but what is prepared for many devices. `hangs`: see `hanging`."""
    since = f"{SINCE.name}{{{base}"
    lines = {
        INFO.name: sample(INFO.name, f"{base},{_identity(device, state, hangs)}", 1),
        SINCE.name: f'{since},axis="health"}} {state.health_since / 1000!r}\n'
        f'{since},axis="protection"}} {state.protection_since / 1000!r}\n',
        LAST_SEEN.name: sample(LAST_SEEN.name, base, state.seen_at / 1000),
    }
    if state.flags:
        lines[FLAG.name] = "".join(f'{FLAG.name}{{{base},flag="{flag}"}} 1\n' for flag in sorted(state.flags))
    if state.readings:
        _add_readings(lines, base, state)
    return lines


def _identity(device: Device, state: DeviceState, hangs: Mapping[str, str]) -> str:
    return labels(
        {
            "life_cycle": device.life_cycle,
            "profile": state.profile,
            "ha_group": device.ha_group or "",
            "ha_member": device.ha_member or "",
            **hangs,
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
        key = (reading.signal, more_label("component", reading.component))
        # Components that differ only beyond the longest label would be one series told twice.
        if key in told or len(told) == READINGS_PER_DEVICE:
            continue
        told.add(key)
        for name, line in _reading_lines(base, reading, key[1]):
            lines[name] = lines.get(name, "") + line
    if len(told) < len(state.readings):
        lines[OMITTED.name] = sample(OMITTED.name, base, len(state.readings) - len(told))


def _reading_lines(base: str, reading: Reading, more: str) -> Iterator[tuple[str, str]]:
    signal = reading.signal
    state = STATE_NUMBER.get(reading.state)
    if state is not None:
        yield SIGNAL_STATE.name, f'{SIGNAL_STATE.name}{{{base},signal="{signal.value}"{more}}} {state}\n'
    said = word(reading)
    if said is not None:
        yield (
            SIGNAL_WORD.name,
            f'{SIGNAL_WORD.name}{{{base},signal="{signal.value}"{more},word="{said}"}} 1\n',
        )
    numeric = NUMERIC.get(signal)
    value = None if numeric is None else numeric.value(reading)
    if numeric is not None and value is not None:
        yield numeric.family.name, sample(numeric.family.name, base + more, value)
