"""What an operator does to the running product: applies an inventory, stops it, starts it twice."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import DEVICE, Installation, install
from tests.support.net import free_port
from tests.support.process import Process
from tests.support.receivers import WebSink, web_sink
from tests.support.waiting import wait_until

ADDRESS = "127.11.0.7"
SECOND = "51-D-21548-2"
STOP_S = 20.0
"""The product ends itself within five seconds and says so when it has to; the rest is a slow machine's."""
TAKEOVER_S = 25.0
"""The lease of a process at work ends five seconds after its last word, that of one that begins after thirty."""


@pytest.fixture
def web() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


@pytest.fixture
def place(tmp_path: Path, web: WebSink) -> Installation:
    """An installation whose one device answers nobody, and which has no mail relay."""
    return install(
        tmp_path / "cw",
        address=ADDRESS,
        port=free_port("udp", ADDRESS),
        community="a community of a test",
        webhook=web.port,
        smtp=free_port(),
    )


def apply(place: Installation, *more: str) -> list[str]:
    argv = [sys.executable, "-m", "channelwatch.app", "apply", "--by", "truong-ca", *more]
    argv += [
        "--config",
        str(place.folder / "channelwatch.yaml"),
        "--file",
        str(place.folder / "inventory.yaml"),
    ]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()


def add_second_device(place: Installation) -> None:
    """Change the file; nothing is applied yet."""
    path = place.folder / "inventory.yaml"
    text = path.read_text(encoding="utf-8")
    first = text[text.index("  - code: ") : text.index("contacts:")]
    second = first.replace(DEVICE, SECOND).replace(ADDRESS, "127.11.0.8")
    path.write_text(text.replace("contacts:", second + "contacts:"), encoding="utf-8")


def codes(place: Installation) -> set[str]:
    return {item["code"] for item in place.get("/api/v1/devices")["items"]}


def events(log: str) -> list[dict[str, object]]:
    """The lines of a log that are objects."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def test_an_inventory_applied_while_running_is_taken_within_seconds(place: Installation) -> None:
    with place.running() as process:
        assert codes(place) == {DEVICE}
        add_second_device(place)
        assert apply(place, "--dry-run")[-1] == "1 change, none applied (dry run)"
        assert apply(place)[-1] == "1 change applied as inventory version 2 by truong-ca"
        wait_until(lambda: codes(place) == {DEVICE, SECOND}, 30, what="the new device")
        assert apply(place) == ["no changes"]
        taken = [line for line in events(process.log()) if line["event"] == "inventory taken"]
        assert [line["version"] for line in taken] == [2]
        assert process.stop() == 0


def test_it_stops_in_less_than_five_seconds_though_a_receiver_hangs(
    place: Installation, web: WebSink
) -> None:
    released = time.monotonic() + 30
    web.before_answer = lambda: time.sleep(max(0.0, min(10.0, released - time.monotonic())))
    with place.running() as process:
        wait_until(lambda: web.requests, 30, what="the alert about the silent device")
        began = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - began < STOP_S
        assert "did not stop in time" not in process.log()


def test_a_second_process_waits_for_the_first_and_works_after_its_death(place: Installation) -> None:
    argv = [sys.executable, "-m", "channelwatch.app", "run"]
    argv += ["--config", str(place.folder / "channelwatch.yaml")]
    waits = "lease held by another process; waiting"
    with place.running("first") as first, Process(argv, folder=place.folder, name="second") as second:
        wait_until(lambda: waits in second.log(), 30, what="the second to wait")
        first.kill()
        wait_until(place.answers, TAKEOVER_S, what="the second to work")
        assert second.stop() == 0
        assert second.log().count(waits) == 1, "a standby does not fill the log"
        assert "lease taken over" in second.log()


def test_it_stops_in_time_though_another_program_holds_the_database(place: Installation) -> None:
    with place.running() as process:
        holder = sqlite3.connect(place.database, timeout=30, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        try:
            wait_until(lambda: not place.answers(), 30, what="the trouble to show")
            began = time.monotonic()
            status = process.stop()
            assert time.monotonic() - began < STOP_S
            assert status in (0, 1)
        finally:
            holder.close()
    # Nothing that was committed is lost, and the next start finds its way.
    with place.running("again") as process:
        assert codes(place) == {DEVICE}
        assert process.stop() == 0
