"""One device as the poller knows it, and what an answer says beyond its readings. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from channelwatch.base.clock import EpochMs
from channelwatch.inventory.model import Device
from channelwatch.status.events import EventKind, EventReceived, MissCause, Transport
from channelwatch.status.signals import Reading, Signal
from channelwatch_collector.profiles.counters import Restart
from channelwatch_collector.profiles.match import Identity, Recognised
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import Memory
from channelwatch_collector.snmp.port import PollFailure, Target

_NOTICE, _WARNING, _ALERT = 5, 4, 1
"""Of the syslog scale."""

_OF_THE_BOX = frozenset({Signal.INV_ENGINE_ID, Signal.INV_SERIAL, Signal.INV_FIRMWARE})


@dataclass(frozen=True, slots=True)
class Box:
    """What tells one piece of hardware from another at the same address; empty where it was never said."""

    engine_id: str = ""
    serial: str = ""
    firmware: str = ""


NO_BOX = Box()


@dataclass(slots=True)
class Watched:
    """A device under watch. `box` outlives restarts; the rest is learnt anew.

    `settled` is false while it is to be recognised once more. `memory` is of answers read by the profile `read_by`.
    """

    device: Device
    target: Target
    box: Box = NO_BOX
    recognised: Recognised | None = None
    settled: bool = True
    read_by: Profile | None = None
    identity: Identity = Identity()
    memory: Memory = field(default_factory=Memory)


def box_of(readings: tuple[Reading, ...], before: Box) -> Box:
    """The box that answered; what it did not say this time is taken over."""
    told = {
        reading.signal: str(reading.value)
        for reading in readings
        if reading.signal in _OF_THE_BOX and reading.value and not reading.component
    }
    return Box(
        engine_id=told.get(Signal.INV_ENGINE_ID, before.engine_id),
        serial=told.get(Signal.INV_SERIAL, before.serial),
        firmware=told.get(Signal.INV_FIRMWARE, before.firmware),
    )


def noticed(
    device: Device, before: Box, after: Box, restarted: Restart | None, *, at: EpochMs
) -> Iterator[EventReceived]:
    """Events that follow from comparing an answer with the one before."""

    def event(kind: EventKind, severity: int, text: str) -> EventReceived:
        return EventReceived(
            device=device.code,
            kind=kind,
            transport=Transport.COLLECTOR,
            received_at=at,
            trusted=True,
            severity=severity,
            text=text,
            source="poll",
        )

    swapped = [
        name
        for name, old, new in (
            ("engine ID", before.engine_id, after.engine_id),
            ("serial number", before.serial, after.serial),
        )
        if old and new != old
    ]
    if swapped:
        yield event(EventKind.ENGINE_CHANGED, _ALERT, f"another {' and '.join(swapped)} at this address")
    if before.firmware and after.firmware != before.firmware:
        yield event(EventKind.CONFIG_CHANGE, _NOTICE, f"firmware {before.firmware} became {after.firmware}")
    match restarted:
        case Restart.HOST:
            yield event(EventKind.COLD_START, _WARNING, "the device restarted")
        case Restart.AGENT:
            yield event(EventKind.WARM_START, _NOTICE, "the SNMP agent restarted, the device did not")
        case Restart.UNKNOWN:
            yield event(EventKind.WARM_START, _WARNING, "the device or its SNMP agent restarted")
        case None:
            pass


CAUSE = {
    PollFailure.NO_ANSWER: MissCause.NO_ANSWER,
    PollFailure.PORT_CLOSED: MissCause.PORT_CLOSED,
    PollFailure.UNREACHABLE: MissCause.NO_ANSWER,
    PollFailure.MALFORMED: MissCause.MALFORMED,
    PollFailure.WRONG_OIDS: MissCause.MALFORMED,
    PollFailure.WRONG_COMMUNITY: MissCause.WRONG_COMMUNITY,
    PollFailure.WRONG_KEY: MissCause.WRONG_KEY,
    PollFailure.UNAUTHENTIC: MissCause.WRONG_KEY,
    PollFailure.UNKNOWN_USER: MissCause.UNKNOWN_USER,
    PollFailure.UNSUPPORTED_SEC_LEVEL: MissCause.UNSUPPORTED_SECURITY_LEVEL,
    PollFailure.NOT_IN_TIME_WINDOW: MissCause.NOT_IN_TIME_WINDOW,
    PollFailure.UNKNOWN_ENGINE: MissCause.AGENT_ERROR,
    PollFailure.NO_SUCH_CONTEXT: MissCause.AGENT_ERROR,
    PollFailure.TOO_BIG: MissCause.TOO_BIG,
    PollFailure.GEN_ERR: MissCause.AGENT_ERROR,
    PollFailure.NO_ACCESS: MissCause.AGENT_ERROR,
    PollFailure.WALK_NOT_INCREASING: MissCause.WALK_NOT_INCREASING,
    PollFailure.WALK_TOO_LONG: MissCause.WALK_NOT_INCREASING,
    PollFailure.UNSUPPORTED_PROTOCOL: MissCause.UNSUPPORTED_SECURITY_LEVEL,
    PollFailure.BUSY: MissCause.NO_ANSWER,
    PollFailure.ENGINE_CLOSED: MissCause.NO_ANSWER,
}
"""The operator's word for each failure of an engine."""

OUR_FAULT = frozenset({PollFailure.BUSY, PollFailure.ENGINE_CLOSED, PollFailure.UNSUPPORTED_PROTOCOL})
"""Failures that say nothing about the device."""

SILENCE = frozenset({PollFailure.NO_ANSWER, PollFailure.UNREACHABLE})
"""Failures in which nothing came back at all. Any other shows that there is a way to the device."""
