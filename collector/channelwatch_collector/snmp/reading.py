"""Carrying out a plan by single questions, whoever sends them: splitting, paging, setting faults aside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from channelwatch_collector.snmp.limits import EngineLimits
from channelwatch_collector.snmp.pdu import ErrorStatus, Pdu, PduType
from channelwatch_collector.snmp.port import Oid, PollFailure, SnmpType, Value
from channelwatch_collector.snmp.walk import ColumnReader, PageHint, failure_of

_MAX_HINTS = 8

Hints = dict[tuple[Oid, ...], PageHint]
"""What walks of one agent have taught, by the columns read together."""


class Failed(Exception):
    """A question that ended without a usable answer."""

    def __init__(self, failure: PollFailure) -> None:
        super().__init__(failure)
        self.failure = failure


class Answered(NamedTuple):
    """A response, the octets of its datagram and the wait for it, of the attempt that it answers."""

    pdu: Pdu
    octets: int
    rtt_ms: float


Ask = Callable[[PduType, tuple[Oid, ...], int], Awaitable[Answered]]
"""Puts one question: its kind, the names, and for GET_BULK the repetitions.

The answer to a GET carries exactly the names asked, or an error-status. Raises `Failed`.
"""


class Reading:
    """One poll, get or walk under way.

    `failed` gathers the objects that spoilt only themselves. `rtt_ms` is that of the first answer; None
    means that the agent has not answered yet, and then a failed question fails the whole.
    """

    def __init__(self, ask: Ask, *, limits: EngineLimits, max_repetitions: int, hints: Hints) -> None:
        self._put = ask
        self._limits = limits
        self._max_repetitions = max_repetitions
        self._hints = hints
        self.rtt_ms: float | None = None
        self.failed: dict[Oid, PollFailure] = {}
        self._lost: PollFailure | None = None

    async def read_scalars(self, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """GET all of `oids`, a bounded number at a time, splitting what the agent refuses as a whole."""
        values: dict[Oid, Value] = {}
        unread = tuple(dict.fromkeys(oids))
        size = self._limits.max_names
        chunks = [unread[at : at + size] for at in range(0, len(unread), size)]
        chunks.reverse()
        questions_left = self._limits.max_questions + len(chunks)
        while chunks:
            names = chunks.pop()
            if not questions_left or self._lost:
                self.failed.update(dict.fromkeys(names, self._lost or PollFailure.GEN_ERR))
                continue
            questions_left -= 1
            try:
                pdu = (await self._ask(PduType.GET, names)).pdu
            except Failed as failed:
                self._lose(failed)
                chunks.append(names)
                continue
            if pdu.error_status:
                chunks.extend(self._narrow(names, pdu.error_status, pdu.error_index, values))
            else:
                values.update(pdu.varbinds)
        return values

    def _lose(self, failed: Failed) -> None:
        """An agent that never answered fails the operation; one that stopped answering spoils the rest."""
        if self.rtt_ms is None:
            raise failed
        self._lost = failed.failure

    def _narrow(
        self, names: tuple[Oid, ...], status: int, index: int, values: dict[Oid, Value]
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

    async def read_columns(
        self, roots: Sequence[Oid], *, max_rows: int, max_pages: int
    ) -> dict[Oid, dict[Oid, Value]]:
        """GETBULK all of `roots` to their ends; those that fail are left out and named in `failed`."""
        hints = self._hints
        key = tuple(roots)
        if key not in hints and len(hints) >= _MAX_HINTS:
            del hints[next(iter(hints))]
        reader = ColumnReader(
            roots,
            max_repetitions=self._max_repetitions,
            max_rows=max_rows,
            max_pages=max_pages,
            hint=hints.get(key),
        )
        if self._lost:
            reader.give_up(self._lost)
        while names := reader.question():
            try:
                page = await self._ask(PduType.GET_BULK, names, reader.repetitions())
            except Failed as failed:
                if self.rtt_ms is None:
                    raise
                reader.silent(failed.failure)
                continue
            if page.pdu.error_status:
                reader.refused(page.pdu.error_status, page.pdu.error_index)
            else:
                reader.take(page.pdu.varbinds, page.octets)
        hints[key] = reader.learn()
        self.failed.update(reader.failed)
        return reader.columns()

    async def _ask(self, kind: PduType, names: tuple[Oid, ...], repetitions: int = 0) -> Answered:
        answered = await self._put(kind, names, repetitions)
        if self.rtt_ms is None:
            self.rtt_ms = answered.rtt_ms
        return answered

    def raise_failed(self) -> None:
        """Where nothing may be missing: raise the first failure that was set aside."""
        for failure in self.failed.values():
            raise Failed(failure)
