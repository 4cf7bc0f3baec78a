"""The text of an alert for a telephone: one segment, without accents unless they are asked for."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from channelwatch.notify.words import Voice, headline
from channelwatch.pipeline.ports import Alert

SEPTETS, UCS2_UNITS = 160, 70
"""What one segment holds (3GPP TS 23.040 section 9.2.3.24): GSM 7-bit characters, or UCS-2 units."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7-bit default alphabet (3GPP TS 23.038 section 6.2.1)."""
_EXTENDED = frozenset("^{}\\[~]|€")
"""Reached by an escape: two septets each."""


def short_text(alert: Alert, voice: Voice, *, accents: bool) -> str:
    """One segment: incident, headline and how to take it. What is too long loses the end of its headline."""
    code = voice.acks.code(alert) if voice.acks is not None else None
    reply = "" if code is None else ". " + voice.words("alert.sms_code").format(code=code)
    told = headline(alert, voice).rstrip(".")
    text = told if alert.number in told else f"{alert.number} {told}"
    if accents:
        return _cut(text, reply, UCS2_UNITS, _units)
    return _cut(plain(text), plain(reply), SEPTETS, septets)


def plain(text: str) -> str:
    """`text` without Vietnamese accents, each other character that GSM 7-bit lacks as `?`."""
    decomposed = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    kept = (letter for letter in decomposed if not unicodedata.combining(letter))
    return "".join(letter if letter in _BASIC or letter in _EXTENDED else "?" for letter in kept)


def septets(text: str) -> int:
    """How much of a segment `text` takes."""
    return len(text) + sum(letter in _EXTENDED for letter in text)


def _units(text: str) -> int:
    return len(text.encode("utf-16-be")) // 2


def _cut(text: str, reply: str, limit: int, size: Callable[[str], int]) -> str:
    room, fits = limit - size(reply), ""
    for letter in text:
        room -= size(letter)
        if room < 0:
            break
        fits += letter
    return fits.rstrip() + reply
