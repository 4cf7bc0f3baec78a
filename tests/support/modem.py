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
    read: list[tuple[str, str]] = field(default_factory=list)
    is_dumb: bool = False

    def answer(self, command: str) -> str | None:
        """The answer to a command; None for one that prompts for a text."""
        self.commands.append(command)
        if found := re.fullmatch(r'AT\+CSCS="(\w+)"', command):
            self.charset = found[1]
        elif found := re.fullmatch(r"AT\+CSMP=\d+,\d+,\d+,(\d+)", command):
            self.coding = int(found[1])
        elif command.startswith("AT+CMGL="):
            return self._listed()
        elif command.startswith("AT+CMGD="):
            self.read.clear()
        elif command.startswith("AT+CMGS="):
            return None
        elif command not in ("AT", "ATE0", "AT+CMEE=1", "AT+CMGF=1"):
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
        self.read, waiting = [*self.read, *self.inbox], list(self.inbox)
        self.inbox.clear()
        heads = (
            f'+CMGL: {place},"REC UNREAD","{number}",,"26/11/22,10:00:00+28"\r\n{text}\r\n'
            for place, (number, text) in enumerate(waiting, 1)
        )
        return "\r\n" + "".join(heads) + "\r\nOK\r\n"


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
