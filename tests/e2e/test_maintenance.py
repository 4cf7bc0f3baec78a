"""Planned work on a running installation: quiet while it lasts, told of at its end."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.installation import DEVICE, Installation, install
from tests.support.net import free_port
from tests.support.receivers import smtp_sink, web_sink
from tests.support.snmpd import COMMUNITY, running_snmpd
from tests.support.waiting import wait_until

ADDRESS = "127.11.0.6"


def command(place: Installation, act: str, *arguments: str) -> str:
    """What people use; what it has to complain about."""
    argv = [sys.executable, "-m", "channelwatch.app", "maintenance", act, "-c", "channelwatch.yaml"]
    ran = subprocess.run(
        [*argv, *arguments, "--by", "truong-ca"],
        cwd=place.folder, check=False, timeout=60, capture_output=True, text=True,
    )  # fmt: skip
    assert (ran.returncode == 0) is (not ran.stderr), ran.stderr
    return ran.stderr


def plan(place: Installation) -> None:
    """Plan work on the device, to begin as soon as the command is done with it: nothing is planned that has begun."""
    about = ["--scope", f"device:{DEVICE}", "--reason", "thay nguồn"]
    who = ["--owner", "Phòng Kỹ thuật", "--approved-by", "chi-huy"]
    refused = ""
    for lead_s in (4, 15, 60):
        first = datetime.now(UTC) + timedelta(seconds=lead_s)
        when = ["--from", first.isoformat(), "--to", (first + timedelta(hours=1)).isoformat()]
        refused = command(place, "add", *about, *when, *who)
        if "it has begun already" not in refused:
            break
    assert not refused


def test_a_fault_within_planned_work_is_told_of_only_when_the_work_is_over(tmp_path: Path) -> None:
    port = free_port("udp", ADDRESS)
    agent = tmp_path / "agent"
    agent.mkdir()
    with ExitStack() as stack, ExitStack() as device:
        web, smtp = stack.enter_context(web_sink()), stack.enter_context(smtp_sink())
        place = install(
            tmp_path / "cw", address=ADDRESS, port=port, community=COMMUNITY, webhook=web.port, smtp=smtp.port
        )
        device.enter_context(running_snmpd(agent, address=ADDRESS, port=port))
        stack.enter_context(place.running())
        wait_until(lambda: place.device()["health"] == "up", 30, what="the device to be up")
        plan(place)
        wait_until(lambda: "maintenance" in place.device()["flags"], 90, what="the flag")
        device.close()
        wait_until(lambda: place.get("/api/v1/incidents")["items"], 30, what="the incident")
        for _ in range(15):
            assert web.requests == []
            time.sleep(0.2)
        assert not command(place, "end", "1")
        wait_until(lambda: web.requests, 30, what="the alert after the work")
        assert web.requests[0].json["kind"] == "opened"
        assert "maintenance" not in place.device()["flags"]
