"""The files for Prometheus, Alertmanager and Grafana: their own checkers take them, and they fit the product."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from channelwatch_api.limits import MAX_HOOK_BYTES

from channelwatch.app.cli import main
from dashboards.builder.model import SOURCE
from tests.repo.test_metrics_catalogue import BY_NAME
from tests.support import require_binary
from tests.support.peers import ROOT

DEPLOY = ROOT / "deploy"
RULES = sorted((DEPLOY / "prometheus/rules").glob("*.yml"))
CONFIGS = [DEPLOY / "prometheus/prometheus.yml", *sorted((DEPLOY / "prometheus/scale").glob("*.yml"))]
TYPICAL_ALERT_BYTES = 2_000
"""Labels, annotations and a link, as Alertmanager posts them."""
OWN = re.compile(r"\bchannelwatch_[a-z0-9_]+")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_promtool_takes_the_configurations(path: Path) -> None:
    promtool = require_binary("promtool", package="prometheus")
    command = [promtool, "check", "config", "--syntax-only", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_rules_and_they_ask_for_what_is_exported() -> None:
    promtool = require_binary("promtool", package="prometheus")
    done = subprocess.run([promtool, "check", "rules", *RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in RULES:
        asked = {
            name
            for group in read(path)["groups"]
            for rule in group["rules"]
            for name in OWN.findall(rule["expr"])
        }
        assert asked - set(BY_NAME) == set(), path


def test_the_exported_rules_are_those_that_the_product_follows(capsys: pytest.CaptureFixture[str]) -> None:
    """After a change of alert_rules: channelwatch rules export --format prometheus > this file."""
    assert main(["rules", "export", "--format", "prometheus"]) == 0
    assert (DEPLOY / "prometheus/rules/channelwatch.yml").read_text(
        encoding="utf-8"
    ) == capsys.readouterr().out


def test_every_alert_of_the_watchers_names_a_runbook_that_is_there() -> None:
    groups = read(DEPLOY / "prometheus/rules/watchers.yml")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    for rule in rules:
        runbook = rule["annotations"].get("runbook", "collector-blind")
        assert (ROOT / f"docs/runbooks/{runbook}.md").is_file()


def test_amtool_takes_the_routes() -> None:
    amtool = require_binary("amtool", package="prometheus-alertmanager")
    path = DEPLOY / "alertmanager/alertmanager.yml"
    done = subprocess.run([amtool, "check-config", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "device-down", "rule": "device-down"}, "channelwatch"),
        ({"alertname": "channelwatch-silent"}, "past-channelwatch"),
        ({"alertname": "channelwatch-unreachable"}, "past-channelwatch"),
        ({"alertname": "channelwatch-cannot-write"}, "past-channelwatch"),
        ({"alertname": "prometheus-alive"}, "check-in"),
    ],
)
def test_an_alert_goes_where_somebody_can_hear_of_it(labels: dict[str, str], receiver: str) -> None:
    amtool = require_binary("amtool", package="prometheus-alertmanager")
    command = [
        amtool,
        "config",
        "routes",
        "test",
        f"--config.file={DEPLOY / 'alertmanager/alertmanager.yml'}",
    ]
    told = [f"{name}={value}" for name, value in labels.items()]
    done = subprocess.run([*command, *told], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == receiver, done.stderr


def test_the_webhook_keeps_to_what_the_product_takes() -> None:
    receivers = {item["name"]: item for item in read(DEPLOY / "alertmanager/alertmanager.yml")["receivers"]}
    (hook,) = receivers["channelwatch"]["webhook_configs"]
    assert hook["url"].endswith("/api/v1/hooks/alertmanager")
    assert hook["max_alerts"] * TYPICAL_ALERT_BYTES <= MAX_HOOK_BYTES


def test_grafana_is_given_the_source_and_the_folders_that_the_dashboards_expect() -> None:
    (source,) = read(DEPLOY / "grafana/provisioning/datasources/channelwatch.yaml")["datasources"]
    assert (source["type"], source["uid"]) == (SOURCE["type"], "channelwatch-prometheus")
    providers = read(DEPLOY / "grafana/provisioning/dashboards/channelwatch.yaml")["providers"]
    for provider in providers:
        folder = provider["options"]["path"].rpartition("/share/channelwatch/")[2]
        assert list((ROOT / folder).glob("cw-*.json")), folder
        assert provider["allowUiUpdates"] is False
    assert len({provider["folderUid"] for provider in providers}) == len(providers) == 2


def test_no_secret_stands_in_a_file_itself() -> None:
    for path in [*CONFIGS, DEPLOY / "alertmanager/alertmanager.yml"]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(?:credentials|password|bearer_token|secret):", text), path
