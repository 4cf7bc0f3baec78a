"""The events that rules count, as counters: what another watcher needs to count them too. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.metrics.signals import DEVICE_LABELS
from channelwatch.metrics.text import Family, Kind, labels, sample
from channelwatch.pipeline.world import EventCount

_HOURS = {"hours": "`inside` or `outside` of working hours, when they came"}
EVENTS = Family(
    "channelwatch_device_events_total",
    "Events of a device of the kinds that rules count, where security events are watched.",
    Kind.COUNTER,
    {**DEVICE_LABELS, "kind": "such as `login_fail`, `config_change`", **_HOURS},
    optional=True,
)
STRANGERS = Family(
    "channelwatch_unknown_source_messages_total",
    "Messages from addresses that no device has, where security events are watched and a rule counts them.",
    Kind.COUNTER,
    _HOURS,
    optional=True,
)
FAMILIES = (EVENTS, STRANGERS)


def event_lines(
    counts: Mapping[EventCount, int], inventory: Inventory, *, blocs: Collection[Bloc], unit: str | None
) -> dict[str, bytes]:
    """The samples by family name; what belongs to no device is told with the whole only."""
    devices, strangers = list[str](), list[str]()
    for (code, kind, hours), number in sorted(counts.items()):
        device = inventory.device.get(code)
        if device is None:
            if not code and unit is None:
                strangers.append(sample(STRANGERS.name, labels({"hours": hours}), number))
            continue
        site = inventory.site[device.site]
        if site.bloc in blocs and unit in (None, site.unit):
            named = {"device": code, "bloc": site.bloc, "unit": site.unit, "kind": kind, "hours": hours}
            devices.append(sample(EVENTS.name, labels(named), number))
    found = {EVENTS.name: "".join(devices).encode(), STRANGERS.name: "".join(strangers).encode()}
    return {name: text for name, text in found.items() if text}
