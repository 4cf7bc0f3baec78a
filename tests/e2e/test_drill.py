"""A drill in the running product: prefixed messages, a real acknowledgement, a report, and an untouched history."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.support import wait_until
from tests.support.installation import DEVICE, TOKEN, Installation, install
from tests.support.net import free_port
from tests.support.receivers import Posted, WebSink, web_sink


def command(house: Installation, *arguments: str, status: int = 0) -> str:
    """What `channelwatch ARGUMENTS` prints."""
    argv = [
        sys.executable,
        "-m",
        "channelwatch.app",
        *arguments,
        "--config",
        str(house.folder / "channelwatch.yaml"),
    ]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == status, ran.stderr
    return ran.stdout + ran.stderr


def drills(sink: WebSink, kind: str) -> list[Posted]:
    return [item for item in sink.requests if item.json["drill"] and item.json["kind"] == kind]


def history(house: Installation) -> list[Any]:
    with sqlite3.connect(house.database) as database:
        return database.execute("SELECT subject, axis, state_after FROM transition ORDER BY seq").fetchall()


def test_a_drill_is_played_told_taken_and_reported(tmp_path: Path) -> None:
    nobody = free_port("udp")
    with web_sink() as sink:
        house = install(
            tmp_path, address="127.0.0.1", port=nobody, community="x-1", webhook=sink.port, smtp=9
        )
        with house.running():
            wait_until(lambda: sink.requests, 30, what="the real fault: the device is silent")
            before = history(house)
            start = ["drill", "start", "--scenario", "tamper", "--on", DEVICE, "--by", "truong-ca"]
            refused = command(house, *start, "--approved-by", "truong-ca", status=2)
            assert "approved by another person" in refused
            refused = command(house, *start, "--approved-by", "chu-quann", status=2)
            assert "no contact or account of the role owner is called 'chu-quann'" in refused
            command(house, *start, "--approved-by", "chu-quan")
            assert "not over" in command(house, *start, "--approved-by", "chu-quan", status=1)
            opened = wait_until(lambda: drills(sink, "opened"), 30, what="the drill's alert")[0].json
            assert opened["title"].startswith("[DIỄN TẬP]")
            assert (opened["rule"], opened["severity"]) == ("drill.tamper", "p1")
            number = int(opened["incident"].removeprefix("SC-"))
            request = urllib.request.Request(
                f"http://127.0.0.1:{house.ports.http}/api/v1/incidents/{number}/ack",
                data=b"",
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
            urllib.request.urlopen(request, timeout=30).close()
            command(house, "drill", "stop", "--by", "truong-ca")
            over = wait_until(lambda: drills(sink, "restored"), 30, what="word of its end")[0].json
            assert over["title"].startswith("[DIỄN TẬP]")
            wait_until(lambda: report(house)["end"] == "stopped", 30, what="the record of its end")
            assert history(house) == before
            page = page_of(house, "/en/drills/1")
            assert "Tamper alarm" in page and "Stopped by a person" in page
            assert re.search(r"after [\d.]+ s</span> · Webhook", page), (
                "the post and the way by which it was told"
            )
        told = report(house)
        (incident,) = told["incidents"]
        times = [incident[key] for key in ("detected_ms", "acknowledged_ms", "restored_ms")]
        assert times == sorted(times) and times[0] >= 0
        people = {item["contact"]: item for item in incident["people"]}
        assert people["watch"]["by"] == "webhook"
        assert people["watch"]["told_ms"] >= times[0]
        assert people["truc"]["acknowledged_ms"] == incident["acknowledged_ms"]
        assert "acknowledged after" in command(house, "drill", "report")


def page_of(house: Installation, path: str) -> str:
    url = f"http://127.0.0.1:{house.ports.http}{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}", "Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read().decode())


def report(house: Installation) -> Any:
    return json.loads(command(house, "drill", "report", "--json"))
