"""One process writes. It holds a lease, whose epoch shuts out a process that woke up too late."""

from __future__ import annotations

from sqlalchemy import Connection, func, or_, select, update

from channelwatch.base.clock import EpochMs
from channelwatch.store.errors import StorePermanent, StoreReason
from channelwatch.store.sql import Lock, insert, take_turns
from channelwatch.store.tables import lease

CLOCK_SLACK_MS = 60_000
"""How far the clocks of two servers may be apart. A lease that lasts longer than that beyond its time was taken by a
clock that has been set back since: nobody renews it."""


def take(connection: Connection, name: str, holder: str, *, now: EpochMs, ttl_ms: int) -> int | None:
    """Renew a lease that `holder` holds, or take one that is free or ran out; its epoch, None when another holds it.

    Epochs are numbered across all leases, so one number says who may write.
    """
    mine = lease.c.name == name
    renewed = connection.scalar(
        update(lease)
        .where(mine, lease.c.holder == holder)
        .values(until=now + ttl_ms)
        .returning(lease.c.epoch)
    )
    if renewed is not None:
        return int(renewed)
    take_turns(connection, Lock.LEASE)
    epoch = int(connection.scalar(select(func.max(lease.c.epoch))) or 0) + 1
    wanted = {"holder": holder, "epoch": epoch, "until": now + ttl_ms}
    statement = insert(connection.dialect.name, lease).values(name=name, **wanted)
    stray = lease.c.until > now + ttl_ms + CLOCK_SLACK_MS
    free = or_(lease.c.holder.is_(None), lease.c.until <= now, stray)
    taken: int | None = connection.scalar(
        statement.on_conflict_do_update(index_elements=["name"], set_=wanted, where=free).returning(
            lease.c.epoch
        )
    )
    return taken


def release(connection: Connection, name: str, holder: str) -> None:
    """Free the lease if `holder` holds it; its epoch is never used again once another has taken it."""
    connection.execute(
        update(lease).where(lease.c.name == name, lease.c.holder == holder).values(holder=None, until=0)
    )


def check(connection: Connection, epoch: int, operation: str) -> None:
    """StorePermanent `lease_lost` unless `epoch` is current; it then stays so until this transaction ends."""
    held = select(lease.c.epoch).where(lease.c.epoch == epoch).with_for_update(read=True)
    if connection.scalar(held) is None:
        raise StorePermanent(
            StoreReason.LEASE_LOST, f"epoch {epoch} is not current any more", operation=operation
        )
