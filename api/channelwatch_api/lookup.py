"""Finding what a path names, within the account's blocs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from channelwatch.incidents.model import Incident
from channelwatch.status.device import DeviceState
from channelwatch_api.auth import Account
from channelwatch_api.problems import not_found
from channelwatch_api.services import Services

Number = Annotated[int, Path(ge=1, le=2**53)]


def find_device(shared: Services, account: Account, code: str) -> DeviceState:
    """The device's state; Problem 404 when it is not there or not to be seen."""
    state = account.scope.device(shared.house.world, code)
    if state is None:
        raise not_found()
    return state


async def find_incident(shared: Services, account: Account, number: int) -> Incident:
    """The incident from memory or, if long over, from the store; Problem 404 when it is not there or not to be seen."""
    house = shared.house
    found = account.scope.incident(house.world, number)
    if found is not None:
        return found
    stored = await house.look_up(house.history.incident, number)
    if stored is None or not account.scope.sees_incident(stored):
        raise not_found()
    return stored
