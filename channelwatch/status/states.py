"""The axes of a device's state. They are separate on purpose: a channel can be up and exposed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """Does the channel carry traffic? `UNKNOWN` is never drawn as up and never merged into it."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Protection(StrEnum):
    """Is the traffic protected? `EXPOSED` is the worst state there is, above down."""

    SECURED = "secured"
    WEAKENED = "weakened"
    EXPOSED = "exposed"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why health or protection is not what it should be (domain model, section 3.2)."""

    NONE = "none"
    TUNNEL_DOWN = "tunnel_down"
    UNREACHABLE = "unreachable"
    CARRIER = "carrier"
    POWER = "power"
    HARDWARE = "hardware"
    AUTH = "auth"
    TAMPER = "tamper"
    BYPASS = "bypass"
    KEY = "key"
    MONITORING = "monitoring"


class Flag(StrEnum):
    """Overlays that change who is told, never what is true."""

    MAINTENANCE = "maintenance"
    SILENCED = "silenced"
    SECURITY_ALARM = "security_alarm"
    DRILL = "drill"
    IMPACTED = "impacted"
    FLAPPING = "flapping"


class PairState(StrEnum):
    """State of an HA group, decided from both members' own claims."""

    REDUNDANT = "redundant"
    SWITCHED = "switched"
    NO_REDUNDANCY = "no_redundancy"
    SPLIT = "split"
    LOST = "lost"
    UNKNOWN = "unknown"


SERVES_UNSEEN = Cause.MONITORING
"""The cause of a pair's `unknown` while one member is known to be active and the other is not seen: that the pair
serves is known, whether it is redundant is not."""


class Axis(StrEnum):
    """Which history a transition belongs to."""

    HEALTH = "health"
    PROTECTION = "protection"
    PAIR = "pair"
    CONTINUITY = "continuity"
    """Backed by the device's own counters, or not (`channelwatch/status/continuity.py`)."""


class Reason(StrEnum):
    """Why a step decided as it did: the same word in the row, the metric, the log line and the runbook."""

    POLL = "poll"
    TRUSTED_EVENT = "trusted_event"
    MISSES = "misses"
    CREDENTIAL_REFUSED = "credential_refused"
    COLLECTOR_BLIND = "collector_blind"
    LATCH_CLEARED = "latch_cleared"
    MEMBERS = "members"
    COUNTER = "counter"


_EXPOSED, _DOWN, _ALARM, _WEAKENED, _NO_DATA, _DEGRADED, _FINE = range(7)

# One table for each axis: `Health.UNKNOWN` and `Protection.UNKNOWN` are equal as dictionary keys.
_BY_HEALTH = {Health.DOWN: _DOWN, Health.UNKNOWN: _NO_DATA, Health.DEGRADED: _DEGRADED}
_BY_PROTECTION = {Protection.EXPOSED: _EXPOSED, Protection.WEAKENED: _WEAKENED}


def rank(health: Health, protection: Protection, flags: frozenset[Flag] = frozenset()) -> int:
    """Sort key of every list of devices: the smaller, the worse. Exposed comes before down.

    A protection that nobody can tell does not worsen a device whose health is known.
    """
    alarm = _ALARM if Flag.SECURITY_ALARM in flags else _FINE
    return min(_BY_HEALTH.get(health, _FINE), _BY_PROTECTION.get(protection, _FINE), alarm)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a device's signals add up to at one moment."""

    health: Health = Health.UNKNOWN
    protection: Protection = Protection.UNKNOWN
    cause: Cause = Cause.MONITORING
    security_alarm: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one subject on one axis: the append-only truth from which all history is computed.

    The change happened somewhere in [`t_lo`, `t_hi`] (equal when it is known exactly); it was recorded at
    `recorded_at`. `subject` is a device or group code. `evidence` names what proved it (`poll`, `trap:OID`...).
    """

    subject: str
    axis: Axis
    before: str
    after: str
    cause: Cause
    reason: Reason
    t_lo: int
    t_hi: int
    recorded_at: int
    evidence: str = ""
