"""One alert, one connection over TLS, one syslog message, one try (RFC 5425)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from channelwatch.notify.syslog.template import frame
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert, Dead, Outcome, Retry, Sent, Unsure


@dataclass(frozen=True, slots=True)
class SyslogConfig:
    """One receiver. `authority` has the certificates that its own must chain to; `certificate` and `key` are ours."""

    host: str
    port: int
    authority: Path
    certificate: Path | None
    key: Path | None
    server_name: str
    timeout_s: float
    inside: bool = True


class SyslogChannel:
    """Delivery channel `syslog`; a destination is a name in the configuration."""

    name = "syslog"

    def __init__(self, configs: Mapping[str, SyslogConfig], voice: Voice, host: str) -> None:
        self._configs = configs
        self._voice = voice
        self._host = host

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """Write it and say goodbye; syslog has no answer, so a goodbye that is answered is all there is."""
        config = self._configs.get(destination)
        if config is None:
            return Dead("unknown_destination")
        message = frame(alert, self._voice.heard(inside=config.inside), self._host)
        is_connected = False
        try:
            async with asyncio.timeout(config.timeout_s):
                _, writer = await asyncio.open_connection(
                    config.host, config.port, ssl=_context(config), server_hostname=config.server_name
                )
                is_connected = True
                await _write(writer, message)
        except TimeoutError:
            return Unsure("timeout") if is_connected else Retry("timeout")
        except ssl.SSLError:
            return Unsure("tls") if is_connected else Retry("tls")
        except OSError:
            return Unsure("connection") if is_connected else Retry("connection")
        return Sent()


def _context(config: SyslogConfig) -> ssl.SSLContext:
    """Made for each try, so that renewed files count at once. OSError (of which SSLError is one) if they are unfit."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(config.authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.certificate is not None:
        context.load_cert_chain(str(config.certificate), None if config.key is None else str(config.key))
    return context


async def _write(writer: asyncio.StreamWriter, message: bytes) -> None:
    try:
        writer.write(message)
        await writer.drain()
    finally:
        writer.close()
        with suppress(ssl.SSLError):
            # Many receivers close at once instead of answering our close_notify.
            await writer.wait_closed()
