"""Frames of RELP, the Reliable Event Logging Protocol of rsyslog (its relp.html, "RELP Frame")."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

_HEADER: Final = re.compile(rb"(\d{1,9}) ([A-Za-z]{1,32}) (\d{1,9})([ \n])")
_MAX_HEADER_OCTETS: Final = 54
_LINE_FEED: Final = 10


class RelpFault(StrEnum):
    """Why a stream is no RELP, or not any more."""

    BAD_HEADER = "bad_relp_header"
    BAD_TRAILER = "bad_relp_trailer"
    LENGTH_OVER_LIMIT = "length_over_limit"


class RelpFrame(NamedTuple):
    """`TXNR SP COMMAND SP DATALEN [SP DATA] LF`; the answer to it bears the same `txnr`."""

    txnr: bytes
    command: bytes
    data: bytes


class RelpFramer:
    """Cuts a stream into frames as it arrives; keeps at most one. After a `fault` nothing more is read."""

    __slots__ = ("_buffer", "_limit", "fault")

    def __init__(self, *, max_octets: int) -> None:
        self._limit = max_octets
        self._buffer = b""
        self.fault: RelpFault | None = None

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[RelpFrame]:
        """The frames that `data` completes, in order."""
        buffer, at, frames = self._buffer + data, 0, []
        while self.fault is None:
            found = _HEADER.match(buffer, at)
            if found is None:
                if len(buffer) - at >= _MAX_HEADER_OCTETS:
                    self.fault = RelpFault.BAD_HEADER
                break
            end = self._end(found)
            if end is None or len(buffer) <= end:
                break
            if buffer[end] != _LINE_FEED:
                self.fault = RelpFault.BAD_TRAILER
                break
            frames.append(RelpFrame(found[1], found[2], buffer[found.end() : end]))
            at = end + 1
        self._buffer = buffer[at:]
        return frames

    def _end(self, header: re.Match[bytes]) -> int | None:
        """Where the line feed of this frame has to be; None, with the fault, for one that cannot be."""
        length = int(header[3])
        if length > self._limit:
            self.fault = RelpFault.LENGTH_OVER_LIMIT
            return None
        if header[4] == b" ":
            return header.end() + length
        if length:
            self.fault = RelpFault.BAD_HEADER
            return None
        return header.end() - 1


def answer(txnr: bytes, data: bytes) -> bytes:
    """A `rsp` frame."""
    return b"%s rsp %d %s\n" % (txnr, len(data), data) if data else b"%s rsp 0\n" % txnr


def offers(data: bytes) -> dict[str, str]:
    """What an `open` offers: a name and a value on each line."""
    lines = data.decode("utf-8", "backslashreplace").splitlines()
    return dict(line.partition("=")[::2] for line in lines)
