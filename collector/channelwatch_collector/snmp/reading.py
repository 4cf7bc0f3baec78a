"""Carrying out a plan by single questions, whoever sends them: splitting, paging, setting faults aside. Pure.

A reading is a generator: it yields what to ask, is sent each answer, and returns what was read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from channelwatch_collector.snmp.ask import Ask, ask
from channelwatch_collector.snmp.limits import EngineLimits
from channelwatch_collector.snmp.pdu import ErrorStatus, PduType, Response
from channelwatch_collector.snmp.port import Oid, PollFailure, PollPlan, SnmpType, Value, VarBind
from channelwatch_collector.snmp.walk import CAREFUL_OCTETS, ColumnReader, PageHint, failure_of, whole_columns

_MAX_HINTS = 8
_PREPARED = 1_024

Hints = dict[tuple[Oid, ...], PageHint]
"""What walks of one agent have taught, by the columns read together."""

Scalars = dict[Oid, Value]
Columns = dict[Oid, dict[Oid, Value]]
T = TypeVar("T")


class Failed(Exception):
    """A question that ended without a usable answer."""

    def __init__(self, failure: PollFailure) -> None:
        super().__init__(failure)
        self.failure = failure


class Answered(NamedTuple):
    """A response, the octets of its datagram and the wait for it, of the attempt that it answers."""

    response: Response
    octets: int
    rtt_ms: float


Steps = Generator[Ask, Answered, T]
"""A reading under way; `Failed` is thrown in for a question without an answer, and comes out if nothing is left."""


@lru_cache(_PREPARED)
def _gets(oids: tuple[Oid, ...], size: int) -> tuple[Ask, ...]:
    """Questions for each name once, `size` names at a time, the last first."""
    unread = tuple(dict.fromkeys(oids))
    return tuple([ask(PduType.GET, unread[at : at + size]) for at in range(0, len(unread), size)])[::-1]


class _Prepared(NamedTuple):
    plan: PollPlan
    size: int
    gets: tuple[Ask, ...]


_prepared: dict[int, _Prepared] = {}


def _gets_of(plan: PollPlan, size: int) -> tuple[Ask, ...]:
    """`_gets` of a plan, which is looked up by its identity: to hash a hundred numbers takes longer than all else."""
    found = _prepared.get(id(plan))
    if found is None or found.plan is not plan or found.size != size:
        if len(_prepared) >= _PREPARED:
            _prepared.clear()
        found = _prepared[id(plan)] = _Prepared(plan, size, _gets(plan.scalars, size))
    return found.gets


async def carry_out(steps: Steps[T], put: Callable[[Ask], Awaitable[Answered]]) -> T:
    """Drive `steps` to their end with `put`, which raises `Failed`."""
    try:
        question = next(steps)
        while True:
            try:
                answered = await put(question)
            except Failed as failed:
                question = steps.throw(failed)
            else:
                question = steps.send(answered)
    except StopIteration as end:
        result: T = end.value
        return result


class Reading:
    """One poll, get or walk under way.

    `failed` gathers the objects that spoilt only themselves. `rtt_ms` is that of the first answer; None
    means that the agent has not answered yet, and then a failed question fails the whole. `hints` may be given later,
    as long as nothing has been asked.
    """

    __slots__ = ("_limits", "_lost", "_max_repetitions", "failed", "hints", "rtt_ms")

    def __init__(self, limits: EngineLimits, max_repetitions: int, hints: Hints | None = None) -> None:
        self._limits = limits
        self._max_repetitions = max_repetitions
        self.hints = {} if hints is None else hints
        self.rtt_ms: float | None = None
        self.failed: dict[Oid, PollFailure] = {}
        self._lost: PollFailure | None = None

    def poll(self, plan: PollPlan) -> Steps[tuple[Scalars, Columns]]:
        """Read all of `plan`; raises `Failed` if nothing at all could be read."""
        scalars = yield from self._scalars(_gets_of(plan, self._limits.max_names))
        columns = yield from self.columns(
            plan.columns, max_rows=self._limits.max_rows, max_pages=self._limits.max_pages
        )
        if not scalars and not columns:
            self._raise_failed()
        return scalars, columns

    def get(self, oids: Sequence[Oid]) -> Steps[Scalars]:
        """Read exact instances; raises `Failed` if any could not be read."""
        values = yield from self.scalars(oids)
        self._raise_failed()
        return values

    def walk(self, root: Oid, *, max_rows: int, max_pages: int) -> Steps[list[VarBind]]:
        """Everything below `root`; raises `Failed` if it could not be read to its end."""
        columns = yield from self.columns((root,), max_rows=max_rows, max_pages=max_pages)
        self._raise_failed()
        return [((*root, *suffix), value) for suffix, value in columns[root].items()]

    def scalars(self, oids: Sequence[Oid]) -> Steps[Scalars]:
        """GET all of `oids`, a bounded number at a time, splitting what the agent refuses as a whole."""
        return self._scalars(_gets(tuple(oids), self._limits.max_names))

    def _scalars(self, gets: Sequence[Ask]) -> Steps[Scalars]:
        values: Scalars = {}
        waiting = list(gets)
        questions_left = self._limits.max_questions + len(waiting)
        while waiting:
            asked = waiting.pop()
            names = asked.names
            if not questions_left or self._lost:
                self.failed.update(dict.fromkeys(names, self._lost or PollFailure.GEN_ERR))
                continue
            questions_left -= 1
            try:
                response, _, rtt_ms = yield asked
            except Failed as failed:
                self._lose(failed)
                waiting.append(asked)
                continue
            if self.rtt_ms is None:
                self.rtt_ms = rtt_ms
            if response.error_status:
                rest = self._narrow(names, response.error_status, response.error_index, values)
                waiting.extend(ask(PduType.GET, part) for part in rest)
            else:
                values.update(zip(names, response.bindings.values, strict=True))
        return values

    def columns(self, roots: Sequence[Oid], *, max_rows: int, max_pages: int) -> Steps[Columns]:
        """GETBULK all of `roots` to their ends; those that fail are left out and named in `failed`."""
        hint = self._hint_for(tuple(roots))
        if hint.whole is not None and not self._lost and hint.whole.repetitions <= self._max_repetitions:
            columns = yield from self._columns_as_before(hint, hint.whole)
            if columns is not None:
                return columns
        reader = ColumnReader(
            roots, max_repetitions=self._max_repetitions, max_rows=max_rows, max_pages=max_pages, hint=hint
        )
        if self._lost:
            reader.give_up(self._lost)
        while names := reader.question():
            asked = ask(PduType.GET_BULK, names, reader.repetitions())
            try:
                response, octets, rtt_ms = yield asked
            except Failed as failed:
                if self.rtt_ms is None:
                    raise
                reader.silent(failed.failure)
                continue
            if self.rtt_ms is None:
                self.rtt_ms = rtt_ms
            if response.error_status:
                reader.refused(response.error_status, response.error_index)
            else:
                reader.take(response.bindings, octets)
        reader.learn()
        self.failed.update(reader.failed)
        return reader.columns()

    def _columns_as_before(self, hint: PageHint, asked: Ask) -> Steps[Columns | None]:
        """All columns with the one question that brought them last time; None if it does not any more."""
        hint.whole = None
        try:
            response, octets, rtt_ms = yield asked
        except Failed as failed:
            if self.rtt_ms is None:
                raise
            if failed.failure is PollFailure.NO_ANSWER:
                hint.answer_octets = CAREFUL_OCTETS
            return None
        if self.rtt_ms is None:
            self.rtt_ms = rtt_ms
        if response.error_status:
            return None
        columns = whole_columns(response.bindings, asked, octets, hint.rows)
        if columns is not None:
            hint.whole = asked
        return columns

    def _hint_for(self, roots: tuple[Oid, ...]) -> PageHint:
        hints = self.hints
        hint = hints.get(roots)
        if hint is None:
            if len(hints) >= _MAX_HINTS:
                del hints[next(iter(hints))]
            hint = hints[roots] = PageHint()
        return hint

    def _lose(self, failed: Failed) -> None:
        """An agent that never answered fails the operation; one that stopped answering spoils the rest."""
        if self.rtt_ms is None:
            raise failed
        self._lost = failed.failure

    def _narrow(
        self, names: tuple[Oid, ...], status: int, index: int, values: Scalars
    ) -> list[tuple[Oid, ...]]:
        """What to ask after an error-status: without the culprit, or in halves if none is named."""
        culprit = index if 1 <= index <= len(names) else 1 if len(names) == 1 else 0
        if not culprit or (status == ErrorStatus.TOO_BIG and len(names) > 1):
            middle = len(names) // 2
            return [names[middle:], names[:middle]]
        name = names[culprit - 1]
        if status == ErrorStatus.NO_SUCH_NAME:
            values[name] = Value(SnmpType.NO_SUCH_INSTANCE, None)
        else:
            self.failed[name] = failure_of(status)
        rest = names[: culprit - 1] + names[culprit:]
        return [rest] if rest else []

    def _raise_failed(self) -> None:
        """Where nothing may be missing: raise the first failure that was set aside."""
        for failure in self.failed.values():
            raise Failed(failure)
