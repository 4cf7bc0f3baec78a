"""The engine that channelwatch polls with: own codec, one UDP socket per address family and shard."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from channelwatch_collector.snmp.exchange import Answered, Exchange, Failed
from channelwatch_collector.snmp.pdu import ErrorStatus, PduType, question
from channelwatch_collector.snmp.port import (
    Oid,
    PollAnswer,
    PollFailure,
    PollPlan,
    SnmpType,
    Target,
    Value,
    VarBind,
    snmp_error,
)
from channelwatch_collector.snmp.session import Peer, SaltSource, Session, open_session
from channelwatch_collector.snmp.walk import ColumnReader, PageHint, failure_of


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What one shard will hold at most.

    `max_in_flight` operations talk at once and `max_waiting` more may queue. `max_rows` per column and
    `max_pages` per operation bound a walk, `max_questions` the repetitions of a GET that an agent refuses
    in parts. `max_names` are asked in one GET. An unauthenticated Report is believed after
    `report_grace_s` without a genuine answer. `receive_buffer` is in octets.
    """

    max_in_flight: int = 500
    max_waiting: int = 20_000
    max_peers: int = 50_000
    max_rows: int = 10_000
    max_pages: int = 1_000
    max_questions: int = 64
    max_names: int = 40
    report_grace_s: float = 0.05
    receive_buffer: int = 4 * 1024 * 1024


@dataclass(slots=True, eq=False)
class _Known:
    """What one address and credential have taught."""

    session: Session
    hints: dict[tuple[Oid, ...], PageHint] = field(default_factory=dict)


_MAX_HINTS = 8


class UdpSnmpEngine:
    """`SnmpEngine` in pure Python. Create it on the running event loop that will use it."""

    def __init__(self, limits: EngineLimits | None = None) -> None:
        self.limits = limits or EngineLimits()
        self._counters: Counter[str] = Counter()
        self._exchange = Exchange(
            counters=self._counters,
            receive_buffer=self.limits.receive_buffer,
            report_grace_s=self.limits.report_grace_s,
        )
        self._known: dict[tuple[str, int], _Known] = {}
        self._salts = SaltSource(random.SystemRandom().getrandbits(64))
        self._slots = asyncio.Semaphore(self.limits.max_in_flight)
        self._waiting = 0

    @property
    def counters(self) -> Mapping[str, int]:
        """Counts since the start by word: `sent`, `answered`, `unanswered`, each `Drop`, and more."""
        return self._counters

    async def poll(self, target: Target, plan: PollPlan) -> PollAnswer:
        """Read all of `plan`: the scalars with GET, the columns abreast with GETBULK.

        Raises:
            SnmpError: the first question failed, or nothing at all could be read.
        """
        async with self._operation("poll", target) as operation:
            scalars = await operation.read_scalars(plan.scalars)
            columns = await operation.read_columns(
                plan.columns, max_rows=self.limits.max_rows, max_pages=self.limits.max_pages
            )
            failed = operation.failed
            if failed and not scalars and not columns:
                raise Failed(next(iter(failed.values())))
            peer = operation.known.session.peer
            changed_from, peer.engine_changed_from = peer.engine_changed_from, None
            return PollAnswer(
                scalars,
                columns,
                operation.known.session.clock(),
                operation.rtt_ms or 0.0,
                changed_from,
                failed,
            )

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """Read exact instances.

        Raises:
            SnmpError: any of them could not be read.
        """
        async with self._operation("get", target) as operation:
            values = await operation.read_scalars(oids)
            if operation.failed:
                raise Failed(next(iter(operation.failed.values())))
            return values

    async def walk(
        self, target: Target, root: Oid, *, max_rows: int = 10_000, max_pages: int = 1_000
    ) -> list[VarBind]:
        """Everything below `root` in the agent's order.

        Raises:
            SnmpError: it could not be read to its end within the limits.
        """
        async with self._operation("walk", target) as operation:
            columns = await operation.read_columns((root,), max_rows=max_rows, max_pages=max_pages)
            if operation.failed:
                raise Failed(next(iter(operation.failed.values())))
            return [((*root, *suffix), value) for suffix, value in columns[root].items()]

    async def close(self) -> None:
        """Give up whatever is in flight and release the sockets."""
        self._exchange.close()

    @asynccontextmanager
    async def _operation(self, name: str, target: Target) -> AsyncIterator[_Operation]:
        if self._slots.locked() and self._waiting >= self.limits.max_waiting:
            self._counters["busy"] += 1
            raise snmp_error(PollFailure.BUSY, operation=name, target=target)
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield _Operation(self._exchange, self._remembered(target), target, self.limits)
        except Failed as failed:
            self._counters[f"failed_{failed.failure}"] += 1
            raise snmp_error(failed.failure, operation=name, target=target) from None
        finally:
            self._slots.release()

    def _remembered(self, target: Target) -> _Known:
        address = (target.address, target.port)
        known = self._known.get(address)
        if known is None or known.session.credential != target.credential:
            if known is not None:
                peer = known.session.peer
            else:
                peer = Peer((ipaddress.ip_address(target.address).compressed, target.port))
                self._make_room()
            session = open_session(peer, target.credential, salts=self._salts, counters=self._counters)
            known = self._known[address] = _Known(session)
        known.session.begin()
        return known

    def _make_room(self) -> None:
        if len(self._known) >= self.limits.max_peers:
            del self._known[next(iter(self._known))]
            self._counters["peer_forgotten"] += 1


class _Operation:
    """One poll, get or walk under way."""

    def __init__(self, exchange: Exchange, known: _Known, target: Target, limits: EngineLimits) -> None:
        self._exchange = exchange
        self._target = target
        self._limits = limits
        self.known = known
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
                pdu = (await self._ask(PduType.GET, names, wanted=names)).pdu
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
        hints = self.known.hints
        key = tuple(roots)
        if key not in hints and len(hints) >= _MAX_HINTS:
            del hints[next(iter(hints))]
        reader = ColumnReader(
            roots,
            max_repetitions=self._target.max_repetitions,
            max_rows=max_rows,
            max_pages=max_pages,
            hint=hints.get(key),
        )
        if self._lost:
            reader.give_up(self._lost)
        while names := reader.question():
            try:
                page = await self._ask(PduType.GET_BULK, names, repetitions=reader.repetitions())
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

    async def _ask(
        self,
        kind: PduType,
        names: tuple[Oid, ...],
        *,
        repetitions: int = 0,
        wanted: tuple[Oid, ...] | None = None,
    ) -> Answered:
        answered = await self._exchange.ask(
            self.known.session,
            question(kind, names, max_repetitions=repetitions),
            wanted=wanted,
            timeout_s=self._target.timeout_s,
            retries=self._target.retries,
        )
        if self.rtt_ms is None:
            self.rtt_ms = answered.rtt_ms
        return answered
