"""Syslog over TCP (RFC 6587) and TLS (RFC 5425): one way, in counted octets or in lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from channelwatch_collector.syslog.counters import Count
from channelwatch_collector.syslog.directory import Peer
from channelwatch_collector.syslog.intake import Arrival, Intake
from channelwatch_collector.syslog.limits import Limits
from channelwatch_collector.syslog.parse.framing import Frame, Framer, Framing


class TcpSession:
    """The frames of one connection."""

    def __init__(self, intake: Intake, limits: Limits, peer: Peer) -> None:
        self._intake = intake
        self._peer = peer
        self._framer = Framer(max_frame_octets=limits.max_frame_octets)
        self._frames: deque[Frame] = deque()

    @property
    def pending(self) -> bool:
        return self._framer.pending

    @property
    def fault(self) -> str | None:
        return self._framer.error

    def feed(self, data: bytes) -> int:
        frames = self._framer.feed(data)
        self._frames.extend(frames)
        return len(frames)

    def work(self, arrival: Arrival, is_paused: Callable[[], bool]) -> bool:
        frames = self._frames
        while frames and not is_paused():
            self._take(frames.popleft(), arrival)
        return not frames

    def finish(self, arrival: Arrival) -> None:
        rest = self._framer.finish()
        if rest is not None:
            self._take(rest, arrival)

    def _take(self, frame: Frame, arrival: Arrival) -> None:
        if frame.framing is Framing.LINE_CUT:
            self._intake.counters.add(Count.LINE_CUT, self._peer.transport)
        self._intake.take(frame.octets, self._peer, arrival)
