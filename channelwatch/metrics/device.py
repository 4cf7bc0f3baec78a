"""The series of one device, as text. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Inventory, LifeCycle, Site
from channelwatch.metrics.readings import OMITTED, SIGNAL_STATE, SIGNAL_WORD
from channelwatch.metrics.signals import DEVICE_LABELS, NUMERIC, device_family
from channelwatch.metrics.text import Family, Kind, Prepared, StateSet, label_value, labels, surrounding
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Reading, Signal
from channelwatch.status.states import Cause, Flag, Health, Protection, rank

LOOKS = 4_096
"""Assessments with flags that are kept."""

IDENTITIES = 4_096
"""Identities but for the device's own labels that are kept: devices of one kind share theirs."""


def _value(value: int) -> str:
    return f"}} {int(value)}"


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
    device_family(
        "device_health",
        "Does the channel carry traffic? 1 for the present state.",
        {"state": "`up`, `degraded`, `down`, `unknown`"},
    ),
    Health,
)
PROTECTION = StateSet(
    device_family(
        "device_protection",
        "Is the traffic protected? 1 for the present state.",
        {"state": "`secured`, `weakened`, `exposed`, `unknown`"},
    ),
    Protection,
)
IN_SERVICE = Prepared(
    device_family("device_in_service", "Is the device in service? 1 if it counts and may open incidents."),
    _value,
)
SEVERITY = Prepared(
    device_family(
        "device_severity",
        "Health, protection and alarms of a device as one number: 0 fine, 1 degraded, 2 no data, 3 weakened, "
        "4 security alarm, 5 down, 6 exposed.",
    ),
    _value,
)
CAUSE = Prepared(device_family(
    "device_cause",
    "Why a device is not as it should be; only the present cause.",
    {"cause": "`none`, `tunnel_down`, `unreachable`, `carrier`, `power`, `hardware`, `auth`, `tamper`, `bypass`, "
     "`key`, `monitoring`"},
), _cause)  # fmt: skip
FLAG = device_family(
    "device_flag",
    "Overlays that are set on a device.",
    {"flag": "`maintenance`, `silenced`, `security_alarm`, `drill`, `impacted`, `flapping`"},
    optional=True,
)
SINCE = device_family(
    "device_state_since_timestamp_seconds",
    "Since when the state of an axis holds, Unix time.",
    {"axis": "`health`, `protection`"},
)
LAST_SEEN = device_family("device_last_seen_timestamp_seconds", "Last usable answer, Unix time; 0 = never.")
MISSES = Prepared(device_family("device_missed_polls", "Polls in a row without a usable answer."), _value)
STATES = (
    INFO, HEALTH.family, PROTECTION.family, IN_SERVICE.family, SEVERITY.family, CAUSE.family, FLAG, SINCE,
    LAST_SEEN, MISSES.family,
)  # fmt: skip
"""What is told of every device."""
SIGNALS = (OMITTED, SIGNAL_STATE, SIGNAL_WORD, *(numeric.family for numeric in NUMERIC.values()))
"""What is told of its readings."""

_INFO = f"{INFO.name}{{".encode()
_TWICE = "".join(f'{SINCE.name}{{%b,axis="{axis}"}} %r\n' for axis in ("health", "protection")).encode()
_LAST_SEEN = f"{LAST_SEEN.name}{{".encode()
_MODEL = (Signal.INV_MODEL, "")
_FIRMWARE = (Signal.INV_FIRMWARE, "")


class Look(NamedTuple):
    """What assessment and flags of a device are told as: its severity, and what stands around its labels."""

    grade: int
    health: tuple[bytes, ...]
    protection: tuple[bytes, ...]
    severity: tuple[bytes, ...]
    cause: tuple[bytes, ...]
    flags: tuple[bytes, ...]


NEW = Look(0, (), (), (), (), ())
"""Of a device that is about to be looked at."""


def look(state: DeviceState) -> Look:
    """How a device looks; the same object for all that look alike."""
    now = state.assessment
    return _look(now.health, now.protection, now.cause, state.flags)


@lru_cache(maxsize=LOOKS)
def _look(health: Health, protection: Protection, cause: Cause, flags: frozenset[Flag]) -> Look:
    grade = 6 - rank(health, protection, flags)
    return Look(
        grade,
        HEALTH.parts(health),
        PROTECTION.parts(protection),
        SEVERITY.parts(grade),
        CAUSE.parts(cause),
        surrounding(FLAG.name, [f',flag="{flag}"}} 1\n' for flag in sorted(flags)]),
    )


def base_labels(site: Site, code: DeviceCode) -> str:
    """The labels that every series of a device at `site` bears."""
    return f'device="{label_value(code)}",bloc="{site.bloc.value}",unit="{label_value(site.unit)}"'


def device_lines(
    inventory: Inventory, state: DeviceState, base: bytes, was: DeviceState | None
) -> list[tuple[str, bytes]]:
    """The lines of one device that are not as when it was in the state `was`, by family; all without it.

    Only what is written for each device by itself: no state sets, no readings.
    """
    lines = []
    named = _named(state)
    if was is None or _named(was) != named:
        device = inventory.device[state.device]
        hangs_on, is_hub = inventory.parent.get(device.code, ""), device.code in inventory.children
        place = device.ha_group or "", device.ha_member or "", hangs_on, "true" if is_hub else ""
        told = _identity(device.life_cycle, place, named)
        lines.append((INFO.name, b"%b%b,%b} 1\n" % (_INFO, base, told)))
    if (
        was is None
        or was.health_since != state.health_since
        or was.protection_since != state.protection_since
    ):
        since = base, state.health_since / 1000, base, state.protection_since / 1000
        lines.append((SINCE.name, _TWICE % since))
    if was is None or was.seen_at != state.seen_at:
        lines.append((LAST_SEEN.name, b"%b%b} %r\n" % (_LAST_SEEN, base, state.seen_at / 1000)))
    return lines


def _named(state: DeviceState) -> tuple[str, str, str]:
    """Profile, model, firmware."""
    readings = state.readings
    return state.profile, _text(readings.get(_MODEL)), _text(readings.get(_FIRMWARE))


def _text(reading: Reading | None) -> str:
    return "" if reading is None or reading.value is None else str(reading.value)


@lru_cache(maxsize=IDENTITIES)
def _identity(life_cycle: LifeCycle, place: tuple[str, ...], named: tuple[str, ...]) -> bytes:
    profile, model, firmware = named
    group, member, upstream, hub = place
    return labels(
        {
            "life_cycle": life_cycle,
            "profile": profile,
            "ha_group": group,
            "ha_member": member,
            "upstream": upstream,
            "hub": hub,
            "model": model,
            "firmware": firmware,
        }
    ).encode()
