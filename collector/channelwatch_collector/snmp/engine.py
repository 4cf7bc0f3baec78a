"""The engine that channelwatch polls with: own codec, one UDP socket per address family and shard."""

from __future__ import annotations

import ipaddress
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from channelwatch_collector.snmp.exchange import Exchange
from channelwatch_collector.snmp.limits import EngineLimits, Gate
from channelwatch_collector.snmp.pdu import PduType, question
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
from channelwatch_collector.snmp.reading import Answered, Ask, Failed, Hints, Reading
from channelwatch_collector.snmp.session import Peer, SaltSource, Session, open_session

__all__ = ["EngineLimits", "UdpSnmpEngine"]


@dataclass(slots=True, eq=False)
class _Known:
    """What one address and credential have taught."""

    session: Session
    hints: Hints = field(default_factory=dict)


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
        self._gate = Gate(max_inside=self.limits.max_in_flight, max_waiting=self.limits.max_waiting)

    @property
    def counters(self) -> Mapping[str, int]:
        """Counts since the start by word: `sent`, `answered`, `unanswered`, each `Drop`, and more."""
        return self._counters

    async def poll(self, target: Target, plan: PollPlan) -> PollAnswer:
        """Read all of `plan`: the scalars with GET, the columns abreast with GETBULK.

        Raises:
            SnmpError: the first question failed, or nothing at all could be read.
        """
        async with self._operation("poll", target) as (known, reading):
            scalars = await reading.read_scalars(plan.scalars)
            columns = await reading.read_columns(
                plan.columns, max_rows=self.limits.max_rows, max_pages=self.limits.max_pages
            )
            if not scalars and not columns:
                reading.raise_failed()
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
        async with self._operation("get", target) as (_, reading):
            values = await reading.read_scalars(oids)
            reading.raise_failed()
            return values

    async def walk(
        self, target: Target, root: Oid, *, max_rows: int = 10_000, max_pages: int = 1_000
    ) -> list[VarBind]:
        """Everything below `root` in the agent's order.

        Raises:
            SnmpError: it could not be read to its end within the limits.
        """
        async with self._operation("walk", target) as (_, reading):
            columns = await reading.read_columns((root,), max_rows=max_rows, max_pages=max_pages)
            reading.raise_failed()
            return [((*root, *suffix), value) for suffix, value in columns[root].items()]

    async def close(self) -> None:
        """Give up whatever is in flight and release the sockets."""
        self._exchange.close()

    @asynccontextmanager
    async def _operation(self, name: str, target: Target) -> AsyncIterator[tuple[_Known, Reading]]:
        if not await self._gate.enter():
            self._counters["busy"] += 1
            raise snmp_error(PollFailure.BUSY, operation=name, target=target)
        try:
            known = self._remembered(target)
            yield (
                known,
                Reading(
                    self._ask_of(known.session, target),
                    limits=self.limits,
                    max_repetitions=target.max_repetitions,
                    hints=known.hints,
                ),
            )
        except Failed as failed:
            self._counters[f"failed_{failed.failure}"] += 1
            raise snmp_error(failed.failure, operation=name, target=target) from None
        finally:
            self._gate.leave()

    def _ask_of(self, session: Session, target: Target) -> Ask:
        async def ask(kind: PduType, names: tuple[Oid, ...], repetitions: int) -> Answered:
            return await self._exchange.ask(
                session,
                question(kind, names, max_repetitions=repetitions),
                wanted=names if kind is PduType.GET else None,
                timeout_s=target.timeout_s,
                retries=target.retries,
            )

        return ask

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
