"""Where all transports meet: rate, speaker, parsing, and the hand-over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from channelwatch.base.clock import Clock, EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.status.events import EventKind, RogueSource, Transport
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch_collector.syslog.counters import Count, Counters
from channelwatch_collector.syslog.directory import Peer, Speaker
from channelwatch_collector.syslog.limits import (
    KEPT,
    KEPT_SEVERITY,
    Limits,
    RateLimiter,
    Reporter,
    SequenceWatch,
    TokenBucket,
)
from channelwatch_collector.syslog.line import fit_to_keep, judge_line, read_line
from channelwatch_collector.syslog.parse.classify import Classified, Classifier, NoKind
from channelwatch_collector.syslog.parse.header import DEFAULT_ZONE, read_severity
from channelwatch_collector.syslog.parse.message import Message, RawReason
from channelwatch_collector.syslog.parse.redact import Refusal
from channelwatch_collector.syslog.repeats import Repeats, Seen
from channelwatch_collector.syslog.resends import Receipt

_MAX_SEQUENCE_DIGITS: Final = 10
_NOTICED: Final = 4
"""warning: the severity of what the receiver notices by itself."""
_ALERT: Final = 1

_TOLD_AT_ONCE: Final = 32
"""Repetitions told of in one turn of the loop: each is a line to read."""

UNREAD: Final = "unread"
"""In place of a pack's name: a line kept because it could not be read."""

Handed = Receipt | bool
"""What became of a line: true, taken or rightly passed over; false, no room; a receipt, taken, and safe when done."""


class ReceivedLine(NamedTuple):
    """What one line told, on its way to the caller.

    `device` is None where the source is known and the device is not. Unless `trusted`, anything here can be forged,
    and there are no readings: such a line only asks for a poll. `certificate` is the SHA-256 fingerprint that the
    peer proved.
    `transport` is `COLLECTOR` for what the receiver itself noticed of a source (a flood, a wrong clock).
    `again` is how many more lines like this one came. `message` is there only for who asked for it, and redacted.
    """

    device: DeviceCode | None
    source_address: str
    transport: Transport
    trusted: bool
    received_at: EpochMs
    device_time: EpochMs | None
    classified: Classified | None
    certificate: str | None = None
    again: int = 0
    message: Message | None = None


class Arrival(NamedTuple):
    """When octets came: in epoch ms UTC, and on the monotonic clock."""

    at: EpochMs
    tick: int


def _know_everyone(peer: Peer) -> Speaker:
    return Speaker(peer.address, None, DEFAULT_ZONE)


def _name_nobody(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Who is told, and who is asked. All are called from the event loop and must not block.

    `on_message` gets every line that a pattern understands; with `wants_text` the others too, and the redacted
    message with each. `speaker_of` returns None for strangers, whose lines are counted and sampled only.
    `device_named` finds the device that a relay's line names as its host.
    """

    on_message: Callable[[ReceivedLine], Handed]
    on_rogue: Callable[[RogueSource], None] = field(default=lambda _: None)
    speaker_of: Callable[[Peer], Speaker | None] = _know_everyone
    device_named: Callable[[str], DeviceCode | None] = _name_nobody
    wants_text: bool = False


class Intake:
    """Turns raw messages of any transport into `ReceivedLine`s, within the limits."""

    def __init__(self, classifier: Classifier, callbacks: Callbacks, *, clock: Clock, limits: Limits) -> None:
        self.counters = Counters()
        self.shed_from = KEPT
        self._received = self.counters.of(Count.RECEIVED)
        self._octets = self.counters.of(Count.OCTETS)
        self._parsed = self.counters.of(Count.PARSED)
        self._matched = self.counters.of(Count.MATCHED)
        self._classifier = classifier
        self._callbacks = callbacks
        self._clock = clock
        self._limits = limits
        self._skew_ms = int(limits.skew_s * 1000)
        self._rates = RateLimiter(limits)
        self._total = TokenBucket(
            rate_per_s=limits.total_rate_per_s, burst=limits.total_burst, now_ms=clock.monotonic_ms()
        )
        self._repeats = Repeats(
            every_s=limits.repeat_report_s, per_source=limits.repeats_per_source, total=limits.repeats
        )
        self._unread = RateLimiter(
            replace(limits, rate_per_s=limits.unread_per_minute / 60, burst=limits.unread_per_minute)
        )
        self._sequences = SequenceWatch(senders=limits.sources)
        self._floods, self._rogues, self._skews, self._mismatches = (
            Reporter(every_s=every_s, subjects=limits.sources)
            for every_s in (
                limits.flood_report_s,
                limits.rogue_report_s,
                limits.skew_report_s,
                limits.mismatch_report_s,
            )
        )

    def arrival(self) -> Arrival:
        """Now: one for everything that is read in one go."""
        return Arrival(self._clock.now(), self._clock.monotonic_ms())

    def take(self, raw: bytes, peer: Peer, arrival: Arrival) -> Handed:
        """One message without its framing. What came over RELP waits at its sender, so it is never shed."""
        transport = peer.transport
        self._received[transport] += 1
        self._octets[transport] += len(raw)
        speaker = self._callbacks.speaker_of(peer)
        if speaker is None:
            self.report_stranger(peer, arrival, raw)
            return True
        if transport is Transport.SYSLOG_RELP:
            return self._take_line(raw, peer, speaker, arrival)
        if self.shed_from < KEPT and self._is_sheddable(raw, peer):
            return self._shed(raw, speaker, peer, arrival)
        # A relay speaks for many: only the rate of all sources together holds for it.
        tick = arrival.tick
        if (speaker.is_relay or self._rates.allows(speaker.key, tick)) and self._total.take(tick):
            return self._take_line(raw, peer, speaker, arrival)
        return self._take_over_rate(raw, peer, speaker, arrival)

    def knows(self, peer: Peer) -> bool:
        """Whether `peer` is no stranger."""
        return self._callbacks.speaker_of(peer) is not None

    def greet(self, peer: Peer, arrival: Arrival) -> None:
        """A connection is open. A certificate that does not fit its peer is told of."""
        speaker = self._callbacks.speaker_of(peer)
        if speaker is not None and speaker.doubt is not None:
            self.counters.add(Count.MISMATCH, speaker.doubt)
            if self._mismatches.count(f"{speaker.key} {peer.address} {peer.certificate}", arrival.tick):
                told = (("reason", speaker.doubt.value), ("source", peer.address))
                notice = _noticed(
                    EventKind.AUTH_FAILURE, "certificate-mismatch", fields=told, severity=_ALERT
                )
                self._notice(notice, peer, speaker, arrival)

    def tend(self) -> bool:
        """What time alone brings: tell of repetitions whose interval is over. To be called every second, and again
        after other callbacks had their turn when there is more to tell."""
        arrival = self.arrival()
        over = self._repeats.due(arrival.tick, _TOLD_AT_ONCE)
        for group in over:
            speaker = self._callbacks.speaker_of(group.peer) if group.again else None
            if speaker is not None:
                self._take_line(group.raw, group.peer, speaker, arrival, again=group.again)
        self.counters.of(Count.MASKED)[""] = self._classifier.masked
        return len(over) == _TOLD_AT_ONCE

    def report_stranger(self, peer: Peer, arrival: Arrival, raw: bytes = b"") -> None:
        """Count what a stranger sent, and sample it now and then."""
        self.counters.add(Count.ROGUE, peer.transport)
        count = self._rogues.count(f"{peer.address} {peer.transport}", arrival.tick)
        if count:
            line = read_line(
                raw,
                received_at=arrival.at,
                classifier=self._classifier,
                max_octets=self._limits.max_message_octets,
            )
            self._tell_rogue(RogueSource(peer.address, peer.transport, arrival.at, count, line.message.text))

    def _tell_rogue(self, found: RogueSource) -> None:
        sample = found.sample[: self._limits.rogue_sample_chars]
        self._callbacks.on_rogue(replace(found, sample=sample))

    def _is_sheddable(self, raw: bytes, peer: Peer) -> bool:
        return peer.transport is Transport.SYSLOG_UDP and read_severity(raw) >= self.shed_from

    def _take_over_rate(self, raw: bytes, peer: Peer, speaker: Speaker, arrival: Arrival) -> Handed:
        """The first of lines that are alike is taken, the others are counted; others still are shed if light."""
        match self._repeats.count(speaker.key, raw, peer, arrival.tick):
            case Seen.FIRST:
                return self._take_line(raw, peer, speaker, arrival)
            case Seen.AGAIN:
                self.counters.add(Count.REPEATED, str(read_severity(raw)))
                self._tell_flood(speaker, peer, arrival)
                return True
            case Seen.TOO_MANY if read_severity(raw) <= KEPT_SEVERITY:
                return self._take_line(raw, peer, speaker, arrival)
            case Seen.TOO_MANY:
                return self._shed(raw, speaker, peer, arrival)

    def _take_line(
        self, raw: bytes, peer: Peer, speaker: Speaker, arrival: Arrival, *, again: int = 0
    ) -> Handed:
        message, result = judge_line(
            raw,
            received_at=arrival.at,
            classifier=self._classifier,
            zone=speaker.zone,
            max_octets=self._limits.max_message_octets,
            with_readings=speaker.trusted,
        )
        told = self._count(message, result) or self._unreadable(message, result, speaker, arrival)
        handed: Handed = True
        if told is not None or self._callbacks.wants_text:
            line = ReceivedLine(
                speaker.device,
                peer.address,
                peer.transport,
                speaker.trusted,
                arrival.at,
                message.device_time,
                told,
                peer.certificate,
                again,
            )
            if speaker.is_relay:
                line = line._replace(device=self._named(message, result, peer, arrival))
            if self._callbacks.wants_text:
                line = line._replace(message=fit_to_keep(message, result)[0])
            handed = self._callbacks.on_message(line)
            if handed is False:
                self.counters.add(Count.NO_ROOM, peer.transport)
        device_time = message.device_time
        if device_time is not None and not -self._skew_ms <= device_time - arrival.at <= self._skew_ms:
            self._tell_skew(device_time - arrival.at, message.hostname, peer, speaker, arrival)
        if message.structured_data:
            self._check_sequence(message, peer)
        return handed

    def _count(self, message: Message, result: Classified | NoKind | Refusal) -> Classified | None:
        """Count what became of a line; what it told, if anything."""
        self._parsed[message.fmt] += 1
        if message.reason or message.truncated or message.invalid_utf8:
            self._count_flaws(message)
        if isinstance(result, Classified):
            self._matched[result.name] += 1
            return result
        self.counters.add(Count.REFUSED if isinstance(result, Refusal) else Count.UNMATCHED, result)
        return None

    def _count_flaws(self, message: Message) -> None:
        if message.reason:
            self.counters.add(Count.RAW, message.reason)
        if message.truncated:
            self.counters.add(Count.TRUNCATED)
        if message.invalid_utf8:
            self.counters.add(Count.INVALID_UTF8)

    def _unreadable(
        self, message: Message, result: Classified | NoKind | Refusal, speaker: Speaker, arrival: Arrival
    ) -> Classified | None:
        """A line without a header that can be read is kept as it is, redacted: it may be the only word of a fault."""
        if message.reason is None or isinstance(result, Classified | Refusal) or result is NoKind.SUPPRESSED:
            return None
        if message.reason is RawReason.EMPTY or not self._unread.allows(speaker.key, arrival.tick):
            self.counters.add(Count.UNREAD_PASSED_OVER, message.reason)
            return None
        text = fit_to_keep(message, result)[0].text[: self._limits.unread_chars]
        fields = (("reason", message.reason.value), ("text", text))
        return Classified(EventKind.OTHER, message.severity, "", fields, (), UNREAD, message.reason.value)

    def _named(
        self, message: Message, result: Classified | NoKind | Refusal, peer: Peer, arrival: Arrival
    ) -> DeviceCode | None:
        """The device that a relayed line names; a name that nobody has is told of as a stranger's."""
        device = self._callbacks.device_named(message.hostname) if message.hostname else None
        if device is None and message.structured_data:
            device = self._device_of_origin(message)
        if device is None:
            self.counters.add(Count.UNNAMED, peer.transport)
            clean, _ = fit_to_keep(message, result)
            host = (clean.hostname or "no host")[:128]
            who = f"{host} by way of {peer.address}"
            count = self._rogues.count(who, arrival.tick)
            if count:
                self._tell_rogue(RogueSource(who, peer.transport, arrival.at, count, clean.text))
        return device

    def _device_of_origin(self, message: Message) -> DeviceCode | None:
        """The device at the address that the line gives for its origin (RFC 5424 section 7.2.1)."""
        origin = message.sd("origin")
        address = origin.get("ip") if origin is not None else None
        return self._callbacks.device_named(address) if address else None

    def _shed(self, raw: bytes, speaker: Speaker, peer: Peer, arrival: Arrival) -> bool:
        self.counters.add(Count.SHED, str(read_severity(raw)))
        self._tell_flood(speaker, peer, arrival)
        return True

    def _tell_flood(self, speaker: Speaker, peer: Peer, arrival: Arrival) -> None:
        count = self._floods.count(speaker.key, arrival.tick)
        if count:
            notice = _noticed(EventKind.FLOOD, EventKind.FLOOD, fields=(("lines", str(count)),))
            self._notice(notice, peer, speaker, arrival)

    def _tell_skew(
        self, skew_ms: int, hostname: str | None, peer: Peer, speaker: Speaker, arrival: Arrival
    ) -> None:
        self.counters.add(Count.SKEWED)
        if self._skews.count(f"{speaker.key} {hostname}", arrival.tick):
            reading = Reading(
                signal=Signal.TIME_SKEW,
                state=SignalState.FAILED,
                value=skew_ms / 1000,
                unit="s",
                source="syslog:collector/clock_skew",
            )
            notice = _noticed(EventKind.CLOCK_SKEW, EventKind.CLOCK_SKEW, readings=(reading,))
            self._notice(notice, peer, speaker, arrival)

    def _check_sequence(self, message: Message, peer: Peer) -> None:
        meta = message.sd("meta")
        number = meta.get("sequenceId") if meta is not None else None
        if number is None or not number.isdecimal() or len(number) > _MAX_SEQUENCE_DIGITS:
            return
        missing = self._sequences.missing(f"{peer.address} {message.hostname}", int(number))
        if missing:
            self.counters.add(Count.SEQUENCE_GAP, peer.transport, missing)

    def _notice(self, told: Classified, peer: Peer, speaker: Speaker, arrival: Arrival) -> None:
        """Tell what the receiver itself noticed of a source; the speaker's trust stays as it is."""
        self._callbacks.on_message(
            ReceivedLine(
                speaker.device,
                peer.address,
                Transport.COLLECTOR,
                speaker.trusted,
                arrival.at,
                None,
                told,
                peer.certificate,
            )
        )


def _noticed(
    kind: EventKind,
    pattern: str,
    *,
    fields: tuple[tuple[str, str], ...] = (),
    readings: tuple[Reading, ...] = (),
    severity: int = _NOTICED,
) -> Classified:
    return Classified(kind, severity, "", fields, readings, "collector", str(pattern))
