"""The log of rebuilds: who had the status intervals made anew, and what had been wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from channelwatch.base.clock import EpochMs
from channelwatch.store.desk import Act
from channelwatch.store.intervals import Difference
from channelwatch.store.sql import add
from channelwatch.store.tables import rebuild

EXAMPLES = 20
"""Differences of one rebuild that are told in words."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One rebuild, over at `at` (epoch ms): how many spans it made right, and the first of them in words."""

    at: EpochMs
    by: str
    origin: str
    differences: int
    examples: tuple[str, ...]


def note(connection: Connection, repaired: int, examples: Sequence[Difference], act: Act) -> None:
    """Record a rebuild, whether it found anything or not."""
    row = {
        "differences": repaired,
        "examples": "\n".join(map(str, examples)),
        "happened_at": act.at,
        "actor": act.by,
        "origin": act.origin,
    }
    add(connection, rebuild, [row])


def log(connection: Connection, limit: int) -> list[Rebuilt]:
    """The newest `limit` rebuilds, newest first."""
    rows = connection.execute(select(rebuild).order_by(rebuild.c.id.desc()).limit(limit))
    return [
        Rebuilt(
            EpochMs(row.happened_at), row.actor, row.origin, row.differences, tuple(row.examples.splitlines())
        )
        for row in rows
    ]
