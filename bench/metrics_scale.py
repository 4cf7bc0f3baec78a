"""A nation scraped every 15 s: 15,000 devices behind one `/metrics`, 250 polls a second, Debian's Prometheus before it.

`make bench-metrics-scale` takes ten minutes and prints JSON lines; `ARGS=120` takes 120 s. An overrun is a scrape that
failed, was skipped or took longer than its interval.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from metrics import TOKEN, served, show, used_s  # noqa: E402

EVERY_S = 15
POLLS_PER_S = 250
READY_S = 180


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    program = shutil.which("prometheus")
    if program is None:
        raise SystemExit("prometheus is missing: apt install prometheus, then try again")
    with served(POLLS_PER_S) as (url, pid), tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        target = url.removeprefix("http://")
        config = {
            "global": {"scrape_interval": f"{EVERY_S}s", "scrape_timeout": f"{EVERY_S}s"},
            "scrape_configs": [
                {
                    "job_name": "channelwatch",
                    "authorization": {"credentials": TOKEN},
                    "static_configs": [{"targets": [target]}],
                }
            ],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        flags = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        with (folder / "log").open("wb") as log:
            scraper = subprocess.Popen(
                [program, *flags, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log
            )
            try:
                measure(f"http://127.0.0.1:{port}", scraper.pid, pid, seconds)
            finally:
                scraper.terminate()
                scraper.wait(60)
    return 0


def measure(url: str, scraper: int, server: int, seconds: int) -> None:
    """Wait, then ask Prometheus how its scrapes went."""
    ready_by = time.monotonic() + READY_S
    while not asked(url, "up == 1"):
        if time.monotonic() > ready_by:
            raise SystemExit("no scrape has succeeded")
        time.sleep(1)
    began, ours, theirs = time.monotonic(), used_s(server), used_s(scraper)
    time.sleep(seconds)
    took, ours, theirs = time.monotonic() - began, used_s(server) - ours, used_s(scraper) - theirs
    window = f"[{int(took)}s]"
    done = number(url, f"sum(count_over_time(up{window}))")
    notes = {
        "seconds": round(took),
        "scrapes": done,
        "expected": took // EVERY_S,
        "failed": done - number(url, f"sum(sum_over_time(up{window}))"),
        "series": number(url, "max(scrape_samples_scraped)"),
        "page_mb": round(number(url, "max(channelwatch_metrics_fleet_bytes)") / 1e6, 1),
        "polls_per_s": POLLS_PER_S,
        "prometheus_rss_mb": rss_mb(scraper),
        "server_rss_mb": rss_mb(server),
        "prometheus_core_percent": round(100 * theirs / took, 1),
    }
    longest = number(url, f"max(max_over_time(scrape_duration_seconds{window}))")
    median = number(url, f"max(quantile_over_time(0.5, scrape_duration_seconds{window}))")
    missed = max(0.0, notes["expected"] - 1 - done) + notes["failed"] + (longest > EVERY_S)
    show("overruns of a scrape every 15 s", "scrapes", missed, floor=0, target=0, notes=notes)
    show(
        "longest scrape, Prometheus' parsing and writing included",
        "s",
        longest,
        floor=10,
        target=5,
        notes={"median_s": median},
    )
    show(
        "the server's processor, polls taken in included, share of a core",
        "%",
        100 * ours / took,
        floor=10,
        target=5,
    )


def asked(url: str, query: str) -> list[dict[str, Any]]:
    try:
        with urllib.request.urlopen(
            f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}", timeout=30
        ) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found
    except OSError:
        return []


def number(url: str, query: str) -> float:
    found = asked(url, query)
    return float(found[0]["value"][1]) if found else 0.0


def rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1000, 1)
    return 0.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
