"""What has been heard lately, so that what comes twice, or after something newer of the same source, changes nothing.

A source is the polling of a device, or one transport of its events. Instants come from the wall clock: what seems to be
newer than the present was heard before the clock was set back, and is no reason to set anything aside.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import StrEnum
from typing import NamedTuple, TypeAlias

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


class Arrival(NamedTuple):
    """When the newest observation of a source that could change a state was received, and which were the last ones."""

    at: EpochMs
    recent: tuple[Hashable, ...]


NEVER = Arrival(EpochMs(0), ())


class Heard:
    """What was heard by now: `fresh`, from a batch that may not be committed, before what was `known` before it."""

    __slots__ = ("_known", "fresh")

    def __init__(self, known: Mapping[Source, Arrival]) -> None:
        self.fresh: dict[Source, Arrival] = {}
        self._known = known

    def last(self, source: Source) -> Arrival:
        """The newest of one source."""
        return self.fresh.get(source) or self._known.get(source, NEVER)


def note(
    heard: Heard, observation: PollAnswered | PollMissed | EventReceived, now: EpochMs
) -> SetAside | None:
    """Why `observation` must not change a state; None when it may, and then `heard` holds it.

    An event that could change none is not looked at: it is a record, and two equal lines may well be two.
    """
    mark: Hashable = observation
    transport = None
    if isinstance(observation, EventReceived):
        if not (observation.trusted and observation.readings):
            return None
        # A poll's many readings are compared only with those of another poll of the same instant.
        mark, transport = hash(observation), observation.transport
    source, at = (observation.device, transport), observation.received_at
    last = heard.last(source)
    if mark in last.recent:
        return SetAside.REPEATED
    late = at < last.at <= now
    recent = (mark, *last.recent[: KEPT - 1])
    if transport is None:
        recent = last.recent if late else (mark,)
    heard.fresh[source] = Arrival(last.at if late else at, recent)
    return SetAside.LATE if late else None


def known(heard: Mapping[Source, Arrival], devices: Mapping[DeviceCode, object]) -> dict[Source, Arrival]:
    """What was heard of `devices`."""
    return {source: arrival for source, arrival in heard.items() if source[0] in devices}
