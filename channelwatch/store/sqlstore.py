"""The store itself: one method, one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import inspect

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import LogId
from channelwatch.incidents.life import REOPEN_WITHIN_MS
from channelwatch.incidents.model import Incident, IncidentStep
from channelwatch.inventory.diff import Change
from channelwatch.inventory.model import Bloc, Inventory
from channelwatch.pipeline.ports import (
    OPEN_LANES,
    Claim,
    Effects,
    Fate,
    Lanes,
    LoggedChange,
    OutboxCounts,
    Purge,
    Settlement,
    Snapshot,
    StoredPage,
    StoredTransition,
)
from channelwatch.status.events import EventReceived, RogueSource
from channelwatch.store import (
    events,
    incidents,
    intervals,
    inventory,
    lease,
    numbering,
    outbox,
    resuming,
    schema,
    snapshots,
    status,
)
from channelwatch.store.archive import SqlArchive, limited
from channelwatch.store.engine import open_engine


def open_store(url: str, folder: Path) -> SqlStore:
    """The store at `url` (SQLAlchemy form); a relative SQLite path counts from `folder`. Call `upgrade()` next.

    Nothing is made or connected before the first call. StorePermanent: `bad_url`, `no_driver`.
    """
    return SqlStore(open_engine(url, folder))


class SqlStore(SqlArchive):
    """`Store` and `History` (channelwatch/pipeline/ports.py) over SQLAlchemy, beside the archive.

    Besides the errors that the ports name, any method may raise StoreTransient and StorePermanent, whose `reason`
    tells them apart, and Bug for a contradiction of ours, such as a gap in the log's numbers.
    """

    def is_made(self) -> bool:
        """Is there a database with our tables? Asking makes and changes nothing."""
        database = self.engine.url.database
        if self.engine.dialect.name == "sqlite" and not (database and Path(database).exists()):
            return False
        with self._read("open") as connection:
            return bool(inspect(connection).has_table("inventory_version"))

    def upgrade(self) -> None:
        with self._write("upgrade") as connection:
            schema.upgrade(connection)
            if intervals.is_unmade(connection):
                intervals.repair(connection)

    def load(self, log: LogId, *, now: EpochMs) -> Snapshot:
        with self._read("load") as connection:
            return Snapshot(
                inventory=inventory.newest(connection),
                current=status.present(connection),
                pairs=status.pairs(connection),
                incidents=incidents.to_resume(connection, EpochMs(now - REOPEN_WITHIN_MS)),
                next_incident=incidents.next_number(connection),
                next_seq=numbering.next_seq(connection, log),
                alive_until=status.alive_until(connection),
                backed=intervals.backed(connection),
                recent_events=resuming.recent_events(connection, now),
                told=resuming.told(connection, now),
            )

    def commit(self, effects: Effects, *, epoch: int) -> None:
        if effects.is_empty:
            return
        with self._write("commit") as connection:
            lease.check(connection, epoch, "commit")
            if numbering.claim_numbers(connection, effects):
                status.write(connection, effects)
                began = intervals.write(connection, effects)
                if began is not None:
                    snapshots.note_late(connection, began)
                events.write(connection, effects.events, effects.rogues)
                incidents.write(connection, effects.incidents, effects.steps)
                outbox.write(connection, effects.outbox)

    def apply_inventory(self, wanted: Inventory, changes: Sequence[Change], *, by: str, at: EpochMs) -> int:
        with self._write("apply inventory") as connection:
            return inventory.apply(connection, wanted, changes, by=by, at=at)

    def inventory(self) -> Inventory | None:
        with self._read("read inventory") as connection:
            return inventory.newest(connection)

    def inventory_version(self) -> int:
        with self._read("read inventory version") as connection:
            return inventory.newest_version(connection)

    def inventory_log(self, limit: int) -> list[LoggedChange]:
        with self._read("read inventory log") as connection:
            return inventory.changes(connection, limit)

    def take_lease(self, name: str, holder: str, *, now: EpochMs, ttl_ms: int) -> int | None:
        with self._write("take lease") as connection:
            return lease.take(connection, name, holder, now=now, ttl_ms=ttl_ms)

    def release_lease(self, name: str, holder: str) -> None:
        with self._write("release lease") as connection:
            lease.release(connection, name, holder)

    def heartbeat(self, collector: str, *, since: EpochMs, until: EpochMs) -> None:
        with self._write("heartbeat") as connection:
            status.heartbeat(connection, collector, since=since, until=until)

    def claim_outbox(
        self, *, now: EpochMs, limit: int, lease_ms: int, epoch: int, lanes: Lanes = OPEN_LANES
    ) -> list[Claim]:
        with self._write("claim outbox") as connection:
            lease.check(connection, epoch, "claim outbox")
            return outbox.claim(connection, now=now, limit=limit, lease_ms=lease_ms, epoch=epoch, lanes=lanes)

    def settle_outbox(self, claim: Claim, outcome: Fate, *, now: EpochMs, not_before: EpochMs | None) -> None:
        with self._write("settle outbox") as connection:
            outbox.settle(connection, claim, outcome, now=now, not_before=not_before)

    def settle_all(self, settlements: Sequence[Settlement]) -> None:
        with self._write("settle outbox") as connection:
            for item in settlements:
                outbox.settle(connection, item.claim, item.outcome, now=item.now, not_before=item.not_before)

    def outbox_counts(self, now: EpochMs) -> OutboxCounts:
        with self._read("count outbox") as connection:
            return outbox.counts(connection, now)

    def prune_events(self, before: EpochMs) -> int:
        with self._write("prune events") as connection:
            return events.prune(connection, before)

    def prune_pages(self, before: EpochMs) -> int:
        with self._write("prune messages") as connection:
            return outbox.prune(connection, before)

    def note_purge(self, done: Purge) -> None:
        with self._write("note purge") as connection:
            events.note_purge(connection, done)

    def purges(self, limit: int = 200) -> list[Purge]:
        """The runs of pruning, the newest first."""
        with self._read("read purges") as connection:
            return events.purges(connection, limit)

    def close(self) -> None:
        self.engine.dispose()

    def transitions(
        self, *, subjects: Sequence[str], since: int = 0, limit: int = 200
    ) -> list[StoredTransition]:
        limited(subjects)
        with self._read("read transitions") as connection:
            return status.transitions(connection, subjects=subjects, since=since, limit=limit)

    def events(self, *, devices: Sequence[str], since: int = 0, limit: int = 200) -> list[EventReceived]:
        limited(devices)
        with self._read("read events") as connection:
            return events.read(connection, devices=devices, since=since, limit=limit)

    def incidents(self, *, blocs: Sequence[Bloc], since: int = 0, limit: int = 200) -> list[Incident]:
        with self._read("read incidents") as connection:
            return incidents.opened(connection, blocs=blocs, since=since, limit=limit)

    def incident(self, number: int) -> Incident | None:
        with self._read("read incident") as connection:
            return incidents.by_number(connection, number)

    def steps(self, incident: int) -> list[IncidentStep]:
        with self._read("read steps") as connection:
            return incidents.steps(connection, incident)

    def pages(self, incident: int) -> list[StoredPage]:
        with self._read("read pages") as connection:
            return outbox.pages(connection, incident)

    def rogues(self, *, limit: int = 200) -> list[RogueSource]:
        with self._read("read rogues") as connection:
            return events.rogues(connection, limit)
