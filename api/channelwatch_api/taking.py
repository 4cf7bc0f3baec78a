"""An account takes an incident, or a contact does who said a code to it."""

from __future__ import annotations

from channelwatch.base.errors import ChannelwatchError
from channelwatch.incidents.ack import AckRefusal
from channelwatch.incidents.model import Incident
from channelwatch_api.auth import Account
from channelwatch_api.problems import Problem, from_error
from channelwatch_api.services import Services


async def taken(
    shared: Services, account: Account, item: Incident, *, code: str | None, origin: str
) -> Incident:
    """The incident after that. Problem 409 when it is over or the code is not one of it, 429 after too many codes."""
    try:
        if code is None:
            return await shared.house.acknowledge(item.id, by=account.name, origin=origin)
        if shared.acks is None:
            raise Problem(409, "unknown_code")
        found = await shared.acks.by_spoken_code(item, code, heard_by=account.name)
    except ChannelwatchError as error:
        raise from_error(error) from error
    if isinstance(found, Incident):
        return found
    if found is AckRefusal.TOO_MANY_TRIES:
        raise Problem(429)
    raise Problem(409, "unknown_code" if found is AckRefusal.UNKNOWN_CODE else "refused")
