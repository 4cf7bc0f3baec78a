"""HA groups: every combination of two claims."""

from __future__ import annotations

from itertools import product

import pytest

from channelwatch.status.states import PairState
from channelwatch.status.topology import Claim, Member, pair_state

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
