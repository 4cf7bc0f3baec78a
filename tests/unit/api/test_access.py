"""Roles and what they may do."""

from __future__ import annotations

import pytest
from channelwatch_api.access import RIGHTS, Right, may

from channelwatch.inventory.model import Role


def test_every_role_is_in_the_table_and_sees_the_board() -> None:
    assert RIGHTS.keys() == set(Role)
    assert all(may(role, Right.VIEW) for role in Role)


@pytest.mark.parametrize("role", Role)
def test_operators_acknowledge_and_readers_do_not(role: Role) -> None:
    operators = {Role.WATCH, Role.ONSITE, Role.RESPONDER, Role.CHIEF}
    assert may(role, Right.ACKNOWLEDGE) == (role in operators)


@pytest.mark.parametrize("role", Role)
def test_only_the_response_team_and_the_chief_clear_a_latch(role: Role) -> None:
    assert may(role, Right.CLEAR_LATCH) == (role in {Role.RESPONDER, Role.CHIEF})


@pytest.mark.parametrize("role", Role)
def test_who_does_not_look_after_the_whole_reads_of_no_strangers(role: Role) -> None:
    assert may(role, Right.READ_STRANGERS) == (role not in {Role.ONSITE, Role.SHARE_OFFICER})


@pytest.mark.parametrize("role", Role)
def test_the_administrator_alone_reads_no_notes(role: Role) -> None:
    assert may(role, Right.READ_NOTES) == (role is not Role.ADMIN)
