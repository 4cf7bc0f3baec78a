"""What fifteen thousand v3 devices cost while nobody asks them anything."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

from channelwatch_collector.snmp.engine import UdpSnmpEngine
from channelwatch_collector.snmp.port import Target

from snmp import farm
from snmp.figures import Figure
from snmp.fuzz import resident_octets

DEVICES = 15_000
ABREAST = 100
POLLS = 2


def measure(program: Path) -> list[Figure]:
    """Run in a process of its own: the memory that each device adds once it has been polled, and the sockets."""
    octets, sockets, failed = asyncio.run(_fill(program))
    notes = {"devices": DEVICES, "polls_of_each": POLLS, "failed": failed}
    return [
        Figure("snmp_v3_memory_per_device", "octets", octets, 3_072, 3_072, "value", "lower", notes=notes),
        Figure("snmp_sockets_for_15000_devices", "sockets", sockets, 4, 4, "value", "lower"),
    ]


async def _fill(program: Path) -> tuple[float, int, int]:
    with farm.agents(program) as agents:
        engine = UdpSnmpEngine()
        before_sockets = _sockets()
        await engine.poll(farm.target(DEVICES, agents.port, farm.AUTH_PRIV), farm.PLAN)
        gc.collect()
        before = resident_octets()
        targets = [farm.target(device, agents.port, farm.AUTH_PRIV) for device in range(DEVICES)]
        for _ in range(POLLS):
            waiting = iter(targets)
            await asyncio.gather(*(_work(engine, waiting) for _ in range(ABREAST)))
        gc.collect()
        sockets = _sockets() - before_sockets
        failed = sum(count for word, count in engine.counters.items() if word.startswith("failed"))
        octets = (resident_octets() - before) / DEVICES
        await engine.close()
        return octets, sockets, failed


async def _work(engine: UdpSnmpEngine, waiting: Iterator[Target]) -> None:
    for asked in waiting:
        await engine.poll(asked, farm.PLAN)


def _sockets() -> int:
    links = (entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink())
    return sum(str(link).startswith("socket:") for link in links)
