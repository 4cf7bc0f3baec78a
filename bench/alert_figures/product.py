"""The product itself on a simulated province: real SNMP polls and traps in, real webhooks out."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import yaml
from channelwatch_simulator.demo import Ports, configuration
from channelwatch_simulator.files import SECRETS, RunFolder
from channelwatch_simulator.province import Preset, build_province
from channelwatch_simulator.simulation import Simulation, Targets
from channelwatch_simulator.story import Act, Cause, Event

from alert_figures.sink import Sink
from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import DeviceCode
from channelwatch.base.passwords import Cost, hash_password
from channelwatch.inventory.model import UnitKind
from tests.support.net import free_port
from tests.support.process import Process

POLL_S = 10


@asynccontextmanager
async def watched(folder: Path, duty: Sink) -> AsyncIterator[Simulation]:
    """The demonstration's province, with the product watching it and telling `duty`."""
    files, clock = RunFolder(folder), SystemClock()
    province = build_province(Preset.DEMO, 20261122, port=free_port("udp", "127.11.0.1"))
    files.write_inventory(province)
    ports = Ports(free_port(), free_port("udp"), free_port("udp"), duty.port, free_port())
    _configure(folder, files, ports)
    simulation = Simulation(
        province,
        files.keys(),
        clock,
        seed=20261122,
        targets=Targets(("127.0.0.1", ports.traps), ("127.0.0.1", ports.syslog)),
        boots=files.next_boot(),
    )
    async with simulation:
        argv = [sys.executable, "-m", "channelwatch.app", "run", "-c", str(folder / "channelwatch.yaml")]
        process = Process(argv, folder=folder, name="product", env={"PYTHONPATH": os.pathsep.join(sys.path)})
        with process:
            await _until_ready(ports.board)
            await asyncio.sleep(2.5 * POLL_S)
            yield simulation


def _configure(folder: Path, files: RunFolder, ports: Ports) -> None:
    for name in ("session", "metrics", "webhook"):
        files.secret(name)
    (folder / "data").mkdir()
    document: dict[str, Any] = configuration(ports)
    for account in document["http"]["accounts"]:
        path = folder / SECRETS / f"{account['name']}.hash"
        files.write_private(path, str(hash_password("a password of a bench", Cost(2**14, 8, 1))))
    document["collector"]["snmp"] |= {"timeout_s": 0.4, "retries": 0, "poll_s": POLL_S, "confirm_s": 1.0}
    document["notify"]["messages_per_10_min"] = 1_000_000
    (folder / "channelwatch.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


async def _until_ready(port: int) -> None:
    ends = time.monotonic() + 60
    while True:
        try:
            with await asyncio.to_thread(urlopen, f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except (URLError, OSError):
            if time.monotonic() > ends:
                raise
            await asyncio.sleep(0.25)


def _spokes(simulation: Simulation) -> list[str]:
    inventory = simulation.inventory
    return [
        item.code
        for item in inventory.devices
        if item.in_service and inventory.unit_of(item.code).kind is UnitKind.COMMUNE
    ]


def _by_bloc(simulation: Simulation) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code in _spokes(simulation):
        found.setdefault(simulation.inventory.bloc_of(DeviceCode(code)), []).append(code)
    return found


JOINING = 3


async def members(simulation: Simulation, duty: Sink) -> list[float]:
    """Seconds from the trap of a further device, while its bloc has an incident of the same rule that was told, to the
    webhook: the next `JOINING` of each bloc after its first."""
    took: list[float] = []
    for codes in _by_bloc(simulation).values():
        await _exposed(simulation, duty, codes[:1])
        await asyncio.sleep(1)
        took += await _exposed(simulation, duty, codes[1 : 1 + JOINING])
    return took


async def traps(simulation: Simulation, duty: Sink) -> list[float]:
    """Seconds from a device's trap, sent as it begins to pass plaintext, to the webhook; one device after another of
    those that `members` leaves alone."""
    return await _exposed(
        simulation, duty, [code for codes in _by_bloc(simulation).values() for code in codes[1 + JOINING :]]
    )


async def _exposed(simulation: Simulation, duty: Sink, codes: list[str]) -> list[float]:
    took = []
    for code in codes:
        since, began = len(duty.came), time.monotonic()
        simulation.happen(Event(0, Act.BYPASS_ON, (code,)))
        moment = await _told(duty, code, "plaintext-bypass", since, 20)
        if moment is not None:
            took.append(moment - began)
        await asyncio.sleep(0.2)
    return took


async def silences(simulation: Simulation, duty: Sink, rounds: int = 4) -> list[float]:
    """Seconds from a device's falling silent, told by nobody, to the webhook; one of each bloc at a time."""
    took: list[float] = []
    by_bloc = _by_bloc(simulation)
    for turn in range(rounds):
        chosen = [codes[turn] for codes in by_bloc.values()]
        since = len(duty.came)
        began = {}
        for code in chosen:
            _happens_unseen(simulation, Event(0, Act.OUTAGE, (code,), Cause.CARRIER))
            began[code] = time.monotonic()
            await asyncio.sleep(POLL_S / len(chosen) * 0.37)
        for code in chosen:
            moment = await _told(duty, code, "device-down", since, 25)
            if moment is not None:
                took.append(moment - began[code])
        for code in chosen:
            _happens_unseen(simulation, Event(0, Act.RETURN, (code,), Cause.CARRIER))
        # So long a hub's spokes that fall together wait for the hub's fate.
        await asyncio.sleep(17)
    return took


def _happens_unseen(simulation: Simulation, event: Event) -> None:
    """Let it happen without a trap or a line: only polls can find it out."""
    simulation.world.apply(event, SystemClock().monotonic_ms())


async def _told(duty: Sink, subject: str, rule: str, since: int, limit_s: float) -> float | None:
    def wanted(body: Any) -> bool:
        return bool(body["subject"] == subject and body["rule"] == rule and body["kind"] != "restored")

    return await asyncio.to_thread(duty.wait, wanted, limit_s, since=since)
