"""The load: the lines that prove the shipped packs, each as if sent now, from many devices at a steady rate."""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from zoneinfo import ZoneInfo

from channelwatch_collector.syslog.packfile import PackFile, built_in_packs

from channelwatch.app.yamlfile import YamlFile

DEVICES = 500
FIRST_DEVICE = int(IPv4Address("127.11.0.1"))
_EXAMPLE_DAY = "2026-11-22"
_LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")
_VARIED = re.compile(
    rb"(?<=192\.0\.2\.)\d{1,3}|(?<=198\.51\.100\.)\d{1,3}|(?<= port )\d{2,5}|(?<=\[)\d{3,5}(?=\]:)"
)


def address(device: int) -> str:
    """Where a device of the load sends from."""
    return str(IPv4Address(FIRST_DEVICE + device))


def pack_lines() -> list[bytes]:
    """One line for each example that makes an event, with the stamps of this moment."""
    lines = []
    for path in built_in_packs():
        for pattern in YamlFile(path).validate(PackFile).patterns:
            if not pattern.noise:
                lines += [example.line for example in pattern.examples]
    return [_dated(line).encode() for line in lines]


def varied(lines: Sequence[bytes], number: int, *, seed: int = 1) -> list[bytes]:
    """`number` lines made of `lines` in turn, with other addresses, ports and process numbers in each."""
    chance = random.Random(seed)
    return [
        _VARIED.sub(lambda found: b"%d" % chance.randint(*_range(found[0])), lines[at % len(lines)])
        for at in range(number)
    ]


def _range(digits: bytes) -> tuple[int, int]:
    return (1, 254) if len(digits) < 4 else (1024, 65535)


def _dated(line: str) -> str:
    now = datetime.now(_LOCAL) + timedelta(seconds=1)
    utc = now.astimezone(ZoneInfo("UTC"))
    for old, new in (
        ("2026-11-22", f"{now:%Y-%m-%d}"),
        ("2026/11/22", f"{now:%Y/%m/%d}"),
        ("2026 Nov 22 03:42:03", f"{utc:%Y %b} {utc.day:>2} {utc:%H:%M:%S}"),
        ("Nov 22", f"{now:%b} {now.day:>2}"),
        ("10:42:03", f"{now:%H:%M:%S}"),
        ("03:42:03", f"{utc:%H:%M:%S}"),
    ):
        line = line.replace(old, new)
    return line


class UdpLoad:
    """Sockets of all devices, connected to one receiver."""

    def __init__(self, port: int, devices: int = DEVICES) -> None:
        self._at = f":{port:04X}"
        self._sockets = []
        for device in range(devices):
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((address(device), 0))
            made.connect(("127.0.0.1", port))
            self._sockets.append(made)

    def send(self, lines: Sequence[bytes], *, rate: int, seconds: float) -> tuple[int, float]:
        """Send `lines` in turn at `rate` a second; how many were sent, and in which time."""
        began, sent, sockets, count = time.perf_counter(), 0, self._sockets, len(self._sockets)
        total = int(rate * seconds)
        while sent < total:
            due = min(total, int((time.perf_counter() - began) * rate) + 1)
            for at in range(sent, due):
                sockets[at % count].send(lines[at % len(lines)])
            sent = max(sent, due)
            ahead = sent / rate - (time.perf_counter() - began)
            if ahead > 0.0005:
                time.sleep(ahead)
        return sent, time.perf_counter() - began

    def dropped(self) -> int:
        """Datagrams that the kernel has dropped at the receiver's socket, all in all."""
        rows = (line.split() for line in Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:])
        return sum(int(row[-1]) for row in rows if row[1].endswith(self._at) and row[2].endswith(":0000"))

    def close(self) -> None:
        """Give the sockets back."""
        for made in self._sockets:
            made.close()
