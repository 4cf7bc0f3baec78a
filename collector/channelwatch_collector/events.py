"""From traps to events, and the hints to poll that go with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from channelwatch.base.clock import LOCAL_ZONE, Clock
from channelwatch.base.ids import DeviceCode
from channelwatch.inventory.model import Device
from channelwatch.status.events import EventKind, EventReceived, Observation, Transport
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import Moment
from channelwatch_collector.profiles.traps import decode_trap
from channelwatch_collector.snmp.notification import Notification
from channelwatch_collector.snmp.port import V3, Credential
from channelwatch_collector.sources import Sources
from channelwatch_collector.syslog.limits import Limits, RateLimiter, Reporter
from channelwatch_collector.syslog.lines import SAYS_NOTHING_OF_STATE

TRAPS_PER_S = 20.0
TRAP_BURST = 400
"""Traps of one device beyond these are counted and shed; a poll then tells what is true."""

FLOOD_EVERY_S = 60.0


@dataclass(frozen=True)
class House:
    """What events need of the collector. `credential` is by the inventory's name for it."""

    submit: Callable[[Observation], bool]
    poll_now: Callable[[DeviceCode], object]
    profile_of: Callable[[DeviceCode], Profile]
    credential: Mapping[str, Credential]


class Events:
    """Notifications, judged for trust and handed on."""

    def __init__(self, house: House, sources: Sources, *, clock: Clock, zone: tzinfo = LOCAL_ZONE) -> None:
        self._house = house
        self._sources = sources
        self._clock = clock
        self._zone = zone
        self._rates = RateLimiter(Limits(rate_per_s=TRAPS_PER_S, burst=TRAP_BURST))
        self._floods = Reporter(every_s=FLOOD_EVERY_S, subjects=20_000)
        self.shed = 0

    def allows(self, address: str) -> bool:
        """Whether traps from here are looked at. Strangers are reported; what they say is not read."""
        if self._sources.knows(address):
            return True
        self._sources.report(address, Transport.TRAP)
        return False

    def trap(self, notification: Notification) -> bool:
        """Take a notification. False when there is no room for it."""
        device = self._sources.device_of(notification.engine_id, notification.source)
        if device is None:
            self._sources.report(notification.source, Transport.TRAP)
            return True
        tick = self._clock.monotonic_ms()
        if not self._rates.allows(device.code, tick):
            self._shed(device, tick)
            return True
        at = notification.received_at
        moment = Moment(at, at, tick, self._zone)
        profile = self._house.profile_of(device.code)
        meant = decode_trap(profile, notification.trap_oid, notification.varbinds, moment)
        taken = self._house.submit(
            EventReceived(
                device=device.code,
                kind=meant.kind,
                transport=Transport.TRAP,
                received_at=at,
                trusted=self._is_proven(device, notification),
                severity=meant.severity,
                component=meant.component,
                text=meant.text,
                source=meant.source,
                readings=meant.readings,
            )
        )
        if taken and meant.kind not in SAYS_NOTHING_OF_STATE:
            self._house.poll_now(device.code)
        return taken

    def _is_proven(self, device: Device, notification: Notification) -> bool:
        """Authenticated (the decoder has seen to the level) and by the very user that this device is polled with."""
        credential = self._house.credential.get(device.credential)
        return (
            notification.authenticated and isinstance(credential, V3) and notification.user == credential.user
        )

    def _shed(self, device: Device, tick: int) -> None:
        self.shed += 1
        count = self._floods.count(device.code, tick)
        if count:
            self._house.submit(
                EventReceived(
                    device=device.code,
                    kind=EventKind.FLOOD,
                    transport=Transport.COLLECTOR,
                    received_at=self._clock.now(),
                    trusted=True,
                    severity=4,
                    text=f"{count} traps shed",
                    source="trap",
                )
            )
            self._house.poll_now(device.code)
