"""Metrics that go up: remote_write to Debian's VictoriaMetrics, federation of the blocs' sums, and split scrapes.

The files of `deploy/prometheus` are used as they are, but for addresses and the pace.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from channelwatch_api.part import ApiPart

from channelwatch.base.clock import SystemClock
from tests.support import Process, free_port, require_binary, wait_until
from tests.support.peers import ROOT
from tests.support.prometheus import prometheus
from tests.unit.api.memory_house import METRICS_TOKEN, MemoryHouse

FILES = ROOT / "deploy/prometheus"


@contextmanager
def product() -> Iterator[str]:
    """The address of a server with a house in memory."""
    part, running = ApiPart(), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        house = MemoryHouse(clock=SystemClock())
        house.all_up()
        running.set()
        await part.serve(house, stop)

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()], daemon=True)
    thread.start()
    try:
        wait_until(lambda: part.listening, 30, what="the server to listen")
        yield str(part.listening)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()


def plain(job: dict[str, Any], targets: list[str]) -> dict[str, Any]:
    """A scrape job with our addresses, without TLS, every second."""
    for key in ("tls_config", "scheme", "authorization"):
        job.pop(key, None)
    return {
        **job,
        "authorization": {"credentials": METRICS_TOKEN},
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "static_configs": [{**job["static_configs"][0], "targets": targets}],
    }


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FILES / name).read_text(encoding="utf-8"))
    return found


def display_rules(folder: Path) -> list[str]:
    """The recording rules, every second."""
    found = read("rules/display.yml")
    for group in found["groups"]:
        group["interval"] = "1s"
    path = folder / "display.yml"
    path.write_text(json.dumps(found), encoding="utf-8")
    return [str(path)]


def province(target: str, folder: Path, **more: Any) -> dict[str, Any]:
    """A province's Prometheus."""
    config = read("prometheus.yml")
    config["global"] |= {"evaluation_interval": "1s"}
    config["scrape_configs"] = [plain(job, [target]) for job in config["scrape_configs"]]
    return {**config, "alerting": {}, "rule_files": display_rules(folder), **more}


@pytest.mark.slow
def test_the_nation_keeps_what_a_province_writes_to_it_and_no_readings(tmp_path: Path) -> None:
    binary = require_binary("victoria-metrics", package="victoria-metrics")
    port = free_port()
    argv = [
        binary, f"-storageDataPath={tmp_path / 'vm'}", f"-httpListenAddr=127.0.0.1:{port}", "-loggerLevel=ERROR",
        "-search.latencyOffset=1s",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/health", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    written = read("scale/province.yml")
    (target,) = written["remote_write"]
    for key in ("authorization", "tls_config"):
        target.pop(key)
    target["url"] = f"{url}/api/v1/write"
    labels = written["global"]["external_labels"]

    def kept(query: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{url}/api/v1/query", params={"query": query}, trust_env=False, timeout=60)
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    with product() as address, Process(argv, folder=tmp_path, ready=answers):
        config = province(address, tmp_path, remote_write=[target])
        config["global"] |= {"external_labels": labels}
        with prometheus(tmp_path / "province", config):
            wait_until(
                lambda: kept('channelwatch_device_health{state="up"} == 1'), 60, what="states in the nation"
            )
            wait_until(lambda: kept("bloc_state:channelwatch_devices:sum"), 60, what="sums in the nation")
            wait_until(lambda: len(kept('channelwatch_device_health{state="up"} == 1')) == 24, 60, what="all")
        states = kept('channelwatch_device_health{state="up"} == 1')
        assert len(states) == 24
        assert {item["metric"]["province"] for item in states} == {"51"}
        assert kept("channelwatch_signal_state") == []


@pytest.mark.slow
def test_federation_takes_the_sums_of_the_blocs_and_nothing_of_a_device(tmp_path: Path) -> None:
    nation = read("scale/nation.yml")
    (job,) = nation["scrape_configs"]
    with product() as address, prometheus(tmp_path / "province", province(address, tmp_path)) as below:
        wait_until(lambda: below.ask("bloc_state:channelwatch_devices:sum"), 60, what="the sums")
        config = {**nation, "scrape_configs": [plain(job, [below.url.removeprefix("http://")])]}
        with prometheus(tmp_path / "nation", config) as above:
            wait_until(
                lambda: above.ask("bloc_state:channelwatch_devices:sum"), 60, what="the sums in the nation"
            )
            sums = above.ask('bloc_state:channelwatch_devices:sum{state="fine"}')
            assert {item["metric"]["bloc"] for item in sums} == {"party", "gov", "na", "front"}
            assert {item["metric"]["province"] for item in sums} == {"51"}
            assert above.ask('{device!=""}') == []


@pytest.mark.slow
def test_a_site_that_splits_its_scrapes_has_each_series_once(tmp_path: Path) -> None:
    split = read("scale/split.yml")
    with product() as address:
        jobs = [plain(job, [address]) for job in split["scrape_configs"]]
        with prometheus(tmp_path / "split", {"scrape_configs": jobs}) as server:
            wait_until(lambda: len(server.ask("up == 1")) == len(jobs) == 3, 60, what="every scrape")
            wait_until(lambda: server.ask("channelwatch_signal_state"), 30, what="the readings")
            wait_until(lambda: server.ask("channelwatch_sign_ins_total"), 30, what="the process' own figures")
            assert len(server.ask('channelwatch_device_health{state="up"} == 1')) == 24
            twice = server.ask('count by (__name__, device, signal, component) ({device!=""}) > 5')
            assert twice == []
            assert {item["metric"]["job"] for item in server.ask("channelwatch_device_health")} == {
                "channelwatch-states"
            }
