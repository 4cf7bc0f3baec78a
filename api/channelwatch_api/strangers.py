"""Unknown sources: who spoke to a listener from an address that no device has, and who may read of them."""

from __future__ import annotations

from channelwatch.incidents.model import Incident
from channelwatch.incidents.rules import RuleBook
from channelwatch.status.events import EventKind, RogueSource
from channelwatch_api.access import Right
from channelwatch_api.auth import Account
from channelwatch_api.problems import Problem
from channelwatch_api.services import Services


def may_read(shared: Services, account: Account) -> bool:
    """A stranger is of no bloc: only whoever sees every bloc of the instance reads of it, if the role may."""
    every = frozenset(shared.house.settings.instance.blocs)
    return account.may(Right.READ_STRANGERS) and every <= frozenset(account.scope.blocs)


async def strangers(shared: Services, account: Account, limit: int) -> list[RogueSource]:
    """The sources heard last, the latest first, one beyond `limit` if there are more. Problem 403."""
    if not may_read(shared, account):
        raise Problem(403)
    return await shared.house.look_up(shared.house.history.rogues, limit=limit + 1)


def is_about_strangers(rules: RuleBook, incident: Incident) -> bool:
    """Did a rule open it that counts unknown sources?"""
    rule = rules.of(incident.rule)
    return rule is not None and EventKind.ROGUE_SOURCE in rule.when.events
