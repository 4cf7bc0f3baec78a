"""Debian's Alertmanager posts to the running product."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support import wait_until
from tests.support.installation import ALERTMANAGER_TOKEN, DEVICE, Installation, install
from tests.support.net import free_port
from tests.support.peers import require_binary
from tests.support.process import Process

CONFIG = """\
route: {{receiver: channelwatch, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: channelwatch
    webhook_configs:
      - url: "http://127.0.0.1:{port}/api/v1/hooks/alertmanager"
        max_alerts: 100
        http_config: {{authorization: {{credentials: "{token}"}}}}
"""


def alertmanager(folder: Path, port: int, hook: int) -> Process:
    binary = require_binary("prometheus-alertmanager", package="prometheus-alertmanager")
    config = CONFIG.format(port=hook, token=ALERTMANAGER_TOKEN)
    (folder / "alertmanager.yml").write_text(config, encoding="utf-8")

    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    argv = [
        str(binary),
        "--config.file=alertmanager.yml",
        "--storage.path=am",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    return Process(argv, folder=folder, name="alertmanager", ready=is_ready)


def fire(port: int, name: str, *, over: bool = False) -> None:
    """Tell the Alertmanager of an alert, or of its end."""
    now = datetime.now(UTC)
    alert = {
        "labels": {"alertname": name, "device": DEVICE, "severity": "critical"},
        "annotations": {"summary": "said elsewhere"},
        "startsAt": (now - timedelta(minutes=1)).isoformat(),
        "endsAt": (now - timedelta(seconds=1) if over else now + timedelta(hours=1)).isoformat(),
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v2/alerts",
        data=json.dumps([alert]).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def incidents(house: Installation) -> dict[str, dict[str, Any]]:
    """Incidents by their rule."""
    return {item["rule"]: item for item in house.get("/api/v1/incidents")["items"]}


def test_alerts_of_a_real_alertmanager_become_incidents_and_end(tmp_path: Path) -> None:
    nobody = free_port("udp")
    house = install(tmp_path, address="127.0.0.1", port=nobody, community="x-1", webhook=9, smtp=9)
    port = free_port()
    with house.running(), alertmanager(tmp_path, port, house.ports.http):
        fire(port, "LinkSlow")
        found = wait_until(lambda: incidents(house).get("external.LinkSlow"), 30, what="the incident")
        assert (found["subject"], found["severity"], found["state"]) == (DEVICE, "p2", "open")
        # Our own rule sees the silent device as well: the same fault told by the other system adds nothing.
        wait_until(lambda: "device-down" in incidents(house), 30, what="our own incident")
        fire(port, "device-down")
        fire(port, "LinkSlow", over=True)
        wait_until(lambda: incidents(house)["external.LinkSlow"]["state"] == "restored", 30, what="its end")
        assert "external.device-down" not in incidents(house)
