"""The syslog receiver of one collector: its listeners started and stopped as one."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Final

from channelwatch.base.clock import Clock
from channelwatch.status.events import Transport
from channelwatch_collector.syslog.counters import Count, Counters
from channelwatch_collector.syslog.directory import Peer
from channelwatch_collector.syslog.intake import Callbacks, Intake
from channelwatch_collector.syslog.limits import DEFAULT_LIMITS, PAUSE_AT, RESUME_AT, Limits, shed_from
from channelwatch_collector.syslog.parse.classify import Classifier
from channelwatch_collector.syslog.relp import RelpSession
from channelwatch_collector.syslog.resends import Resends
from channelwatch_collector.syslog.stream import Link, StreamListener
from channelwatch_collector.syslog.tcp import TcpSession
from channelwatch_collector.syslog.udp import REST_S, UdpListener

Address = tuple[str, int]
"""IP address and port; port 0 takes a free one."""

_TEND_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where to listen; None leaves a transport out. `tls` needs `tls_context`; RELP is in plain without `relp_tls`."""

    udp: Address | None = None
    tcp: Address | None = None
    tls: Address | None = None
    tls_context: ssl.SSLContext | None = None
    relp: Address | None = None
    relp_tls: ssl.SSLContext | None = None


class SyslogReceiver:
    """Listens on `endpoints` and calls back for each line, from the event loop that started it."""

    def __init__(
        self,
        endpoints: Endpoints,
        classifier: Classifier,
        *,
        callbacks: Callbacks,
        clock: Clock,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        assert endpoints.tls is None or endpoints.tls_context is not None, "TLS without a certificate"
        self._endpoints = endpoints
        intake = self._intake = Intake(classifier, callbacks, clock=clock, limits=limits)
        resends = Resends(keep_s=limits.resend_s, limit=limits.resends)

        def lines(peer: Peer, _: Link) -> TcpSession:
            return TcpSession(intake, limits, peer)

        def relp(peer: Peer, link: Link) -> RelpSession:
            return RelpSession(intake, limits, resends, peer, link)

        self._udp = UdpListener(intake, limits)
        self._tcp = StreamListener(intake, limits, lines, transport=Transport.SYSLOG_TCP)
        self._tls = StreamListener(
            intake, limits, lines, transport=Transport.SYSLOG_TLS, tls=endpoints.tls_context
        )
        self._relp = StreamListener(
            intake, limits, relp, transport=Transport.SYSLOG_RELP, tls=endpoints.relp_tls
        )
        self._streams = (self._tcp, self._tls, self._relp)
        self._tending: asyncio.TimerHandle | None = None
        self._is_paused = False

    @property
    def counters(self) -> Counters:
        """What has been received, refused and dropped so far."""
        return self._intake.counters

    @property
    def udp_address(self) -> Address:
        """Where UDP is received."""
        return self._udp.address

    @property
    def tcp_address(self) -> Address:
        """Where TCP is received."""
        return self._tcp.address

    @property
    def tls_address(self) -> Address:
        """Where TLS is received."""
        return self._tls.address

    @property
    def relp_address(self) -> Address:
        """Where RELP is received."""
        return self._relp.address

    async def start(self) -> None:
        """Bind every endpoint, or none: OSError when one cannot be had."""
        wanted = self._endpoints
        try:
            if wanted.udp is not None:
                self._udp.start(*wanted.udp)
            for listener, at in zip(self._streams, (wanted.tcp, wanted.tls, wanted.relp), strict=True):
                if at is not None:
                    await listener.start(*at)
        except OSError:
            await self.close()
            raise
        self._tend()

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._tending is not None:
            self._tending.cancel()
        self._udp.close()
        for listener in self._streams:
            await listener.close()

    def feel(self, fill: float) -> None:
        """Take note of how full (0..1) the queue behind is: senders that can wait are made to, datagrams are shed."""
        self._intake.shed_from = shed_from(fill)
        if fill >= PAUSE_AT and not self._is_paused:
            self._is_paused = True
            self.counters.add(Count.PAUSED)
            for listener in self._streams:
                listener.pause()
        elif fill <= RESUME_AT and self._is_paused:
            self._is_paused = False
            for listener in self._streams:
                listener.resume()

    def _tend(self) -> None:
        rest_s = REST_S if self._intake.tend() else _TEND_EVERY_S
        self._tending = asyncio.get_running_loop().call_later(rest_s, self._tend)
