"""HA groups: every combination of two claims."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Cause, Health, PairState, Protection
from channelwatch.status.topology import (
    CircuitState,
    CircuitView,
    Claim,
    Member,
    circuit_state,
    group_state,
    pair_state,
    tunnel_seen_up,
)
from tests.support.province import HUB, HUB_A, HUB_B, small_inventory, spoke

A, S, N, X, U = Claim.ACTIVE, Claim.STANDBY, Claim.NOT_SERVING, Claim.SILENT, Claim.UNSEEN

EXPECTED = {
    (A, A): PairState.SPLIT,
    (A, S): PairState.REDUNDANT,
    (A, N): PairState.NO_REDUNDANCY,
    (A, X): PairState.NO_REDUNDANCY,
    (A, U): PairState.UNKNOWN,
    (S, A): PairState.SWITCHED,
    (S, S): PairState.LOST,
    (S, N): PairState.LOST,
    (S, X): PairState.LOST,
    (S, U): PairState.UNKNOWN,
    (N, A): PairState.NO_REDUNDANCY,
    (N, S): PairState.LOST,
    (N, N): PairState.LOST,
    (N, X): PairState.LOST,
    (N, U): PairState.UNKNOWN,
    (X, A): PairState.NO_REDUNDANCY,
    (X, S): PairState.LOST,
    (X, N): PairState.LOST,
    (X, X): PairState.LOST,
    (X, U): PairState.UNKNOWN,
    (U, A): PairState.UNKNOWN,
    (U, S): PairState.UNKNOWN,
    (U, N): PairState.UNKNOWN,
    (U, X): PairState.UNKNOWN,
    (U, U): PairState.UNKNOWN,
}


def test_every_combination_is_expected_here() -> None:
    assert set(EXPECTED) == set(product(Claim, Claim))


@pytest.mark.parametrize(("claims", "state"), EXPECTED.items())
def test_the_groups_state_follows_from_both_claims(claims: tuple[Claim, Claim], state: PairState) -> None:
    assert pair_state(Member(claims[0]), Member(claims[1])) is state


def test_one_active_and_a_silent_partner_is_never_split() -> None:
    for seen in (True, False, None):
        assert pair_state(Member(A, seen), Member(X)) is PairState.NO_REDUNDANCY


def test_a_standby_that_sees_its_silent_peer_leaves_the_group_unknown() -> None:
    assert pair_state(Member(S, peer_seen=True), Member(X)) is PairState.UNKNOWN
    assert pair_state(Member(X), Member(S, peer_seen=False)) is PairState.LOST


def state(
    health: Health, cause: Cause = Cause.NONE, *, code: str = "51-D-20001-1", answered: bool = True
) -> DeviceState:
    found = Assessment(health, Protection.UNKNOWN, cause)
    return DeviceState(DeviceCode(code), assessment=found, has_answered=answered)


WELL, CUT = state(Health.UP), state(Health.DOWN, Cause.UNREACHABLE)
UNHEARD = state(Health.UNKNOWN)


@pytest.mark.parametrize(
    ("lost", "spokes", "expected"),
    [
        (True, (WELL,), CircuitState.LOST),
        (False, (CUT, CUT), CircuitState.UNKNOWN),
        (False, (CUT, UNHEARD), CircuitState.UNKNOWN),
        (False, (WELL, CUT), CircuitState.PARTLY_CUT),
        (False, (WELL, UNHEARD), CircuitState.CARRYING),
        (False, (WELL, state(Health.DOWN, Cause.BYPASS)), CircuitState.CARRYING),
        (False, (WELL, state(Health.DEGRADED, Cause.TUNNEL_DOWN)), CircuitState.CARRYING),
    ],
)
def test_a_circuit_carries_as_long_as_one_of_its_spokes_is_heard(
    lost: bool, spokes: tuple[DeviceState, ...], expected: CircuitState
) -> None:
    assert circuit_state(CircuitView(lost), spokes) is expected


def test_a_group_of_which_one_member_is_known_from_the_store_alone_keeps_its_state() -> None:
    inventory = small_inventory()

    def of(*answered: bool) -> tuple[PairState, bool] | None:
        members = zip((HUB_A, HUB_B), answered, strict=True)
        return group_state(
            HUB, inventory, {code: state(Health.UP, code=code, answered=it) for code, it in members}
        )

    assert (of(True, False), of(False, True), of(False, False)) == (None, None, None)
    assert of(True, True) == (PairState.UNKNOWN, False)


def telling(
    role: str | None, tunnel: SignalState | None, *, seen_at: int = 11, misses: int = 0
) -> DeviceState:
    """A hub's member that tells its role and how the tunnel of the first spoke is."""
    told = [] if role is None else [Reading(Signal.HA_ROLE, SignalState.OK, role)]
    told += [] if tunnel is None else [Reading(Signal.CHANNEL_STATE, tunnel, component=spoke(1))]
    return replace(
        WELL, seen_at=EpochMs(seen_at), misses=misses, readings={reading.key: reading for reading in told}
    )


OK, FAILED = SignalState.OK, SignalState.FAILED
SILENT = telling(None, None)


@pytest.mark.parametrize(
    ("first", "second", "up"),
    [
        (telling("active", OK), SILENT, True),
        (SILENT, telling("active", OK), True),
        (telling(None, OK), SILENT, True),
        (telling("active", FAILED), SILENT, False),
        (telling("active", None), SILENT, False),
        (telling("standby", OK), telling("active", FAILED), False),
        (telling("active", OK, seen_at=10), SILENT, False),
        (telling("active", OK, misses=1), SILENT, False),
        (SILENT, SILENT, False),
    ],
)
def test_a_tunnel_is_seen_up_by_a_member_that_carries_it_and_was_heard_since(
    first: DeviceState, second: DeviceState, up: bool
) -> None:
    inventory, hubs = small_inventory(), {HUB_A: first, HUB_B: second}
    assert tunnel_seen_up(spoke(1), inventory, hubs, newer_than=10) is up
    assert tunnel_seen_up(spoke(2), inventory, hubs, newer_than=10) is False


def test_what_hangs_on_no_hub_is_seen_by_nobody() -> None:
    inventory = small_inventory()
    assert tunnel_seen_up(HUB_A, inventory, {HUB_A: telling("active", OK)}, newer_than=10) is False
    assert tunnel_seen_up(spoke(1), inventory, {}, newer_than=10) is False
