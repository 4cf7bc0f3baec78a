"""The text of a message as a modem takes it in text mode, and the replies that it hands over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from channelwatch.base.errors import InputError
from channelwatch.notify.gsm.pdu import delivered
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


_LISTED = re.compile(r"\+CMGL: (?P<place>\d{1,5}),")


def replies(lines: Sequence[str]) -> dict[int, Reply | None]:
    """The answer to AT+CMGL in PDU mode (3GPP TS 27.005 section 4.1), by place on the card: a head, then the message.

    None for what is no received message.
    """
    found: dict[int, Reply | None] = {}
    for head, message in pairwise(lines):
        place = _LISTED.match(head)
        if place is not None:
            found[int(place["place"])] = _reply(message)
    return found


def _reply(message: str) -> Reply | None:
    try:
        return Reply(*delivered(message))
    except InputError:
        return None


def _hexadecimal(text: str) -> str:
    return text.encode("utf-16-be").hex().upper()
