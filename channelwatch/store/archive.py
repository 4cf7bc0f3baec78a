"""The past, read for reports, and the transactions that everything in the store runs in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from channelwatch.base.intervals import Interval
from channelwatch.incidents.drills import Drill
from channelwatch.incidents.oncall import Roster
from channelwatch.inventory.maintenance import Window
from channelwatch.pipeline.snapshots import Ground
from channelwatch.status.states import Axis
from channelwatch.store import (
    desk,
    drills,
    health,
    history,
    incidents,
    intervals,
    inventory,
    lease,
    rebuilds,
    roster,
    snapshots,
)
from channelwatch.store.desk import Act
from channelwatch.store.engine import WRITES
from channelwatch.store.errors import StorePermanent, StoreReason, translated
from channelwatch.store.intervals import Difference
from channelwatch.store.moving import Told, carry_over
from channelwatch.store.rebuilds import Rebuilt
from channelwatch.store.roster import RosterAct
from channelwatch.uptime.corrections import Correction, Decision
from channelwatch.uptime.estate import Edition
from channelwatch.uptime.ledger import Chapter, ScopeKind
from channelwatch.uptime.outages import Alarm
from channelwatch.uptime.shares import Share

MAX_SUBJECTS = 30_000
"""Subjects in one question: either database takes more parameters than this, though not many."""


class SqlArchive:
    """`Archive` (channelwatch/pipeline/availability.py) over SQLAlchemy: one method, one transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(**{WRITES: True})
        self._file = engine.url.database or "" if engine.dialect.name == "sqlite" else ""

    def chapters(
        self, *, subjects: Sequence[str], since: int | None, until: int
    ) -> dict[tuple[str, Axis], Chapter]:
        limited(subjects)
        with self._read("read history") as connection:
            return history.chapters(connection, subjects=subjects, since=since, until=until)

    def editions(self, period: Interval) -> Iterator[Edition]:
        with self._read("read inventory versions") as connection:
            versions = history.versions_in_force(connection, period)
        for number, at in versions:
            with self._read("read inventory version") as connection:
                yield Edition(at, inventory.at_version(connection, number))

    def alarms(self, *, subjects: Sequence[str], until: int) -> dict[str, list[Alarm]]:
        limited(subjects)
        with self._read("read alarms") as connection:
            return incidents.alarms(connection, subjects=subjects, until=until)

    def windows(self, *, since: int = 0) -> tuple[Window, ...]:
        """The maintenance windows that may take place at `since` or later, by number."""
        with self._read("read maintenance") as connection:
            return tuple(window for window in desk.windows(connection) if window.last_end >= since)

    def corrections(self) -> tuple[Correction, ...]:
        """All corrections, whatever became of them, by number."""
        with self._read("read corrections") as connection:
            return tuple(desk.corrections(connection))

    def roster_version(self) -> int:
        """The number of the newest on-call roster, 0 without one; cheap enough to ask again and again."""
        with self._read("read roster version") as connection:
            return roster.newest_version(connection)

    def roster(self) -> tuple[int, Roster]:
        """The newest on-call roster and its number."""
        with self._read("read roster") as connection:
            return roster.newest(connection)

    def roster_log(self, limit: int) -> list[RosterAct]:
        """What was done to the roster, the newest first."""
        with self._read("read roster log") as connection:
            return roster.log(connection, limit)

    def change_roster(self, wanted: Roster, act: Act, *, what: str, base: int) -> int:
        """Write the roster made of version `base` anew. Permanent when somebody else has changed it since."""
        with self._write("change roster") as connection:
            return roster.change(connection, wanted, act, what=what, base=base)

    def drills(self) -> tuple[Drill, ...]:
        """All drills, whatever became of them, by number."""
        with self._read("read drills") as connection:
            return tuple(drills.drills(connection))

    def ask_drill(self, wanted: Drill, *, origin: str) -> int:
        """Record a drill; its number. Permanent while another one is not over."""
        with self._write("ask for a drill") as connection:
            return drills.ask(connection, wanted, origin=origin)

    def mark_drill(self, number: int, kind: str, act: Act) -> None:
        """Record that it has begun, is to stop or has ended. Permanent when there is none, or it is over."""
        with self._write("mark a drill") as connection:
            drills.mark(connection, number, kind, act)

    def plan_window(self, window: Window, *, origin: str) -> int:
        """Record a request for maintenance; its number. `origin` is who sat at the keyboard."""
        with self._write("plan maintenance") as connection:
            return desk.plan(connection, window, origin=origin)

    def approve_window(self, number: int, act: Act) -> Window:
        """Approve a request of somebody else. Permanent when there is none, or it was decided."""
        with self._write("approve maintenance") as connection:
            return desk.approve(connection, number, act)

    def end_window(self, number: int, act: Act) -> Window:
        """End a window now and for good. Permanent when there is none, or it is over."""
        with self._write("end maintenance") as connection:
            return desk.end(connection, number, act)

    def request_correction(self, wanted: Correction, *, origin: str) -> int:
        """Record a request for a correction; its number."""
        with self._write("request correction") as connection:
            return desk.request(connection, wanted, origin=origin)

    def decide_correction(
        self,
        number: int,
        decision: Decision,
        act: Act,
        *,
        sign: Callable[[Correction], str] = lambda _: "",
    ) -> Correction:
        """Approve or refuse a request of somebody else. Permanent when there is none, or it was decided.

        `sign` gives the decider's signature under what it has become; what it raises leaves all as it was.
        """
        with self._write("decide correction") as connection:
            return desk.decide(connection, number, decision, act, sign)

    def ground(self) -> Ground:
        with self._steady("read ground") as connection:
            return snapshots.ground(connection)

    def added_up(self, months: Sequence[Interval], kinds: Collection[ScopeKind], code: str) -> list[Share]:
        with self._read("add up months") as connection:
            return snapshots.added_up(connection, months, kinds, code)

    def shares_of(self, month: Interval) -> list[Share]:
        """The kept shares of one month."""
        with self._read("read month") as connection:
            return list(snapshots.stored(connection, month))

    def begin_month(self, span: Interval) -> None:
        with self._write("begin month") as connection:
            snapshots.begin(connection, span)

    def keep_month(self, span: Interval, ground: str, shares: Iterable[Share]) -> bool:
        with self._write("keep month") as connection:
            return snapshots.keep(connection, span, ground, shares)

    def differences(self, *, limit: int = 1000) -> list[Difference]:
        """Where the projection of the transitions is not what it must be: at most `limit` of it."""
        with self._steady("check projection") as connection:
            return intervals.differences(connection, limit=limit)

    def repair(self, act: Act, *, epoch: int) -> int:
        """Make the projection what the transitions say, and record that; how many spans were not.

        All of it or nothing, and nobody else can write meanwhile. What was recorded is only read.
        """
        with self._write("repair projection") as connection:
            lease.check(connection, epoch, "repair projection")
            examples = intervals.differences(connection, limit=rebuilds.EXAMPLES)
            repaired = intervals.repair(connection) if examples else 0
            if repaired:
                snapshots.note_late(connection, 0)
            rebuilds.note(connection, repaired, examples, act)
            return repaired

    def rebuilds(self, limit: int) -> list[Rebuilt]:
        """What each repair of the projection found wrong, the newest first."""
        with self._read("read rebuilds") as connection:
            return rebuilds.log(connection, limit)

    def health(self) -> tuple[str, list[str]]:
        """The version of the schema (empty when there is none), and what is wrong, in plain sentences."""
        with self._steady("check") as connection:
            return health.schema_of(connection)[1], health.problems(connection)

    def move_to(self, other: SqlArchive, *, epoch: int, told: Told) -> int:
        """Copy everything into `other`, whose schema is in place and which is empty; how many rows."""
        with self._write("move") as source, other._write("move") as target:
            lease.check(source, epoch, "move")
            return carry_over(source, target, told=told)

    @contextmanager
    def _steady(self, operation: str) -> Iterator[Connection]:
        """A transaction whose questions are all answered as of its beginning."""
        engine = self.engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with translated(operation, self._file), engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self, operation: str) -> Iterator[Connection]:
        with translated(operation, self._file), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _write(self, operation: str) -> Iterator[Connection]:
        with translated(operation, self._file), self._writer.begin() as connection:
            yield connection


def limited(subjects: Sequence[str]) -> None:
    """StorePermanent `too_many` for more subjects than one question takes."""
    if len(subjects) > MAX_SUBJECTS:
        text = f"{len(subjects)} subjects, at most {MAX_SUBJECTS}"
        raise StorePermanent(StoreReason.TOO_MANY, text, operation="read")
