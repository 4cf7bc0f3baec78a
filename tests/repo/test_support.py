"""The helpers that other tests lean on must themselves be able to fail."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from tests.support import Process, eventually, free_port, require_binary, wait_until
from tests.support.net import is_loopback

SLEEPER = [sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(60)"]


def test_a_missing_program_is_skipped_here_and_fails_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt install no-such-package"):
        require_binary("no-such-program", package="no-such-package")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt install no-such-package"):
        require_binary("no-such-program", package="no-such-package")


def test_a_present_program_is_found() -> None:
    assert require_binary("sh", package="dash").is_absolute()


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_free_port_can_be_bound(kind: str) -> None:
    port = free_port(kind)  # type: ignore[arg-type]
    with socket.socket(socket.AF_INET, {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[kind]) as taker:
        taker.bind(("127.0.0.1", port))


def test_waiting_in_vain_names_what_was_awaited() -> None:
    with pytest.raises(AssertionError, match=r"rain.*last answer: 0"):
        wait_until(lambda: 0, 0.05, what="rain")


async def test_waiting_on_a_loop_takes_plain_and_coroutine_predicates() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 7

    assert await eventually(answer) == 7
    assert await eventually(lambda: "now") == "now"
    with pytest.raises(AssertionError, match="in vain"):
        await eventually(lambda: None, 0.05)


def test_a_process_is_awaited_logged_and_ended(tmp_path: Path) -> None:
    sleeper = Process(SLEEPER, folder=tmp_path, name="sleeper", ready=lambda: "hello" in sleeper.log())
    with sleeper:
        assert sleeper.returncode is None
    assert sleeper.returncode == -15


def test_a_process_that_dies_early_fails_with_its_log(tmp_path: Path) -> None:
    dying = Process(
        [sys.executable, "-c", "print('no such option'); raise SystemExit(3)"],
        folder=tmp_path,
        ready=lambda: False,
    )
    with pytest.raises(AssertionError, match="status 3") as failure, dying:
        pass
    assert "no such option" in failure.value.__notes__[0]


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    process = Process(
        [sys.executable, "-c", stubborn], folder=tmp_path, ready=lambda: "up" in process.log(), stop_s=0.2
    )
    with process:
        pass
    assert process.returncode == -9


def test_the_children_of_a_process_end_with_it(tmp_path: Path) -> None:
    parent = Process(
        ["sh", "-c", "sleep 60 & echo $!; wait"], folder=tmp_path, ready=lambda: parent.log().endswith("\n")
    )
    with parent:
        child = int(parent.log())
    wait_until(lambda: not Path(f"/proc/{child}/cmdline").exists() or is_dead(child), what="the child to end")


def is_dead(pid: int) -> bool:
    """Whether the process is a zombie that nobody has reaped yet."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


def test_a_process_may_end_by_itself(tmp_path: Path) -> None:
    with Process([sys.executable, "-c", "raise SystemExit(4)"], folder=tmp_path) as process:
        assert process.wait(30) == 4
    assert process.stop() == 4


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_test_cannot_reach_another_machine(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as outbound, pytest.raises(RuntimeError, match="stay on this"):
        outbound.connect(("192.0.2.1", 9))


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.3.2.1", True), ("::1", True), ("localhost", True), ("::ffff:127.0.0.1", True), ("0.0.0.0", True),
     ("192.0.2.1", False), ("2001:db8::1", False), ("example.test", False)],
)  # fmt: skip
def test_only_this_machine_counts_as_loopback(host: str, here: bool) -> None:
    assert is_loopback(host) is here
