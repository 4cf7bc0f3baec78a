"""An SNMP engine in memory, for the poller's tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from channelwatch_collector.snmp.port import (
    AgentClock,
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


@dataclass
class MemoryEngine:
    """Answers for devices by address from `objects`; one in `failing` fails so, one in `hanging` never answers.

    Follows `SnmpEngine`.
    """

    objects: dict[str, dict[Oid, Value]] = field(default_factory=dict)
    failing: dict[str, PollFailure] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    agents: dict[str, AgentClock] = field(default_factory=dict)
    asked: list[tuple[Target, PollPlan]] = field(default_factory=list)
    delay_s: float = 0.0
    in_flight: int = 0
    most_in_flight: int = 0

    async def poll(self, target: Target, plan: PollPlan) -> PollAnswer:
        self.asked.append((target, plan))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(600 if target.address in self.hanging else self.delay_s)
        finally:
            self.in_flight -= 1
        failure = self.failing.get(target.address)
        if failure is not None:
            raise snmp_error(failure, operation="poll", target=target)
        held = self.objects.get(target.address, {})
        missing = Value(SnmpType.NO_SUCH_OBJECT, None)
        columns = {
            column: {name[len(column) :]: held[name] for name in held if name[: len(column)] == column}
            for column in plan.columns
        }
        scalars = {name: held.get(name, missing) for name in plan.scalars}
        return PollAnswer(scalars, columns, self.agents.get(target.address), 1.0)

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        return dict((await self.poll(target, PollPlan(scalars=tuple(oids)))).scalars)

    async def walk(
        self, target: Target, root: Oid, *, max_rows: int = 10_000, max_pages: int = 1_000
    ) -> list[VarBind]:
        rows = (await self.poll(target, PollPlan(columns=(root,)))).columns[root]
        return [(root + suffix, item) for suffix, item in rows.items()]

    async def close(self) -> None:
        pass

    @property
    def counters(self) -> Mapping[str, int]:
        return {"polls": len(self.asked)}
