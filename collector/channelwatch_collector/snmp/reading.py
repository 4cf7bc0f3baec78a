"""Carrying out a plan by single questions, whoever sends them: splitting, paging, setting faults aside. Pure.

A reading is a generator: it yields what to ask, is sent each answer, and returns what was read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from channelwatch_collector.snmp.limits import EngineLimits
from channelwatch_collector.snmp.pdu import ErrorStatus, PduType, Response
from channelwatch_collector.snmp.port import Oid, PollFailure, PollPlan, SnmpType, Value, VarBind
from channelwatch_collector.snmp.walk import ColumnReader, PageHint, failure_of

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


class Ask(NamedTuple):
    """One question: its kind, the names, and for GET_BULK the repetitions.

    The answer to a GET carries exactly the names asked, or an error-status.
    """

    kind: PduType
    names: tuple[Oid, ...]
    repetitions: int = 0


class Answered(NamedTuple):
    """A response, the octets of its datagram and the wait for it, of the attempt that it answers."""

    response: Response
    octets: int
    rtt_ms: float


Steps = Generator[Ask, Answered, T]
"""A reading under way; `Failed` is thrown in for a question without an answer, and comes out if nothing is left."""


@lru_cache(_PREPARED)
def _chunks(oids: tuple[Oid, ...], size: int) -> tuple[tuple[Oid, ...], ...]:
    """Each name once, `size` at a time, the last first."""
    unread = tuple(dict.fromkeys(oids))
    return tuple([unread[at : at + size] for at in range(0, len(unread), size)])[::-1]


async def carry_out(steps: Steps[T], ask: Callable[[Ask], Awaitable[Answered]]) -> T:
    """Drive `steps` to their end with `ask`, which raises `Failed`."""
    try:
        question = next(steps)
        while True:
            try:
                answered = await ask(question)
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
    means that the agent has not answered yet, and then a failed question fails the whole.
    """

    def __init__(self, *, limits: EngineLimits, max_repetitions: int, hints: Hints) -> None:
        self._limits = limits
        self._max_repetitions = max_repetitions
        self._hints = hints
        self.rtt_ms: float | None = None
        self.failed: dict[Oid, PollFailure] = {}
        self._lost: PollFailure | None = None

    def poll(self, plan: PollPlan) -> Steps[tuple[Scalars, Columns]]:
        """Read all of `plan`; raises `Failed` if nothing at all could be read."""
        scalars = yield from self.scalars(plan.scalars)
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
        values: Scalars = {}
        chunks = list(_chunks(tuple(oids), self._limits.max_names))
        questions_left = self._limits.max_questions + len(chunks)
        while chunks:
            names = chunks.pop()
            if not questions_left or self._lost:
                self.failed.update(dict.fromkeys(names, self._lost or PollFailure.GEN_ERR))
                continue
            questions_left -= 1
            try:
                response = (yield from self._ask(Ask(PduType.GET, names))).response
            except Failed as failed:
                self._lose(failed)
                chunks.append(names)
                continue
            if response.error_status:
                chunks.extend(self._narrow(names, response.error_status, response.error_index, values))
            else:
                values.update(zip(names, response.bindings.values, strict=True))
        return values

    def columns(self, roots: Sequence[Oid], *, max_rows: int, max_pages: int) -> Steps[Columns]:
        """GETBULK all of `roots` to their ends; those that fail are left out and named in `failed`."""
        reader = ColumnReader(
            roots,
            max_repetitions=self._max_repetitions,
            max_rows=max_rows,
            max_pages=max_pages,
            hint=self._hint_for(tuple(roots)),
        )
        if self._lost:
            reader.give_up(self._lost)
        while names := reader.question():
            try:
                page = yield from self._ask(Ask(PduType.GET_BULK, names, reader.repetitions()))
            except Failed as failed:
                if self.rtt_ms is None:
                    raise
                reader.silent(failed.failure)
                continue
            if page.response.error_status:
                reader.refused(page.response.error_status, page.response.error_index)
            else:
                reader.take(page.response.bindings, page.octets)
        reader.learn()
        self.failed.update(reader.failed)
        return reader.columns()

    def _hint_for(self, roots: tuple[Oid, ...]) -> PageHint:
        hints = self._hints
        hint = hints.get(roots)
        if hint is None:
            if len(hints) >= _MAX_HINTS:
                del hints[next(iter(hints))]
            hint = hints[roots] = PageHint()
        return hint

    def _ask(self, question: Ask) -> Steps[Answered]:
        answered = yield question
        if self.rtt_ms is None:
            self.rtt_ms = answered.rtt_ms
        return answered

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
