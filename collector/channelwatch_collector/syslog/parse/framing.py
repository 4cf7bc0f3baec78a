"""Frames of a TCP or TLS stream: octet counting or lines (RFC 6587 section 3.4), told apart at each frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_FRAME_OCTETS: Final = 65_536
MAX_LENGTH_DIGITS: Final = 5
"""Digits of MSG-LEN that are read before the sender is given up."""

_LINE_END: Final = re.compile(rb"[\n\0]")
_BETWEEN: Final = re.compile(rb"[\r\n\0 ]*")
_NONZERO_DIGITS: Final = frozenset(b"123456789")


class FrameError(StrEnum):
    """Why the rest of a stream cannot be cut into frames: the connection is to be closed."""

    BAD_LENGTH = "bad_length"
    LENGTH_OVER_LIMIT = "length_over_limit"


class Framing(StrEnum):
    """How a frame was delimited. `CUT`: a line over the limit, of which only the beginning was kept."""

    OCTET_COUNTING = "octet_counting"
    LINE = "line"
    LINE_CUT = "line_cut"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. `REST` is what an unfinished or broken stream left behind."""

    octets: bytes
    framing: Framing


class Framer:
    """Cuts a stream into frames as it arrives; keeps at most one frame and its length field.

    A line longer than the limit gives one `LINE_CUT` frame, and its remainder is skipped without being kept.
    After `error` is set, nothing more is read.
    """

    __slots__ = ("_buffer", "_limit", "_scanned", "_skipping", "error")

    def __init__(self, *, max_frame_octets: int = MAX_FRAME_OCTETS) -> None:
        assert 0 < max_frame_octets < 10**MAX_LENGTH_DIGITS
        self._limit = max_frame_octets
        self._buffer = bytearray()
        self._scanned = 0
        self._skipping = False
        self.error: FrameError | None = None

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._buffer) or self._skipping

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order."""
        if self.error:
            return []
        self._buffer += data
        frames: list[Frame] = []
        while self._buffer and not self.error:
            frame = self._next()
            if frame is None:
                break
            if frame.octets:
                frames.append(frame)
        return frames

    def finish(self) -> Frame | None:
        """What is left when the stream ends, is given up, or broke: an unfinished line is a message too."""
        rest = bytes(self._buffer[: self._limit])
        self._buffer.clear()
        if self._skipping or not rest.strip(b"\r\n\0 "):
            return None
        return Frame(rest, Framing.REST)

    def _next(self) -> Frame | None:
        if self._skipping:
            return self._skip_line()
        found = _BETWEEN.match(self._buffer)
        if found and found.end():
            del self._buffer[: found.end()]
            self._scanned = 0
        if not self._buffer:
            return None
        return self._next_counted() if self._buffer[0] in _NONZERO_DIGITS else self._next_line()

    def _next_counted(self) -> Frame | None:
        space = self._buffer.find(b" ", 0, MAX_LENGTH_DIGITS + 1)
        digits = bytes(self._buffer[: space if space >= 0 else MAX_LENGTH_DIGITS + 1])
        if not digits.isdigit() or (space < 0 and len(digits) > MAX_LENGTH_DIGITS):
            self.error = FrameError.BAD_LENGTH
            return None
        if space < 0:
            return None
        length = int(digits)
        if length > self._limit:
            self.error = FrameError.LENGTH_OVER_LIMIT
            return None
        end = space + 1 + length
        if len(self._buffer) < end:
            return None
        return Frame(self._take(space + 1, end), Framing.OCTET_COUNTING)

    def _next_line(self) -> Frame | None:
        found = _LINE_END.search(self._buffer, self._scanned)
        end = found.start() if found else len(self._buffer)
        if end > self._limit:
            self._skipping = True
            return Frame(self._take(0, self._limit), Framing.LINE_CUT)
        if not found:
            self._scanned = end
            return None
        line = self._take(0, end).rstrip(b"\r")
        return Frame(line, Framing.LINE)

    def _skip_line(self) -> Frame | None:
        found = _LINE_END.search(self._buffer)
        if found:
            del self._buffer[: found.end()]
            self._skipping = False
            return self._next() if self._buffer else None
        self._buffer.clear()
        return None

    def _take(self, start: int, end: int) -> bytes:
        octets = bytes(self._buffer[start:end])
        del self._buffer[:end]
        self._scanned = 0
        return octets
