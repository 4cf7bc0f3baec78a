"""All simulated devices asked at once."""

from __future__ import annotations

import asyncio
import resource

from channelwatch_simulator import usm
from channelwatch_simulator.pdu import PduKind
from channelwatch_simulator.province import CREDENTIAL_V3

from channelwatch.base.clock import SystemClock
from tests.unit.simulator.manager import AUTH_PRIV, body, v3
from tests.unit.simulator.running import AUTH, PRIV, running

WALK = [(1, 3, 6, 1, 4, 1, 99999, 1, 1, 4)]
ROUNDS = 8
CPU_MS_PER_ANSWER = 25
"""Generous: about 1 ms is usual, and machines under test are busy."""


class Manager(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: list[tuple[bytes, tuple[str, int]]] = []
        self.came = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.answers.append((data, addr))
        self.came.set()

    async def until(self, count: int) -> None:
        while len(self.answers) < count:
            self.came.clear()
            await self.came.wait()


async def test_a_burst_to_every_device_is_answered() -> None:
    masters = usm.master_key(AUTH), usm.master_key(PRIV)
    clock = SystemClock()
    async with running() as simulation:
        transport, manager = await asyncio.get_running_loop().create_datagram_endpoint(
            Manager, ("127.0.0.1", 0)
        )
        requests = []
        for entry in simulation.inventory.devices:
            if entry.credential == CREDENTIAL_V3:
                device = simulation.world.devices[entry.code]
                seconds = device.uptime_ms(clock.monotonic_ms()) // 1000
                engine = usm.Engine(device.engine_id, device.boots, seconds)
                user = usm.user_of("cw", *masters, device.engine_id)
                bulk = body(PduKind.GET_BULK, WALK, second=25)
                requests.append(
                    (v3(bulk, engine=engine, user=user, flags=AUTH_PRIV), (entry.address, entry.port))
                )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        for turn in range(1, ROUNDS + 1):
            for datagram, address in requests:
                transport.sendto(datagram, address)
            async with asyncio.timeout(60):
                await manager.until(turn * len(requests))
        cpu_ms = 1000 * (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before)
        transport.close()
    assert {usm.parse(data).flags & usm.Flag.PRIV for data, _ in manager.answers} == {usm.Flag.PRIV}
    assert {address for _, address in manager.answers} == {address for _, address in requests}
    assert cpu_ms / len(manager.answers) < CPU_MS_PER_ANSWER
