"""The engine that channelwatch polls with: own codec, one UDP socket per address family and shard."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from channelwatch_collector.snmp.ask import Ask
from channelwatch_collector.snmp.exchange import Exchange, Question
from channelwatch_collector.snmp.layout import IN_FULL, AnswerReader, Layouts
from channelwatch_collector.snmp.limits import EngineLimits
from channelwatch_collector.snmp.pdu import PduType
from channelwatch_collector.snmp.port import (
    Oid,
    PollAnswer,
    PollFailure,
    PollPlan,
    Target,
    Value,
    VarBind,
    snmp_error,
)
from channelwatch_collector.snmp.reading import Answered, Failed, Hints, Reading, Steps
from channelwatch_collector.snmp.session import Peer, SaltSource, Session, open_session

__all__ = ["EngineLimits", "UdpSnmpEngine"]

_MAX_READERS = 6
"""For each agent; a poll asks two or three questions."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Known:
    """What one address and credential have taught."""

    session: Session
    hints: Hints = field(default_factory=dict)
    readers: dict[Ask, AnswerReader] = field(default_factory=dict)


class _Operation(Question, Generic[T]):
    """A reading under way on an exchange: each answer leads at once to the next question."""

    __slots__ = ("_exchange", "_layouts", "_readers", "_result", "_steps")

    def __init__(
        self, exchange: Exchange, known: _Known, target: Target, steps: Steps[T], layouts: Layouts
    ) -> None:
        super().__init__(known.session, target)
        self._exchange = exchange
        self._readers = known.readers
        self._layouts = layouts
        self._steps = steps
        self._result: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def begin(self) -> asyncio.Future[T]:
        """What the reading returns, or its `Failed`; whoever waits no more has to `give_up`."""
        self._go_on(None)
        return self._result

    def give_up(self) -> None:
        """Wait no more."""
        if self.sent:
            self._exchange.forget(self)

    def ended(self, outcome: Answered | PollFailure) -> None:
        """The answer to the question asked last, or why there is none."""
        self._go_on(outcome)

    def _go_on(self, outcome: Answered | PollFailure | None) -> None:
        steps = self._steps
        try:
            if isinstance(outcome, Answered):
                asked = steps.send(outcome)
            else:
                asked = next(steps) if outcome is None else steps.throw(Failed(outcome))
        except StopIteration as end:
            if not self._result.done():
                self._result.set_result(end.value)
        except Exception as problem:  # noqa: BLE001 - whoever awaits the result must hear of it
            if not self._result.done():
                self._result.set_exception(problem)
        else:
            self.template = asked.template
            self.wanted = asked.names if asked.kind is PduType.GET else None
            self.reader = self._readers.get(asked) or self._new_reader(asked)
            self._exchange.ask(self)

    def _new_reader(self, asked: Ask) -> AnswerReader:
        if not self._layouts.have_room:
            return IN_FULL
        if len(self._readers) >= _MAX_READERS:
            del self._readers[next(iter(self._readers))]
        reader = self._readers[asked] = self._layouts.reader(self.wanted)
        return reader


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
        self._layouts = Layouts(self.limits.max_layouts)
        self._gate = self.limits.gate()

    @property
    def counters(self) -> Mapping[str, int]:
        """Counts since the start by word: `sent`, `answered`, `unanswered`, each `Drop`, `kernel_dropped`, and more.

        `kernel_dropped` are datagrams for which the kernel had no room: raise net.core.rmem_max.
        """
        self._counters["kernel_dropped"] = self._exchange.kernel_drops()
        return self._counters

    async def poll(self, target: Target, plan: PollPlan) -> PollAnswer:
        """Read all of `plan`: the scalars with GET, the columns abreast with GETBULK.

        Raises:
            SnmpError: the first question failed, or nothing at all could be read.
        """
        known, reading, (scalars, columns) = await self._operate(
            "poll", target, lambda reading: reading.poll(plan)
        )
        session = known.session
        changed_from, session.peer.engine_changed_from = session.peer.engine_changed_from, None
        return PollAnswer(
            scalars, columns, session.clock(), reading.rtt_ms or 0.0, changed_from, reading.failed
        )

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """Read exact instances.

        Raises:
            SnmpError: any of them could not be read.
        """
        return (await self._operate("get", target, lambda reading: reading.get(oids)))[2]

    async def walk(
        self, target: Target, root: Oid, *, max_rows: int = 10_000, max_pages: int = 1_000
    ) -> list[VarBind]:
        """Everything below `root` in the agent's order.

        Raises:
            SnmpError: it could not be read to its end within the limits.
        """
        return (
            await self._operate(
                "walk", target, lambda reading: reading.walk(root, max_rows=max_rows, max_pages=max_pages)
            )
        )[2]

    async def close(self) -> None:
        """Give up whatever is in flight and release the sockets."""
        self._exchange.close()

    async def _operate(
        self, name: str, target: Target, begin: Callable[[Reading], Steps[T]]
    ) -> tuple[_Known, Reading, T]:
        reading = Reading(self.limits, target.max_repetitions)
        gate = self._gate
        if not gate.enters_at_once(reading) and not await gate.enter(reading):
            self._counters["busy"] += 1
            raise snmp_error(PollFailure.BUSY, operation=name, target=target)
        operation = None
        try:
            known = self._remembered(target)
            reading.hints = known.hints
            operation = _Operation(self._exchange, known, target, begin(reading), self._layouts)
            return known, reading, await operation.begin()
        except Failed as failed:
            self._counters[f"failed_{failed.failure}"] += 1
            raise snmp_error(failed.failure, operation=name, target=target) from None
        finally:
            gate.leave(reading)
            if operation is not None:
                operation.give_up()

    def _remembered(self, target: Target) -> _Known:
        address = (target.address, target.port)
        known = self._known.get(address)
        credential = target.credential
        if known is None or (
            known.session.credential is not credential and known.session.credential != credential
        ):
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
