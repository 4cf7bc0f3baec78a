"""The syslog side of a collector: receivers as the settings want them, joined to the engine."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from channelwatch.app.running.engine import Engine
from channelwatch.app.settings import Listen, SyslogSettings, TlsFiles
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Device
from channelwatch.status.events import RogueSource
from channelwatch_collector.syslog.counters import Counters
from channelwatch_collector.syslog.directory import Directory
from channelwatch_collector.syslog.intake import Callbacks, Handed, ReceivedLine
from channelwatch_collector.syslog.limits import PAUSE_AT, RESUME_AT, Limits
from channelwatch_collector.syslog.lines import House, Lines
from channelwatch_collector.syslog.packfile import built_in_packs, load_packs, packs_in
from channelwatch_collector.syslog.parse.classify import Classifier
from channelwatch_collector.syslog.receiver import Address, Endpoints, SyslogReceiver
from channelwatch_collector.syslog.tls import server_context

_RECALL_LIMIT: Final = 50_000
_RELIEVE_EVERY_S: Final = 0.05


class Station:
    """Everything about syslog that one collector holds. Create it on the running event loop."""

    def __init__(self, engine: Engine, *, poll_now: Callable[[DeviceCode], object]) -> None:
        self._engine = engine
        self._settings = engine.settings
        wanted = self._settings.collector.syslog
        self._directory = Directory(
            zone=ZoneInfo(wanted.zone),
            zones={name: ZoneInfo(zone) for name, zone in wanted.zones.items()},
            relays=wanted.relays,
        )
        self.lines = Lines(House(engine.submit, engine.submit_acknowledged, poll_now))
        self._devices: list[DeviceCode] = []
        self._limits = Limits(
            rate_per_s=wanted.rate_per_s,
            burst=wanted.burst,
            total_rate_per_s=wanted.total_rate_per_s,
            total_burst=wanted.total_burst,
        )
        queue_limit = engine.observations.limit
        self._press_at, self._relax_at = int(queue_limit * PAUSE_AT), int(queue_limit * RESUME_AT)
        self._pressed = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.receiver = SyslogReceiver(
            self._endpoints(),
            Classifier(load_packs(self._packs())),
            callbacks=Callbacks(
                on_message=self._take,
                on_rogue=self._rogue,
                speaker_of=self._directory.speaker_of,
                device_named=self._directory.device_named,
            ),
            clock=engine.clock,
            limits=self._limits,
        )

    @property
    def counters(self) -> Counters:
        """What has been received, refused and dropped so far."""
        return self.receiver.counters

    def set_devices(self, devices: Iterable[Device]) -> None:
        """Listen to exactly these."""
        known = list(devices)
        self._devices = [device.code for device in known]
        self._directory.set_devices(known)

    async def start(self) -> None:
        """Open the listeners. Permanent when one cannot be had."""
        wanted = self._settings.collector.syslog
        if wanted.relp is not None:
            since = self._engine.clock.now() - int(self._limits.resend_s * 1000)
            self.lines.recall(
                await self._engine.in_store(
                    self._engine.history.events, devices=self._devices, since=since, limit=_RECALL_LIMIT
                )
            )
        try:
            await self.receiver.start()
        except OSError as error:
            tls, relp = (part and part.listen for part in (wanted.tls, wanted.relp))
            where = ", ".join(str(at) for at in (wanted.udp, wanted.tcp, tls, relp) if at)
            raise Permanent(str(error), operation="listen for syslog", subject=where) from error

        loop = asyncio.get_running_loop()
        self._timers["recall"] = loop.call_later(self._limits.resend_s, self.lines.forget)
        self._relieve()

    async def close(self) -> None:
        """Free everything."""
        for timer in self._timers.values():
            timer.cancel()
        await self.receiver.close()

    def _relieve(self) -> None:
        """Let those read again who were made to wait."""
        if self._pressed:
            self._feel()
        loop = asyncio.get_running_loop()
        self._timers["relief"] = loop.call_later(_RELIEVE_EVERY_S, self._relieve)

    def _take(self, line: ReceivedLine) -> Handed:
        handed = self.lines.take(line)
        if len(self._engine.observations) >= self._press_at:
            self._feel()
        return handed

    def _feel(self) -> None:
        waiting = len(self._engine.observations)
        self._pressed = waiting > self._relax_at
        self.receiver.feel(waiting / self._engine.observations.limit)

    def _rogue(self, source: RogueSource) -> None:
        self._engine.submit(source)

    def _endpoints(self) -> Endpoints:
        wanted = self._settings.collector.syslog
        relp_tls = wanted.relp.tls if wanted.relp is not None else None
        return Endpoints(
            udp=_pair(wanted.udp),
            tcp=_pair(wanted.tcp),
            tls=_pair(wanted.tls.listen) if wanted.tls is not None else None,
            tls_context=self._context(wanted.tls) if wanted.tls is not None else None,
            relp=_pair(wanted.relp.listen) if wanted.relp is not None else None,
            relp_tls=self._context(relp_tls) if relp_tls is not None else None,
        )

    def _context(self, files: TlsFiles) -> ssl.SSLContext:
        resolve = self._settings.resolve
        return server_context(
            resolve(files.certificate),
            resolve(files.key),
            clients=resolve(files.clients),
            only_tls13=files.only_tls13,
        )

    def _packs(self) -> list[Path]:
        """One's own packs are tried first, so that they may know better."""
        folder = self._settings.collector.syslog.packs
        return [*(packs_in(self._settings.resolve(folder)) if folder else ()), *built_in_packs()]


def is_wanted(settings: SyslogSettings) -> bool:
    """Whether any transport is on."""
    return any((settings.udp, settings.tcp, settings.tls, settings.relp))


def _pair(listen: Listen | None) -> Address | None:
    return None if listen is None else (listen.host, listen.port)
