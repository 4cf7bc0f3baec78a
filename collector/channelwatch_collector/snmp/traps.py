"""The listener for traps and informs: a socket around `TrapDecoder`."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping

from channelwatch.base.clock import Clock
from channelwatch_collector.snmp.notification import Notification, TrapRejection
from channelwatch_collector.snmp.port import AgentClock
from channelwatch_collector.snmp.session import SaltSource
from channelwatch_collector.snmp.trap_decoder import LocalEngine, TrapDecoder, TrapSettings
from channelwatch_collector.snmp.udp import Address, UdpSocket, one_spelling


class TrapReceiver:
    """Hands each notification to `deliver`, which returns False when it has no room.

    `deliver` must not block or raise; a bounded queue's `offer` is meant. What is not delivered is counted
    under its `TrapRejection`. An inform is acknowledged only after `deliver` returned True.
    Create it on the running event loop; port 0 lets the kernel choose.
    """

    def __init__(
        self,
        *,
        local: Address,
        settings: TrapSettings,
        engine: LocalEngine,
        deliver: Callable[[Notification], bool],
        clock: Clock,
        receive_buffer: int = 8 * 1024 * 1024,
    ) -> None:
        self._deliver = deliver
        self._clock = clock
        self._counters: Counter[str] = Counter()
        self._decoder = TrapDecoder(
            settings, local=engine, salts=SaltSource(random.SystemRandom().getrandbits(64))
        )
        self._socket = UdpSocket(
            self._on_datagram,
            self._on_refused,
            counters=self._counters,
            local=local,
            receive_buffer=receive_buffer,
        )

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._socket.local

    @property
    def counters(self) -> Mapping[str, int]:
        """`received`, `delivered`, `replied`, `reply_refused`, `kernel_dropped`, each `TrapRejection` by its word.

        `kernel_dropped` are datagrams for which the kernel had no room: raise net.core.rmem_max.
        """
        self._counters["kernel_dropped"] = self._socket.kernel_drops()
        return self._counters

    def bind_engine(self, engine_id: bytes, address: str, clock: AgentClock | None = None) -> None:
        """Let `engine_id` speak for the device at `address`; pass the polled clock where there is one.

        An authenticated poll calls this each time, so that a trap recorded before a restart of ours, or
        before the device's last reboot, is recognised as stale.
        """
        address, now_s = one_spelling(address), self._now_s()
        if clock is None:
            self._decoder.bind_engine(engine_id, address, now_s=now_s)
        else:
            self._decoder.bind_engine(engine_id, address, boots=clock.boots, time_s=clock.time_s, now_s=now_s)

    def unbind_engine(self, engine_id: bytes) -> None:
        """Take nothing more from `engine_id`."""
        self._decoder.unbind_engine(engine_id)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _now_s(self) -> float:
        return self._clock.monotonic_ms() / 1000.0

    def _on_datagram(self, datagram: bytes, sender: Address) -> None:
        self._counters["received"] += 1
        now_s = self._now_s()
        source = one_spelling(sender[0])
        verdict = self._decoder.decode(datagram, source, received_at=self._clock.now(), now_s=now_s)
        if isinstance(verdict.outcome, TrapRejection):
            self._counters[verdict.outcome] += 1
        elif self._deliver(verdict.outcome):
            self._counters["delivered"] += 1
            self._decoder.taken(verdict, now_s)
        else:
            self._counters[TrapRejection.QUEUE_FULL] += 1
            return
        if verdict.reply is not None:
            self._counters["replied"] += 1
            self._socket.send(verdict.reply, sender)

    def _on_refused(self, peer: Address, error: int) -> None:
        self._counters["reply_refused"] += 1
