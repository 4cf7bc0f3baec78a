"""What one would otherwise receive syslog with: Debian's rsyslog and syslog-ng, each writing a file, nothing more."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import Figure

from syslog_figures import house, load
from tests.support.net import free_port

RATE = 15_000
_SECONDS = 3.0
_ROUNDS = 2
_START_S = 10.0
_FOLDERS = os.pathsep.join((os.environ.get("PATH", os.defpath), f"{sys.prefix}/bin", "/usr/sbin", "/sbin"))

_RSYSLOG = """\
global(workDirectory="{folder}" maxMessageSize="8k" net.enableDNS="off")
module(load="imudp")
template(name="whole" type="string" string="%rawmsg%\\n")
input(type="imudp" address="127.0.0.1" port="{port}" rcvbufSize="4m" ruleset="all")
ruleset(name="all") {{ action(type="omfile" file="{out}" template="whole") }}
"""

_SYSLOG_NG = """\
@version: 3.35
options {{ use-dns(no); keep-hostname(yes); }};
source s {{ network(transport("udp") ip("127.0.0.1") port({port}) so-rcvbuf(4194304)); }};
destination d {{ file("{out}"); }};
log {{ source(s); destination(d); }};
"""


@dataclass(frozen=True)
class Peer:
    """A program that may be installed."""

    name: str
    program: str
    remedy: str
    config: str

    def path(self) -> str | None:
        """Where it is; None, said once, if it is not."""
        found = shutil.which(self.program, path=_FOLDERS)
        if found is None:
            print(f"{self.name} is missing: {self.remedy}", file=sys.stderr)
        return found

    def argv(self, path: str, folder: Path) -> list[str]:
        """How it runs in the foreground with the configuration in `folder`."""
        config = str(folder / "peer.conf")
        if self.program == "rsyslogd":
            return [path, "-n", "-f", config, "-i", str(folder / "pid")]
        return [path, "-F", "-f", config, "-p", str(folder / "pid"), "-R", str(folder / "persist"),
                "-c", str(folder / "ctl"), "--no-caps"]  # fmt: skip


RSYSLOG = Peer("rsyslog", "rsyslogd", "apt install rsyslog", _RSYSLOG)
SYSLOG_NG = Peer("syslog-ng", "syslog-ng", "run tools/unpack-syslog-ng.sh", _SYSLOG_NG)


@contextlib.contextmanager
def writing(peer: Peer, path: str, folder: Path, port: int) -> Iterator[int]:
    """`peer` on the receiver's core, writing what comes to a file; its process number."""
    out = folder / "out.log"
    (folder / "peer.conf").write_text(peer.config.format(folder=folder, port=port, out=out), encoding="utf-8")
    argv = house.pinned(house.RECEIVER_CORE, *peer.argv(path, folder))
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_port(port)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_for_port(port: int) -> None:
    """Until somebody has bound the UDP port."""
    wanted = f":{port:04X} "
    for _ in range(int(_START_S / 0.05)):
        if wanted in Path("/proc/net/udp").read_text(encoding="ascii"):
            return
        time.sleep(0.05)
    raise RuntimeError("the peer did not start")


def cpu_figures(lines: Sequence[bytes]) -> Iterator[Figure]:
    """Processor time for each message beside each peer, in turns."""
    for peer in (RSYSLOG, SYSLOG_NG):
        path = peer.path()
        if path is None:
            continue
        pairs = [(ours_us(lines), _peer_us(peer, path, lines)) for _ in range(_ROUNDS)]
        ours, theirs = min(mine for mine, _ in pairs), min(other for _, other in pairs)
        yield (
            Figure(
                f"processor time for each UDP message, beside {peer.name} that writes a file", "us", ours,
                3.0, 1.5, "ratio", "lower", peer.name, theirs,
                notes={"rate": RATE, "messages": int(RATE * _SECONDS), "rounds": _ROUNDS,
                       "ours": "parsed, classified, committed to SQLite", "peer_does": "appended to a file"},
            )
        )  # fmt: skip


def ours_us(lines: Sequence[bytes]) -> float:
    """Microseconds of processor time for each message of ours, received, classified and committed."""
    port = free_port("udp")
    with tempfile.TemporaryDirectory() as folder:
        config = house.install(Path(folder), f'udp: "127.0.0.1:{port}"')
        with house.Sink(config) as sink:
            senders, before = load.UdpLoad(port), sink.cpu_s
            sent, _ = senders.send(lines, rate=RATE, seconds=_SECONDS)
            stored = sink.settled(sent)
            senders.close()
            return (sink.cpu_s - before) / max(stored, 1) * 1e6


def _peer_us(peer: Peer, path: str, lines: Sequence[bytes]) -> float:
    port = free_port("udp")
    with tempfile.TemporaryDirectory() as name, writing(peer, path, Path(name), port) as pid:
        out = Path(name) / "out.log"
        senders, before = load.UdpLoad(port), house.cpu_s(pid)
        sent, _ = senders.send(lines, rate=RATE, seconds=_SECONDS)
        written = _settled(out, sent)
        senders.close()
        return (house.cpu_s(pid) - before) / max(written, 1) * 1e6


def _settled(out: Path, expected: int) -> int:
    """Lines in `out` once all are there or no more come."""
    last, quiet = -1, 0
    while quiet < 20:
        count = out.read_bytes().count(b"\n") if out.exists() else 0
        quiet = quiet + 1 if count == last else 0
        last = count
        if count >= expected:
            break
        time.sleep(0.1)
    return last
