"""Messages a second on one core: received, parsed, classified with the shipped packs, and committed."""

from __future__ import annotations

import socket
import ssl
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import Figure

from syslog_figures import house, load
from tests.support.certificates import Authority, Issued
from tests.support.net import free_port

RATES = (60_000, 50_000, 40_000, 30_000, 25_000, 20_000, 15_000, 10_000, 7_500, 5_000)
_PROBE_S = 2.0
_SLICE_S = 5.0
_WHOLE_RUNS = 3
"""At so many rates the whole time is tried, from the highest that a probe stands."""
_TLS_SENDERS = 4
_PATIENCE_S = 10.0
_CHUNK = 200


@dataclass(frozen=True)
class Run:
    """One load at one rate."""

    sent: int
    lost: int
    cpu_us: float


def udp_figure(lines: Sequence[bytes], seconds: float) -> Figure:
    """The highest of `RATES` that loses nothing for `seconds`."""
    port = free_port("udp")
    with tempfile.TemporaryDirectory() as folder:
        config = house.install(Path(folder), f'udp: "127.0.0.1:{port}"')
        with house.Sink(config) as sink:
            senders = load.UdpLoad(port)
            rate, run = _highest(sink, senders, lines, seconds)
            senders.close()
    return Figure(
        "syslog over UDP on one core, nothing lost", "messages/s", rate, 20_000, 50_000, "value", "higher",
        notes={"seconds": seconds, "messages": run.sent, "cpu_us_per_message": run.cpu_us,
               "devices": load.DEVICES, "distinct_lines": len(set(lines)), "stored": "every message"},
    )  # fmt: skip


def _highest(
    sink: house.Sink, senders: load.UdpLoad, lines: Sequence[bytes], seconds: float
) -> tuple[int, Run]:
    run, tried = Run(0, 0, 0.0), 0
    for rate in RATES:
        if tried == _WHOLE_RUNS:
            break
        probe = _at(sink, senders, lines, rate, _PROBE_S)
        if probe.lost:
            continue
        tried += 1
        run = _at(sink, senders, lines, rate, seconds)
        if not run.lost:
            return rate, run
    return 0, run


def _at(sink: house.Sink, senders: load.UdpLoad, lines: Sequence[bytes], rate: int, seconds: float) -> Run:
    before, cpu, dropped = sink.stored(), sink.cpu_s, senders.dropped()
    sent, took = 0, 0.0
    while took < seconds - 0.01 and senders.dropped() == dropped:
        more, in_s = senders.send(lines, rate=rate, seconds=min(_SLICE_S, seconds - took))
        sent, took = sent + more, took + in_s
    stored = sink.settled(before + sent) - before
    if sent / took < rate * 0.98:
        return Run(sent, sent, 0.0)  # the sender could not keep the rate: nothing is proved
    return Run(sent, sent - stored, (sink.cpu_s - cpu) / max(stored, 1) * 1e6)


def tls_figure(lines: Sequence[bytes], messages: int) -> Figure:
    """How fast `messages` go through, senders being made to wait as TCP does."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder), "authority")
        own, device = authority.issue("collector"), authority.issue("bench")
        files = f"certificate: {own.certificate}, key: {own.key}, clients: {authority.certificate}"
        config = house.install(Path(folder), f'tls: {{listen: "127.0.0.1:{port}", {files}}}')
        with house.Sink(config) as sink:
            senders = [TlsSender(port, at, authority.certificate, device) for at in range(_TLS_SENDERS)]
            cpu, began = sink.cpu_s, time.perf_counter()
            sent = 0
            while sent < messages:
                chunk = [lines[(sent + at) % len(lines)] for at in range(_CHUNK)]
                senders[sent // _CHUNK % _TLS_SENDERS].send(chunk)
                sent += _CHUNK
            stored = sink.settled(sent, quiet_s=_PATIENCE_S)
            took, cpu = time.perf_counter() - began, sink.cpu_s - cpu
            for sender in senders:
                sender.close()
    return Figure(
        "syslog over mutual TLS on one core, nothing lost", "messages/s", stored / took if stored == sent else 0.0,
        20_000, 60_000, "value", "higher",
        notes={"messages": sent, "lost": sent - stored, "cpu_us_per_message": cpu / max(stored, 1) * 1e6,
               "connections": _TLS_SENDERS, "stored": "every message"},
    )  # fmt: skip


class TlsSender:
    """One device's connection."""

    def __init__(self, port: int, device: int, authority: Path, shown: Issued) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(shown.certificate, shown.key)
        plain = socket.create_connection(("127.0.0.1", port), 10, source_address=(load.address(device), 0))
        self._link = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self._link.settimeout(60)

    def send(self, lines: Sequence[bytes]) -> None:
        """Send `lines` in counted octets."""
        self._link.sendall(b"".join(b"%d %s" % (len(line), line) for line in lines))

    def close(self) -> None:
        """Say goodbye."""
        self._link.close()
