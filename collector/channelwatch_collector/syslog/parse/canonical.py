"""Shortcuts for the RFC 3164 headers that most lines have: one pattern each, and the same result as the long way."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Final

from channelwatch.base.clock import EpochMs
from channelwatch_collector.syslog.parse.message import Format, Message, decode
from channelwatch_collector.syslog.parse.rfc3164 import (
    CARD,
    FORTINET_NAME,
    FORTINET_ZONE,
    LEAD,
    MNEMONIC,
    SEQUENCE,
    TAG,
    TAG_WITH_PID,
    spell,
)
from channelwatch_collector.syslog.parse.stamp import dated_instant, rfc3164_instant

# Nothing here may match what `parse_rfc3164` would read in another way: a host that could be a year or a zone, say.
_PRI: Final = rb"<(0|[1-9]\d{0,2})>"
_MONTHS: Final = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY: Final = rb"[ 123]\d"
_CLOCK: Final = rb"\d\d:\d\d:\d\d"
_PLAIN: Final = re.compile(
    _PRI + rb"(" + _MONTHS + rb" " + _DAY + rb" " + _CLOCK + rb") "
    rb"((?!\d{4} )[A-Za-z0-9][\w.-]{0,254}) (?![ :])"
    rb"(?:([A-Za-z_][\w./-]{0,47})(?:\[([\w.-]{1,128})\])?:[ \t]+(?![ \t]))?"
)  # fmt: skip
_CISCO: Final = re.compile(
    _PRI + rb"(?:\d{1,10}: (?:([A-Za-z][\w.-]{0,254}): )?)?([*.])?"
    rb"(" + _MONTHS + rb" " + _DAY + rb")(?: (\d{4}))? (" + _CLOCK + rb")(?:\.(\d{1,6}))?"
    rb"(?: ((?=[\w.]*[-\d])[a-z][\w.-]{0,254}) )?: (?=%)"
)  # fmt: skip
_HUAWEI: Final = re.compile(
    _PRI + rb"(" + _MONTHS + rb") (" + _DAY + rb") (\d{4}) (" + _CLOCK + rb")([+-]\d\d:\d\d)? "
    rb"((?!\d{4} )[A-Za-z0-9][\w.-]{0,254}) (?=%%)"
)  # fmt: skip
_FORTINET: Final = re.compile(_PRI + rb"(?=date=(\d{4}-\d\d-\d\d) time=(" + _CLOCK + rb") )")
_LEVELS: Final = {b"%d" % number: (number >> 3, number & 7) for number in range(192)}
"""Facility and severity of each PRI."""
_MAY_BEGIN_MNEMONIC: Final = frozenset(b"%ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def read_canonical(line: bytes, received_at: EpochMs, zone: tzinfo) -> Message | None:
    """A whole line in one of the usual forms, exactly as `parse_rfc3164` reads it; None for others."""
    found = _PLAIN.match(line)
    if found is None:
        return _read_cisco(line, received_at, zone) or _read_fortinet(line, zone) or _read_huawei(line, zone)
    priority, stamp, host, tag, pid = found.groups()
    at = found.end()
    if tag is None:
        if SEQUENCE.match(line, at) or CARD.match(line, at):
            return None  # a relay's header before a Cisco device's own, or the card of a Junos device
        lead = LEAD.match(line, at)
        at = lead.end() if lead else at
        other = TAG.match(line, at) or TAG_WITH_PID.match(line, at)
        if other:
            tag, pid, at = other[1], other[2], other.end()
    instant = rfc3164_instant(stamp, None, received_at, zone)
    return _message(line, at, (priority, host, tag, pid), instant, None)


def _read_cisco(line: bytes, received_at: EpochMs, zone: tzinfo) -> Message | None:
    """`SEQUENCE: HOST: *STAMP: %...` of IOS, `STAMP HOST : %...` of ASA."""
    found = _CISCO.match(line)
    if found is None:
        return None
    priority, before, mark, day, year, clock, fraction, after = found.groups()
    if before is not None and after is not None:
        return None
    instant = rfc3164_instant(day + b" " + clock, year, received_at, zone, fraction)
    header = (priority, before or after, None, None)
    return _message(line, found.end(), header, instant, False if mark else None)


def _read_fortinet(line: bytes, zone: tzinfo) -> Message | None:
    """`date=DATE time=TIME ...` of FortiGate, which stays in the text."""
    found = _FORTINET.match(line)
    if found is None:
        return None
    priority, date, clock = found.groups()
    at = found.end()
    offset, name = FORTINET_ZONE.search(line, at), FORTINET_NAME.search(line, at)
    instant = dated_instant(date, clock, offset and offset[1], zone)
    return _message(line, at, (priority, name and name[1], None, None), instant, None)


def _read_huawei(line: bytes, zone: tzinfo) -> Message | None:
    """`Mmm DD YYYY hh:mm:ss+hh:mm HOST %%...`."""
    found = _HUAWEI.match(line)
    if found is None:
        return None
    priority, month, day, year, clock, offset, host = found.groups()
    instant = dated_instant(b"-".join((year, month, day)), clock, offset, zone)
    return _message(line, found.end(), (priority, host, None, None), instant, None)


_Header = tuple[bytes, bytes | None, bytes | None, bytes | None]
"""PRI, host, tag and process number."""


def _message(
    line: bytes, at: int, header: _Header, device_time: EpochMs | None, synced: bool | None
) -> Message | None:
    priority, host, tag, pid = header
    level = _LEVELS.get(priority)
    if level is None:
        return None
    mnemonic = None
    if at < len(line) and line[at] in _MAY_BEGIN_MNEMONIC:
        mnemonic = MNEMONIC.match(line, at)
    rest, invalid = line[at:], False
    if rest.isascii():
        text = rest.decode()
    else:
        text, invalid = decode(rest)
    return Message(
        Format.RFC3164,
        level[0],
        level[1],
        text,
        device_time,
        host.decode() if host else None,
        spell(tag) if tag else None,
        pid.decode() if pid else None,
        spell(mnemonic[mnemonic.lastindex or 0]) if mnemonic else None,
        (),
        synced,
        None,
        False,
        invalid,
    )
