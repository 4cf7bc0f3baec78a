"""The syslog receiver of one collector: its listeners started and stopped as one."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from channelwatch.base.clock import Clock
from channelwatch_collector.syslog.counters import Counters
from channelwatch_collector.syslog.intake import Callbacks, Intake
from channelwatch_collector.syslog.limits import DEFAULT_LIMITS, Limits
from channelwatch_collector.syslog.parse.classify import Classifier
from channelwatch_collector.syslog.tcp import TcpListener
from channelwatch_collector.syslog.udp import UdpListener

Address = tuple[str, int]
"""IP address and port; port 0 takes a free one."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where to listen; None leaves a transport out. `tls` needs `tls_context`."""

    udp: Address | None = None
    tcp: Address | None = None
    tls: Address | None = None
    tls_context: ssl.SSLContext | None = None


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
        self._intake = Intake(classifier, callbacks, clock=clock, limits=limits)
        self._udp = UdpListener(self._intake, limits)
        self._tcp = TcpListener(self._intake, limits)
        self._tls = TcpListener(self._intake, limits, tls=endpoints.tls_context)

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

    async def start(self) -> None:
        """Bind every endpoint, or none: OSError when one cannot be had."""
        try:
            if self._endpoints.udp is not None:
                self._udp.start(*self._endpoints.udp)
            if self._endpoints.tcp is not None:
                await self._tcp.start(*self._endpoints.tcp)
            if self._endpoints.tls is not None:
                await self._tls.start(*self._endpoints.tls)
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop listening and end every connection."""
        self._udp.close()
        await self._tcp.close()
        await self._tls.close()

    def pause(self) -> None:
        """Make TCP and TLS senders wait; UDP cannot."""
        self._tcp.pause()
        self._tls.pause()

    def resume(self) -> None:
        """Read again."""
        self._tcp.resume()
        self._tls.resume()
