"""The simulator's command line on real sockets."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest
from channelwatch_simulator import cli
from channelwatch_simulator.demo import check_port_free

from channelwatch.base.errors import Permanent


def test_a_port_in_use_is_told_with_its_remedy() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Permanent, match=rf"Port {port} is in use .* --port {port + 1}\."):
            check_port_free(port)
    check_port_free(port)


def test_the_simulator_prints_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = random.randrange(20_000, 32_000)
    assert cli.main(["--out", str(tmp_path), "--agent-port", str(port), "--for", "0.1"]) == 0
    out = capsys.readouterr().out
    assert "64 agents answer" in out
    for path in (tmp_path / "secrets").iterdir():
        assert path.read_text().strip() not in out


def test_two_simulations_on_one_port_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.12.0.3", 0))
        port = str(taken.getsockname()[1])
        assert cli.main(["--out", str(tmp_path), "--agent-port", port, "--for", "1"]) == 2
    assert f"UDP port {port} of 127.12.0.3 is taken" in capsys.readouterr().err
