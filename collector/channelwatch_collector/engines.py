"""Which SNMP engine speaks to which device."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, assert_never

from channelwatch_collector.snmp.engine import UdpSnmpEngine
from channelwatch_collector.snmp.limits import EngineLimits
from channelwatch_collector.snmp.port import (
    V3,
    Oid,
    PollAnswer,
    PollPlan,
    SnmpEngine,
    Target,
    Value,
    VarBind,
)
from channelwatch_collector.snmp.usm import speaks

CYCLE_SEARCH = (10_000, 20, 20)
"""What `gc.set_threshold` takes."""


def search_for_cycles_less_often() -> None:
    """Tell the whole process so: by default the interpreter looks after every 700 new values, which is ten polls.

    What polls leave behind is freed at once by counting references. Looking for cycles among it took a tenth of the
    processor time of a poll and found none.
    """
    gc.set_threshold(*CYCLE_SEARCH)


def engine_for(choice: Literal["native", "pysnmp"], max_in_flight: int = 500) -> SnmpEngine:
    """The engine of that name; with `native`, ciphers that it does not speak go to the other one."""
    search_for_cycles_less_often()
    match choice:
        case "native":
            return RoutedEngine(UdpSnmpEngine(EngineLimits(max_in_flight=max_in_flight)), _pysnmp)
        case "pysnmp":
            return _pysnmp()
        case _:
            assert_never(choice)


def _pysnmp() -> SnmpEngine:
    # Half a second of imports that most installations never need.
    from channelwatch_collector.snmp.pysnmp_engine import PysnmpEngine

    return PysnmpEngine()


class RoutedEngine:
    """The main engine, and another for devices whose cipher (DES, 3DES) the main one does not speak."""

    def __init__(self, main: SnmpEngine, other: Callable[[], SnmpEngine]) -> None:
        self._main = main
        self._make_other = other
        self._other: SnmpEngine | None = None

    async def poll(self, target: Target, plan: PollPlan) -> PollAnswer:
        """As the port says."""
        return await self._engine(target).poll(target, plan)

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """As the port says."""
        return await self._engine(target).get(target, oids)

    async def walk(
        self, target: Target, root: Oid, *, max_rows: int = 10_000, max_pages: int = 1_000
    ) -> list[VarBind]:
        """As the port says."""
        return await self._engine(target).walk(target, root, max_rows=max_rows, max_pages=max_pages)

    async def close(self) -> None:
        """Close both."""
        await self._main.close()
        if self._other is not None:
            await self._other.close()

    @property
    def counters(self) -> Mapping[str, int]:
        """The main engine's counters; the other's under `other_`."""
        if self._other is None:
            return self._main.counters
        others = {f"other_{word}": count for word, count in self._other.counters.items()}
        return {**self._main.counters, **others}

    def _engine(self, target: Target) -> SnmpEngine:
        if not isinstance(target.credential, V3) or speaks(target.credential.priv_protocol):
            return self._main
        if self._other is None:
            self._other = self._make_other()
        return self._other
