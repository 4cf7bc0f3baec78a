"""One mark per device for places where only one fits: its worst axis. Pure."""

from __future__ import annotations

from enum import StrEnum

from channelwatch.base.clock import EpochMs
from channelwatch.status.device import DeviceState
from channelwatch.status.states import Flag, Health, Protection


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


def mark_of(state: DeviceState, *, in_service: bool) -> Mark:
    """The device's mark. Up without proof of protection is not drawn as in order, and unknown never is."""
    health, protection = state.assessment.health, state.assessment.protection
    shown = (
        (not in_service, Mark.IDLE),
        (protection is Protection.EXPOSED, Mark.EXPOSED),
        (health is Health.DOWN, Mark.DOWN),
        (Flag.SECURITY_ALARM in state.flags, Mark.ALARM),
        (protection is Protection.WEAKENED, Mark.WEAKENED),
        (health is Health.UNKNOWN, Mark.UNKNOWN),
        (health is Health.DEGRADED, Mark.DEGRADED),
        (protection is Protection.UNKNOWN, Mark.UNPROVEN),
    )
    return next((mark for holds, mark in shown if holds), Mark.OK)


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
