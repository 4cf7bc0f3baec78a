"""What Debian's Alertmanager and Prometheus do with the same, each in a folder of its own."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from alert_figures.sink import Sink, p95, sink
from tests.support.alertmanager import Alertmanager
from tests.support.net import free_port
from tests.support.peers import require_binary
from tests.support.process import Process
from tests.support.waiting import wait_until


def config(webhook: str, *, group_by: list[str], wait: str, interval: str = "5m") -> str:
    """An Alertmanager that tells one webhook."""
    route = {"receiver": "duty", "group_by": group_by, "group_wait": wait, "group_interval": interval}
    receiver = {"name": "duty", "webhook_configs": [{"url": webhook, "send_resolved": False}]}
    return json.dumps({"route": route, "receivers": [receiver]})


def post(peer: Alertmanager, labels: Iterable[dict[str, str]]) -> None:
    """Alerts that fire for an hour."""
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = [{"labels": {"alertname": "Down", **own}, "endsAt": ends} for own in labels]
    request = Request(
        f"{peer.url}/api/v2/alerts", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    urlopen(request, timeout=30).close()


def told(body: Any) -> set[str]:
    """The devices of one of its webhooks."""
    return {alert["labels"]["device"] for alert in body["alerts"]}


def everything(duty: Sink) -> set[str]:
    """The devices of all of them."""
    return set().union(*(told(body) for _, body in list(duty.came))) if duty.came else set()


def new_member(folder: Path) -> float | None:
    """Seconds until a second alert of a known group is told of, with the default group_interval."""
    with sink() as duty:
        peer = Alertmanager(folder, more=config(duty.url, group_by=["bloc"], wait="0s"))
        with peer.running():
            post(peer, [{"bloc": "party", "device": "first"}])
            duty.wait(lambda body: "first" in told(body), 30)
            time.sleep(1)
            began = time.monotonic()
            post(peer, [{"bloc": "party", "device": "second"}])
            moment = duty.wait(lambda body: "second" in told(body), 330)
    return None if moment is None else moment - began


def after_outage(folder: Path, seconds: float) -> float | None:
    """Seconds from a receiver's return until the last of 20 alerts that came while it was down."""
    with sink() as duty:
        peer = Alertmanager(folder, more=config(duty.url, group_by=["device"], wait="0s"))
        with peer.running():
            duty.refuses = True
            for number in range(20):
                post(peer, [{"device": f"d{number}"}])
                time.sleep(seconds / 25)
            time.sleep(seconds / 5)
            duty.refuses, back = False, time.monotonic()
            wanted = {f"d{number}" for number in range(20)}
            try:
                wait_until(lambda: everything(duty) >= wanted, 310)
            except AssertionError:
                return None
            return duty.came[-1][0] - back


def crash(folder: Path) -> tuple[int, int]:
    """Of 20 alerts each: how many are lost by a kill after they were accepted, and told twice by one after delivery."""
    folder.mkdir(parents=True)
    labels = [{"device": f"d{number}"} for number in range(20)]
    with sink() as duty:
        peer = Alertmanager(folder / "lost", more=config(duty.url, group_by=["device"], wait="4s"))
        with peer.running() as process:
            post(peer, labels)
            process.kill()
        with peer.running():
            time.sleep(8)
        lost = 20 - len(everything(duty))
    with sink() as duty:
        peer = Alertmanager(folder / "twice", more=config(duty.url, group_by=["device"], wait="0s"))
        with peer.running() as process:
            post(peer, labels)
            wait_until(lambda: len(everything(duty)) == 20, 30)
            process.kill()
        before = len(duty.came)
        with peer.running():
            post(peer, labels)
            time.sleep(4)
        return lost, sum(len(told(body)) for _, body in duty.came[before:])


def storm(folder: Path, alerts: int, groups: int) -> tuple[float, int, float]:
    """Seconds until all is told, webhooks, and growth in MiB, of so many alerts in so many groups."""
    with sink() as duty:
        peer = Alertmanager(folder, more=config(duty.url, group_by=["unit"], wait="0s", interval="10s"))
        with peer.running() as process:
            post(peer, [{"device": "warm", "unit": "warm"}])
            duty.wait(lambda body: True, 30)
            rss, sent = memory_mib(process.pid), len(duty.came)
            began = time.monotonic()
            for first in range(0, alerts, 500):
                post(peer, [{"device": f"d{n}", "unit": f"u{n % groups}"} for n in range(first, first + 500)])
            wait_until(lambda: len(everything(duty)) > alerts, 60)
            took = duty.came[-1][0] - began
            return took, len(duty.came) - sent, memory_mib(process.pid) - rss


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


_RULES = """
groups:
- name: chain
  interval: 15s
  rules:
  - {alert: Now, expr: device_down == 1, for: 0s}
  - {alert: Confirmed, expr: device_down == 1, for: 1m}
"""


class _Exporter:
    """Says of each device whether it is down."""

    def __init__(self, devices: int) -> None:
        self.down: dict[str, int] = {f"d{number}": 0 for number in range(devices)}
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                lines = (f'device_down{{device="{name}"}} {value}\n' for name, value in exporter.down.items())
                body = "".join(lines).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def chain(folder: Path, devices: int = 24, seed: int = 20261122) -> tuple[float, float]:
    """p95 in seconds from a fault to the webhook through Prometheus (scraped and evaluated every 15 s) and
    Alertmanager (group_wait 0s), unconfirmed and with `for: 1m`."""
    chance, exporter = random.Random(seed), _Exporter(devices)
    folder.mkdir(parents=True)
    fell: dict[str, float] = {}
    with sink() as duty:
        routed = config(duty.url, group_by=["alertname", "device"], wait="0s")
        peer = Alertmanager(folder / "am", more=routed)
        with peer.running(), _prometheus(folder, peer.port, exporter.server.server_address[1]):
            for number, name in enumerate(exporter.down):
                time.sleep(chance.uniform(0.0, 4.0) if number else 16.0)
                exporter.down[name], fell[name] = 1, time.monotonic()
            wait_until(lambda: len(_moments(duty, "Confirmed")) == devices, 150)
            now, confirmed = _moments(duty, "Now"), _moments(duty, "Confirmed")
    exporter.server.shutdown()
    return (
        p95([now[name] - at for name, at in fell.items()]),
        p95([confirmed[name] - at for name, at in fell.items()]),
    )


def _moments(duty: Sink, alert: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for moment, body in list(duty.came):
        for item in body["alerts"]:
            if item["labels"]["alertname"] == alert:
                found.setdefault(item["labels"]["device"], moment)
    return found


def _prometheus(folder: Path, alertmanager: int, exporter: int) -> Process:
    (folder / "rules.yml").write_text(_RULES, encoding="utf-8")
    document = {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": [{"job_name": "chain", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(document), encoding="utf-8")
    port = free_port()

    def is_ready() -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    argv = [
        require_binary("prometheus", package="prometheus"), f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    return Process(argv, folder=folder, ready=is_ready, ready_s=30)
