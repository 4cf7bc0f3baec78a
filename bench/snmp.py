"""Figures of SNMP: polls, decoding, traps, memory, dead devices, punctuality, and what mutilated datagrams do.

`make bench-snmp` prints one JSON line a figure; `make bench-snmp ARGS="v2c traps"` only some. The peers are Debian's
prometheus-snmp-exporter and snmptrapd, asked the same of the same load in turns with ours, and APScheduler. Each side's
cost is the processor time of its own process: neither the load nor the client that scrapes the exporter is counted.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from channelwatch_collector.engines import search_for_cycles_less_often
from snmp import decoding, exporter, farm, fuzzing, jitter, memory, polls, traps
from snmp.figures import Figure

PEERS = {
    exporter.PROGRAM: "prometheus-snmp-exporter",
    traps.PEER: "snmptrapd",
    "gcc": "gcc",
    "/usr/include/openssl/evp.h": "libssl-dev",
}


def main(wanted: list[str]) -> int:
    """Print the figures of the groups named in `wanted`, or all of them; the exit status."""
    os.environ["PATH"] += ":/usr/sbin"
    search_for_cycles_less_often()  # as the service does
    for program, package in PEERS.items():
        if shutil.which(program) is None and not Path(program).is_file():
            print(
                f"{program} is missing: install Debian's package {package}, then try again.", file=sys.stderr
            )
            return 1
    with tempfile.TemporaryDirectory(prefix="bench-snmp-") as name:
        groups = figures(Path(name))
        if unknown := set(wanted) - set(groups):
            print(f"There is no {', '.join(unknown)}; there are {', '.join(groups)}.", file=sys.stderr)
            return 2
        for group in wanted or groups:
            for figure in groups[group]():
                print(figure.line(), flush=True)
    return 0


def figures(folder: Path) -> dict[str, Callable[[], Iterator[Figure]]]:
    """How each group is measured; `folder` is for what the peers and the load need."""
    program = farm.build(folder)
    return {
        "v2c": lambda: iter([polls.against_exporter(program, folder, free_port(), "v2c")]),
        "v3": lambda: iter([polls.against_exporter(program, folder, free_port(), "v3")]),
        "decode": lambda: iter(alone(decoding.measure)),
        "traps": lambda: iter([traps.measure(program, folder, free_port())]),
        "dead": lambda: polls.with_dead(program),
        "memory": lambda: iter(alone(memory.measure, program)),
        "jitter": lambda: iter(alone(jitter.measure)),
        "fuzz": lambda: iter([fuzzing.measure()]),
    }


def alone(measure: Callable[..., list[Figure]], *arguments: Path) -> list[Figure]:
    """What `measure` returns in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def free_port() -> int:
    """A port of 127.0.0.1 that is free for TCP and UDP alike, as far as one can tell."""
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        stream.bind(("127.0.0.1", 0))
        port: int = stream.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
