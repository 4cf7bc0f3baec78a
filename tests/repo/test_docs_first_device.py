"""The commands of docs/first-device.md, run one after the other as they stand there, on free ports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_string, policy
from pathlib import Path

import pytest

from tests.repo.documents import blocks
from tests.repo.tree import text_of
from tests.support import Process, free_port, require_binary, wait_until

ADDRESS = "127.11.0.7"
TCP_PORTS, UDP_PORTS = ("8080", "8025", "1514"), ("16161", "1162")
DOWN = "[P3] Văn phòng Tỉnh ủy: Mất kênh hoặc thiết bị"


class Reader:
    """Someone who follows the document in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = {port: str(free_port("tcp")) for port in TCP_PORTS}
        self._ports.update({port: str(free_port("udp", ADDRESS)) for port in UDP_PORTS})
        self.steps = [self.moved(step) for step in blocks(text_of(Path("docs/first-device.md")), "sh")]
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": programs, "PYTHONUNBUFFERED": "1"}

    def moved(self, text: str) -> str:
        """`text` with free ports for those of the document."""
        for port, free in self._ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text

    def step(self, containing: str) -> str:
        """The one block that contains this text."""
        (found,) = [step for step in self.steps if containing in step]
        return found

    def do(self, containing: str) -> str:
        """Run that block to its end; what it printed."""
        ran = subprocess.run(
            ["bash", "-euc", self.step(containing)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def keep_doing(self, containing: str) -> Process:
        """That block as a program that runs on."""
        argv = ["bash", "-euc", "exec " + self.step(containing).strip()]
        return Process(argv, folder=self.folder, name=re.sub(r"\W", "-", containing), env=self.environment)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    require_binary("snmpd", package="snmpd")
    require_binary("curl", package="curl")
    reader = Reader(tmp_path)
    yield reader
    pid = tmp_path / "agent" / "pid"
    if pid.exists():
        os.kill(int(pid.read_text()), 15)


def subjects(log: str) -> list[str]:
    """The subjects of the mails that the relay has printed."""
    mails = re.findall(r"-+ MESSAGE FOLLOWS -+\n(.*?)\n-+ END MESSAGE", log, re.DOTALL)
    texts = (mail.partition("\n\n")[2] for mail in mails)
    return [message_from_string(text, policy=policy.default)["Subject"] for text in texts]


def restart_of(agent: str) -> str:
    """The last two lines of the step that starts the agent, which start it again."""
    return "\n".join(agent.rstrip().splitlines()[-2:])


@pytest.mark.slow
def test_the_first_device_is_watched_as_the_document_says(reader: Reader) -> None:
    reader.do("channelwatch init")
    config = reader.folder / "site" / "channelwatch.yaml"
    config.write_text(reader.moved(config.read_text(encoding="utf-8")), encoding="utf-8")
    agent = "rouser cw authPriv"
    reader.do(agent)
    wait_until((reader.folder / "agent" / "pid").exists, 60, what="the agent")
    assert "profile      net-snmp" in reader.do("channelwatch probe")
    assert "+ devices 51-D-T0001-1" in reader.do("channelwatch check-config")
    with reader.keep_doing("aiosmtpd") as relay, reader.keep_doing("channelwatch run") as product:
        wait_until(lambda: "http listening" in product.log(), 60, what="the board")
        wait_until(lambda: 'state="up"} 1' in reader.do("curl"), 60, what="the device to be up")
        reader.do("kill")
        wait_until(lambda: subjects(relay.log()) == [DOWN], 60, what="the mail")
        assert 'state="down"} 1' in reader.do("curl")
        reader.steps.append(restart_of(reader.step(agent)) + "\n# again")
        reader.do("# again")
        wait_until(lambda: len(subjects(relay.log())) == 2, 60, what="the second mail")
        assert subjects(relay.log())[1].startswith("Đã khôi phục: Văn phòng Tỉnh ủy")
