"""The second process: waits for beats, and cries when they stop."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from channelwatch.app.channels import build_channels
from channelwatch.app.settings.heartbeat import WatchdogSettings
from channelwatch.app.watch.listener import MAX_HEAD_BYTES, Ear
from channelwatch.base.clock import Clock, EpochMs
from channelwatch.incidents.model import PageKind, Severity, SubjectKind
from channelwatch.pipeline.heartbeat import Cry, Evidence, Vigil, heard, is_replayed, watch
from channelwatch.pipeline.ports import Alert, Dead, DeliveryChannel, Sent

log = logging.getLogger(__name__)

LOOK_S = 0.5
RETRY_S = 2.0
TITLE = {"vi": "Hệ thống giám sát không còn hoạt động", "en": "The monitoring is dead or hangs"}
_KINDS = {
    Cry.DEAD: PageKind.OPENED,
    Cry.STILL_DEAD: PageKind.REPEATED,
    Cry.ALIVE_AGAIN: PageKind.RESTORED,
}


class Dog:
    """Belongs to one event loop."""

    def __init__(self, settings: WatchdogSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._channels, self._closers = build_channels(settings, clock)
        self._vigil = Vigil(alive_at=clock.monotonic_ms())
        self._died_at = clock.now()
        self._crying: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Listen and look until `stop` is set. OSError when the address cannot be listened on."""
        ear = Ear(self._settings.secret, self._settings.instance.id, self._taken)
        listen = self._settings.listen
        server = await asyncio.start_server(ear.connected, listen.host, listen.port, limit=MAX_HEAD_BYTES)
        address = server.sockets[0].getsockname()
        log.info("watching", extra={"instance": self._settings.instance.id, "port": address[1]})
        try:
            while not stop.is_set():
                self._look()
                try:
                    async with asyncio.timeout(LOOK_S):
                        await stop.wait()
                except TimeoutError:
                    pass
        finally:
            server.close()
            for task in self._crying.values():
                task.cancel()
            await asyncio.gather(*self._crying.values(), return_exceptions=True)
            for close in self._closers:
                await close()

    def _taken(self, beat: Evidence) -> bool:
        if is_replayed(self._vigil, beat, self._clock.now()):
            log.warning("beat from long ago or heard before", extra={"seq": beat.seq})
            return False
        if beat.stale() and not self._vigil.stale:
            log.error("beat proves no life", extra={"stale": list(beat.stale())})
        self._vigil = heard(self._vigil, beat, self._clock.monotonic_ms())
        return True

    def _look(self) -> None:
        self._vigil, cry = watch(
            self._vigil,
            self._clock.monotonic_ms(),
            dead_after_ms=int(self._settings.dead_after_s * 1000),
            repeat_ms=int(self._settings.repeat_s * 1000),
        )
        if cry is not None:
            if cry is Cry.DEAD:
                self._died_at = self._clock.now()
            log.error("watched process", extra={"state": cry.value, "stale": list(self._vigil.stale)})
            for way in self._settings.tell:
                self._cry(way, cry)

    def _cry(self, way: str, cry: Cry) -> None:
        """Tell one way; what it was still trying to say is out of date now."""
        before = self._crying.pop(way, None)
        if before is not None:
            before.cancel()
        self._crying[way] = asyncio.create_task(self._tell(way, self._alert(way, cry)))

    async def _tell(self, way: str, alert: Alert) -> None:
        name, _, destination = way.partition(":")
        channel: DeliveryChannel = self._channels[name]
        while True:
            try:
                outcome = await channel.send(alert, destination)
            except Exception:  # a supervisor: one way must not silence the others
                log.exception("way out failed by our own fault", extra={"way": name})
                return
            if isinstance(outcome, Sent):
                log.info("told", extra={"way": name, "kind": alert.kind.value})
                return
            log.error("not told", extra={"way": name, "reason": outcome.reason})
            if isinstance(outcome, Dead):
                return
            await asyncio.sleep(RETRY_S)

    def _alert(self, way: str, cry: Cry) -> Alert:
        now, instance = self._clock.now(), self._settings.instance.id
        episode = f"WD-{self._died_at // 1000}"
        alert = Alert(
            key=f"{instance}.{episode}.{cry}.{self._vigil.cries}.{way}",
            incident=0,
            number=episode,
            kind=_KINDS[cry],
            severity=Severity.P1,
            rule="channelwatch-silent",
            subject_kind=SubjectKind.COLLECTOR,
            subject=instance,
            unit=instance,
            bloc=None,
            cause="monitoring",
            title=TITLE,
            runbook="collector-blind",
            t0=self._died_at,
            caused_at=self._died_at,
            created_at=now,
            step=self._vigil.cries - 1,
        )
        return replace(alert, restored_at=EpochMs(now)) if cry is Cry.ALIVE_AGAIN else alert
