"""Which device speaks: the inventory as the collector may use it, and what becomes of strangers."""

from __future__ import annotations

from collections.abc import Callable

from channelwatch.base.clock import Clock
from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Bloc, Device, Inventory, LifeCycle
from channelwatch.status.events import RogueSource, Transport
from channelwatch_collector.snmp.udp import one_spelling
from channelwatch_collector.syslog.limits import Reporter

ROGUE_EVERY_S = 60.0
MAX_ROGUES = 20_000


def watched_devices(inventory: Inventory, blocs: frozenset[Bloc]) -> list[Device]:
    """The devices of a collector that is bound to `blocs`, withdrawn ones left out."""
    return [
        device
        for device in inventory.devices
        if device.life_cycle is not LifeCycle.WITHDRAWN and inventory.bloc_of(device.code) in blocs
    ]


class Sources:
    """Devices by the address and by the SNMP engine that they speak from.

    An address that several devices share belongs to none of them: it would be a guess.
    """

    def __init__(self, *, clock: Clock, rogue: Callable[[RogueSource], object]) -> None:
        self._clock = clock
        self._rogue = rogue
        self._reporter = Reporter(every_s=ROGUE_EVERY_S, subjects=MAX_ROGUES)
        self._by_address: dict[str, Device | None] = {}
        self._by_engine: dict[bytes, DeviceCode] = {}
        self._engines: dict[DeviceCode, bytes] = {}
        self._devices: dict[DeviceCode, Device] = {}
        self.rogues = 0

    def set_devices(self, devices: list[Device]) -> None:
        """Know exactly these."""
        self._devices = {device.code: device for device in devices}
        self._by_address = {}
        for device in devices:
            address = _plain(device.address)
            self._by_address[address] = None if address in self._by_address else device
        self._by_engine = {key: code for key, code in self._by_engine.items() if code in self._devices}
        self._engines = {code: key for code, key in self._engines.items() if code in self._devices}

    def bind(self, engine_id: bytes, device: DeviceCode) -> bytes | None:
        """An authenticated poll of `device` was answered by this engine; the one that answered before, if another."""
        before = self._engines.get(device)
        self._by_engine[engine_id] = device
        self._engines[device] = engine_id
        if before is None or before == engine_id:
            return None
        if self._by_engine.get(before) == device:
            del self._by_engine[before]
        return before

    def device_at(self, address: str) -> Device | None:
        """The device with this address, None if there is none or more than one."""
        return self._by_address.get(_plain(address))

    def device_of(self, engine_id: bytes | None, address: str) -> Device | None:
        """The device with this engine, else with this address."""
        code = self._by_engine.get(engine_id) if engine_id else None
        return self._devices.get(code) if code is not None else self.device_at(address)

    def knows(self, address: str) -> bool:
        """Whether anything of ours is at this address."""
        return _plain(address) in self._by_address

    def report(self, address: str, transport: Transport, sample: str = "") -> None:
        """A stranger spoke: counted each time, reported once in a while."""
        self.rogues += 1
        count = self._reporter.count(f"{address} {transport}", self._clock.monotonic_ms())
        if count:
            self._rogue(RogueSource(address, transport, self._clock.now(), count, sample))


def _plain(address: str) -> str:
    """One spelling for each address; what is none stays as it is."""
    try:
        return one_spelling(address)
    except ValueError:
        return address
