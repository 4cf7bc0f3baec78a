"""From the world to the pieces of each view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.drills import Drill
from channelwatch.incidents.model import Incident
from channelwatch.pipeline.world import World
from channelwatch.status.device import DeviceState
from channelwatch_api.board.circuits import circuit_rows
from channelwatch_api.board.device import device_now
from channelwatch_api.board.drills import drill_now
from channelwatch_api.board.model import (
    Board,
    IncidentRow,
    board,
    incident_row,
    incident_rows,
    place_of,
)
from channelwatch_api.board.people import Person, person
from channelwatch_api.board.recent import RecentRow
from channelwatch_api.board.screens import Beside, Piece, ScreenKey, View
from channelwatch_api.board.spots import Spot, spot
from channelwatch_api.scope import Scope

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class IncidentNow:
    """An incident on its own page; `impacted` are the subjects to be seen, with their places' names."""

    row: IncidentRow
    incident: Incident
    impacted: tuple[tuple[str, str], ...]
    taker: Person | None


@dataclass(frozen=True, slots=True)
class TableRow:
    """A device in the table. `seen_at` is cut to the minute: a row need not change with every poll."""

    spot: Spot
    seen_at: EpochMs


def compose(world: World, key: ScreenKey, beside: Beside) -> Mapping[str, Piece]:
    """The pieces of `key` by element id, as the world is now. Every page says when a drill is on."""
    return {"drill": drill_piece(world, key.scope, beside.drill), **_own(world, key, beside)}


def drill_piece(world: World, scope: Scope, drill: Drill | None) -> Piece:
    """What tells everybody of the drill that is on, as far as `scope` reaches."""
    return Piece("drill_now.html", drill_now(world.inventory, scope, drill))


def _own(world: World, key: ScreenKey, beside: Beside) -> Mapping[str, Piece]:
    match key.view:
        case View.BOARD:
            return _board(board(world, key.scope), beside.recent)
        case View.TABLE:
            return {
                f"row-{state.device}": Piece("device_row.html", table_row(world, state))
                for state in key.scope.devices(world)
            }
        case View.DEVICE:
            state = key.scope.device(world, key.subject)
            return {} if state is None else {"device-now": Piece("device_now.html", device_now(world, state))}
        case View.CIRCUITS:
            return {"circuits-now": Piece("circuit_table.html", circuit_rows(world, key.scope))}
        case View.INCIDENTS:
            return {"incidents-live": Piece("incident_table.html", incident_rows(world, key.scope))}
        case View.INCIDENT:
            item = key.scope.incident(world, int(key.subject))
            return {} if item is None else {"incident-now": incident_piece(world, item, key.scope)}
        case View.STILL:
            return {}
        case _:
            assert_never(key.view)


def density(tiles: int) -> str:
    """How closely so many tiles stand."""
    return "roomy" if tiles <= 24 else "normal" if tiles <= 60 else "dense"


def _board(model: Board, recent: tuple[RecentRow, ...]) -> dict[str, Piece]:
    pieces = {
        "strip": Piece("strip.html", model.strip),
        "incidents": Piece("incidents.html", model.incidents),
        "exceptions": Piece("exceptions.html", model.exceptions),
        "recent": Piece("recent.html", recent),
    }
    pieces.update({f"bloc-{card.bloc}": Piece("bloc.html", card) for card in model.cards})
    pieces.update({f"tile-{tile.unit}": Piece("tile.html", tile) for tile in model.tiles})
    return pieces


def table_row(world: World, state: DeviceState) -> TableRow:
    """A device's row."""
    return TableRow(spot(world.inventory, state), EpochMs(state.seen_at // MINUTE_MS * MINUTE_MS))


def incident_piece(world: World, item: Incident, scope: Scope) -> Piece:
    """What an incident's page shows of the incident itself."""
    impacted = tuple(code for code in item.impacted if scope.sees_subject(world.inventory, code))
    places = tuple((code, place_of(world.inventory, code)) for code in impacted)
    taker = None if item.acked_by is None else person(item.acked_by, world.inventory)
    return Piece("incident_now.html", IncidentNow(incident_row(world, item, scope), item, places, taker))
