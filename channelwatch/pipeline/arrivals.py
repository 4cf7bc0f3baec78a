"""What has been heard lately, so that what comes twice, or after something newer of the same source, changes nothing.

A source is the polling of a device, or one transport of its events. Instants come from the wall clock: what seems to be
newer than the present was heard before the clock was set back, and is no reason to set anything aside.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.status.events import EventReceived, PollAnswered, PollMissed, Transport

KEPT = 16
"""Events of a source that are recognised when they come again; of polls it is the last one."""

Source: TypeAlias = tuple[DeviceCode, Transport | None]
"""None: its polls."""


class SetAside(StrEnum):
    """Why an observation was not taken into account."""

    UNKNOWN_DEVICE = "unknown_device"
    FAULT = "fault"
    REPEATED = "repeated"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Arrival:
    """When the newest observation of a source that could change a state was received, and which were the last ones."""

    at: EpochMs
    recent: tuple[Hashable, ...]


NEVER = Arrival(EpochMs(0), ())


def note(
    heard: MutableMapping[Source, Arrival],
    observation: PollAnswered | PollMissed | EventReceived,
    now: EpochMs,
) -> SetAside | None:
    """Why `observation` must not change a state; None when it may, and then `heard` holds it.

    An event that could change none is not looked at: it is a record, and two equal lines may well be two.
    """
    is_event = isinstance(observation, EventReceived)
    if isinstance(observation, EventReceived) and not (observation.trusted and observation.readings):
        return None
    source = (observation.device, observation.transport if isinstance(observation, EventReceived) else None)
    last = heard.get(source, NEVER)
    # A poll's many readings are compared only with those of another poll of the same instant.
    mark: Hashable = hash(observation) if is_event else observation
    if mark in last.recent:
        return SetAside.REPEATED
    late = observation.received_at < last.at <= now
    kept = (mark, *last.recent)[:KEPT] if is_event else (last.recent if late else (mark,))
    heard[source] = Arrival(last.at if late else observation.received_at, kept)
    return SetAside.LATE if late else None


def known(heard: Mapping[Source, Arrival], devices: Mapping[DeviceCode, object]) -> dict[Source, Arrival]:
    """What was heard of `devices`."""
    return {source: arrival for source, arrival in heard.items() if source[0] in devices}
