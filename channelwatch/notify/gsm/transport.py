"""One alert, one short message through a GSM modem, one try. One conversation at a time: there is one modem."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from channelwatch.base.errors import Transient
from channelwatch.notify.gsm.line import ModemRefusal, SerialLine
from channelwatch.notify.gsm.template import Reply, Written, replies, written
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert, Dead, Outcome, Retry, Sent, Unsure

REPORT_WAIT_MS = 10_000
"""A modem that did not answer may have sent the message: nobody gets it twice within this time."""
REFUSED_FOR_GOOD = frozenset({1, 28, 304, 305})
"""Unassigned number, unknown subscriber, a text or number that the modem cannot take (3GPP TS 27.005 section 3.2.5)."""
_PDU_MODE, _LIST_ALL = "AT+CMGF=0", "AT+CMGL=4"
_BEGIN = ("AT", "ATE0", "AT+CMEE=1", "AT+CMGF=1")


@dataclass(frozen=True, slots=True)
class GsmConfig:
    """The modem, and the telephone numbers by the names that contacts use."""

    device: Path
    baud: int
    numbers: Mapping[str, str]
    timeout_s: float
    accents: bool = False


class GsmChannel:
    """Delivery channel `gsm`; a destination is the name of a number in the configuration."""

    name = "gsm"

    def __init__(self, config: GsmConfig, voice: Voice) -> None:
        self._config = config
        self._voice = voice
        self._turn = asyncio.Lock()

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """Hand it to the modem; the time limit begins once the modem is free."""
        config = self._config
        number = config.numbers.get(destination)
        if number is None:
            return Dead("unknown_destination")
        message = written(alert, self._voice, number, accents=config.accents)
        async with self._turn:
            return await self._hand_over(message)

    async def replies(self) -> list[Reply]:
        """Take the messages that people sent to the modem. Transient when it cannot be asked."""
        config = self._config
        async with self._turn:
            try:
                async with asyncio.timeout(config.timeout_s), SerialLine(config.device, config.baud) as line:
                    for command in (*_BEGIN, _PDU_MODE):
                        await line.ask(command)
                    found = replies(await line.ask(_LIST_ALL))
                    for place in found:
                        await line.ask(f"AT+CMGD={place}")
                    return [item for item in found.values() if item is not None]
            except (TimeoutError, OSError) as error:
                raise Transient(str(error) or "no answer", operation="modem") from error

    async def _hand_over(self, message: Written) -> Outcome:
        config, is_given = self._config, False
        try:
            async with asyncio.timeout(config.timeout_s), SerialLine(config.device, config.baud) as line:
                for command in (
                    *_BEGIN,
                    f'AT+CSCS="{message.charset}"',
                    f"AT+CSMP=17,167,0,{message.coding}",
                ):
                    await line.ask(command)
                is_given = True
                await line.ask_with_text(f'AT+CMGS="{message.number}"', message.text)
        except ModemRefusal as refusal:
            if refusal.code in REFUSED_FOR_GOOD:
                return Dead(f"cms_{refusal.code}")
            return Retry("modem_error" if refusal.code is None else f"cms_{refusal.code}")
        except TimeoutError:
            return Unsure("timeout", REPORT_WAIT_MS) if is_given else Retry("timeout")
        except OSError:
            return Retry("no_modem")
        return Sent()
