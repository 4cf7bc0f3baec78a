"""The whole demonstration as a newcomer starts it."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path

import httpx
import pytest

from tests.support import Process, free_port, wait_until


@pytest.mark.slow
def test_the_demo_shows_alerts_lets_people_in_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    port = free_port()
    figures = tmp_path / "figures.json"
    argv = [
        sys.executable, "-m", "channelwatch.app", "demo", "--port", str(port), "--speed", "10",
        "--dir", str(tmp_path / "kept"), "--for", "600", "--json", str(figures),
    ]  # fmt: skip
    with Process(argv, folder=tmp_path, name="demo", stop_s=90) as demo:
        wait_until(lambda: "The first trouble" in demo.log(), 180, what="the board to know the devices")
        found = re.search(r"sign in as truc \(watch\), password (\S+)", demo.log())
        assert found is not None
        assert "64 of 64 devices known" in demo.log()
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, follow_redirects=True, timeout=60
        ) as client:
            form = client.get("/login")
            hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form.text))
            page = client.post("/login", data={**hidden, "name": "truc", "password": found[1]})
            assert page.is_success
            assert "51-D-T0001" in page.text or "Lý Sơn" in page.text
        wait_until(lambda: "truyền rõ" in demo.log(), 180, what="the alert for plaintext bypass")
        os.kill(demo.pid, signal.SIGINT)
        assert demo.wait(90) == 0
    measured = json.loads(figures.read_text())
    assert measured["agents"] == 64
    assert measured["first_state_s"] > 0
    assert measured["refused"] == 0
    assert measured["mails"] > 0
    assert measured["latency_ms_by_rule"]["plaintext-bypass"]["count"] >= 1
    assert not running(tmp_path), "the product must end with the demonstration"


def running(folder: Path) -> list[str]:
    """Programs of this machine that were started with a path below `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(os.fsencode(folder) in argument for argument in arguments):
            found.append(b" ".join(arguments).decode(errors="replace"))
    return found
