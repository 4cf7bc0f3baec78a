"""How long polls and pages take while a flood of syslog comes in, beside how long they take in peace."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml
from channelwatch_simulator.demo import Ports, configuration
from channelwatch_simulator.files import RunFolder
from channelwatch_simulator.inbox import Inbox
from channelwatch_simulator.province import CREDENTIAL_V3, Preset, build_province
from channelwatch_simulator.simulation import Simulation, Targets
from channelwatch_simulator.story import Act, Event
from figures import Figure

from channelwatch.base.clock import SystemClock
from channelwatch.base.ids import GroupCode
from syslog_figures import house
from tests.support.net import free_port

FLOOD_RATE = 50_000
_FLOODING = 20
_POLL_S = 2
_PHASE_S = 20.0
_ROUNDS = 2
"""Each in a house of its own. A round has some fifty pages: in two of them one stall of the disk is no percentile."""
_SETTLE_S = 15.0
_FLOODED_S = 8.0
"""Until the bursts that the limits allow are over."""
_START_S = 90.0
_BUCKET = re.compile(r'^channelwatch_poll_duration_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)$', re.M)
_WHOLE = Path(__file__).with_name("whole.py")
_FLOOD = Path(__file__).with_name("flood.py")


class Pager(Inbox):
    """Notes when the first page about each subject came."""

    came: dict[str, float]

    def webhook(self, headers: dict[str, str], body: bytes) -> int:
        """Take one page."""
        found = re.search(rb'"rule": "([^"]+)".*"subject": "([^"]+)"', body)
        if found:
            self.came.setdefault(f"{found[1].decode()} {found[2].decode()}", time.perf_counter())
        return super().webhook(headers, body)


@dataclass
class Scene:
    """Everything that runs."""

    simulation: Simulation
    pager: Pager
    ports: Ports
    token: str
    victims: list[str]

    async def polls(self) -> dict[float, float]:
        """Polls so far by how long they took at most, as the product counts them."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(
                f"http://127.0.0.1:{self.ports.board}/metrics",
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=30,
            )
        return {float(step): float(count) for step, count in _BUCKET.findall(answer.text)}

    async def phase(self, act: Act, rule: str) -> tuple[dict[float, float], list[float]]:
        """Let `act` happen to the victims one after the other; polls meanwhile, and the seconds until each page."""
        before = await self.polls()
        began: dict[str, float] = {}
        for victim in self.victims:
            began[victim] = time.perf_counter()
            self.simulation.happen(Event(0, act, (victim,)))
            await asyncio.sleep(_PHASE_S / len(self.victims))
        await asyncio.sleep(_SETTLE_S)
        after = await self.polls()
        pages = [self.pager.came.get(f"{rule} {victim}", math.inf) - since for victim, since in began.items()]
        return {step: after[step] - before.get(step, 0.0) for step in after}, pages


@dataclass
class Seen:
    """What was seen in peace, or under the flood: polls by how long they took at most, and the seconds to each page."""

    polls: Counter[float] = field(default_factory=Counter)
    pages: list[float] = field(default_factory=list)

    def add(self, phase: tuple[dict[float, float], list[float]]) -> None:
        """One phase more."""
        polls, pages = phase
        self.polls.update(polls)
        self.pages += pages


def figures() -> list[Figure]:
    """Poll and page latency under a flood beside peace."""
    peace, flood, sent = Seen(), Seen(), []
    for _ in range(_ROUNDS):
        sent.append(asyncio.run(_round(peace, flood)))
    notes = {
        "flood": f"{FLOOD_RATE} lines/s from {_FLOODING} devices, default limits",
        "flood_sent_per_s": sent,
        "polls": [round(peace.polls[math.inf]), round(flood.polls[math.inf])],
    }
    return [
        _figure("poll duration p99 under a flood of syslog, beside peace",
                _percentile(flood.polls, 0.99), _percentile(peace.polls, 0.99),
                {**notes, "p50_ms": [_percentile(peace.polls, 0.5), _percentile(flood.polls, 0.5)]}),
        _figure("trap to webhook p99 under a flood of syslog, beside peace",
                _rank(flood.pages, 0.99), _rank(peace.pages, 0.99),
                {**notes, "pages": [len(peace.pages), len(flood.pages)],
                 "never_came": [peace.pages.count(math.inf), flood.pages.count(math.inf)],
                 "p50_ms": [round(_rank(peace.pages, 0.5), 1), round(_rank(flood.pages, 0.5), 1)],
                 "p90_ms": [round(_rank(peace.pages, 0.9), 1), round(_rank(flood.pages, 0.9), 1)],
                 "slowest_ms": [round(_rank(peace.pages, 1), 1), round(_rank(flood.pages, 1), 1)]}),
    ]  # fmt: skip


async def _round(peace: Seen, flood: Seen) -> int:
    """See both in a house made for it; how many lines a second the flood had."""
    with tempfile.TemporaryDirectory() as folder:
        root = RunFolder(Path(folder))
        province = build_province(Preset.DEMO, 1, port=free_port("udp"))
        root.write_inventory(province)
        pager = Pager(root.secret("webhook"), SystemClock(), lambda _: None)
        pager.came = {}
        async with pager:
            ports = Ports(
                free_port(), free_port("udp"), free_port("udp"), pager.webhook_port, pager.smtp_port
            )
            _configure(root, ports)
            targets = Targets(("127.0.0.1", ports.traps), None)
            simulation = Simulation(province, root.keys(), SystemClock(), seed=1, targets=targets)
            async with simulation:
                with _product(Path(folder)):
                    token = root.secret("metrics").reveal()
                    scene = Scene(simulation, pager, ports, token, _victims(simulation))
                    await _until_known(scene)
                    peace.add(await scene.phase(Act.BYPASS_ON, "plaintext-bypass"))
                    return await _flooded(scene, flood)


async def _flooded(scene: Scene, seen: Seen) -> int:
    seconds = _FLOODED_S + _PHASE_S + _SETTLE_S + 2
    addresses = [item.address for item in scene.simulation.inventory.devices[-_FLOODING:]]
    argv = house.pinned(
        house.SENDER_CORE, sys.executable, _FLOOD, scene.ports.syslog, FLOOD_RATE, seconds, *addresses
    )
    flood = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    await asyncio.sleep(_FLOODED_S)
    seen.add(await scene.phase(Act.TAMPER, "tamper"))
    async with asyncio.timeout(60):
        said, _ = await flood.communicate()
    return round(int(said.split()[0]) / float(said.split()[1]))


def _figure(name: str, flood_ms: float, peace_ms: float, notes: dict[str, object]) -> Figure:
    return Figure(name, "ms", flood_ms, 2.0, 1.2, "ratio", "lower", "in peace", peace_ms, dict(notes))


def _configure(root: RunFolder, ports: Ports) -> None:
    settings = configuration(ports)
    settings["collector"]["snmp"]["poll_s"] = _POLL_S
    settings["http"]["accounts"] = []
    settings["notify"]["messages_per_10_min"] = 1_000_000
    for name in ("session", "metrics"):
        root.secret(name)
    (root.root / "data").mkdir()
    (root.root / "channelwatch.yaml").write_text(
        yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8"
    )


def _victims(simulation: Simulation) -> list[str]:
    """Spokes that speak version 3, which alone is believed."""
    inventory = simulation.inventory
    hubs = {GroupCode(code) for code in inventory.children}
    spokes = [
        item.code
        for item in inventory.devices
        if item.in_service
        and item.credential == CREDENTIAL_V3
        and item.ha_group is None
        and item.code not in hubs
    ]
    return [str(code) for code in spokes]


@contextmanager
def _product(folder: Path) -> Iterator[None]:
    argv = house.pinned(house.RECEIVER_CORE, sys.executable, _WHOLE, folder / "channelwatch.yaml")
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


async def _until_known(scene: Scene) -> None:
    """Until every device was polled and the first rush is over."""
    ends = time.perf_counter() + _START_S
    while time.perf_counter() < ends:
        await asyncio.sleep(1)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", scene.ports.board)):
                continue
        polls = await scene.polls()
        if polls and polls[math.inf] > 3 * len(scene.simulation.inventory.devices):
            return
    raise RuntimeError("the product did not poll all devices in time")


def _percentile(steps: dict[float, float], share: float) -> float:
    """The upper end, in ms, of the step that holds the percentile."""
    wanted = steps[math.inf] * share
    return next(step for step in sorted(steps) if steps[step] >= wanted) * 1000


def _rank(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, math.ceil(len(ordered) * share) - 1)] * 1000
