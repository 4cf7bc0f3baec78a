"""What each role may do (domain model, section 3.5). One table; what is not in it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from channelwatch.inventory.model import Role


class Right(StrEnum):
    """One thing that an account may or may not do."""

    VIEW = "view"
    ACKNOWLEDGE = "acknowledge"
    CLEAR_LATCH = "clear_latch"
    READ_NOTES = "read_notes"
    READ_STRANGERS = "read_strangers"
    NOTE = "note"
    WORK = "work"
    CLOSE = "close"
    COMMAND = "command"
    DRILL = "drill"


_READER = frozenset({Right.VIEW, Right.READ_NOTES})
_OVERSEER = _READER | {Right.READ_STRANGERS}
_OPERATOR = _READER | {Right.ACKNOWLEDGE, Right.NOTE}
_RESPONDER = _OPERATOR | {Right.READ_STRANGERS, Right.CLEAR_LATCH, Right.WORK, Right.CLOSE}

RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.WATCH: _OPERATOR | {Right.READ_STRANGERS, Right.CLOSE},
        Role.ONSITE: _OPERATOR,
        Role.RESPONDER: _RESPONDER,
        Role.CHIEF: _RESPONDER | {Right.COMMAND, Right.DRILL},
        Role.OWNER: _OVERSEER,
        Role.ASSESSOR: _OVERSEER,
        Role.AUDITOR: _OVERSEER,
        Role.SHARE_OFFICER: _READER,
        Role.ADMIN: frozenset({Right.VIEW, Right.READ_STRANGERS}),
    }
)
"""An administrator sees states but no incident notes; what no device of ours sent is nothing for those on site."""


def may(role: Role, right: Right) -> bool:
    """Does `role` hold `right`?"""
    return right in RIGHTS[role]
