"""A whole channelwatch in a folder of a test's own: files, process, and a client for its API."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.net import free_port
from tests.support.process import Process

TOKEN = "an api token of a test"
ALERTMANAGER_TOKEN = "the token of an alertmanager of a test"

CONFIG = """\
instance: {{id: test-1, province: "51", blocs: [party]}}
store: {{url: "sqlite:///data/channelwatch.db"}}
inventory: {{file: inventory.yaml}}
collector:
  id: col-1
  snmp: {{timeout_s: 2, retries: 0, poll_s: {poll_s}, confirm_s: 0.3}}
  traps: {{listen: "127.0.0.1:{ports.traps}"}}
  syslog: {{udp: "127.0.0.1:{ports.syslog}", tcp: "127.0.0.1:{ports.syslog}"}}
credentials:
  host: {{version: 2c, community: "file:secrets/community"}}
notify:
  smtp: {{host: 127.0.0.1, port: {ports.smtp}, from: channelwatch@example.test, tls: none}}
  webhooks: {{duty: {{url: "http://127.0.0.1:{ports.webhook}/alert", secret: "file:secrets/webhook", timeout_s: 2}}}}
http:
  listen: "127.0.0.1:{ports.http}"
  session_secret: file:secrets/session
  metrics_token: file:secrets/metrics
  alertmanager_token: file:secrets/alertmanager
  accounts:
    - {{name: truong-ca, role: chief, blocs: [party], password: "file:secrets/hash"}}
    - {{name: chu-quan, role: owner, blocs: [party], password: "file:secrets/hash"}}
    - {{name: truc, role: watch, blocs: [party], password: "file:secrets/hash", api_token: "file:secrets/token"}}
"""

INVENTORY = """\
version: 1
province: {{code: "51", name: Quảng Ngãi}}
units: [{{code: "21548", kind: commune, commune_kind: dac_khu, name: Lý Sơn}}]
sites: [{{code: 51-D-21548, unit: "21548", bloc: party}}]
devices:
  - code: {device}
    site: 51-D-21548
    address: {address}
    port: {port}
    credential: host
    level: 4
    life_cycle: in_service
    inspection: {{number: 12/BBKT, date: 2026-06-30}}
    handover: {{number: 12/BBBG, date: 2026-07-05}}
contacts:
  - code: watch
    role: watch
    post: Trực giám sát
    blocs: [party]
    deliver: ["webhook:duty"]
  - code: desk
    role: watch
    post: Bàn trực
    blocs: [party]
    deliver: ["smtp:truc@example.test"]
"""

DEVICE = "51-D-21548-1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Free ports, one each."""

    http: int
    traps: int
    syslog: int
    smtp: int
    webhook: int


@dataclass(frozen=True, slots=True)
class Installation:
    """Configuration, inventory and secrets in `folder`."""

    folder: Path
    ports: Ports

    @property
    def database(self) -> Path:
        """The status store."""
        return self.folder / "data" / "channelwatch.db"

    def running(self, name: str = "channelwatch") -> Process:
        """`channelwatch run`, ready once it says so itself."""
        argv = [
            sys.executable,
            "-m",
            "channelwatch.app",
            "run",
            "--config",
            str(self.folder / "channelwatch.yaml"),
        ]
        return Process(argv, folder=self.folder, name=name, ready=self.answers)

    def get(self, path: str) -> Any:
        """The JSON at `path` of the API, as the watch sees it."""
        url = f"http://127.0.0.1:{self.ports.http}{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def device(self, code: str = DEVICE) -> dict[str, Any]:
        """One device as the API shows it."""
        found: dict[str, Any] = self.get(f"/api/v1/devices/{code}")
        return found

    def answers(self) -> bool:
        """Does it say that it does its work?"""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.http}/readyz", timeout=10) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def install(
    folder: Path,
    *,
    address: str,
    port: int,
    community: str,
    webhook: int,
    smtp: int,
    poll_s: int = 1,
) -> Installation:
    """Write an installation that watches one SNMP agent and tells the two receivers."""
    ports = Ports(free_port(), free_port("udp"), free_port("udp"), smtp, webhook)
    secrets = folder / "secrets"
    secrets.mkdir(parents=True)
    values = {
        "community": community,
        "webhook": "the webhook secret of a test",
        "session": "the session secret of a test, long enough",
        "metrics": "the metrics token of a test",
        "alertmanager": ALERTMANAGER_TOKEN,
        "hash": "scrypt$16384$8$1$c2FsdHNhbHRzYWx0c2FsdA==$bm90IGEgcmVhbCBoYXNoIGJ1dCBvZiAzMiBieXRlcyE=",
        "token": TOKEN,
    }
    for name, value in values.items():
        (secrets / name).write_text(value + "\n", encoding="utf-8")
    (folder / "channelwatch.yaml").write_text(CONFIG.format(ports=ports, poll_s=poll_s), encoding="utf-8")
    inventory = INVENTORY.format(device=DEVICE, address=address, port=port)
    (folder / "inventory.yaml").write_text(inventory, encoding="utf-8")
    return Installation(folder, ports)
