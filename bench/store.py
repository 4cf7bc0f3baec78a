"""Figures of the store: a year's report, raw samples beside it, a storm, a reading's cost, and a nation in memory.

`make bench-store` prints one JSON line a figure; `make bench-store ARGS="storm memory"` only some, and `--devices`
takes a smaller nation. PostgreSQL is a server of its own with its data on this machine's disk; both databases
acknowledge only what is on it. What the machine did before the run is said first, on standard error.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from figures import Figure
from history import databases, province, reports, steps
from history.storm import HELD_OUT_S, Storm, storm

NATION, PROVINCE = 15_000, 500
BUSY = 0.3


def main() -> int:
    """Print the figures of the parts that are named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--devices", type=int, default=NATION, help=f"of a nation (default: {NATION})")
    parser.add_argument("part", nargs="*", help=f"of {', '.join(_PARTS)}; all without a name")
    args = parser.parse_args()
    unknown = set(args.part) - set(_PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    logging.disable(logging.WARNING)
    busy = os.getloadavg()[0]
    print(f"load average before the run: {busy:.2f}", file=sys.stderr)
    if busy > BUSY:
        print("this machine is busy with something else: do not quote these figures", file=sys.stderr)
    for part in args.part or _PARTS:
        with tempfile.TemporaryDirectory(prefix="bench-store-") as folder:
            for figure in _PARTS[part](Path(folder), args.devices):
                print(figure.line(), flush=True)
    return 0


def _step(_: Path, devices: int) -> Iterator[Figure]:
    took = _alone(steps.step_us)
    yield Figure("one reading through the state machine", "us", took, floor=20, target=5)


def _memory(_: Path, devices: int) -> Iterator[Figure]:
    whole, world = _alone(steps.memory_mb, devices)
    notes = {"devices": devices, "signals_each": steps.SIGNALS, "world_mb": world}
    yield Figure("memory of the process and its world", "MB", whole, floor=600, target=300, notes=notes)


def _storm(folder: Path, devices: int) -> Iterator[Figure]:
    with databases.sqlite(folder, "storm") as store:
        yield _storm_figure("SQLite", storm(store, devices))
    with databases.postgresql(folder) as store:
        yield _storm_figure("PostgreSQL", storm(store, devices))


def _storm_figure(database: str, found: Storm) -> Figure:
    notes = {
        "devices": found.devices,
        "seconds": found.seconds,
        "within_s": HELD_OUT_S,
        "incidents": found.incidents,
        "pages": found.pages,
        "devices_per_s": found.devices / found.seconds,
    }
    name = f"storm: transitions committed with incident and outbox, {database}"
    return Figure(name, "1/s", found.rate, floor=250, target=2_500, better="higher", notes=notes)


def _province(folder: Path, _: int) -> Iterator[Figure]:
    """A province's year, every month of which is measured by the product; checked against the direct calculation."""
    with databases.postgresql(folder) as store:
        rows = databases.fill(store, province.estate(PROVINCE))
        direct = reports.directly_ms(store)
        a_month_s = reports.keep_months(store)
        reports.compare(store)
        notes = {"intervals": rows, "with_every_outage_ms": direct, "measuring_a_month_s": a_month_s}
        took = reports.in_brief_ms(store)
        yield Figure(
            f"1-year report, {PROVINCE} devices, PostgreSQL", "ms", took, floor=50, target=50, notes=notes
        )


def _nation(folder: Path, devices: int) -> Iterator[Figure]:
    """A nation's year. Its months are one measured month, written twelve times: what adding up costs is the same."""
    with databases.postgresql(folder) as store:
        rows = databases.fill(store, province.estate(devices))
        a_month_s = reports.keep_copies(store)
        longer_s = reports.keep_longer(store)
        took = reports.in_brief_ms(store)
        notes = {
            "intervals": rows,
            "measuring_a_month_s": a_month_s,
            "months": "1 measured, 11 copies of it",
            "adding_up_quarters_and_year_s": longer_s,
            "eleven_months_ms": reports.in_brief_ms(store, months=11),
        }
        name = f"1-year report, {devices} devices, PostgreSQL"
        yield Figure(name, "ms", took, floor=1_000, target=100, notes=notes)
        raw = reports.raw(store)
        notes = {"raw": f"{reports.RAW_DEVICES} devices x {reports.RAW_DAYS} days, linear to a device-year"}
        ours = took / devices
        yield Figure(
            "report of a device-year: raw 60 s samples / ours", "ms", raw.report_ms, 200, 200, "ratio", "higher",
            "months", ours, notes,
        )  # fmt: skip
        sizes = {name: reports.size_of(store, name) / devices for name in ("status_interval", "month_share")}
        yield Figure(
            "size of a device-year: raw 60 s samples / ours", "bytes", raw.bytes, 500, 500, "ratio", "higher",
            "intervals and months", sum(sizes.values()), {**notes, **sizes},
        )  # fmt: skip


def _alone(measure: Callable[..., object], *arguments: int) -> object:
    """What `measure` returns in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


_PARTS: dict[str, Callable[[Path, int], Iterator[Figure]]] = {
    "step": _step,
    "memory": _memory,
    "storm": _storm,
    "province": _province,
    "nation": _nation,
}


if __name__ == "__main__":
    sys.exit(main())
