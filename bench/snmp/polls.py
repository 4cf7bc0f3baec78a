"""Polls per second of processor time against the exporter, and what dead devices do to the living."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from channelwatch_collector.snmp.engine import EngineLimits, UdpSnmpEngine
from channelwatch_collector.snmp.port import Credential, SnmpError, Target

from snmp import exporter, farm
from snmp.figures import Figure, interleaved

DEVICES = 100
ROUNDS = 9
ROUND_S = 1.5
WARM_S = 0.5
DEAD_DEVICES, DEAD_PERCENT, DEAD_TIMEOUT_S, DEAD_ROUNDS = 500, 20, 1.0, 7
PLACES = 200
"""For polls at once, when some are dead: what the service has unless it is told otherwise."""
FLOORS = {"v2c": (4.0, 8.0), "v3": (2.5, 4.0)}
CREDENTIALS: dict[str, Credential] = {"v2c": farm.V2C, "v3": farm.AUTH_PRIV}


@dataclass(frozen=True)
class Round:
    """What one round of polling came to: whole polls, polls of a living device that failed, costs in seconds."""

    polls: int
    failed: int
    wall_s: float
    cpu_s: float
    farm_cpu_s: float


def against_exporter(program: Path, folder: Path, port: int, version: str) -> Figure:
    """Polls per second of processor time; the farm's share of a core beside each side's speed."""
    farm_busy: list[float] = []
    failed = 0

    def ours() -> float:
        nonlocal failed
        done = asyncio.run(_round(agents, CREDENTIALS[version], devices=DEVICES))
        farm_busy.append(done.farm_cpu_s / done.wall_s)
        failed += done.failed
        return done.polls / done.cpu_s

    def theirs() -> float:
        before = farm.cpu_s(peer.pid), farm.cpu_s(agents.pid), time.monotonic()
        whole = asyncio.run(exporter.scrape(peer, agents, version, DEVICES, ROUND_S))
        farm_busy.append((farm.cpu_s(agents.pid) - before[1]) / (time.monotonic() - before[2]))
        return whole / (farm.cpu_s(peer.pid) - before[0])

    with farm.agents(program) as agents, exporter.running(folder, port) as peer:
        theirs()  # the first round finds every connection closed and every engine unknown
        figures = interleaved(ROUNDS, ours, theirs)
    floor, target = FLOORS[version]
    return Figure(
        f"snmp_{version}_polls_per_cpu_second",
        "polls/CPU-s",
        floor=floor,
        target=target,
        measure="ratio",
        better="higher",
        peer=exporter.PROGRAM,
        notes={"rounds": ROUNDS, "failed": failed, "load_busiest": max(farm_busy)},
        **figures,
    )


def with_dead(program: Path) -> Iterator[Figure]:
    """What remains of the speed when a part of the devices is dead, and how many living ones seemed so.

    There are more devices than places for polls at once, so the dead could keep out the living.
    """
    shares, wall_shares, failed = [], [], 0
    with farm.agents(program) as living, farm.agents(program, DEAD_PERCENT) as dying:
        for _ in range(DEAD_ROUNDS):
            whole = asyncio.run(_round(living, farm.V2C, devices=DEAD_DEVICES, places=PLACES))
            thinned = asyncio.run(
                _round(dying, farm.V2C, devices=DEAD_DEVICES, dead_percent=DEAD_PERCENT, places=PLACES)
            )
            shares.append(100 * (thinned.polls / thinned.cpu_s) / (whole.polls / whole.cpu_s))
            wall_shares.append(100 * (thinned.polls / thinned.wall_s) / (whole.polls / whole.wall_s))
            failed += whole.failed + thinned.failed
    notes = {
        "per": "CPU-s",
        "per_second_of_the_clock": median(wall_shares),
        "rounds": DEAD_ROUNDS,
        "devices": DEAD_DEVICES,
        "places": PLACES,
        "dead_percent": DEAD_PERCENT,
    }
    yield Figure(
        "snmp_live_throughput_with_dead", "%", median(shares), 85, 95, "value", "higher", notes=notes
    )
    yield Figure("snmp_false_downs_with_dead", "polls", failed, 0, 0, "value", "lower", notes=notes)


async def _round(
    agents: farm.Farm, credential: Credential, *, devices: int, dead_percent: int = 0, places: int = 500
) -> Round:
    engine = UdpSnmpEngine(EngineLimits(max_in_flight=places))
    try:
        await poll(engine, agents, credential, devices=devices, duration_s=WARM_S, dead_percent=dead_percent)
        return await poll(
            engine, agents, credential, devices=devices, duration_s=ROUND_S, dead_percent=dead_percent
        )
    finally:
        await engine.close()


async def poll(
    engine: UdpSnmpEngine,
    agents: farm.Farm,
    credential: Credential,
    *,
    devices: int,
    duration_s: float,
    dead_percent: int = 0,
) -> Round:
    """Poll each device again and again, all abreast."""
    timeout_s = DEAD_TIMEOUT_S if devices == DEAD_DEVICES else 2.0
    targets = [farm.target(device, agents.port, credential, timeout_s=timeout_s) for device in range(devices)]
    began_s, cpu_s, farm_cpu_s = time.monotonic(), time.process_time(), farm.cpu_s(agents.pid)
    until = began_s + duration_s
    tasks = [asyncio.create_task(_poll_one(engine, asked, until)) for asked in targets]
    live = [task for device, task in enumerate(tasks) if not farm.is_dead(device, dead_percent)]
    counts = await asyncio.gather(*live)
    done = Round(
        polls=sum(whole for whole, _ in counts),
        failed=sum(failed for _, failed in counts),
        wall_s=time.monotonic() - began_s,
        cpu_s=time.process_time() - cpu_s,
        farm_cpu_s=farm.cpu_s(agents.pid) - farm_cpu_s,
    )
    for task in tasks:
        task.cancel()
    return done


async def _poll_one(engine: UdpSnmpEngine, asked: Target, until: float) -> tuple[int, int]:
    whole = failed = 0
    while time.monotonic() < until:
        try:
            answer = await engine.poll(asked, farm.PLAN)
        except SnmpError:
            failed += 1
        else:
            good = farm.is_whole(answer)
            whole, failed = whole + good, failed + (not good)
    return whole, failed
