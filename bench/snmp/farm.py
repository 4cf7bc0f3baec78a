"""The load: `farm.c` compiled into a temporary directory, and what every figure knows of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    Credential,
    Oid,
    PollAnswer,
    PollPlan,
    PrivProtocol,
    Target,
    V2c,
)

from channelwatch.base.secrets import Secret

SOURCE = Path(__file__).with_name("farm.c")
FIRST_DEVICE = int(IPv4Address("127.1.0.0"))
ROOT: Oid = (1, 3, 6, 1, 4, 1, 55_555)
SCALARS = tuple((*ROOT, 1, number, 0) for number in range(1, 13))
COLUMNS = tuple((*ROOT, 2, 1, column) for column in range(1, 7))
ROWS = 8
PLAN = PollPlan(SCALARS, COLUMNS)
COMMUNITY = "public"
USER, AUTH_PHRASE, PRIV_PHRASE = "watcher", "authentic-phrase", "private-phrase"
V2C = V2c(Secret(COMMUNITY))
AUTH_PRIV = V3(USER, AuthProtocol.SHA256, Secret(AUTH_PHRASE), PrivProtocol.AES128, Secret(PRIV_PHRASE))
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def build(folder: Path) -> Path:
    """The compiled farm."""
    program = folder / "farm"
    subprocess.run(["gcc", "-O2", str(SOURCE), "-o", str(program), "-lcrypto"], check=True)
    return program


def address(device: int) -> str:
    """Where a device of the farm is."""
    return str(IPv4Address(FIRST_DEVICE + device))


def engine_id(device: int) -> bytes:
    """RFC 3411's IPv4 form under the farm's enterprise number."""
    return bytes.fromhex("8000d90301") + IPv4Address(address(device)).packed


def target(device: int, port: int, credential: Credential, *, timeout_s: float = 2.0) -> Target:
    """How our engine asks a device."""
    return Target(address(device), credential, port, timeout_s=timeout_s, retries=1)


def is_dead(device: int, dead_percent: int) -> bool:
    """The farm's own rule."""
    return device % 100 < dead_percent


def is_whole(answer: PollAnswer) -> bool:
    """Whether a poll brought every object of a device."""
    cells = sum(map(len, answer.columns.values()))
    return len(answer.scalars) == len(SCALARS) and cells == ROWS * len(COLUMNS) and not answer.failed


def cpu_s(pid: int) -> float:
    """Processor time of a process since its start, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


@dataclass(frozen=True)
class Farm:
    """A running farm of agents."""

    port: int
    pid: int


@contextlib.contextmanager
def agents(program: Path, dead_percent: int = 0) -> Iterator[Farm]:
    """A farm in which so many of each hundred devices are dead."""
    with subprocess.Popen(
        [str(program), "agents", "0", str(dead_percent)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            word, port = process.stdout.readline().split()
            assert word == "ready"
            with contextlib.suppress(
                PermissionError
            ):  # on a busy machine the load should not be what is waited for
                os.setpriority(os.PRIO_PROCESS, process.pid, -10)
            yield Farm(int(port), process.pid)
        finally:
            process.terminate()
