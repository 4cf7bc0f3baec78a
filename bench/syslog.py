"""Figures of the syslog engine, with rsyslog and syslog-ng measured in the same run.

The receiver has core 1 for itself and the senders core 0. On a machine that does other things meanwhile every figure
is worse than it should be, so what it did before the run is said first, on standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from figures import Figure
from syslog_figures import house, latency, load, peers, rates, relay

LINES = 20_000
TLS_MESSAGES = 200_000
BUSY = 0.3


def main() -> int:
    """Print one JSON line for each figure as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long UDP has to be received whole")
    parser.add_argument(
        "--nice",
        type=int,
        default=0,
        help="scheduling priority of all that is measured, peers too (root: below 0)",
    )
    parser.add_argument(
        "part", nargs="*", help=f"what to measure, of {', '.join(_PARTS)}; all without a name"
    )
    args = parser.parse_args()
    unknown = set(args.part) - set(_PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if (os.cpu_count() or 1) < 2:
        print("two cores are needed, one for the receiver and one for the senders", file=sys.stderr)
        return 1
    busy = os.getloadavg()[0]
    print(f"load average before the run: {busy:.2f}", file=sys.stderr)
    if busy > BUSY:
        print("this machine is busy with something else: do not quote these figures", file=sys.stderr)
    _prefer(args.nice)
    os.sched_setaffinity(0, {house.SENDER_CORE})
    for part in args.part or _PARTS:
        for figure in _PARTS[part](args.seconds):
            print(figure.line(), flush=True)
    return 0


def _prefer(nice: int) -> None:
    """Give all that is measured another priority; sessions have one of their own, which counts first."""
    if not nice:
        return
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice), encoding="ascii")


def _udp(seconds: float) -> Iterator[Figure]:
    yield rates.udp_figure(_lines(), seconds)


def _tls(_: float) -> Iterator[Figure]:
    yield rates.tls_figure(_lines(), TLS_MESSAGES)


def _cpu(_: float) -> Iterable[Figure]:
    return peers.cpu_figures(_lines())


def _latency(_: float) -> Iterable[Figure]:
    return latency.figures()


def _relay(_: float) -> Iterable[Figure]:
    return relay.figures()


def _lines() -> list[bytes]:
    return load.varied(load.pack_lines(), LINES)


_PARTS: dict[str, Callable[[float], Iterable[Figure]]] = {
    "udp": _udp,
    "tls": _tls,
    "cpu": _cpu,
    "latency": _latency,
    "relay": _relay,
}


if __name__ == "__main__":
    sys.exit(main())
