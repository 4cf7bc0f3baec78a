"""A GSM modem on a pseudo-terminal: it answers AT commands as the standards say, and does what a test tells it."""

from __future__ import annotations

import os
import re
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from channelwatch.notify.gsm.pdu import SEVEN_BIT

CTRL_Z, ESC = b"\x1a", b"\x1b"


@dataclass
class Sms:
    """A message that the modem was given: as it stood on the line, and in clear."""

    number: str
    text: str
    charset: str
    coding: int


@dataclass
class PtyModem:
    """`sent` are the messages taken. `answers` are given to a message instead of taking it; `HANG` answers nothing.

    `inbox` are (number, text) of messages that people sent; `commands` is everything asked.
    """

    device: Path = Path()
    sent: list[Sms] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    inbox: list[tuple[str, str]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    charset: str = "GSM"
    coding: int = 0
    card: dict[int, str] = field(default_factory=dict)
    is_dumb: bool = False

    def answer(self, command: str) -> str | None:
        """The answer to a command; None for one that prompts for a text."""
        self.commands.append(command)
        if found := re.fullmatch(r'AT\+CSCS="(\w+)"', command):
            self.charset = found[1]
        elif found := re.fullmatch(r"AT\+CSMP=\d+,\d+,\d+,(\d+)", command):
            self.coding = int(found[1])
        elif command == "AT+CMGL=4":
            return self._listed()
        elif found := re.fullmatch(r"AT\+CMGD=(\d+)", command):
            self.card.pop(int(found[1]), None)
        elif command.startswith("AT+CMGS="):
            return None
        elif command not in ("AT", "ATE0", "AT+CMEE=1", "AT+CMGF=0", "AT+CMGF=1"):
            return "\r\nERROR\r\n"
        return "\r\nOK\r\n"

    def take(self, number: str, text: str) -> str:
        """The answer to a text."""
        if self.answers:
            return self.answers.pop(0)
        clear = (number, text)
        if self.charset == "UCS2":
            clear = (bytes.fromhex(number).decode("utf-16-be"), bytes.fromhex(text).decode("utf-16-be"))
        self.sent.append(Sms(*clear, self.charset, self.coding))
        return f"\r\n+CMGS: {len(self.sent)}\r\n\r\nOK\r\n"

    def _listed(self) -> str:
        while self.inbox:
            self.card[max(self.card, default=0) + 1] = received(*self.inbox.pop(0))
        heads = (f"+CMGL: {place},0,,{len(pdu) // 2 - 1}\r\n{pdu}\r\n" for place, pdu in self.card.items())
        return "\r\n" + "".join(heads) + "\r\nOK\r\n"


def received(number: str, text: str) -> str:
    """A message as a modem lists it in PDU mode: SMS-DELIVER, in the 7-bit alphabet where that has all letters."""
    digits = number.removeprefix("+")
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[place + 1] + padded[place] for place in range(0, len(padded), 2))
    sender = f"{len(digits):02X}{'91' if number.startswith('+') else '81'}{swapped}"
    if all(letter in SEVEN_BIT for letter in text):
        bits = sum(SEVEN_BIT.index(letter) << 7 * place for place, letter in enumerate(text))
        coding, length, data = "00", len(text), bits.to_bytes(-(-7 * len(text) // 8), "little").hex()
    else:
        octets = text.encode("utf-16-be")
        coding, length, data = "08", len(octets), octets.hex()
    return f"0004{sender}00{coding}62112201000082{length:02X}{data.upper()}"


@contextmanager
def pty_modem() -> Iterator[PtyModem]:
    """A modem whose `device` can be opened as a serial line until the block ends."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    modem = PtyModem(Path(os.ttyname(theirs)))
    wake_read, wake_write = os.pipe()
    thread = threading.Thread(target=_converse, args=(modem, ours, wake_read))
    thread.start()
    try:
        yield modem
    finally:
        os.write(wake_write, b"x")
        thread.join()
        for fd in (ours, theirs, wake_read, wake_write):
            os.close(fd)


def _converse(modem: PtyModem, line: int, wake: int) -> None:
    heard, texting = b"", ""
    while True:
        ready, _, _ = select.select([line, wake], [], [])
        if wake in ready:
            return
        with suppress(OSError):
            heard += os.read(line, 4096)
        while True:
            end = CTRL_Z if texting else b"\r"
            piece, found, rest = heard.partition(end)
            if not found:
                break
            heard = rest
            if texting:
                answer: str | None = modem.take(texting, piece.decode("ascii").removeprefix(ESC.decode()))
                texting = ""
            else:
                command = piece.decode("ascii").strip()
                answer = modem.answer(command)
                if answer is None:
                    texting, answer = command.partition('"')[2].rstrip('"'), "\r\n> "
            if answer != "HANG" and not modem.is_dumb:
                os.write(line, answer.encode("ascii"))
