"""Where all transports meet: rate, source, parsing, redaction, and the hand-over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Final

from channelwatch.base.clock import Clock, EpochMs
from channelwatch.status.events import EventKind, RogueSource, Transport
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch_collector.syslog.counters import Count, Counters
from channelwatch_collector.syslog.limits import (
    KEPT_SEVERITY,
    Limits,
    RateLimiter,
    Reporter,
    SequenceWatch,
    TokenBucket,
)
from channelwatch_collector.syslog.line import Line, read_line
from channelwatch_collector.syslog.parse.classify import Classified, Classifier
from channelwatch_collector.syslog.parse.header import DEFAULT_ZONE, read_severity
from channelwatch_collector.syslog.parse.message import Format, Message

_MAX_SEQUENCE_DIGITS: Final = 10
_FACILITY: Final = 5
"""syslog: messages of the syslog service itself (RFC 5424 section 6.2.1)."""
_NOTICED: Final = 4
"""warning: the severity of what the receiver notices by itself."""


@dataclass(frozen=True, slots=True)
class ReceivedLine:
    """One line on its way to the caller, who knows which device `source_address` is.

    `authenticated` is true only when the peer proved itself with a certificate; `certificate` is then its SHA-256
    fingerprint in lower-case hex. Anything else can be forged: readings of such a line only ask for a poll.
    `message` and `redacted_text` hold nothing that may not be stored.
    `transport` is `COLLECTOR` for what the receiver itself noticed of a source (a flood, a wrong clock).
    """

    source_address: str
    transport: Transport
    authenticated: bool
    received_at: EpochMs
    message: Message
    classified: Classified | None
    redacted_text: str
    certificate: str | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Who sent something, and how it came."""

    address: str
    transport: Transport
    authenticated: bool = False
    certificate: str | None = None


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Who and when, of one message. `now_ms` is monotonic."""

    peer: Peer
    received_at: EpochMs
    now_ms: int


def _know_everyone(_: str) -> bool:
    return True


def _one_zone(_: str) -> tzinfo:
    return DEFAULT_ZONE


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Who is told, and who is asked. All are called from the event loop and must not block.

    `knows` tells whether a source address belongs to a device: lines of others are counted and sampled only.
    `zone_of` gives the time zone of a source's stamps that name none.
    """

    on_message: Callable[[ReceivedLine], None]
    on_rogue: Callable[[RogueSource], None] = field(default=lambda _: None)
    knows: Callable[[str], bool] = _know_everyone
    zone_of: Callable[[str], tzinfo] = _one_zone


class Intake:
    """Turns raw messages of any transport into `ReceivedLine`s, within the limits."""

    def __init__(self, classifier: Classifier, callbacks: Callbacks, *, clock: Clock, limits: Limits) -> None:
        self.counters = Counters()
        self._classifier = classifier
        self._callbacks = callbacks
        self._clock = clock
        self._limits = limits
        self._rates = RateLimiter(limits)
        self._total = TokenBucket(
            rate_per_s=limits.total_rate_per_s, burst=limits.total_burst, now_ms=clock.monotonic_ms()
        )
        self._floods = Reporter(every_s=limits.flood_report_s, subjects=limits.sources)
        self._rogues = Reporter(every_s=limits.rogue_report_s, subjects=limits.sources)
        self._sequences = SequenceWatch(senders=limits.sources)
        self._skews = Reporter(every_s=limits.skew_report_s, subjects=limits.sources)

    def take(self, raw: bytes, peer: Peer) -> None:
        """One message without its framing."""
        self.counters.add(Count.RECEIVED, peer.transport)
        self.counters.add(Count.OCTETS, peer.transport, len(raw))
        arrival = _Arrival(peer, self._clock.now(), self._clock.monotonic_ms())
        if not self._callbacks.knows(peer.address):
            self._take_rogue(raw, arrival)
        elif self._within_rate(arrival) or read_severity(raw) <= KEPT_SEVERITY:
            self._take_line(raw, arrival)
        else:
            self._shed(raw, arrival)

    def _within_rate(self, arrival: _Arrival) -> bool:
        now_ms = arrival.now_ms
        return self._rates.allows(arrival.peer.address, now_ms) and self._total.take(now_ms)

    def _take_line(self, raw: bytes, arrival: _Arrival) -> None:
        line = self._read(raw, arrival)
        self._count(line)
        self._deliver(arrival, line.message, classified=line.classified)
        self._check_clock(line.message, arrival)
        self._check_sequence(line.message, arrival)

    def _read(self, raw: bytes, arrival: _Arrival) -> Line:
        return read_line(
            raw,
            received_at=arrival.received_at,
            classifier=self._classifier,
            zone=self._callbacks.zone_of(arrival.peer.address),
            max_octets=self._limits.max_message_octets,
        )

    def _deliver(self, arrival: _Arrival, message: Message, *, classified: Classified | None) -> None:
        peer = arrival.peer
        self._callbacks.on_message(
            ReceivedLine(
                source_address=peer.address,
                transport=peer.transport,
                authenticated=peer.authenticated,
                received_at=arrival.received_at,
                message=message,
                classified=classified,
                redacted_text=message.text,
                certificate=peer.certificate,
            )
        )

    def _count(self, line: Line) -> None:
        counters, message = self.counters, line.message
        counters.add(Count.PARSED, message.fmt)
        if message.reason:
            counters.add(Count.RAW, message.reason)
        if message.truncated:
            counters.add(Count.TRUNCATED)
        if message.invalid_utf8:
            counters.add(Count.INVALID_UTF8)
        if line.masked:
            counters.add(Count.MASKED, by=line.masked)
        if line.refused:
            counters.add(Count.REFUSED, line.refused)
        elif line.classified:
            counters.add(Count.MATCHED, f"{line.classified.pack}/{line.classified.pattern}")
        elif line.why_not:
            counters.add(Count.UNMATCHED, line.why_not)

    def _take_rogue(self, raw: bytes, arrival: _Arrival) -> None:
        peer = arrival.peer
        self.counters.add(Count.ROGUE, peer.transport)
        count = self._rogues.count(peer.address, arrival.now_ms)
        if not count:
            return
        sample = self._read(raw, arrival).message.text[: self._limits.rogue_sample_chars]
        self._callbacks.on_rogue(
            RogueSource(peer.address, peer.transport, arrival.received_at, count=count, sample=sample)
        )

    def _shed(self, raw: bytes, arrival: _Arrival) -> None:
        self.counters.add(Count.SHED, str(read_severity(raw)))
        count = self._floods.count(arrival.peer.address, arrival.now_ms)
        if count:
            self._notice(arrival, EventKind.FLOOD, fields=(("shed", str(count)),))

    def _check_clock(self, message: Message, arrival: _Arrival) -> None:
        if message.device_time is None:
            return
        skew_ms = message.device_time - arrival.received_at
        if abs(skew_ms) <= self._limits.skew_s * 1000:
            return
        self.counters.add(Count.SKEWED)
        if self._skews.count(f"{arrival.peer.address} {message.hostname}", arrival.now_ms):
            reading = Reading(
                signal=Signal.TIME_SKEW,
                state=SignalState.FAILED,
                value=skew_ms / 1000,
                unit="s",
                source="syslog:collector/clock_skew",
            )
            self._notice(arrival, EventKind.CLOCK_SKEW, readings=(reading,))

    def _check_sequence(self, message: Message, arrival: _Arrival) -> None:
        meta = message.sd("meta")
        number = meta.get("sequenceId") if meta is not None else None
        if number is None or not number.isdecimal() or len(number) > _MAX_SEQUENCE_DIGITS:
            return
        missing = self._sequences.missing(f"{arrival.peer.address} {message.hostname}", int(number))
        if missing:
            self.counters.add(Count.SEQUENCE_GAP, arrival.peer.transport, missing)

    def _notice(
        self,
        arrival: _Arrival,
        kind: EventKind,
        *,
        fields: tuple[tuple[str, str], ...] = (),
        readings: tuple[Reading, ...] = (),
    ) -> None:
        """Tell what the receiver itself noticed of a source; the peer's trust stays as it is."""
        event = Classified(kind, _NOTICED, "", fields, readings, "collector", kind.value)
        message = Message(Format.RFC5424, _FACILITY, _NOTICED, f"{kind.value} {arrival.peer.address}")
        noticed = replace(arrival, peer=replace(arrival.peer, transport=Transport.COLLECTOR))
        self._deliver(noticed, message, classified=event)
