"""The peer of the polling figures: Debian's prometheus-snmp-exporter, scraped over connections that stay open."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from snmp import farm

PROGRAM = "prometheus-snmp-exporter"
SERIES = len(farm.SCALARS) + len(farm.COLUMNS) * farm.ROWS
_KINDS = ("DisplayString",) * 4 + ("counter",) * 4 + ("gauge",) * 4
_COLUMN_KINDS = ("gauge", "DisplayString", "gauge", "counter", "counter", "gauge")
_START_S = 10.0


@dataclass(frozen=True)
class Exporter:
    """A running exporter."""

    port: int
    pid: int


def _text(oid: tuple[int, ...]) -> str:
    return ".".join(map(str, oid))


def modules() -> dict[str, object]:
    """The exporter's configuration: its defaults, one module for each SNMP version."""
    scalars = [
        {"name": f"scalar_{at}", "oid": _text(oid[:-1]), "type": kind, "help": "-"}
        for at, (oid, kind) in enumerate(zip(farm.SCALARS, _KINDS, strict=True), 1)
    ]
    columns = [
        {
            "name": f"column_{at}",
            "oid": _text(oid),
            "type": kind,
            "help": "-",
            "indexes": [{"labelname": "row", "type": "gauge"}],
        }
        for at, (oid, kind) in enumerate(zip(farm.COLUMNS, _COLUMN_KINDS, strict=True), 1)
    ]
    common = {
        "walk": [_text((*farm.ROOT, 2))],
        "get": [_text(oid) for oid in farm.SCALARS],
        "metrics": [*scalars, *columns],
        "max_repetitions": 25,
        "retries": 1,
        "timeout": "2s",
    }
    user = {
        "username": farm.USER,
        "security_level": "authPriv",
        "password": farm.AUTH_PHRASE,
        "auth_protocol": "SHA256",
        "priv_protocol": "AES",
        "priv_password": farm.PRIV_PHRASE,
    }
    return {
        "v2c": {**common, "version": 2, "auth": {"community": farm.COMMUNITY}},
        "v3": {**common, "version": 3, "auth": user},
    }


@contextlib.contextmanager
def running(folder: Path, port: int) -> Iterator[Exporter]:
    """An exporter that listens on `port` of 127.0.0.1."""
    config = folder / "snmp.yml"
    config.write_text(yaml.safe_dump(modules()))
    with subprocess.Popen(
        [PROGRAM, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            asyncio.run(_listening(port))
            yield Exporter(port, process.pid)
        finally:
            process.terminate()


async def _listening(port: int) -> None:
    async with asyncio.timeout(_START_S):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def scrape(exporter: Exporter, agents: farm.Farm, module: str, devices: int, duration_s: float) -> int:
    """Scrape each device again and again, all abreast; the number of whole scrapes."""
    until = time.monotonic() + duration_s
    counts = await asyncio.gather(
        *(_scrape_one(exporter, agents, module, device, until) for device in range(devices))
    )
    return sum(counts)


async def _scrape_one(exporter: Exporter, agents: farm.Farm, module: str, device: int, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", exporter.port)
    query = f"target={farm.address(device)}:{agents.port}&module={module}"
    request = f"GET /snmp?{query} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    whole = 0
    try:
        while time.monotonic() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await _body(reader, head)
            whole += head.startswith(b"HTTP/1.1 200") and _series(body) == SERIES
    finally:
        writer.close()
    return whole


def _series(body: bytes) -> int:
    return body.count(b"\nscalar_") + body.count(b"\ncolumn_")


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return b"\n" + await reader.readexactly(int(line.partition(b":")[2]))
    parts = [b"\n"]
    while size := int(await reader.readline(), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(parts)
