"""The strict reader of RFC 5424 messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from channelwatch.base.clock import EpochMs
from channelwatch_collector.syslog.parse.message import Format, Message, RawReason, SdElement, decode
from channelwatch_collector.syslog.parse.stamp import read_rfc5424_stamp, rfc5424_instant

_BOM: Final = b"\xef\xbb\xbf"
_NIL: Final = b"-"
_NIL_SPACED: Final = b"- "
_START: Final = re.compile(rb"([1-9]\d{0,2}) (?=-(?: |$)|\d{4}-)")
_HEADER: Final = re.compile(
    rb"[1-9]\d{0,2} "
    rb"(?:-|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)) "
    rb"([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) "
)
_PRINTABLE: Final = re.compile(rb"[!-~]+")
_SD_NAME: Final = rb"[!#-<>-\\^-~]{1,32}"
_SD_VALUE: Final = rb'[^"\\\]]*(?:\\.[^"\\\]]*)*'
_SD_ELEMENT: Final = re.compile(
    rb"\[(" + _SD_NAME + rb")((?: " + _SD_NAME + rb'="' + _SD_VALUE + rb'")*)\]', re.DOTALL
)
_SD_PARAM: Final = re.compile((rb"(" + _SD_NAME + rb')="(' + _SD_VALUE + rb')"').decode("ascii"), re.DOTALL)
_SD_ESCAPE: Final = re.compile(r'\\(["\\\]])')


class _Data(NamedTuple):
    """STRUCTURED-DATA, and whether some octets of it were no UTF-8."""

    elements: tuple[SdElement, ...] = ()
    invalid_utf8: bool = False


_NONE: Final = _Data()


@dataclass(slots=True)
class _Header:
    """What was read so far; a fault leaves the rest unset."""

    device_time: EpochMs | None = None
    names: dict[str, str | None] = field(default_factory=dict)
    data: _Data = _NONE


def looks_like_rfc5424(body: bytes) -> bool:
    """Whether `body` (what follows the PRI) begins as VERSION SP TIMESTAMP do.

    Any VERSION of the grammar is let in (section 6.2.2); only version 1 exists so far.
    """
    return _START.match(body) is not None


def parse_rfc5424(body: bytes, *, facility: int, severity: int) -> Message:
    """`body` (what follows the PRI and looks like RFC 5424) as a message; `RAW`, with the fault, if it is not."""
    message = _read_faultless(body, facility, severity)
    return message or find_fault(body, facility=facility, severity=severity)


def _read_faultless(body: bytes, facility: int, severity: int) -> Message | None:
    """What `find_fault` gives for a message without a fault, in less time; None for others."""
    found = _HEADER.match(body)
    if found is None:
        return None
    second, fraction, offset, host, app, proc, msgid = found.groups()
    at = None if second is None else rfc5424_instant(second, fraction, offset)
    if at is None and second is not None:
        return None
    start, data = found.end(), _NONE
    if body.startswith(_NIL_SPACED, start):
        rest = body[start + 2 :]
    else:
        data, rest, reason = _read_structured_data(body[start:])
        if reason is not None:
            return None
    text, invalid = _text(rest)
    return Message(
        Format.RFC5424,
        facility,
        severity,
        text,
        at,
        None if host == _NIL else host.decode("ascii"),
        None if app == _NIL else app.decode("ascii"),
        None if proc == _NIL else proc.decode("ascii"),
        None if msgid == _NIL else msgid.decode("ascii"),
        data.elements,
        _clock_synced(data.elements) if data.elements else None,
        None,
        False,
        invalid or data.invalid_utf8,
    )


def find_fault(body: bytes, *, facility: int, severity: int) -> Message:
    """The same as `parse_rfc5424`, one field after the other, so that the first fault is known."""
    header = _Header()
    rest, reason = _read_header(body, header)
    text, invalid = _text(rest)
    return Message(
        fmt=Format.RAW if reason else Format.RFC5424,
        facility=facility,
        severity=severity,
        text=text,
        device_time=header.device_time,
        hostname=header.names.get("hostname"),
        app_name=header.names.get("app_name"),
        procid=header.names.get("procid"),
        msgid=header.names.get("msgid"),
        structured_data=header.data.elements,
        clock_synced=_clock_synced(header.data.elements),
        reason=reason,
        invalid_utf8=invalid or header.data.invalid_utf8,
    )


_NAMES: Final = (
    ("hostname", 255, RawReason.BAD_HOSTNAME),
    ("app_name", 48, RawReason.BAD_APP_NAME),
    ("procid", 128, RawReason.BAD_PROCID),
    ("msgid", 32, RawReason.BAD_MSGID),
)


def _read_header(body: bytes, header: _Header) -> tuple[bytes, RawReason | None]:
    """Fill `header`; return what follows it, or what could not be read with the reason."""
    _, _, rest = body.partition(b" ")
    stamp, _, after = rest.partition(b" ")
    if stamp != _NIL:
        header.device_time = read_rfc5424_stamp(stamp)
        if header.device_time is None:
            return rest, RawReason.BAD_TIMESTAMP
    rest = after
    for name, limit, reason in _NAMES:
        value, _, after = rest.partition(b" ")
        if len(value) > limit or not _PRINTABLE.fullmatch(value):
            return rest, reason
        header.names[name] = None if value == _NIL else value.decode("ascii")
        rest = after
    header.data, rest, reason_of_data = _read_structured_data(rest)
    return rest, reason_of_data


def _read_structured_data(rest: bytes) -> tuple[_Data, bytes, RawReason | None]:
    """What stands at the beginning of `rest`, and what follows it; or, with the reason, what could not be read."""
    end, invalid = 0, False
    elements: list[SdElement] = []
    if rest[:1] == _NIL:
        end = 1
    else:
        while found := _SD_ELEMENT.match(rest, end):
            element, is_odd = _element(found)
            elements.append(element)
            invalid, end = invalid or is_odd, found.end()
    if end == 0 or rest[end : end + 1] not in (b"", b" "):
        return _Data((), invalid), rest, RawReason.BAD_STRUCTURED_DATA
    if len(elements) > 1 and len({element.id for element in elements}) != len(elements):
        return _Data((), invalid), rest, RawReason.REPEATED_SD_ID
    return _Data(tuple(elements), invalid), rest[end + 1 :], None


def _element(found: re.Match[bytes]) -> tuple[SdElement, bool]:
    # What is no UTF-8 becomes an escape of its own, `\xNN`, which the pattern passes over as it does others.
    text, invalid = decode(found[2])
    params: list[tuple[str, str]] = _SD_PARAM.findall(text)
    if "\\" in text:
        params = [(name, _SD_ESCAPE.sub(r"\1", value)) for name, value in params]
    return SdElement(found[1].decode("ascii"), tuple(params)), invalid


def _text(rest: bytes) -> tuple[str, bool]:
    return decode(rest[len(_BOM) :] if rest.startswith(_BOM) else rest)


def _clock_synced(structured_data: tuple[SdElement, ...]) -> bool | None:
    """`isSynced` of `timeQuality` (RFC 5424 section 7.1)."""
    for element in structured_data:
        if element.id == "timeQuality":
            return {"0": False, "1": True}.get(element.get("isSynced") or "")
    return None
