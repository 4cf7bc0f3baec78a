"""Traps per second of processor time: ours decoded, checked and queued, against snmptrapd with its log."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from channelwatch_collector.snmp.notification import Notification
from channelwatch_collector.snmp.trap_decoder import LocalEngine, TrapSettings, TrapUser, local_engine_id
from channelwatch_collector.snmp.traps import TrapReceiver

from channelwatch.base.clock import SystemClock
from channelwatch.base.queue import BoundedQueue
from snmp import farm
from snmp.figures import Figure, interleaved

PEER = "snmptrapd"
SENDERS = 50
COUNT = 24_000
RATE = 8_000.0
ROUNDS = 5
BATCH = 512
_PATIENCE_S = 3.0


def measure(program: Path, folder: Path, port: int) -> Figure:
    """The figure; what either side lost, because the machine was busy, is not counted as taken."""
    lost, peer_lost = 0, 0

    def ours() -> float:
        nonlocal lost
        taken, used_s = asyncio.run(_ours(program))
        lost += COUNT - taken
        return taken / used_s

    with _snmptrapd(folder, port) as (pid, log):

        def theirs() -> float:
            nonlocal peer_lost
            taken, used_s = _theirs(program, port, pid, log)
            peer_lost += COUNT - taken
            return taken / used_s

        figures = interleaved(ROUNDS, ours, theirs)
    return Figure(
        "snmp_traps_v3_per_cpu_second",
        "traps/CPU-s",
        floor=1,
        target=2,
        measure="ratio",
        better="higher",
        peer=PEER,
        notes={"sent": ROUNDS * COUNT, "offered_per_s": RATE, "lost": lost, "peer_lost": peer_lost},
        **figures,
    )


async def _send(program: Path, port: int) -> None:
    sender = await asyncio.create_subprocess_exec(
        str(program), "traps", str(port), str(COUNT), str(RATE), str(SENDERS)
    )
    assert await sender.wait() == 0


async def _ours(program: Path) -> tuple[int, float]:
    clock = SystemClock()
    queue: BoundedQueue[Notification] = BoundedQueue(100_000)
    receiver = TrapReceiver(
        local=("127.0.0.1", 0),
        settings=TrapSettings(users=(TrapUser(farm.AUTH_PRIV),)),
        engine=LocalEngine.started(
            local_engine_id(b"bench"), last_boots=0, now_s=clock.monotonic_ms() / 1000
        ),
        deliver=queue.offer,
        clock=clock,
    )
    for device in range(SENDERS):
        receiver.bind_engine(farm.engine_id(device), farm.address(device))
    sending = asyncio.create_task(_send(program, receiver.address[1]))
    before, taken = time.process_time(), 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(COUNT / RATE + _PATIENCE_S):
            while taken < COUNT:
                taken += len(await queue.take_batch(BATCH))
    used_s = time.process_time() - before
    receiver.close()
    await sending
    return taken, used_s


@contextlib.contextmanager
def _snmptrapd(folder: Path, port: int) -> Iterator[tuple[int, Path]]:
    """The peer's process id and the log into which it writes a line for each trap."""
    engines = [f"0x{farm.engine_id(device).hex()}" for device in range(SENDERS)]
    secrets = f"{farm.USER} SHA-256 {farm.AUTH_PHRASE} AES {farm.PRIV_PHRASE}"
    config = folder / "snmptrapd.conf"
    config.write_text(
        "".join(f"createUser -e {engine} {secrets}\n" for engine in engines)
        + f"authUser log {farm.USER} priv\n[snmp] serverRecvBuf 4194304\n"
    )
    log = folder / "snmptrapd.log"
    arguments = ["-f", "-n", "-C", "-c", str(config), "-m", "", "-On", "-F", "%B %v\n", "-Lf", str(log)]
    with subprocess.Popen(
        [PEER, *arguments, f"udp:127.0.0.1:{port}"],
        env={"SNMP_PERSISTENT_DIR": str(folder), "PATH": "/usr/sbin:/usr/bin"},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            while "NET-SNMP" not in (log.read_text() if log.exists() else ""):
                assert process.poll() is None, "snmptrapd ended at once"
                time.sleep(0.05)
            yield process.pid, log
        finally:
            process.terminate()


def _theirs(program: Path, port: int, pid: int, log: Path) -> tuple[int, float]:
    before_lines, before_s = _lines(log), farm.cpu_s(pid)
    asyncio.run(_send(program, port))
    until = time.monotonic() + _PATIENCE_S
    while _lines(log) - before_lines < COUNT and time.monotonic() < until:
        time.sleep(0.1)
    return _lines(log) - before_lines, farm.cpu_s(pid) - before_s


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n")
