"""The dashboards against Grafana's own types, and every query against a Prometheus that scrapes the demonstration."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from channelwatch.metrics import catalogue
from channelwatch.metrics.text import Kind
from dashboards.builder.ask import filled
from dashboards.builder.catalogue import BOARDS
from tests.support import Process, free_port, require_binary, skip_or_fail, wait_until
from tests.support.peers import ROOT
from tests.support.prometheus import Prometheus, prometheus

TYPES = ROOT / "tools/grafana-types"
# A TypeScript enum takes no text; as literals its members do.
HEAD = """import type { Dashboard as Told } from '@grafana/schema';
type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Dashboard = Plain<Told>;
"""
DEVICE = "51-D-21548-1"
MOST_SERIES = 2_000
MOST_S = 0.2
TRIES = 20


def complaints(folder: Path, dashboards: list[str]) -> str:
    """What TypeScript says of them."""
    compiler = TYPES / "node_modules/typescript/lib/tsc.js"
    if not compiler.exists():
        skip_or_fail("Grafana's types are missing: run tools/install-peers.sh")
    node = require_binary("node", package="nodejs")
    lines = [f"export const board{number}: Dashboard = {text};" for number, text in enumerate(dashboards)]
    (folder / "check.ts").write_text(HEAD + "\n".join(lines), encoding="utf-8")
    (folder / "node_modules").symlink_to(TYPES / "node_modules")
    options = [
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
    ]
    done = subprocess.run(
        [node, compiler, *options, "check.ts"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_grafanas_own_types_take_every_dashboard(tmp_path: Path) -> None:
    boards = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "dashboards").glob("*/*.json"))]
    assert len(boards) == 2 * len(BOARDS)
    wrong = json.loads(boards[0])
    wrong["panels"][0]["gridPos"]["w"] = "wide"
    wrong["panels"][1]["fieldConfig"]["defaults"]["color"]["mode"] = "rainbow"
    wrong["colour"] = "blue"
    found = complaints(tmp_path, [*boards, json.dumps(wrong)])
    refused = [line for line in found.splitlines() if "error TS" in line]
    assert len(refused) >= 1, "the wrong one was taken"
    first_wrong = (HEAD + "\n".join(boards)).count("\n") + 1
    assert all(int(line.split("(")[1].split(",")[0]) >= first_wrong for line in refused), found


@dataclass
class Scene:
    """A demonstration, and a Prometheus that scrapes it."""

    url: str
    token: str
    prometheus: Prometheus

    def page(self, accept: str = "") -> str:
        headers = {"authorization": f"Bearer {self.token}", "accept": accept}
        return httpx.get(f"{self.url}/metrics", headers=headers, trust_env=False, timeout=60).text


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")
    port, secret = free_port(), folder / "demo/secrets/metrics"
    demo = [sys.executable, "-m", "channelwatch.app", "demo", "--port", str(port), "--speed", "4"]
    config = {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s"},
        "scrape_configs": [
            {
                "job_name": "channelwatch",
                "authorization": {"credentials_file": str(secret)},
                "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
            }
        ],
    }
    with (
        Process([*demo, "--dir", folder / "demo", "--for", "1200"], folder=folder, name="demo", stop_s=90),
        prometheus(folder / "prometheus", config) as server,
    ):
        wait_until(secret.exists, 60, what="the demonstration to make its secrets")
        for query in (
            "channelwatch_availability_computed_timestamp_seconds > 0",
            'channelwatch_deliveries_total{result="sent"}',
            'channelwatch_traps_total{result="delivered"}',
            "channelwatch_syslog_messages_total",
            "rate(channelwatch_polls_total[30s]) > 0",
        ):
            wait_until(lambda query=query: server.ask(query), 120, what=query)  # type: ignore[misc]
        yield Scene(f"http://127.0.0.1:{port}", secret.read_text(encoding="utf-8").strip(), server)


@pytest.mark.slow
def test_every_query_is_answered_soon_and_with_few_series(scene: Scene) -> None:
    faults = []
    for board in BOARDS:
        for panel in board.panels():
            for query in panel.queries:
                asked = filled(query.expr, {"device": DEVICE}, rate="30s")
                took = []
                # Soon: the machine's own pauses, which last for seconds, are not the query's.
                while not took or (min(took) > MOST_S and len(took) < TRIES):
                    time.sleep(0.5 if took else 0)
                    began = time.monotonic()
                    found = scene.prometheus.ask(asked)
                    took.append(time.monotonic() - began)
                if not (found or query.may_be_empty) or len(found) > MOST_SERIES or min(took) > MOST_S:
                    faults.append(
                        f"{board.uid} {panel.title.en}: {len(found)} series, {min(took):.3f} s: {asked}"
                    )
    assert faults == []


@pytest.mark.slow
def test_what_a_running_process_exports_is_the_catalogue(scene: Scene) -> None:
    told = {
        family.name: family
        for family in text_string_to_metric_families(scene.page())
        if family.name.startswith("channelwatch_")
    }
    known = {
        family.name.removesuffix("_total") if family.kind is Kind.COUNTER else family.name: family
        for family in catalogue.EVERY
    }
    assert set(told) - set(known) == set(), "not in the catalogue"
    missing = {name for name, family in known.items() if not family.optional} - set(told)
    assert missing == set(), "not exported"
    for name, family in told.items():
        allowed = set(known[name].labels) | ({"le"} if known[name].kind is Kind.HISTOGRAM else set())
        assert {label for sample in family.samples for label in sample.labels} <= allowed, name
        assert family.documentation == known[name].help


@pytest.mark.slow
def test_promtool_finds_no_fault_with_a_running_process(scene: Scene) -> None:
    promtool = require_binary("promtool", package="prometheus")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=scene.page().encode(), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "", "")


@pytest.mark.slow
def test_prometheus_takes_openmetrics_from_it(scene: Scene) -> None:
    (target,) = scene.prometheus.get("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    assert scene.page("application/openmetrics-text; version=1.0.0").endswith("# EOF\n")
    # Only in OpenMetrics is a counter's family called so.
    kinds = scene.prometheus.get("metadata?metric=channelwatch_polls")
    assert [item["type"] for item in kinds.get("channelwatch_polls", [])] == ["counter"]
