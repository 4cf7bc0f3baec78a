"""The running province: one UDP socket a device, and a story that is played into it."""

from __future__ import annotations

import asyncio
import errno
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from channelwatch.base.clock import Clock
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import DeviceCode
from channelwatch.base.secrets import Secret
from channelwatch.inventory.model import Inventory
from channelwatch_simulator import syslog, usm
from channelwatch_simulator.agent import Access, Agent, Community
from channelwatch_simulator.device import Device
from channelwatch_simulator.mib import build_view
from channelwatch_simulator.notices import Notice, trap_binds
from channelwatch_simulator.province import CREDENTIAL_V2C, SimulatedProvince
from channelwatch_simulator.story import Event
from channelwatch_simulator.world import World

_SEQUENCE_LIMIT = 2_147_483_647


@dataclass(frozen=True, slots=True)
class Keys:
    """What opens the agents: one user for version 3, one community for version 2c."""

    user: str
    auth: Secret
    priv: Secret
    community: Secret


@dataclass(frozen=True, slots=True)
class Targets:
    """Where notices go, as (address, port); None: nowhere."""

    traps: tuple[str, int] | None = None
    syslog: tuple[str, int] | None = None


class Endpoint(asyncio.DatagramProtocol):
    """The socket of one device: the agent answers on it, traps and syslog leave from it."""

    def __init__(self, device: Device, agent: Agent, clock: Clock) -> None:
        self.device = device
        self.agent = agent
        self._clock = clock
        self._transport: asyncio.DatagramTransport | None = None
        self._sequence = 0
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def pause_writing(self) -> None:
        """The socket keeps back all it may (64 KiB): drop what comes on top, as real devices do."""
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.device.silent:
            return
        reply = self.agent.answer(data, self._clock.monotonic_ms())
        if reply is not None:
            self._send(reply, addr)

    def tell(self, notice: Notice, targets: Targets) -> None:
        """Send `notice` to the targets that carry its kind."""
        now = self._clock.monotonic_ms()
        if targets.traps is not None and notice.trap is not None:
            self._send(self.agent.notification(notice.trap, trap_binds(notice, now), now), targets.traps)
        if targets.syslog is not None:
            self._sequence = self._sequence % _SEQUENCE_LIMIT + 1
            message = syslog.render(notice, wall_ms=self._clock.now(), sequence=self._sequence)
            self._send(message, targets.syslog)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _send(self, data: bytes, target: tuple[str, int]) -> None:
        if self._transport is not None and not self._paused and not self._transport.is_closing():
            self._transport.sendto(data, target)


class Simulation:
    """All devices of a province on their own addresses. Use as an async context manager, then `play`."""

    def __init__(
        self,
        province: SimulatedProvince,
        keys: Keys,
        clock: Clock,
        *,
        seed: int,
        targets: Targets,
        boots: int = 1,
    ) -> None:
        now = clock.monotonic_ms()
        self.world = World(province, seed, now=now, boots=boots)
        self.notices_sent = 0
        self._clock = clock
        self._targets = targets
        self.inventory = province.inventory
        offset = clock.now() - now
        masters = usm.master_key(keys.auth.reveal()), usm.master_key(keys.priv.reveal())
        self._endpoints = {
            code: Endpoint(device, self._agent(device, keys, masters, offset), clock)
            for code, device in self.world.devices.items()
        }

    @property
    def agents(self) -> int:
        """How many devices answer."""
        return len(self._endpoints)

    async def __aenter__(self) -> Simulation:
        try:
            for code, endpoint in self._endpoints.items():
                await _bind(endpoint, self.inventory, code)
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()
        await asyncio.sleep(0)

    def close(self) -> None:
        """Free all sockets."""
        for endpoint in self._endpoints.values():
            endpoint.close()

    async def play(self, events: Iterable[Event], speed: float) -> None:
        """Let `events` happen, `speed` times as fast as they are told. Ends with them."""
        start = self._clock.monotonic_ms()
        for event in events:
            wait_ms = start + event.at / speed - self._clock.monotonic_ms()
            await asyncio.sleep(max(0.0, wait_ms / 1000))
            self.happen(event)

    def happen(self, event: Event) -> None:
        """Let one event happen now, and send what the devices tell about it."""
        for notice in self.world.apply(event, self._clock.monotonic_ms()):
            self.notices_sent += 1
            self._endpoints[notice.device.code].tell(notice, self._targets)

    def _agent(self, device: Device, keys: Keys, masters: tuple[bytes, bytes], offset: int) -> Agent:
        entry = self.inventory.device[DeviceCode(device.code)]
        access: Access = Community(keys.community.reveal().encode())
        if entry.credential != CREDENTIAL_V2C:
            access = usm.user_of(keys.user, *masters, device.engine_id)

        def engine(now: int) -> usm.Engine:
            return usm.Engine(device.engine_id, device.boots, device.uptime_ms(now) // 1000)

        return Agent(access, build_view(device, offset), engine, salt=secrets.randbits(64))


async def _bind(endpoint: Endpoint, inventory: Inventory, code: str) -> None:
    entry = inventory.device[DeviceCode(code)]
    loop = asyncio.get_running_loop()
    try:
        await loop.create_datagram_endpoint(lambda: endpoint, (entry.address, entry.port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Permanent(
            f"UDP port {entry.port} of {entry.address} is taken: is another simulation running? "
            "Stop it, or choose another port with --agent-port.",
            operation="simulate",
            subject=code,
        ) from error
