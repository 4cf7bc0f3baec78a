"""A conversation with a modem over a serial line: commands and final answers (3GPP TS 27.007, ITU-T V.250)."""

from __future__ import annotations

import asyncio
import os
import re
import termios
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

from channelwatch.base.errors import Transient

ANSWER_MAX = 64 * 1024
"""Octets of one answer; a line that talks on without an end is given up."""
PROMPT = b"> "
_FINAL = re.compile(rb"(?:^|\r\n)(OK|ERROR|\+CM[ES] ERROR: [^\r\n]*|NO CARRIER)\r\n")
_BAUD = {9600: termios.B9600, 19200: termios.B19200, 57600: termios.B57600, 115200: termios.B115200}


class ModemRefusal(Transient):
    """The modem said ERROR; `code` is the number of a `+CMS ERROR`, None without one."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer, operation="modem")
        found = re.fullmatch(r"\+CMS ERROR: (\d+)", answer)
        self.code = int(found[1]) if found is not None else None


class SerialLine:
    """The device for the length of an `async with` block. OSError when it cannot be opened."""

    def __init__(self, device: Path, baud: int) -> None:
        self._device = device
        self._baud = baud
        self._fd = -1
        self._heard = bytearray()
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._fd = os.open(self._device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(self._fd)
            mode = termios.tcgetattr(self._fd)
            mode[4] = mode[5] = _BAUD[self._baud]
            termios.tcsetattr(self._fd, termios.TCSANOW, mode)
            termios.tcflush(self._fd, termios.TCIOFLUSH)
        except termios.error as error:
            os.close(self._fd)
            raise OSError(*error.args) from error
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)

    async def ask(self, command: str) -> list[str]:
        """Send a command; the lines of its answer before the `OK`. ModemRefusal for any other end."""
        self._heard.clear()
        await self._write(command.encode("ascii") + b"\r")
        return await self._answer()

    async def ask_with_text(self, command: str, text: str) -> list[str]:
        """Send a command that prompts for a text, then the text (ASCII), ended by Ctrl-Z."""
        self._heard.clear()
        await self._write(command.encode("ascii") + b"\r")
        while PROMPT not in self._heard:
            self._refuse_if_final()
            await self._more()
        self._heard.clear()
        await self._write(text.encode("ascii") + b"\x1a")
        return await self._answer()

    async def _answer(self) -> list[str]:
        while not _FINAL.search(self._heard):
            await self._more()
        end = self._refuse_if_final()
        lines = bytes(self._heard[:end]).decode("utf-8", "replace").split("\r\n")
        return [line for line in lines if line]

    def _refuse_if_final(self) -> int:
        """Where an answer that ended well ends; 0 while it has not ended."""
        found = _FINAL.search(self._heard)
        if found is not None and found[1] != b"OK":
            raise ModemRefusal(found[1].decode("utf-8", "replace"))
        return found.start() if found is not None else 0

    async def _write(self, octets: bytes) -> None:
        left = memoryview(octets)
        while left:
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)

    async def _more(self) -> None:
        if len(self._heard) > ANSWER_MAX:
            raise OSError("the modem talks without an end")
        self._news.clear()
        await self._news.wait()

    def _read(self) -> None:
        try:
            octets = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if not octets:
            # A line that hung up stays readable for ever: it must not keep the loop busy.
            asyncio.get_running_loop().remove_reader(self._fd)
            self._heard += b"\r\nNO CARRIER\r\n"
        self._heard += octets
        self._news.set()
