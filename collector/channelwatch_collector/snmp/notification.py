"""What a trap or inform says, whatever version carried it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from channelwatch.base.clock import EpochMs
from channelwatch_collector.snmp.pdu import TrapV1, Version
from channelwatch_collector.snmp.port import Oid, SnmpType, Value, VarBind

SYS_UP_TIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
SNMP_TRAP_OID: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
SNMP_TRAP_ENTERPRISE: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 3, 0)
SNMP_TRAP_ADDRESS: Oid = (1, 3, 6, 1, 6, 3, 18, 1, 3, 0)
SNMP_TRAPS: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5)

_ENTERPRISE_SPECIFIC = 6
_LEADING = 2


class TrapRejection(StrEnum):
    """Why a datagram on the trap port did not become a notification."""

    TOO_LARGE = "too_large"
    SOURCE_NOT_ALLOWED = "source_not_allowed"
    MALFORMED = "malformed"
    NOT_A_NOTIFICATION = "not_a_notification"
    """A well-formed message of another kind."""
    WRONG_COMMUNITY = "wrong_community"
    UNKNOWN_ENGINE = "unknown_engine"
    """The authoritative engine is bound to no device; nobody vouches for it."""
    WRONG_ADDRESS = "wrong_address"
    """The engine is bound to a device, and the datagram comes from elsewhere."""
    UNKNOWN_USER = "unknown_user"
    BELOW_LEVEL = "below_level"
    """Less secured than this user must be: downgraded."""
    ABOVE_LEVEL = "above_level"
    """More secured than we hold keys for."""
    WRONG_DIGEST = "wrong_digest"
    STALE = "stale"
    """Authentic, but outside the 150 s window: replayed or a clock gone wrong."""
    DUPLICATE = "duplicate"
    """Seen before within the window: replayed, or repeated because our acknowledgement was lost."""
    DISCOVERY = "discovery"
    """A question for our engine ID or clock, answered with a Report."""
    QUEUE_FULL = "queue_full"
    """Our own consumer is behind. An inform is then left unacknowledged, so its sender tries again."""


class Notification(NamedTuple):
    """One trap or inform.

    `authenticated` is true only for v3 with a verified digest inside the time window. Anything else may
    prompt a poll but proves nothing. `uptime` is hundredths of a second, None if absent. `varbinds` exclude
    sysUpTime.0 and snmpTrapOID.0; a v1 trap gains snmpTrapAddress.0 and snmpTrapEnterprise.0 (RFC 3584
    section 3.1). `engine_id`, `boots` and `time_s` name the sender's engine for v3 traps; for v3 informs the
    time-keeping engine is ours, so `boots` and `time_s` are None and `engine_id` is the context engine that
    the sender claims. `source` is the datagram's sender.
    """

    source: str
    version: Version
    authenticated: bool
    is_inform: bool
    trap_oid: Oid
    uptime: int | None
    varbinds: tuple[VarBind, ...]
    received_at: EpochMs
    engine_id: bytes | None = None
    boots: int | None = None
    time_s: int | None = None
    user: str | None = None


class Content(NamedTuple):
    """The part of a notification that its PDU holds."""

    trap_oid: Oid
    uptime: int | None
    varbinds: tuple[VarBind, ...]


def content_of_v2(varbinds: Sequence[VarBind]) -> Content | None:
    """Of the variables of an SNMPv2-Trap or Inform PDU (RFC 3416 section 4.2.6); None if they name no trap.

    Agents put sysUpTime.0 and snmpTrapOID.0 first as they must, or elsewhere.
    """
    if len(varbinds) >= _LEADING:
        (first, ticks), (second, trap) = varbinds[:_LEADING]
        if first == SYS_UP_TIME and second == SNMP_TRAP_OID:
            uptime, trap_oid = ticks.value, trap.value
            if isinstance(uptime, int) and isinstance(trap_oid, tuple):
                return Content(trap_oid, uptime, tuple(varbinds[_LEADING:]))
    return _content_in_any_order(varbinds)


def _content_in_any_order(varbinds: Iterable[VarBind]) -> Content | None:
    trap_oid: Oid | None = None
    uptime: int | None = None
    rest: list[VarBind] = []
    for name, item in varbinds:
        if name == SNMP_TRAP_OID and trap_oid is None and isinstance(item.value, tuple):
            trap_oid = item.value
        elif name == SYS_UP_TIME and uptime is None and isinstance(item.value, int):
            uptime = item.value
        else:
            rest.append((name, item))
    return None if trap_oid is None else Content(trap_oid, uptime, tuple(rest))


def content_of_v1(trap: TrapV1) -> Content | None:
    """Of an RFC 1157 trap, mapped as RFC 3584 section 3.1; None if its generic-trap does not exist.

    The community, which section 3.1 would add as a variable binding, is a secret and left out.
    """
    if trap.generic == _ENTERPRISE_SPECIFIC:
        trap_oid = (*trap.enterprise, 0, trap.specific)
    elif 0 <= trap.generic < _ENTERPRISE_SPECIFIC:
        trap_oid = (*SNMP_TRAPS, trap.generic + 1)
    else:
        return None
    added = (
        (SNMP_TRAP_ADDRESS, Value(SnmpType.IP_ADDRESS, trap.agent_address)),
        (SNMP_TRAP_ENTERPRISE, Value(SnmpType.OBJECT_IDENTIFIER, trap.enterprise)),
    )
    return Content(trap_oid, trap.uptime, (*trap.varbinds, *added))
