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


def plan(place: Installation, first: datetime, last: datetime) -> None:
    """Plan work on the device with the command that people use."""
    command = [sys.executable, "-m", "channelwatch.app", "maintenance", "add", "-c", "channelwatch.yaml"]
    when = ["--from", first.isoformat(), "--to", last.isoformat()]
    who = ["--owner", "Phòng Kỹ thuật", "--by", "truong-ca", "--approved-by", "chi-huy"]
    about = ["--scope", f"device:{DEVICE}", "--reason", "thay nguồn"]
    subprocess.run([*command, *about, *when, *who], cwd=place.folder, check=True, timeout=30)


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
        wait_until(lambda: place.device()["health"] == "up", 20, what="the device to be up")
        now = datetime.now(UTC)
        plan(place, now + timedelta(seconds=4), now + timedelta(seconds=20))
        wait_until(lambda: "maintenance" in place.device()["flags"], 15, what="the flag")
        device.close()
        wait_until(lambda: place.get("/api/v1/incidents")["items"], 15, what="the incident")
        while datetime.now(UTC) < now + timedelta(seconds=19):
            assert web.requests == []
            time.sleep(0.2)
        wait_until(lambda: web.requests, 10, what="the alert after the work")
        assert web.requests[0].json["kind"] == "opened"
        assert "maintenance" not in place.device()["flags"]
