"""The lenient reader of RFC 3164 and what vendors send in its place."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Final

from channelwatch.base.clock import EpochMs
from channelwatch_collector.syslog.parse.message import Format, Message, decode
from channelwatch_collector.syslog.parse.stamp import Stamp, read_stamp

LEAD: Final = re.compile(rb"[ :]*")
SEQUENCE: Final = re.compile(rb"(\d{1,10}): +")
_HOST_BEFORE_STAMP: Final = re.compile(
    rb"([!-9;-~]{1,255})(?:: ?| )(?:[!-~]{1,64}?[: ])??(?=[*.]?(?:\d{4}[- ]|[A-Z][a-z]{2} ))"
)
_UPTIME: Final = re.compile(
    rb"(?:([A-Za-z][\w.-]{0,254}): )?(?:\d{1,10}: )?(?:\d{1,3}[ywd]\d{1,2}[wdh]|\d{1,3}:\d\d:\d\d): (?=%)"
)
_STAMP_CLOSED: Final = re.compile(rb" ?: ?")
_OPENGEAR_DATE: Final = re.compile(rb"\d{4}-[A-Z][a-z]{2}-")
_HOST: Final = re.compile(rb"([!-~]{1,255})(?: +|$)")
_IPV6: Final = re.compile(rb"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[\w.-]{1,32})?")
TAG: Final = re.compile(rb"""([^\s:\[\]<>"'=,;{}%|]{1,48})(?:\[([^\]\s]{1,128})\])?:(?:[ \t]+|$)""")
TAG_WITH_PID: Final = re.compile(rb"""([^\s:\[\]<>"'=,;{}%|]{1,48})\[([^\]\s]{1,128})\]:?[ \t]*""")
MNEMONIC: Final = re.compile(
    # Junos with explicit-priority; NX-OS says SYSTEM_MSG of all that it only passes on.
    rb"%(?:AUTH|CHANGE|CONFLICT|DAEMON|EXT|FIREWALL|INTERACT|KERN|PFE|USER)-[0-7]-"
    rb"((?!SYSTEM_MSG)[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+): |"
    rb"%([A-Z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*-[0-7]-[A-Za-z0-9_]+) ?:"  # Cisco
    rb"|%%\d{2}([A-Za-z0-9_-]+/\d/[A-Za-z0-9_]+)"  # Huawei, H3C
    rb"|([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+): "  # Junos
)
CARD: Final = re.compile(rb"\(FPC Slot \d{1,3}, PIC Slot \d{1,3}\) [!-~]{1,32} ")
"""Where in a large Junos device the program runs, before its name."""
_DATE_AND_TIME: Final = re.compile(
    rb"(?:(?:logver|device)=[!-~][ -~]{0,199}? )?date=(\d{4}-\d\d-\d\d) time=(\d\d:\d\d:\d\d)(?= )"
)
_TIME: Final = re.compile(
    rb"(?:id|device_name)=[!-~][ -~]{0,199}? "
    rb'time(?:stamp)?="(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)( UTC|[+-]\d{4})?"'
)
FORTINET_ZONE: Final = re.compile(rb'\btz="?([+-]\d{4})')
FORTINET_NAME: Final = re.compile(rb'\bdevname="?([!#-~]{1,255})')


class _Line:
    """A cursor over one line, and what it has found so far."""

    __slots__ = ("app_name", "at", "body", "hostname", "procid", "stamp")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0
        self.stamp: Stamp | None = None
        self.hostname: bytes | None = None
        self.app_name: bytes | None = None
        self.procid: bytes | None = None

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Match at the cursor and move behind it."""
        found = pattern.match(self.body, self.at)
        if found:
            self.at = found.end()
        return found


def parse_rfc3164(
    body: bytes, *, facility: int, severity: int, received_at: EpochMs, zone: tzinfo
) -> Message:
    """`body` (what follows the PRI) as a message; any part of the header may be missing."""
    line = _Line(body)
    line.take(LEAD)
    sequence = line.take(SEQUENCE)
    line.stamp = read_stamp(body, line.at, received_at=received_at, zone=zone)
    if line.stamp:
        line.at = line.stamp.end
        _take_host_after_stamp(line)
        _take_relayed(line, received_at=received_at, zone=zone)
    elif not _take_from_pairs(line, received_at=received_at, zone=zone):
        _take_host_and_stamp(line, numbered=sequence is not None, received_at=received_at, zone=zone)
    _take_tag(line)
    return _message(line, facility=facility, severity=severity)


def begins_with_header(body: bytes, *, received_at: EpochMs, zone: tzinfo) -> bool:
    """Whether `body` tells its time at its beginning, which makes a line without a PRI worth reading as RFC 3164."""
    line = _Line(body)
    sequence = line.take(SEQUENCE)
    line.stamp = read_stamp(body, line.at, received_at=received_at, zone=zone)
    if line.stamp is None and not _take_from_pairs(line, received_at=received_at, zone=zone):
        _take_host_and_stamp(line, numbered=sequence is not None, received_at=received_at, zone=zone)
    return line.stamp is not None


def _take_host_after_stamp(line: _Line) -> None:
    if line.take(_STAMP_CLOSED):
        return  # Cisco closes the stamp with a colon and names no host
    line.take(LEAD)
    found = _HOST.match(line.body, line.at)
    if not found:
        return
    word = found[1]
    if word.endswith(b":") and MNEMONIC.match(line.body, found.end()):
        word = word[:-1]  # the name that Cisco sets before its message, with nothing else in between
    elif not _IPV6.fullmatch(word) and (word.endswith(b":") or b"%" in word or TAG_WITH_PID.match(word)):
        return
    line.hostname = word
    line.at = found.end()


def _take_host_and_stamp(line: _Line, *, numbered: bool, received_at: EpochMs, zone: tzinfo) -> None:
    """`HOST: stamp:` (NX-OS, numbered IOS), `HOST NODE:stamp:` (IOS XR), `HOST PORT 2018-Nov- 9` (Opengear)."""
    found = _HOST_BEFORE_STAMP.match(line.body, line.at)
    if not found:
        _take_host_and_uptime(line)
        return
    stamp = read_stamp(line.body, found.end(), received_at=received_at, zone=zone)
    if not stamp:
        return
    closed = _STAMP_CLOSED.match(line.body, stamp.end)
    if not (closed or numbered or _OPENGEAR_DATE.match(line.body, found.end())):
        return  # an application that prints a date of its own, not a header
    line.hostname = found[1]
    line.stamp = stamp
    line.at = closed.end() if closed else stamp.end
    line.take(LEAD)


def _take_host_and_uptime(line: _Line) -> None:
    """A Cisco device that stamps its messages with the time since it started, after its name if it tells that."""
    found = line.take(_UPTIME)
    if found:
        line.hostname = found[1]


def _take_relayed(line: _Line, *, received_at: EpochMs, zone: tzinfo) -> None:
    """A relay puts its own stamp and host before what a Cisco device sent: sequence number and stamp."""
    if not line.take(SEQUENCE):
        return
    stamp = read_stamp(line.body, line.at, received_at=received_at, zone=zone)
    if stamp:
        line.stamp = stamp
        line.at = stamp.end
        line.take(_STAMP_CLOSED)


def _take_from_pairs(line: _Line, *, received_at: EpochMs, zone: tzinfo) -> bool:
    """FortiGate, Sophos and SonicWall have no header: time, zone and name are parameters, which stay in the text."""
    found = _DATE_AND_TIME.match(line.body, line.at)
    if found:
        offset = FORTINET_ZONE.search(line.body, line.at)
        name = FORTINET_NAME.search(line.body, line.at)
        stated = offset[1] if offset else b""
        line.hostname = name[1] if name else None
    else:
        found = _TIME.match(line.body, line.at)
        if not found:
            return False
        stated = b"Z" if found[3] == b" UTC" else found[3] or b""
    line.stamp = read_stamp(found[1] + b"T" + found[2] + stated, 0, received_at=received_at, zone=zone)
    return True


def _take_tag(line: _Line) -> None:
    line.take(LEAD)
    line.take(CARD)
    found = line.take(TAG) or line.take(TAG_WITH_PID)
    if found:
        line.app_name, line.procid = found[1], found[2]


def _message(line: _Line, *, facility: int, severity: int) -> Message:
    text, invalid = decode(line.body[line.at :])
    mnemonic = MNEMONIC.match(line.body, line.at)
    return Message(
        fmt=Format.RFC3164,
        facility=facility,
        severity=severity,
        text=text,
        device_time=line.stamp.at if line.stamp else None,
        hostname=spell(line.hostname),
        app_name=spell(line.app_name),
        procid=spell(line.procid),
        msgid=spell(mnemonic[mnemonic.lastindex or 0]) if mnemonic else None,
        clock_synced=line.stamp.synced if line.stamp else None,
        invalid_utf8=invalid,
    )


def spell(octets: bytes | None) -> str | None:
    """A part of a header as text."""
    return None if octets is None else octets.decode("ascii", "backslashreplace")
