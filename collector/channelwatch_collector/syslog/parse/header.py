"""From the octets of one message to a `Message`: never an exception, whatever the octets."""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from typing import Final

from channelwatch.base.clock import EpochMs
from channelwatch_collector.syslog.parse.canonical import read_canonical
from channelwatch_collector.syslog.parse.message import DEFAULT_PRIORITY, Format, Message, RawReason, decode
from channelwatch_collector.syslog.parse.rfc3164 import begins_with_header, parse_rfc3164
from channelwatch_collector.syslog.parse.rfc5424 import looks_like_rfc5424, parse_rfc5424
from channelwatch_collector.syslog.parse.worded import as_sent

DEFAULT_ZONE: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Viet Nam keeps UTC+7 all year, so no zone data is needed."""

MAX_MESSAGE_OCTETS: Final = 8192
"""What a receiver should be able to process over TLS (RFC 5425 section 4.3.1); RFC 5424 asks for 2,048."""

_PRIORITY: Final = re.compile(rb"<(0|[1-9]\d{0,2})>")
_RFC5424: Final = re.compile(rb"<\d{1,3}>1 ")
_BARE_RFC5424: Final = re.compile(rb"1 \d{4}-\d\d-\d\dT")
_TRAILER: Final = b"\r\n\0"
_TRAILERS: Final = frozenset((b"\r", b"\n", b"\0"))


def parse_header(
    octets: bytes,
    *,
    received_at: EpochMs,
    zone: tzinfo = DEFAULT_ZONE,
    max_octets: int = MAX_MESSAGE_OCTETS,
) -> Message:
    """One message without its framing.

    `received_at` decides the year where the sender left it out; `zone` is the sender's where it names none.
    Octets beyond `max_octets` are cut off and the message is marked `truncated`.
    """
    line, truncated = octets, len(octets) > max_octets
    if truncated:
        line = line[:max_octets]
    if line[-1:] in _TRAILERS:
        line = line.rstrip(_TRAILER)
    message = None if _RFC5424.match(line) else read_canonical(line, received_at, zone)
    message = message or _parse(line, received_at, zone)
    return message._replace(truncated=True) if truncated else message


def read_severity(octets: bytes) -> int:
    """The severity (0..7) that the PRI states, 5 if there is none: for shedding before any parsing."""
    priority = _priority(octets)
    return (DEFAULT_PRIORITY if priority is None else priority) % 8


def _parse(line: bytes, received_at: EpochMs, zone: tzinfo) -> Message:
    if not line.strip():
        return _raw(line, RawReason.EMPTY)
    found = _PRIORITY.match(line)
    if found is None:
        return _without_priority(line, received_at, zone)
    priority = int(found[1])
    if priority > 191:
        return _raw(line, RawReason.BAD_PRIORITY)
    body = line[found.end() :]
    if looks_like_rfc5424(body):
        return parse_rfc5424(body, facility=priority // 8, severity=priority % 8)
    return _rfc3164(body, priority, received_at, zone)


def _without_priority(line: bytes, received_at: EpochMs, zone: tzinfo) -> Message:
    if line.startswith(b"<"):
        return _raw(line, RawReason.BAD_PRIORITY)
    if _BARE_RFC5424.match(line):
        return parse_rfc5424(line, facility=DEFAULT_PRIORITY // 8, severity=DEFAULT_PRIORITY % 8)
    if worded := as_sent(line):
        return _rfc3164(worded[1], worded[0], received_at, zone)
    if not begins_with_header(line, received_at=received_at, zone=zone):
        return _raw(line, RawReason.NO_PRIORITY)
    return _rfc3164(line, DEFAULT_PRIORITY, received_at, zone)


def _rfc3164(body: bytes, priority: int, received_at: EpochMs, zone: tzinfo) -> Message:
    return parse_rfc3164(
        body, facility=priority // 8, severity=priority % 8, received_at=received_at, zone=zone
    )


def _priority(octets: bytes) -> int | None:
    found = _PRIORITY.match(octets)
    return int(found[1]) if found and int(found[1]) <= 191 else None


def _raw(line: bytes, reason: RawReason) -> Message:
    text, invalid = decode(line)
    return Message(
        fmt=Format.RAW,
        facility=DEFAULT_PRIORITY // 8,
        severity=DEFAULT_PRIORITY % 8,
        text=text,
        reason=reason,
        invalid_utf8=invalid,
    )
