"""The service's own heartbeat: every few seconds evidence goes to the watchdog, and to check-in receivers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from channelwatch.base.secrets import sign
from channelwatch.incidents.rules import OwnFault
from channelwatch.metrics import catalogue
from channelwatch.metrics.process import gauge
from channelwatch.notify.posting import Poster
from channelwatch.pipeline.heartbeat import Evidence
from channelwatch.pipeline.ports import Sent

if TYPE_CHECKING:
    from channelwatch.app.running.engine import Engine
    from channelwatch.app.settings.heartbeat import HeartbeatSettings

log = logging.getLogger(__name__)

STAMP = "X-Channelwatch-Timestamp"
SIGNATURE = "X-Channelwatch-Signature"


async def beat(engine: Engine) -> None:
    """A job of the engine: beats until it is cancelled. Without receivers it has nothing to do."""
    settings = engine.settings.heartbeat
    if settings.watchdog is None and not settings.checkins:
        await asyncio.Event().wait()
    heart = _Heart(engine, settings)
    try:
        while True:
            await heart.beat()
            await asyncio.sleep(settings.every_s)
    finally:
        await heart.close()


class _Heart:
    """Knows how often it has beaten and which receivers did not hear it."""

    def __init__(self, engine: Engine, settings: HeartbeatSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._poster = Poster()
        self._seq = 0
        self._refused = gauge(engine.registry, catalogue.HEARTBEAT_REFUSED)

    async def beat(self) -> None:
        """Tell everybody once, all at the same time."""
        self._seq += 1
        evidence = self._evidence()
        outcomes = await asyncio.gather(*(self._post(*item) for item in self._posts(evidence)))
        refused = [name for name, was_heard in outcomes if not was_heard]
        self._refused.set(len(refused))
        if refused:
            log.warning("heartbeat not taken", extra={"receivers": refused})
        unheard = self._engine.extra_faults
        (unheard.add if refused else unheard.discard)(OwnFault.UNWATCHED)

    async def close(self) -> None:
        """Close kept-alive connections."""
        await self._poster.close()

    def _posts(self, evidence: Evidence) -> Iterator[tuple[str, str, bytes, dict[str, str]]]:
        body = json.dumps(asdict(evidence), sort_keys=True).encode()
        dog, stale = self._settings.watchdog, evidence.stale()
        if stale:
            log.error("heartbeat proves no life", extra={"stale": list(stale)})
        if dog is not None:
            stamp = str(evidence.at // 1000)
            signature = "sha256=" + sign(dog.secret, stamp.encode() + b"." + body)
            headers = {"Content-Type": "application/json", STAMP: stamp, SIGNATURE: signature}
            yield "watchdog", dog.url, body, headers
        for name, target in self._settings.checkins.items():
            url = target.fail_url if stale else target.url
            if url is not None:
                yield name, url, body, {"Content-Type": "application/json"}

    async def _post(self, name: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[str, bool]:
        outcome = await self._poster.post(url, body, headers, self._settings.timeout_s)
        return name, isinstance(outcome, Sent)

    def _evidence(self) -> Evidence:
        engine = self._engine
        world, now = engine.world, engine.clock.now()
        watched = [item.code for item in world.inventory.devices if item.in_service]
        polled = max((world.devices[code].polled_at for code in watched), default=now)
        periods = [world.poll_period_ms(code) for code in watched]
        return Evidence(
            instance=engine.settings.instance.id,
            started_at=engine.started_at,
            seq=self._seq,
            at=now,
            evaluated_ms=engine.clock.monotonic_ms() - engine.evaluated_at_ms,
            polled_ms=max(0, now - polled),
            poll_period_ms=min(periods, default=0),
            unsent_ms=engine.oldest_unsent_ms,
            log_seq=world.next_seq,
            problems=len(engine.readiness().problems),
        )
