"""HA groups: one state from both members' own claims, and what a lost hub takes with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.inventory.model import Inventory
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Signal, SignalState
from channelwatch.status.states import Cause, Health, PairState


class Claim(StrEnum):
    """What one member says of itself, or what its silence says."""

    ACTIVE = "active"
    STANDBY = "standby"
    NOT_SERVING = "not_serving"
    SILENT = "silent"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Member:
    """A member's claim, and whether it sees its peer alive (None: it cannot say)."""

    claim: Claim
    peer_seen: bool | None = None


@dataclass(frozen=True, slots=True)
class PairView:
    """An HA group's state since an instant (epoch ms); `lost_until` is when it last came back, 0 = never.

    `serves`: its state is unknown because one member is not seen; the other is known to be active all the same. None:
    that is not known of a stored state.
    """

    state: PairState = PairState.UNKNOWN
    since: EpochMs = EpochMs(0)
    lost_until: EpochMs = EpochMs(0)
    serves: bool | None = False


@dataclass(frozen=True, slots=True)
class CircuitView:
    """Is a clear circuit lost, and since when (epoch ms)? `lost_until` is when it last came back, 0 = never."""

    lost: bool = False
    since: EpochMs = EpochMs(0)
    lost_until: EpochMs = EpochMs(0)


_CUT_OFF = frozenset({Cause.UNREACHABLE, Cause.CARRIER, Cause.TUNNEL_DOWN})
"""Causes of a loss that may lie on the way, not in the device."""


def circuit_is_lost(spokes: Iterable[DeviceState]) -> bool | None:
    """Are all of the spokes over one clear circuit cut off together? None while that is not known of all of them."""
    known = True
    for state in spokes:
        match state.assessment.health:
            case Health.UNKNOWN:
                known = False
            case Health.DOWN if state.assessment.cause in _CUT_OFF:
                pass
            case _:
                return False
    return True if known else None


class CircuitState(StrEnum):
    """What can be said of a clear circuit, gravest first."""

    LOST = "lost"
    PARTLY_CUT = "partly_cut"
    UNKNOWN = "unknown"
    CARRYING = "carrying"


def circuit_state(view: CircuitView, spokes: Iterable[DeviceState]) -> CircuitState:
    """The circuit's state: it carries as long as one of its spokes is heard. Whoever is not heard under a hub that is
    lost too says nothing of the circuit."""
    states = tuple(spokes)
    if view.lost:
        return CircuitState.LOST
    if circuit_is_lost(states) is not False:
        return CircuitState.UNKNOWN
    cut = any(item.assessment.health is Health.DOWN and item.assessment.cause in _CUT_OFF for item in states)
    return CircuitState.PARTLY_CUT if cut else CircuitState.CARRYING


def member(state: DeviceState) -> Member:
    """The claim of a device that is a member of an HA group."""
    if state.assessment.cause is Cause.UNREACHABLE:
        return Member(Claim.SILENT)
    if state.assessment.health is Health.UNKNOWN:
        return Member(Claim.UNSEEN)
    role = state.readings.get((Signal.HA_ROLE, ""))
    peer = state.readings.get((Signal.HA_PEER_SEEN, ""))
    seen = None if peer is None else peer.state is SignalState.OK
    match role.value if role is not None else None:
        case "active":
            serving = state.assessment.health is not Health.DOWN
            return Member(Claim.ACTIVE if serving else Claim.NOT_SERVING, seen)
        case "standby":
            return Member(Claim.STANDBY, seen)
        case None | "unknown":
            return Member(Claim.UNSEEN, seen)
        case _:
            return Member(Claim.NOT_SERVING, seen)


def pair_state(a: Member, b: Member) -> PairState:
    """The group's state; `a` is the member that is active by plan.

    One active with the other silent is `no_redundancy`, never `split`: a split needs two claims. No active known
    and one member unseen by us is `unknown`: the group may be serving where we cannot look.
    """
    claims = (a.claim, b.claim)
    active = claims.count(Claim.ACTIVE)
    if active == 2:
        return PairState.SPLIT
    if active == 1:
        other = b if a.claim is Claim.ACTIVE else a
        return _with_one_active(other, by_plan=a.claim is Claim.ACTIVE)
    if Claim.UNSEEN in claims:
        return PairState.UNKNOWN
    if Claim.STANDBY in claims and Claim.SILENT in claims:
        waiting = a if a.claim is Claim.STANDBY else b
        return PairState.UNKNOWN if waiting.peer_seen else PairState.LOST
    return PairState.LOST


def _with_one_active(other: Member, *, by_plan: bool) -> PairState:
    match other.claim:
        case Claim.STANDBY:
            return PairState.REDUNDANT if by_plan else PairState.SWITCHED
        case Claim.UNSEEN:
            return PairState.UNKNOWN
        case _:
            return PairState.NO_REDUNDANCY


def group_state(
    group: GroupCode, inventory: Inventory, devices: Mapping[DeviceCode, DeviceState]
) -> tuple[PairState, bool] | None:
    """The state of `group` from the present states of its two members, the planned active (member A) first, and
    whether it serves though that is unknown.

    None while a member's stored state is all that is known of it, after a restart: then the group's stays as well.
    """
    codes = sorted(inventory.members[group], key=lambda code: inventory.device[code].ha_member or "")
    members = [devices[code] for code in codes]
    if any(_is_only_stored(state) for state in members):
        return None
    first, second = map(member, members)
    state = pair_state(first, second)
    return state, state is PairState.UNKNOWN and Claim.ACTIVE in (first.claim, second.claim)


def _is_only_stored(state: DeviceState) -> bool:
    known = state.assessment.health is not Health.UNKNOWN and state.assessment.cause is not Cause.UNREACHABLE
    return known and not state.has_answered


def hub_is_lost(
    hub: GroupCode | DeviceCode,
    pairs: Mapping[GroupCode, PairView],
    devices: Mapping[DeviceCode, DeviceState],
) -> bool | None:
    """Is everything below `hub` cut off because of the hub itself? None while nobody knows."""
    pair = pairs.get(GroupCode(hub))
    if pair is not None:
        is_open = pair.state is PairState.UNKNOWN and not pair.serves
        return None if is_open else pair.state is PairState.LOST
    single = devices.get(DeviceCode(hub))
    if single is None:
        return False
    health = single.assessment.health
    return None if health is Health.UNKNOWN else health is Health.DOWN


def tunnel_seen_up(
    spoke: DeviceCode, inventory: Inventory, devices: Mapping[DeviceCode, DeviceState], *, newer_than: int
) -> bool:
    """Does the hub of `spoke` report their tunnel up, in an answer received after `newer_than` (epoch ms)?"""
    hub = inventory.parent.get(spoke)
    if hub is None:
        return False
    for code in inventory.members.get(GroupCode(hub), (DeviceCode(hub),)):
        state = devices.get(code)
        if state is None or state.seen_at <= newer_than or state.misses:
            continue
        reading = state.readings.get((Signal.CHANNEL_STATE, spoke))
        role = state.readings.get((Signal.HA_ROLE, ""))
        carries = role is None or role.value != "standby"
        if carries and reading is not None and reading.state is SignalState.OK:
            return True
    return False
