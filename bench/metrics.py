"""Figures of the metrics page at national size, beside prometheus_client on the same series in the same run.

`make bench-metrics` prints one JSON line a figure; times are processor time of the rendering process. The usual scrape
comes every 15 s to devices that are polled every 60 s: a quarter of them has answered since the last one. The cold one
is the first after a start or a new inventory: nothing is kept yet. Usual and cold have the same floors.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from metrics_figures.nation import BLOCS, DEVICES, Nation  # noqa: E402
from metrics_figures.peer import Peer  # noqa: E402

from channelwatch.metrics.fleet import FleetText, Selection  # noqa: E402

ROUNDS = 7
SCRAPES = 12
EVERY_S = 15.0
POLLED = DEVICES // 4
EVERYTHING = Selection(BLOCS)
SERVER = Path(__file__).with_name("metrics_figures") / "server.py"
TOKEN = "metrics-token-of-this-test"


def main() -> int:
    nation = Nation()
    gc.freeze()  # as the service does with what stays
    text = FleetText()
    page = text.page(nation.view(), EVERYTHING)
    series = sum(not line.startswith(b"#") for line in page.splitlines())
    peer = Peer(page)
    assert peer.series == series
    full, usual, few, none, theirs = in_turns(nation, text, peer)
    notes = {"devices": DEVICES, "series": series, "page_mb": round(len(page) / 1e6, 1), "rounds": ROUNDS}
    for name, ours in (("usual", usual), ("cold", full)):
        told = "a quarter of the devices polled since the last" if name == "usual" else "every device anew"
        show(
            f"fleet page, {name}: {told}",
            "s",
            ours,
            floor=0.4,
            target=0.18,
            peer="prometheus_client, same series",
            peer_value=theirs,
            notes={**notes, "nothing_changed_s": none} if name == "usual" else notes,
        )
        show(
            f"fleet page against prometheus_client, {name}",
            "x",
            theirs / ours,
            floor=10,
            target=25,
            better="higher",
        )
    show(
        "1 % of devices changed, against a full render",
        "x",
        few / full,
        floor=0.5,
        target=0.2,
        notes={"s": few},
    )
    show("memory of the rendered cache", "MB", cache_mb(), floor=60, target=30, notes=notes)
    scrape = scrape_s()
    show(
        "processor time of a scrape every 15 s, over HTTP, share of a core",
        "%",
        100 * scrape / EVERY_S,
        floor=3,
        target=1,
        notes={"s_per_scrape": scrape, "scrapes": SCRAPES},
    )
    return 0


def in_turns(nation: Nation, text: FleetText, peer: Peer) -> tuple[float, ...]:
    """Median processor times: cold, usual, 1 % polled, nothing polled, the peer. One of each in every round.

    What else the machine does meanwhile makes all of them slower alike.
    """
    rounds = []
    for _ in range(ROUNDS):
        cold = took(partial(FleetText().pieces, nation.view(), EVERYTHING))
        times = [cold]
        for polled in (POLLED, DEVICES // 100, 0):
            nation.poll(polled)
            times.append(took(partial(text.pieces, nation.view(), EVERYTHING)))
        rounds.append([*times, took(peer.page)])
    return tuple(median(times) for times in zip(*rounds, strict=True))


def took(act: Callable[[], object]) -> float:
    """Processor time of this process for one call, in seconds."""
    began = time.process_time()
    act()
    return time.process_time() - began


def cache_mb() -> float:
    """What is kept between two scrapes."""
    nation = Nation()
    view = nation.view()
    gc.collect()
    tracemalloc.start()
    text = FleetText()
    text.page(view, EVERYTHING)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / 1e6


@contextlib.contextmanager
def served(per_second: int) -> Iterator[tuple[str, int]]:
    """Address and process number of a server with the nation behind it."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        process = subprocess.Popen([sys.executable, str(SERVER), str(port_file), str(per_second)])
        try:
            ends = time.monotonic() + 120
            while not port_file.exists():
                if process.poll() is not None or time.monotonic() > ends:
                    raise SystemExit("the server did not begin")
                time.sleep(0.1)
            port, pid = port_file.read_text(encoding="utf-8").split()
            yield f"http://127.0.0.1:{port}", int(pid)
        finally:
            process.terminate()
            process.wait(30)


def scrape_s() -> float:
    """Processor time that one scrape costs the serving process, sending included."""
    with served(0) as (url, pid):
        fetch(f"{url}/metrics")
        began = used_s(pid)
        for _ in range(SCRAPES):
            fetch(f"{url}/metrics")
        idle = used_s(pid) - began
        polls = 0.0
        for _ in range(SCRAPES):
            before = used_s(pid)
            fetch(f"{url}/polls?count={POLLED}")
            polls += used_s(pid) - before
            fetch(f"{url}/metrics")
        whole = used_s(pid) - began - idle - polls
        return whole / SCRAPES


def fetch(url: str) -> int:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        size = 0
        while part := answer.read(1 << 20):
            size += len(part)
    return size


def used_s(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(figure: str, unit: str, value: float, **more: Any) -> None:
    """One figure as a JSON line; `notes` go into it as they are."""
    notes, peer_value = more.pop("notes", {}), more.get("peer_value")
    line = {
        "figure": figure, "unit": unit, "value": value, "peer": None, "peer_value": None,
        "ratio": value / peer_value if peer_value else None, "measure": "value", "better": "lower", **more, **notes,
    }  # fmt: skip
    short = {name: round(item, 3) if isinstance(item, float) else item for name, item in line.items()}
    print(json.dumps(short), flush=True)


if __name__ == "__main__":
    sys.exit(main())
