"""A relay that sends without a pause to a collector that is killed again and again: what is lost, what comes twice."""

from __future__ import annotations

import random
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tests.support.net import free_port
from tests.support.process import Process
from tests.support.rsyslog import Rsyslog, over_relp, over_tcp, require_module
from tests.support.waiting import wait_until

_CONFIG = """\
instance: {{id: relay-kill, province: "51", blocs: [party]}}
store: {{url: "sqlite:///data/channelwatch.db"}}
inventory: {{file: inventory.yaml}}
collector:
  id: col-1
  snmp: {{poll_s: 3600, timeout_s: 0.2, retries: 0, misses_before_down: 1}}
  syslog:
    rate_per_s: 1000000
    burst: 1000000
    total_rate_per_s: 1000000
    total_burst: 1000000
    {listen}
credentials: {{host: {{version: 2c, community: "file:community"}}}}
"""

_INVENTORY = """\
version: 1
province: {{code: "51", name: Quảng Ngãi}}
units: [{{code: "21548", kind: commune, commune_kind: dac_khu, name: Lý Sơn}}]
sites: [{{code: 51-D-21548, unit: "21548", bloc: party}}]
devices:
  - {{code: 51-D-21548-1, site: 51-D-21548, address: 127.0.0.1, port: {port}, credential: host, level: 4}}
"""

_QUEUE = 'queue.type="LinkedList" queue.size="200000" queue.dequeueBatchSize="256"'
_SLICE_S = 0.02


@dataclass(frozen=True)
class Outcome:
    """Lines given to the relay; those that are in no event; events beyond the first of a line; kills."""

    sent: int
    lost: int
    repeated: int
    kills: int


class Feed(threading.Thread):
    """Numbered lines at a steady rate until told to stop."""

    def __init__(self, relay: Rsyslog, lines_per_s: int) -> None:
        super().__init__()
        self._relay = relay
        self._per_slice = max(1, round(lines_per_s * _SLICE_S))
        self._ended = threading.Event()
        self.sent = 0

    def run(self) -> None:
        while not self._ended.wait(_SLICE_S):
            stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
            numbers = range(self.sent, self.sent + self._per_slice)
            self._relay.feed(*(numbered_line(stamp, number) for number in numbers))
            self.sent += self._per_slice

    def end(self) -> int:
        """Stop; how many lines there were."""
        self._ended.set()
        self.join()
        return self.sent


def numbered_line(stamp: bytes, number: int) -> bytes:
    """A line of the reference encryptor whose event holds `number`."""
    return (
        b"<131>1 %s 51-D-21548-1 encryptor - tunnel-down "
        b'[enc@99999 tunnel="to-hub-a" peer="51-D-T0001-A" reason="n%d"] Tunnel to-hub-a is down'
        % (stamp, number)
    )


def kill_while_sending(
    folder: Path, protocol: Literal["relp", "tcp"], *, kills: int, lines_per_s: int, seed: int = 0
) -> Outcome:
    """Kill `channelwatch run` `kills` times, each time a moment after it began to listen; then let it catch up."""
    port = free_port()
    listen = f'relp: {{listen: "127.0.0.1:{port}"}}' if protocol == "relp" else f'tcp: "127.0.0.1:{port}"'
    (folder / "channelwatch.yaml").write_text(_CONFIG.format(listen=listen), encoding="utf-8")
    (folder / "inventory.yaml").write_text(_INVENTORY.format(port=free_port("udp")), encoding="utf-8")
    (folder / "community").write_text("the community of a test\n", encoding="utf-8")
    if protocol == "relp":
        require_module("omrelp", package="rsyslog-relp")
        relay = Rsyslog(folder / "relay", over_relp(port), modules='module(load="omrelp")', queue=_QUEUE)
    else:
        forever = 'action.resumeInterval="1" action.resumeRetryCount="-1"'
        relay = Rsyslog(folder / "relay", over_tcp(port, more=forever), queue=_QUEUE)
    moments = random.Random(seed)
    feed = Feed(relay, lines_per_s)
    with relay.running():
        feed.start()
        try:
            for number in range(kills):
                with _collector(folder, port, number) as collector:
                    time.sleep(moments.uniform(0.3, 1.5))
                    collector.kill()
        finally:
            sent = feed.end()
        with _collector(folder, port, kills):
            _wait_for_rest(folder, sent, quiet_s=60 if protocol == "relp" else 8)
    found = _numbers(folder)
    lost = sum(number not in found for number in range(sent))
    return Outcome(sent, lost, sum(found.values()) - len(found), kills)


def _collector(folder: Path, port: int, number: int) -> Process:
    argv = [sys.executable, "-m", "channelwatch.app", "run", "--config", str(folder / "channelwatch.yaml")]
    return Process(argv, folder=folder, name=f"run-{number}", ready=lambda: _listens(port), stop_s=20)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_for_rest(folder: Path, sent: int, *, quiet_s: float) -> None:
    """Until everything is there, or nothing more has come for so long."""
    last, since = -1, time.monotonic()

    def at_rest() -> bool:
        nonlocal last, since
        count = len(_numbers(folder))
        if count != last:
            last, since = count, time.monotonic()
        return count >= sent or time.monotonic() - since > quiet_s

    wait_until(at_rest, 240, what="the relay to be empty")


def _numbers(folder: Path) -> Counter[int]:
    """How often each number is in the store."""
    with closing(sqlite3.connect(f"file:{folder}/data/channelwatch.db?mode=ro", uri=True)) as store:
        rows = store.execute("SELECT text FROM event WHERE text LIKE 'tunnel-down: %reason n%'").fetchall()
    return Counter(int(text.rpartition("reason n")[2]) for (text,) in rows)
