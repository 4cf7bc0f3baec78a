"""One mark per device for places where only one fits: its worst axis. Pure."""

from __future__ import annotations

from enum import StrEnum

from channelwatch.base.clock import EpochMs
from channelwatch.status.device import DeviceState
from channelwatch.status.states import Health, Protection, rank


class Mark(StrEnum):
    """Each has its own shape, colour and word. The order of the members is the order of gravity."""

    EXPOSED = "exposed"
    DOWN = "down"
    ALARM = "alarm"
    WEAKENED = "weakened"
    UNKNOWN = "unknown"
    DEGRADED = "degraded"
    UNPROVEN = "unproven"
    OK = "ok"
    IDLE = "idle"

    @property
    def gravity(self) -> int:
        """The smaller, the worse."""
        return _GRAVITY[self]

    @property
    def is_exception(self) -> bool:
        """Must somebody look?"""
        return self.gravity < Mark.UNPROVEN.gravity


_GRAVITY = {mark: place for place, mark in enumerate(Mark)}
_BY_RANK = (Mark.EXPOSED, Mark.DOWN, Mark.ALARM, Mark.WEAKENED, Mark.UNKNOWN, Mark.DEGRADED)


def mark_of(state: DeviceState, *, in_service: bool) -> Mark:
    """The device's mark. Up without proof of protection is not drawn as in order, and unknown never is."""
    if not in_service:
        return Mark.IDLE
    now = state.assessment
    place = rank(now.health, now.protection, state.flags)
    if place < len(_BY_RANK):
        return _BY_RANK[place]
    return Mark.UNPROVEN if now.protection is Protection.UNKNOWN else Mark.OK


def since_of(state: DeviceState, mark: Mark) -> EpochMs:
    """Since when the state that gave the mark holds; 0 = not known."""
    match mark:
        case Mark.EXPOSED | Mark.WEAKENED:
            return state.protection_since
        case Mark.ALARM:
            return max(
                (state.since[key] for key in state.latched if key in state.since),
                default=state.protection_since,
            )
        case _:
            return state.health_since


def carries_traffic(state: DeviceState) -> bool:
    """Does the channel work, if not at its best?"""
    return state.assessment.health in (Health.UP, Health.DEGRADED)
