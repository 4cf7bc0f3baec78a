"""The text of a message as a modem takes it in text mode, and the replies that it hands over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from channelwatch.notify.shorttext import plain, short_text
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert


@dataclass(frozen=True, slots=True)
class Written:
    """`charset` for AT+CSCS, `coding` (the data coding scheme of 3GPP TS 23.038) for AT+CSMP, the rest in ASCII."""

    charset: str
    coding: int
    number: str
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A short message that somebody sent to the modem."""

    number: str
    text: str


def written(alert: Alert, voice: Voice, number: str, *, accents: bool) -> Written:
    """Unaccented text as it is, accented text in UCS-2 as hexadecimal digits."""
    text = short_text(alert, voice, accents=accents)
    if accents and plain(text) != text:
        return Written("UCS2", 8, _hexadecimal(number), _hexadecimal(text))
    return Written("IRA", 0, number, "".join(letter if letter.isascii() else "?" for letter in plain(text)))


_LISTED = re.compile(r'\+CMGL: \d+,"[^"]*","(?P<number>[^"]*)"')


def replies(lines: Sequence[str]) -> list[Reply]:
    """The answer to AT+CMGL in text mode (3GPP TS 27.005 section 3.4.2): a head, then the text's lines."""
    found: list[Reply] = []
    for line in lines:
        head = _LISTED.match(line)
        if head is not None:
            found.append(Reply(head["number"], ""))
        elif found:
            last = found[-1]
            found[-1] = Reply(last.number, f"{last.text}\n{line}".strip())
    return found


def _hexadecimal(text: str) -> str:
    return text.encode("utf-16-be").hex().upper()
