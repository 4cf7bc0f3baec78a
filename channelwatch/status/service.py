"""What stands behind a channel, put together: channel, commune, site. Kleene's logic; unknown is never up. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from channelwatch.status.device import DeviceState
from channelwatch.status.states import Cause, Health, rank


class Part(StrEnum):
    """Which part of a channel takes it down."""

    SELF = "self"
    LINK = "link"
    UPSTREAM = "upstream"


@dataclass(frozen=True, slots=True)
class Service:
    """How a channel or a commune is served; `part` only while it is down."""

    health: Health = Health.UNKNOWN
    part: Part | None = None


_OF_THE_LINK = frozenset({Cause.TUNNEL_DOWN, Cause.CARRIER})
"""A device that answers and tells of these is sound; its tunnel is not."""
_BEST_FIRST = (Health.UP, Health.DEGRADED, Health.UNKNOWN, Health.DOWN)


def channel_service(spoke: DeviceState, *, hub_lost: bool | None) -> Service:
    """A spoke's device, its tunnel and its hub: up only while all are. A lost hub is named before what hangs on it."""
    own = spoke.assessment
    if hub_lost:
        return Service(Health.DOWN, Part.UPSTREAM)
    if own.health is Health.DOWN:
        return Service(Health.DOWN, Part.LINK if own.cause in _OF_THE_LINK else Part.SELF)
    if hub_lost is None or own.health is Health.UNKNOWN:
        return Service(Health.UNKNOWN)
    return Service(own.health)


def commune_service(channels: Iterable[Service]) -> Service:
    """A commune is as well served as the best of its channels; unknown while one that may serve is."""
    return min(channels, key=lambda item: _BEST_FIRST.index(item.health), default=Service())


def site_worst(devices: Iterable[DeviceState]) -> DeviceState | None:
    """The device that is worst off of those at one site; None where there is none."""
    return min(
        devices,
        key=lambda item: rank(item.assessment.health, item.assessment.protection, item.flags),
        default=None,
    )
