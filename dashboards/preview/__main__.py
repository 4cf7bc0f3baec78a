"""Draw the dashboards as Grafana would, from a Prometheus that scrapes a demonstration, and take their pictures.

Usage: python -m dashboards.preview [--out FOLDER] [--prometheus URL] [--after SECONDS] [--lang vi|en]

Without --prometheus it starts a demonstration and Debian's Prometheus itself and looks at them after a while. The JSON
files alone are read: grid, thresholds, mappings, overrides and transformations are applied as they stand there.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboards.preview.ask import Asker
from dashboards.preview.charts import CELL
from dashboards.preview.panels import drawn

ROOT = Path(__file__).resolve().parents[2]
CSS = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


def page(board: dict[str, Any], asker: Asker, chosen: dict[str, str]) -> str:
    """One dashboard as an HTML page."""
    every = "Tất cả" if "vi" in board["tags"] else "All"
    variables = "".join(
        f"<span>{html.escape(item['label'])}: <b>{html.escape(chosen.get(item['name'], every))}</b></span>"
        for item in board["templating"]["list"]
        if item["type"] == "query"
    )
    cells, bottom = [], 0
    for panel in board["panels"]:
        place = panel["gridPos"]
        bottom = max(bottom, place["y"] + place["h"])
        style = (
            f"left:{place['x'] / 24 * 100:.3f}%;top:{place['y'] * CELL}px;width:{place['w'] / 24 * 100:.3f}%;"
            f"height:{place['h'] * CELL}px"
        )
        title = html.escape(panel["title"])
        if panel["type"] == "row":
            cells.append(f'<div class="heading" style="{style}">▾ {title}</div>')
        else:
            inside = f'<div class="in"><div class="t">{title}</div>{drawn(panel, asker)}</div>'
            cells.append(f'<div class="panel" style="{style}">{inside}</div>')
    grid = f'<div class="grid" style="height:{bottom * CELL}px">{"".join(cells)}</div>'
    head = f"<header><h1>{html.escape(board['title'])}</h1><p>{html.escape(board['description'])}</p>"
    return (
        f"<!doctype html><meta charset=utf-8><style>{CSS}</style>{head}"
        f'<div class="vars">{variables}</div></header>{grid}'
    )


def shoot(folder: Path, names: list[str]) -> None:
    """A picture of each page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        tab = browser.new_page(viewport={"width": 1840, "height": 900})
        for name in names:
            tab.goto((folder / f"{name}.html").as_uri())
            tab.screenshot(path=folder / f"{name}.png", full_page=True)
        browser.close()


@contextlib.contextmanager
def demonstration(after_s: float) -> Iterator[str]:
    """The address of a Prometheus that has scraped a demonstration for so long."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as ends:
        folder = Path(name)
        board, own = free_port(), free_port()
        demo = [
            sys.executable,
            "-m",
            "channelwatch.app",
            "demo",
            "--port",
            str(board),
            "--dir",
            str(folder / "demo"),
        ]
        started(demo, folder / "demo.log", ends)
        config = {
            "global": {"scrape_interval": "5s"},
            "scrape_configs": [
                {
                    "job_name": "channelwatch",
                    "authorization": {"credentials_file": str(folder / "demo/secrets/metrics")},
                    "static_configs": [{"targets": [f"127.0.0.1:{board}"]}],
                }
            ],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        flags = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        started(
            ["prometheus", *flags, f"--web.listen-address=127.0.0.1:{own}"], folder / "prometheus.log", ends
        )
        time.sleep(after_s)
        yield f"http://127.0.0.1:{own}"


def started(command: list[str], log: Path, ends: contextlib.ExitStack) -> None:
    """Run `command` until the stack ends."""
    out = ends.enter_context(log.open("wb"))
    process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT)

    def end() -> None:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    ends.callback(end)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images")
    parser.add_argument("--prometheus", default="")
    parser.add_argument("--after", type=float, default=240.0)
    parser.add_argument("--span", type=int, default=0, help="seconds shown (default: as long as was waited)")
    parser.add_argument("--lang", choices=("vi", "en"), default="vi")
    parser.add_argument("--device", default="51-D-21370-1")
    args = parser.parse_args()
    source = contextlib.nullcontext(args.prometheus) if args.prometheus else demonstration(args.after)
    chosen = {"device": args.device}
    with source as url, tempfile.TemporaryDirectory() as name:
        folder, names = Path(name), []
        for path in sorted((ROOT / "dashboards" / args.lang).glob("*.json")):
            asker = Asker(url, chosen, args.span or max(60, int(args.after) - 40))
            board = json.loads(path.read_text(encoding="utf-8"))
            names.append(path.stem)
            (folder / f"{path.stem}.html").write_text(page(board, asker, chosen), encoding="utf-8")
        shoot(folder, names)
        args.out.mkdir(parents=True, exist_ok=True)
        for stem in names:
            (args.out / f"dashboard-{stem}.png").write_bytes((folder / f"{stem}.png").read_bytes())
            print(f"wrote {args.out}/dashboard-{stem}.png")


if __name__ == "__main__":
    main()
