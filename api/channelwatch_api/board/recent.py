"""Recent history for the board: changes of state and events in one list. Pure, but for `fetch`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from channelwatch.base.clock import EpochMs
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.pipeline.ports import StoredTransition
from channelwatch.status.events import EventKind, EventReceived
from channelwatch.status.states import Axis, Cause, Transition
from channelwatch_api.board.model import place_of
from channelwatch_api.house import House
from channelwatch_api.limits import RECENT_SHOWN
from channelwatch_api.scope import Scope


@dataclass(frozen=True, slots=True)
class RecentRow:
    """A change of state (`axis`, `after`, `cause`) or an event (`kind`)."""

    at: EpochMs
    subject: str
    place: str
    bloc: Bloc | None
    is_group: bool
    axis: Axis | None = None
    after: str = ""
    cause: Cause | None = None
    kind: EventKind | None = None
    component: str = ""


async def fetch(house: House, scope: Scope) -> tuple[RecentRow, ...]:
    """The newest changes and events in `scope`, newest first."""
    world = house.world
    devices = [state.device for state in scope.devices(world)]
    subjects = [*devices, *(code for code, _ in scope.pairs(world))]
    history = house.history
    changes = await house.look_up(partial(history.transitions, subjects=subjects, limit=RECENT_SHOWN))
    events = await house.look_up(partial(history.events, devices=devices, limit=RECENT_SHOWN))
    return merge(world.inventory, changes, events)


def merge(
    inventory: Inventory, changes: Sequence[StoredTransition], events: Sequence[EventReceived]
) -> tuple[RecentRow, ...]:
    """Both histories as one list, newest first, cut to what the board shows."""
    told = [item for item in changes if _is_told(item.transition)]
    rows = [_change(inventory, item) for item in told] + [_event(inventory, item) for item in events]
    rows.sort(key=lambda row: row.at, reverse=True)
    return tuple(rows[:RECENT_SHOWN])


def _is_told(item: Transition) -> bool:
    """Another cause of the same state is no news for the board, nor is what the counters back."""
    return item.axis is not Axis.CONTINUITY and item.before != item.after


def _change(inventory: Inventory, stored: StoredTransition) -> RecentRow:
    item = stored.transition
    return RecentRow(
        at=EpochMs(item.recorded_at),
        subject=item.subject,
        place=place_of(inventory, item.subject),
        bloc=_bloc(inventory, item.subject),
        is_group=item.axis is Axis.PAIR,
        axis=item.axis,
        after=item.after,
        cause=item.cause,
    )


def _event(inventory: Inventory, item: EventReceived) -> RecentRow:
    return RecentRow(
        at=item.received_at,
        subject=item.device,
        place=place_of(inventory, item.device),
        bloc=_bloc(inventory, item.device),
        is_group=False,
        kind=item.kind,
        component=item.component,
    )


def _bloc(inventory: Inventory, subject: str) -> Bloc | None:
    members = inventory.members.get(subject, (subject,))  # type: ignore[call-overload]
    return inventory.bloc_of(members[0]) if members and members[0] in inventory.device else None
