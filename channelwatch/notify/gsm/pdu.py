"""A received short message as the network wrote it: SMS-DELIVER (3GPP TS 23.040 section 9.2.2.1), hexadecimal.

In text mode whoever writes a message chooses what stands on the line, and could seem to be somebody else. Here the
sender's number is a field of its own.
"""

from __future__ import annotations

from channelwatch.base.errors import InputError

SEVEN_BIT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet by code (3GPP TS 23.038 section 6.2.1)."""

_INTERNATIONAL, _ALPHANUMERIC = 1, 5
_HEADER_FLAG, _KIND_MASK = 0x40, 0x03
_STAMP = 7


def delivered(text: str) -> tuple[str, str]:
    """Number and text of a received message; no number where its sender is a word. InputError for anything else."""
    try:
        octets = bytes.fromhex(text)
        return _delivered(octets[octets[0] + 1 :])
    except (ValueError, IndexError):
        raise InputError(["not a received short message"]) from None


def _delivered(octets: bytes) -> tuple[str, str]:
    first, digits, kind = octets[0], octets[1], octets[2] >> 4 & 7
    if first & _KIND_MASK:
        raise ValueError("no SMS-DELIVER")
    end = 3 + (digits + 1) // 2
    number = "" if kind == _ALPHANUMERIC else _number(octets[3:end], digits)
    if number and kind == _INTERNATIONAL:
        number = f"+{number}"
    coding, length = octets[end + 1], octets[end + 2 + _STAMP]
    data = octets[end + 3 + _STAMP :]
    header = data[0] + 1 if first & _HEADER_FLAG else 0
    match _alphabet(coding):
        case "ucs2":
            return number, data[header:length].decode("utf-16-be", "replace")
        case "7bit":
            return number, _letters(data, length, skip=-(-header * 8 // 7))
        case _:
            return number, ""


def _alphabet(coding: int) -> str:
    """Of the data coding scheme (3GPP TS 23.038 section 4)."""
    if coding & 0xC0 == 0:
        return ("7bit", "8bit", "ucs2", "7bit")[coding >> 2 & 3]
    if coding & 0xF0 == 0xF0:
        return "8bit" if coding & 4 else "7bit"
    return "ucs2" if coding & 0xF0 == 0xE0 else "7bit"


def _number(octets: bytes, digits: int) -> str:
    """Digits in pairs, the first in the lower half."""
    return "".join(f"{octet & 15:x}{octet >> 4:x}" for octet in octets)[:digits]


def _letters(octets: bytes, count: int, *, skip: int) -> str:
    """Septets packed from the lowest bit on, the first `skip` of them left out."""
    bits = int.from_bytes(octets, "little")
    return "".join(
        SEVEN_BIT[bits >> 7 * place & 127] for place in range(skip, min(count, len(octets) * 8 // 7))
    )
