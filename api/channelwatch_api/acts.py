"""Which acts on an incident an account may do, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from channelwatch.incidents.model import GRAVE, Incident
from channelwatch.inventory.model import Role
from channelwatch.pipeline.acts import Act, ActKind
from channelwatch_api.access import Right
from channelwatch_api.auth import Account
from channelwatch_api.problems import Problem
from channelwatch_api.schemas import ActIn

RIGHT_OF: Mapping[ActKind, Right] = MappingProxyType(
    {
        ActKind.NOTE: Right.NOTE,
        ActKind.START: Right.WORK,
        ActKind.RESOLVE: Right.WORK,
        ActKind.MERGE: Right.WORK,
        ActKind.GRADE: Right.WORK,
        ActKind.CLOSE: Right.CLOSE,
        ActKind.APPROVE: Right.COMMAND,
        ActKind.DISMISS: Right.COMMAND,
    }
)


def acts_of(account: Account) -> list[ActKind]:
    """What an account may do at all, in the order of an incident's life."""
    return [kind for kind in ActKind if account.may(RIGHT_OF[kind])]


def act_of(account: Account, incident: Incident, wanted: ActIn, *, origin: str) -> Act:
    """The act that the account asks for. Problem 403 when it may not do that to this incident."""
    if not account.may(RIGHT_OF[wanted.kind]):
        raise Problem(403)
    if wanted.kind is ActKind.CLOSE and incident.severity in GRAVE and account.role is Role.WATCH:
        raise Problem(403)
    return Act(
        wanted.kind,
        account.name,
        origin,
        is_chief=account.may(Right.COMMAND),
        reason=wanted.reason,
        into=wanted.into,
        severity=wanted.severity,
    )
