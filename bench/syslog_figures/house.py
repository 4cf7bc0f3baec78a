"""Our side: a folder with configuration and inventory, the sink pinned to one core, and what it used and stored."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from syslog_figures import load

RECEIVER_CORE, SENDER_CORE = 1, 0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_NO_LIMIT = 1_000_000
_QUIET_S = 1.0
_SINK = Path(__file__).with_name("sink.py")


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and all its threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def pinned(core: int, *argv: object) -> list[str]:
    """`argv` on one core."""
    return ["taskset", "-c", str(core), *map(str, argv)]


def install(folder: Path, syslog: str, devices: int = load.DEVICES) -> Path:
    """Write an installation of `devices` devices whose rates are not limited; its configuration file."""
    config = folder / "channelwatch.yaml"
    rates = ", ".join(
        f"{name}: {_NO_LIMIT}" for name in ("rate_per_s", "burst", "total_rate_per_s", "total_burst")
    )
    config.write_text(
        'instance: {id: bench, province: "51", blocs: [party]}\n'
        "inventory: {file: inventory.yaml}\n"
        f"collector: {{id: bench, queue_limit: 200000, syslog: {{{rates}, {syslog}}}}}\n"
        'credentials: {c: {version: 2c, community: "file:community"}}\n',
        encoding="utf-8",
    )
    (folder / "community").write_text("the community of a bench\n", encoding="utf-8")
    lines = ["version: 1", 'province: {code: "51", name: Bench}', "units:"]
    lines += [
        f'  - {{code: "{at:05d}", kind: commune, commune_kind: xa, name: Xã {at}}}' for at in range(devices)
    ]
    lines.append("sites:")
    lines += [f'  - {{code: 51-D-{at:05d}, unit: "{at:05d}", bloc: party}}' for at in range(devices)]
    lines.append("devices:")
    lines += [
        f"  - {{code: 51-D-{at:05d}-1, site: 51-D-{at:05d}, address: {load.address(at)}, credential: c, level: 4}}"
        for at in range(devices)
    ]
    (folder / "inventory.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return config


class Sink:
    """The sink while a `with` block lasts."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._database = config.parent / "data" / "channelwatch.db"
        self.counters: dict[str, int] = {}
        """What it counted; there when the block is over."""

    def __enter__(self) -> Self:
        argv = pinned(RECEIVER_CORE, sys.executable, _SINK, self._config)
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        if self._said() != "ready":
            raise RuntimeError("the sink did not start")
        time.sleep(0.5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        said = self._said()
        self._process.wait(20)
        self.counters = json.loads(said) if said else {}

    @property
    def cpu_s(self) -> float:
        """Processor seconds so far."""
        return cpu_s(self._process.pid)

    def stored(self) -> int:
        """Events of lines in the store."""
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as store:
            query = "SELECT count(*) FROM event WHERE source NOT LIKE 'syslog:collector/%'"
            found: int = store.execute(query).fetchone()[0]
            return found

    def settled(self, expected: int, timeout_s: float = 90.0, quiet_s: float = _QUIET_S) -> int:
        """Events once `expected` are there, or once no more come."""
        ends = time.monotonic() + timeout_s
        last, since = -1, time.monotonic()
        while time.monotonic() < ends:
            count = self.stored()
            if count != last:
                last, since = count, time.monotonic()
            if count >= expected or time.monotonic() - since > quiet_s:
                break
            time.sleep(0.05)
        return last

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
