"""Reading server-sent events message by message."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Message:
    """One server-sent event."""

    event: str = ""
    id: str = ""
    data: dict[str, Any] = field(default_factory=dict)


class Listener:
    """Reads an event stream message by message; EOFError at its end."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, *, within_s: float = 30.0) -> Message:
        """The next message."""
        return await asyncio.wait_for(self._next(), within_s)

    async def patch(self) -> Message:
        """The next message that changes something."""
        while True:
            message = await self.next()
            if message.event != "beat":
                return message

    async def _next(self) -> Message:
        message = Message()
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "event":
                message.event = value
            elif name == "id":
                message.id = value
            elif name == "data":
                message.data = json.loads(value)
            elif not line and message.event:
                return message
        raise EOFError("the stream has ended")
