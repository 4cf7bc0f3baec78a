"""The main job, end to end, on real peers: snmpd, rsyslog, a mail sink and a webhook receiver."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.installation import DEVICE, Installation, install
from tests.support.net import free_port
from tests.support.peers import require_binary
from tests.support.process import Process
from tests.support.receivers import SmtpSink, WebSink, smtp_sink, web_sink
from tests.support.snmpd import COMMUNITY, running_snmpd
from tests.support.waiting import wait_until

ADDRESS = "127.11.0.5"


@pytest.fixture
def smtp() -> Iterator[SmtpSink]:
    with smtp_sink() as sink:
        yield sink


@pytest.fixture
def web() -> Iterator[WebSink]:
    with web_sink() as sink:
        yield sink


def new_installation(
    folder: Path, smtp: SmtpSink, webhook: int, *, poll_s: int = 1
) -> tuple[Installation, int]:
    port = free_port("udp", ADDRESS)
    place = install(
        folder / "cw",
        address=ADDRESS,
        port=port,
        community=COMMUNITY,
        webhook=webhook,
        smtp=smtp.port,
        poll_s=poll_s,
    )
    return place, port


def place_running(device: ExitStack, place: Installation, agent: Path, port: int) -> Process:
    """The product, to be started while its device, which `device` ends when it is closed, already answers."""
    device.enter_context(running_snmpd(agent, address=ADDRESS, port=port))
    return place.running("before")


def health(place: Installation) -> str:
    return str(place.device()["health"])


def kinds(web: WebSink) -> list[str]:
    return [request.json["kind"] for request in web.requests]


def test_a_device_that_stops_is_told_and_its_return_is_told(
    tmp_path: Path, smtp: SmtpSink, web: WebSink
) -> None:
    place, port = new_installation(tmp_path, smtp, web.port)
    agent = tmp_path / "agent"
    agent.mkdir()
    with ExitStack() as device, place_running(device, place, agent, port):
        wait_until(lambda: health(place) == "up", 30, what="the device to be up")
        assert web.requests == []
        device.close()
        wait_until(lambda: health(place) == "down", 30, what="the device to be down")
        wait_until(lambda: kinds(web) == ["opened"], 30, what="the webhook")
        wait_until(lambda: smtp.mails, 30, what="the mail")
        alert = web.requests[0].json
        assert (alert["subject"], alert["unit"], alert["cause"]) == (DEVICE, "Lý Sơn", "unreachable")
        assert smtp.mails[0]["Message-ID"].startswith(f"<{alert['incident']}.")
        (incident,) = place.get("/api/v1/incidents")["items"]
        assert (incident["number"], incident["state"], incident["severity"]) == (
            alert["incident"],
            "open",
            "p3",
        )
        with running_snmpd(agent, address=ADDRESS, port=port):
            wait_until(lambda: health(place) == "up", 30, what="the device to be up again")
            wait_until(lambda: kinds(web) == ["opened", "restored"], 30, what="the recovery on the webhook")
            wait_until(lambda: len(smtp.mails) == 2, 30, what="the recovery by mail")
            assert place.get("/api/v1/incidents")["items"][0]["state"] == "restored"


def test_lines_that_rsyslog_sends_become_events_of_their_device(
    tmp_path: Path, smtp: SmtpSink, web: WebSink
) -> None:
    rsyslogd, logger = (
        require_binary("rsyslogd", package="rsyslog"),
        require_binary("logger", package="bsdutils"),
    )
    place, _ = new_installation(tmp_path, smtp, web.port)
    source = tmp_path / "log.socket"
    config = tmp_path / "rsyslog.conf"
    config.write_text(
        f"""
        module(load="imuxsock" SysSock.Use="off")
        input(type="imuxsock" Socket="{source}" CreatePath="off")
        action(type="omfwd" target="127.0.0.1" port="{place.ports.syslog}" protocol="udp"
               address="{ADDRESS}" template="RSYSLOG_SyslogProtocol23Format")
        """,
        encoding="utf-8",
    )
    argv = [rsyslogd, "-n", "-f", config, "-i", tmp_path / "rsyslog.pid"]
    line = "Failed password for invalid user thu from 192.0.2.7 port 50022 ssh2"
    with place.running(), Process(argv, folder=tmp_path, name="rsyslogd", ready=source.exists):
        subprocess.run(
            [logger, "-u", source, "-t", "sshd", "-p", "auth.warning", line], check=True, timeout=60
        )
        events = wait_until(lambda: place.device()["events"], 30, what="the event")
    assert (events[0]["kind"], events[0]["transport"]) == ("login_fail", "syslog_udp")
    assert events[0]["trusted"] is False


def unsent(place: Installation) -> int:
    """Pages committed and not yet delivered, read from the store itself."""
    if not place.database.exists():
        return 0
    connection = sqlite3.connect(f"file:{place.database}?mode=ro", uri=True)
    try:
        (count,) = connection.execute("SELECT count(*) FROM outbox WHERE state <> 'sent'").fetchone()
        return int(count)
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def test_an_alert_committed_before_a_power_cut_is_delivered_once_after_it(
    tmp_path: Path, smtp: SmtpSink
) -> None:
    webhook = free_port()
    place, port = new_installation(tmp_path, smtp, webhook)
    agent = tmp_path / "agent"
    agent.mkdir()
    with ExitStack() as device, place_running(device, place, agent, port) as process:
        wait_until(lambda: health(place) == "up", 30, what="the device to be up")
        device.close()
        wait_until(lambda: unsent(place) > 0, 30, what="a page that nobody has taken")
        process.kill()
    assert unsent(place) >= 1
    with ExitStack() as stack:
        web = stack.enter_context(web_sink(webhook))
        stack.enter_context(place.running("after"))
        wait_until(lambda: web.requests, 30, what="the alert after the restart")
        wait_until(lambda: unsent(place) == 0, 30, what="the outbox to be empty")
        (incident,) = place.get("/api/v1/incidents")["items"]
    keys = [request.headers["idempotency-key"] for request in web.requests]
    assert keys == [f"{incident['number']}.0.opened.0.watch.0"]
    assert {mail["Message-ID"] for mail in smtp.mails} == {
        f"<{incident['number']}.0.opened.0.desk.0@example.test>"
    }


def test_it_stops_in_time_when_asked_and_resumes_where_it_was(
    tmp_path: Path, smtp: SmtpSink, web: WebSink
) -> None:
    # Three periods are what a restart may take without leaving a gap; this one may take its time.
    place, port = new_installation(tmp_path, smtp, web.port, poll_s=10)
    agent = tmp_path / "agent"
    agent.mkdir()
    with running_snmpd(agent, address=ADDRESS, port=port):
        with place.running("first") as process:
            since = wait_until(
                lambda: place.device()["health_since"]["ms"] if health(place) == "up" else None,
                30,
                what="the device up",
            )
            assert process.stop() == 0
        with place.running("second"):
            device = place.device()
    assert (device["health"], device["health_since"]["ms"]) == ("up", since)
    assert web.requests == []
