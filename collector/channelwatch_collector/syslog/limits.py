"""Every limit of the receivers, and the token buckets that hold the rates."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from channelwatch_collector.syslog.parse.framing import MAX_FRAME_OCTETS
from channelwatch_collector.syslog.parse.header import MAX_MESSAGE_OCTETS

KEPT_SEVERITY: Final = 3
"""Error and worse (RFC 5424 section 6.2.1) are never shed by a rate limit."""

_LATE_BY: Final = 100
"""Messages that UDP may bring out of order."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of all listeners together, except where a name says otherwise. Octets, seconds, or counts.

    `receive_buffer_octets` is asked of the kernel, which caps it at net.core.rmem_max without a word.
    `rate_per_s` and `burst` hold per source, those with `total_` for all of them.
    What is read per turn bounds how long other callbacks of the event loop wait.
    `sources` is how many sources' rates and reports are remembered; the least recently heard is forgotten.
    `unread_per_minute` lines of a source that nobody can read are kept, each cut to `unread_chars`; more are counted.
    What `repeat_` limits is remembered of lines over a rate, what `resend_` limits of lines that came over RELP.
    """

    max_message_octets: int = MAX_MESSAGE_OCTETS
    max_frame_octets: int = MAX_FRAME_OCTETS
    receive_buffer_octets: int = 4 * 1024 * 1024
    datagrams_per_turn: int = 64
    stream_octets_per_turn: int = 16_384
    max_connections: int = 1024
    max_connections_per_source: int = 4
    frame_timeout_s: float = 30.0
    handshake_timeout_s: float = 10.0
    rate_per_s: float = 200.0
    burst: int = 2000
    total_rate_per_s: float = 10_000.0
    total_burst: int = 50_000
    sources: int = 20_000
    flood_report_s: float = 60.0
    rogue_report_s: float = 60.0
    rogue_sample_chars: int = 1024
    unread_per_minute: int = 10
    unread_chars: int = 1024
    mismatch_report_s: float = 3600.0
    repeat_report_s: float = 10.0
    repeats_per_source: int = 64
    repeats: int = 4096
    resend_s: float = 600.0
    resends: int = 50_000
    skew_s: float = 300.0
    skew_report_s: float = 3600.0


DEFAULT_LIMITS: Final = Limits()

PAUSE_AT: Final = 0.8
"""How full the queue behind the receivers gets before senders that can wait are made to."""
RESUME_AT: Final = 0.5
_SHED_FROM: Final = ((0.9, 4), (PAUSE_AT, 6))
"""From that share of the queue on, datagrams of that severity and lighter ones are shed."""

KEPT: Final = 8
"""A severity that no line has: nothing is shed."""


def shed_from(fill: float) -> int:
    """The gravest severity of which datagrams are shed while the queue is filled to `fill` (0..1)."""
    return next((severity for share, severity in _SHED_FROM if fill >= share), KEPT)


class TokenBucket:
    """Lets `burst` through at once and `rate_per_s` in the long run. `now_ms` is a monotonic time."""

    __slots__ = ("_burst", "_per_ms", "_tokens", "_updated_ms")

    def __init__(self, *, rate_per_s: float, burst: int, now_ms: int) -> None:
        self._per_ms = rate_per_s / 1000
        self._burst = float(burst)
        self._tokens = float(burst)
        self._updated_ms = now_ms

    def take(self, now_ms: int) -> bool:
        """Use one token; False if none is left."""
        tokens = self._tokens
        if now_ms != self._updated_ms:
            tokens = min(self._burst, tokens + (now_ms - self._updated_ms) * self._per_ms)
            self._updated_ms = now_ms
        is_there = tokens >= 1
        self._tokens = tokens - 1 if is_there else tokens
        return is_there


class RateLimiter:
    """One bucket for each source, for a bounded number of sources."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def allows(self, source: str, now_ms: int) -> bool:
        """Whether `source` stays within its rate with one more message."""
        bucket = self._buckets.get(source)
        if bucket is None:
            bucket = TokenBucket(rate_per_s=self._limits.rate_per_s, burst=self._limits.burst, now_ms=now_ms)
            self._buckets[source] = bucket
            if len(self._buckets) > self._limits.sources:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(source)
        return bucket.take(now_ms)


class Reporter:
    """Says of each subject when it may be reported again, and how much happened meanwhile."""

    def __init__(self, *, every_s: float, subjects: int) -> None:
        self._every_ms = int(every_s * 1000)
        self._subjects = subjects
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def count(self, subject: str, now_ms: int) -> int:
        """0 if `subject` was reported within the interval; else how often it came since then, this time included."""
        last = self._seen.get(subject)
        if last is None:
            self._seen[subject] = (now_ms, 0)
            if len(self._seen) > self._subjects:
                self._seen.popitem(last=False)
            return 1
        reported_ms, silent = last
        self._seen.move_to_end(subject)
        if now_ms - reported_ms < self._every_ms:
            self._seen[subject] = (reported_ms, silent + 1)
            return 0
        self._seen[subject] = (now_ms, 0)
        return silent + 1


class SequenceWatch:
    """Counts the numbers that are missing in each sender's `sequenceId` (RFC 5424 section 7.3.1)."""

    def __init__(self, *, senders: int) -> None:
        self._senders = senders
        self._last: OrderedDict[str, int] = OrderedDict()

    def missing(self, sender: str, number: int) -> int:
        """How many messages of `sender` were lost before this one, as far as its numbers tell.

        A number a little below the last is a late datagram; one far below is a restart, or the wrap after 2147483647.
        """
        last = self._last.get(sender)
        if last is not None and last - _LATE_BY < number <= last:
            return 0
        self._last[sender] = number
        self._last.move_to_end(sender)
        if len(self._last) > self._senders:
            self._last.popitem(last=False)
        return number - last - 1 if last is not None and number > last else 0
