"""The numbered log: what makes committing the same batch again harmless."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from operator import attrgetter

from sqlalchemy import Connection, select

from channelwatch.base.errors import Bug
from channelwatch.base.ids import LogId
from channelwatch.pipeline.ports import Effects
from channelwatch.store import status
from channelwatch.store.sql import put
from channelwatch.store.tables import log_head, transition

_VALUES_OF: dict[type, Callable[[object], object]] = {}
"""What gives the values of all fields of a dataclass, for each that was met in a batch."""


def next_seq(connection: Connection, log: LogId) -> int:
    """The number of the log's next entry."""
    found = connection.scalar(select(log_head.c.next_seq).where(log_head.c.log_id == log))
    return 1 if found is None else int(found)


def claim_numbers(connection: Connection, effects: Effects) -> bool:
    """Advance the log past `effects`; False when they were committed before and nothing is left to do.

    A batch is known by its numbers, and one without transitions by its content, as long as it is the newest: the
    only writer tries nothing older again. Bug when the numbers leave a gap or belong to something else.
    """
    head = connection.execute(
        select(log_head.c.next_seq, log_head.c.batch).where(log_head.c.log_id == effects.log)
    ).one_or_none()
    expected, newest = (head.next_seq, head.batch) if head else (1, "")
    batch = digest(effects)
    if batch == newest:
        return False
    if effects.transitions and effects.first_seq != expected:
        if _is_stored(connection, effects):
            return False
        raise Bug(
            f"entries from {effects.first_seq} were to follow, the log expects {expected}",
            operation="commit",
            subject=effects.log,
        )
    row = {"log_id": effects.log, "next_seq": expected + len(effects.transitions), "batch": batch}
    put(connection, log_head, [row])
    return True


def digest(effects: Effects) -> str:
    """SHA-256 of a batch's content in hex, the same however its sets are ordered."""
    return sha256(json.dumps(effects, default=_plain).encode()).hexdigest()


def _is_stored(connection: Connection, effects: Effects) -> bool:
    first, size = effects.first_seq, len(effects.transitions)
    stored = connection.execute(
        select(transition)
        .where(transition.c.log_id == effects.log, transition.c.seq.between(first, first + size - 1))
        .order_by(transition.c.seq)
    )
    return tuple(status.to_stored(row).transition for row in stored) == effects.transitions


def _plain(value: object) -> object:
    match value:
        case frozenset():
            return sorted(value)
        case Mapping():
            return dict(value)
        case _:
            values_of = _VALUES_OF.get(type(value)) or _learn(type(value))
            return values_of(value)


def _learn(kind: type) -> Callable[[object], object]:
    assert is_dataclass(kind), f"{kind.__name__} has no place in a batch"
    return _VALUES_OF.setdefault(kind, attrgetter(*(field.name for field in fields(kind))))
