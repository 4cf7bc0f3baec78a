"""Two real processes: the service is killed, frozen and brought back; the watchdog tells each of it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.support import wait_until
from tests.support.installation import Installation, install
from tests.support.net import free_port
from tests.support.process import Process
from tests.support.receivers import WebSink, web_sink

SECRET = "the heartbeat secret of a test"


def watchdog(folder: Path, port: int, sink: WebSink) -> Process:
    (folder / "watchdog.yaml").write_text(
        f"""\
instance: {{id: test-1}}
listen: "127.0.0.1:{port}"
secret: "file:secrets/beat"
dead_after_s: 3
notify: {{webhooks: {{chief: {{url: "{sink.url}", secret: "file:secrets/webhook"}}}}}}
tell: ["webhook:chief"]
""",
        encoding="utf-8",
    )
    argv = [sys.executable, "-m", "channelwatch.app", "watchdog", "--config", str(folder / "watchdog.yaml")]
    process = Process(argv, folder=folder, name="watchdog")
    process._ready = lambda: "watching" in process.log()
    return process


def installed(folder: Path, port: int) -> Installation:
    house = install(folder, address="127.0.0.1", port=free_port("udp"), community="x-1", webhook=9, smtp=9)
    (folder / "secrets" / "beat").write_text(SECRET, encoding="utf-8")
    config = folder / "channelwatch.yaml"
    beats = f"""\
heartbeat:
  every_s: 0.5
  watchdog: {{url: "http://127.0.0.1:{port}/beat", secret: "file:secrets/beat"}}
"""
    config.write_text(config.read_text(encoding="utf-8") + beats, encoding="utf-8")
    return house


def told(sink: WebSink) -> list[str]:
    return [item.json["kind"] for item in sink.requests]


def test_a_frozen_service_its_thaw_and_its_death_are_told_of(tmp_path: Path) -> None:
    port = free_port()
    house = installed(tmp_path, port)
    with web_sink() as sink, watchdog(tmp_path, port, sink), house.running() as service:
        # It may have taken longer to begin than the watchdog waits, and may be late again when others work.
        wait_until(lambda: told(sink)[-1:] != ["opened"], 30, what="life")
        os.kill(service.pid, signal.SIGSTOP)
        try:
            wait_until(lambda: told(sink)[-1:] == ["opened"], 30, what="word of the freeze")
        finally:
            os.kill(service.pid, signal.SIGCONT)
        wait_until(lambda: told(sink)[-1] == "restored", 30, what="word of the thaw")
        service.kill()
        wait_until(lambda: told(sink)[-1] == "opened", 30, what="word of the death")
        assert len(told(sink)) >= 3
        assert set(told(sink)[::2]) == {"opened"} and set(told(sink)[1::2]) == {"restored"}
