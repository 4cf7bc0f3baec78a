"""The on-call roster: each act writes it anew as a version, and no version ever changes."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import Connection, func, insert, select

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import Permanent
from channelwatch.incidents.oncall import NO_ROSTER, Roster
from channelwatch.store.desk import Act
from channelwatch.store.sql import Lock, take_turns
from channelwatch.store.tables import roster_version

_ROSTER = TypeAdapter(Roster)


@dataclass(frozen=True, slots=True)
class RosterAct:
    """One entry of the roster's log; `what` says in a line what was done."""

    version: int
    act: Act
    what: str


def newest_version(connection: Connection) -> int:
    """The number of the newest version, 0 before the first."""
    return int(connection.scalar(select(func.max(roster_version.c.version))) or 0)


def newest(connection: Connection) -> tuple[int, Roster]:
    """The newest version and its number."""
    latest = roster_version.c.version == newest_version(connection)
    row = connection.execute(
        select(roster_version.c.version, roster_version.c.document).where(latest)
    ).first()
    return (0, NO_ROSTER) if row is None else (row.version, _ROSTER.validate_json(row.document))


def change(connection: Connection, wanted: Roster, act: Act, *, what: str, base: int) -> int:
    """Write `wanted`, made of version `base`; its number. Permanent when somebody else has changed it since."""
    take_turns(connection, Lock.DESK)
    version = newest_version(connection)
    if version != base:
        raise Permanent("somebody else has changed it meanwhile: try again", operation="change the roster")
    connection.execute(
        insert(roster_version).values(
            version=version + 1,
            happened_at=act.at,
            actor=act.by,
            origin=act.origin,
            reason=act.reason,
            what=what,
            document=_ROSTER.dump_json(wanted).decode(),
        )
    )
    return version + 1


def log(connection: Connection, limit: int) -> list[RosterAct]:
    """What was done, the newest first."""
    table = roster_version
    rows = connection.execute(select(table).order_by(table.c.version.desc()).limit(limit))
    return [
        RosterAct(row.version, Act(row.actor, EpochMs(row.happened_at), row.origin, row.reason), row.what)
        for row in rows
    ]
