"""A fault seldom comes alone: when a device falters, ask at once those whose answer tells whose fault it is.

So, by the miss that decides, a hub has said whether it still sees the tunnel of a silent spoke. What it answered a
period ago would keep the spoke `degraded` until the next one. They are asked again when it is down: a standby member
may have taken over by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from channelwatch.app.running.engine import Engine
from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.inventory.model import Inventory
from channelwatch.status.states import Health


def kin(device: DeviceCode, inventory: Inventory) -> Iterator[DeviceCode]:
    """The hub's members above a spoke; the other member of an HA group."""
    placed = inventory.device.get(device)
    if placed is None:
        return
    above = inventory.parent.get(device)
    for group in (above, placed.ha_group):
        if group is not None:
            members = inventory.members.get(GroupCode(group), (DeviceCode(group),))
            yield from (code for code in members if code != device)


async def ask_kin(engine: Engine, poll_now: Callable[[DeviceCode], object]) -> None:
    """Ask for whoever is down. Run until cancelled, or until the engine ends its changes."""
    async with engine.subscribe() as changes:
        async for change in changes:
            inventory = engine.world.inventory
            asked = {
                relative
                for code in change.devices
                if (state := engine.world.devices.get(code)) is not None
                and state.assessment.health is Health.DOWN
                for relative in kin(code, inventory)
            }
            for device in sorted(asked):
                poll_now(device)
