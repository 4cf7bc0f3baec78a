"""The second watcher, whole: simulator, channelwatch, Prometheus, Alertmanager, our webhook; over TLS with tokens.

The files of `deploy` are used as they are, but for addresses, paths and the pace.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from channelwatch_simulator.demo import Ports, configuration
from channelwatch_simulator.files import RunFolder

from channelwatch.base.passwords import hash_password
from tests.support import Process, free_port, require_binary, wait_until
from tests.support.alertmanager import Alertmanager
from tests.support.certificates import Authority
from tests.support.peers import ROOT
from tests.support.prometheus import Prometheus, prometheus
from tests.support.receivers import SmtpSink, WebSink, smtp_sink, web_sink

DEPLOY = ROOT / "deploy"
LATCHED = "tamper"
"""Lasts until a person clears it: the story's other faults may be over before everybody has looked."""


@dataclass
class Scene:
    """Everything that runs."""

    folder: Path
    product: Process
    prometheus: Prometheus
    alertmanager: Alertmanager
    mails: SmtpSink
    check_ins: WebSink

    def incidents(self, rule: str) -> list[tuple[str, str]]:
        """Subject and state of the incidents of `rule`, and of those that Alertmanager opened under its name."""
        with sqlite3.connect(f"file:{self.folder}/data/channelwatch.db?mode=ro", uri=True) as database:
            found = database.execute(
                "SELECT subject, rule FROM incident WHERE rule IN (?, ?)", (rule, f"external:{rule}")
            )
            return list(found)

    def posts(self, kind: str) -> float:
        """Alertmanager's own count of what it has posted to webhooks."""
        url = self.alertmanager.url.removeprefix("http://")
        found = self.prometheus.value(
            f'alertmanager_notifications{kind}_total{{integration="webhook",instance="{url}"}}'
        )
        return found or 0.0


def product_files(folder: Path, authority: Authority, ports: Ports) -> None:
    """The demonstration's configuration, with TLS and a token for Alertmanager."""
    kept = RunFolder(folder)
    for name in ("session", "metrics", "alertmanager", "webhook"):
        kept.secret(name)
    for name in ("truc", "truong-ca"):
        kept.secret(f"{name}.hash", lambda: str(hash_password("a password of a test")))
    server = authority.issue("server")
    settings = configuration(ports)
    settings["http"] |= {
        "alertmanager_token": "file:secrets/alertmanager",
        "tls": {"certificate": str(server.certificate), "key": str(server.key)},
    }
    (folder / "data").mkdir()
    (folder / "channelwatch.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


def prometheus_config(folder: Path, authority: Authority, product: int, alertmanager: str) -> dict[str, Any]:
    """`deploy/prometheus`, at ten times its pace."""
    config: dict[str, Any] = yaml.safe_load(
        (DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8")
    )
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    (job,) = config["scrape_configs"]
    job["authorization"]["credentials_file"] = str(folder / "secrets/metrics")
    job["tls_config"]["ca_file"] = str(authority.certificate)
    job["static_configs"][0]["targets"] = [f"127.0.0.1:{product}"]
    config["scrape_configs"].append(
        {"job_name": "alertmanager", "static_configs": [{"targets": [alertmanager]}]}
    )
    rules = folder / "rules"
    rules.mkdir()
    for path in (DEPLOY / "prometheus/rules").glob("*.yml"):
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in found["groups"]:
            group["interval"] = "1s"
        (rules / path.name).write_text(json.dumps(found), encoding="utf-8")
    config["rule_files"] = [f"{rules}/*.yml"]
    return config


def alertmanager_config(
    folder: Path, authority: Authority, product: int, mails: SmtpSink, web: WebSink
) -> str:
    """`deploy/alertmanager`, with our addresses."""
    config: dict[str, Any] = yaml.safe_load(
        (DEPLOY / "alertmanager/alertmanager.yml").read_text(encoding="utf-8")
    )
    receivers = {item["name"]: item for item in config["receivers"]}
    (hook,) = receivers["channelwatch"]["webhook_configs"]
    hook["url"] = f"https://127.0.0.1:{product}/api/v1/hooks/alertmanager"
    hook["http_config"]["authorization"]["credentials_file"] = str(folder / "secrets/alertmanager")
    hook["http_config"]["tls_config"]["ca_file"] = str(authority.certificate)
    receivers["past-channelwatch"]["email_configs"][0]["smarthost"] = f"127.0.0.1:{mails.port}"
    receivers["check-in"]["webhook_configs"][0]["url"] = web.url
    return json.dumps(config)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    require_binary("prometheus-alertmanager", package="prometheus-alertmanager")
    folder = tmp_path / "cw"
    authority = Authority(tmp_path, "authority")
    with ExitStack() as stack:
        mails = stack.enter_context(smtp_sink())
        web, check_ins = stack.enter_context(web_sink()), stack.enter_context(web_sink())
        ports = Ports(free_port(), free_port("udp"), free_port("udp"), web.port, mails.port)
        product_files(folder, authority, ports)
        simulator = [
            sys.executable, "-m", "channelwatch_simulator.cli", "--out", folder, "--speed", "6",
            "--agent-port", str(free_port("udp")), "--for", "1200",
            "--traps", f"127.0.0.1:{ports.traps}", "--syslog", f"127.0.0.1:{ports.syslog}",
        ]  # fmt: skip
        stack.enter_context(
            Process(simulator, folder=tmp_path, name="simulator", ready=(folder / "inventory.yaml").exists)
        )
        product = Process(
            [sys.executable, "-m", "channelwatch.app", "run", "--config", folder / "channelwatch.yaml"],
            folder=tmp_path,
            name="channelwatch",
            ready=(folder / "data/channelwatch.db").exists,
        )
        stack.enter_context(product)
        text = alertmanager_config(folder, authority, ports.board, mails, check_ins)
        alertmanager = Alertmanager(tmp_path / "alertmanager", more=text)
        stack.enter_context(alertmanager.running())
        config = prometheus_config(folder, authority, ports.board, f"127.0.0.1:{alertmanager.port}")
        # What it tells before it has found Alertmanager is told again.
        again = ["--rules.alert.resend-delay=5s"]
        server = stack.enter_context(prometheus(tmp_path / "prometheus", config, again))
        yield Scene(folder, product, server, alertmanager, mails, check_ins)


@pytest.mark.slow
def test_a_fault_comes_back_to_its_own_incident_and_a_dead_product_is_told_past_it(scene: Scene) -> None:
    ask = scene.prometheus.ask
    wait_until(lambda: ask("count(channelwatch_device_in_service == 1) > 50"), 60, what="a scrape over TLS")
    firing = f'ALERTS{{alertname="{LATCHED}",alertstate="firing"}}'
    (alert,) = wait_until(lambda: ask(firing), 90, what="the fault in Prometheus")
    subject = alert["metric"]["device"]
    held = lambda: {item["labels"]["alertname"] for item in scene.alertmanager.alerts()}  # noqa: E731
    wait_until(lambda: LATCHED in held(), 30, what="the alert in Alertmanager")
    wait_until(lambda: scene.posts("") >= 2, 30, what="the posts to our webhook and to the check-in receiver")
    assert scene.posts("_failed") == 0
    assert scene.incidents(LATCHED) == [(subject, LATCHED)]
    wait_until(lambda: scene.check_ins.requests, 40, what="a check-in")
    assert b"prometheus-alive" in scene.check_ins.requests[0].body

    silent = 'ALERTS{alertname="channelwatch-silent",alertstate="firing"}'

    def is_well() -> bool:
        """Until its first scrape the product is silent. What that has set off must be over, and be told to be, for a
        death to be news."""
        told = [str(mail["Subject"]) for mail in scene.mails.mails]
        last = next((subject for subject in reversed(told) if "channelwatch-silent" in subject), "RESOLVED")
        return not ask(silent) and "channelwatch-silent" not in held() and "RESOLVED" in last

    wait_until(is_well, 60, what="nobody to take the product for dead")
    told_before = len(scene.mails.mails)
    scene.product.kill()
    wait_until(lambda: ask(silent), 60, what="the dead man's alert")
    subjects = lambda: [str(mail["Subject"]) for mail in scene.mails.mails[told_before:]]  # noqa: E731
    wait_until(lambda: any("channelwatch-silent" in item for item in subjects()), 60, what="the mail past us")
