"""One alert, one run of a local command, one try. There is no shell: the configuration lists the arguments."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from channelwatch.notify.siren.template import environment
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert, Dead, Outcome, Retry, Sent

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h."""


@dataclass(frozen=True, slots=True)
class SirenConfig:
    """`command` is a program's absolute path and its arguments, as they are."""

    command: tuple[str, ...]
    timeout_s: float


class SirenChannel:
    """Delivery channel `siren`; a destination is a name in the configuration."""

    name = "siren"

    def __init__(self, configs: Mapping[str, SirenConfig], voice: Voice) -> None:
        self._configs = configs
        self._voice = voice

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """Run it: 0 is taken, 75 is tried again, any other exit status is final. One that takes too long is ended."""
        config = self._configs.get(destination)
        if config is None:
            return Dead("unknown_destination")
        try:
            process = await asyncio.create_subprocess_exec(
                *config.command,
                env=environment(alert, self._voice),
                cwd="/",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            # A file that is missing or not allowed can be mended, and the siren must sound then.
            return Retry("cannot_run")
        return await _ended(process, config.timeout_s)


async def _ended(process: asyncio.subprocess.Process, timeout_s: float) -> Outcome:
    try:
        async with asyncio.timeout(timeout_s):
            status = await process.wait()
    except TimeoutError:
        return Retry("timeout")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if status == 0:
        return Sent()
    return Retry(f"exit_{status}") if status == TRY_AGAIN else Dead(f"exit_{status}")
