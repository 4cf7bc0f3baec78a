"""The HTTP server as a part of the running process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from channelwatch.app.settings import Listen, Settings
from channelwatch.base.errors import Permanent
from channelwatch_api.app import create_app
from channelwatch_api.auth import CERTIFIED
from channelwatch_api.board.stream import Screens
from channelwatch_api.house import House
from channelwatch_api.limits import (
    KEEP_ALIVE_S,
    MAX_CONNECTIONS,
    MAX_HEADER_BYTES,
    REQUEST_TIMEOUT_S,
    STOP_GRACE_S,
)
from channelwatch_api.services import Services

if TYPE_CHECKING:
    from channelwatch.app.running.engine import Engine

log = logging.getLogger(__name__)
BACKLOG = 128
RESTART_S = 1.0


class ApiPart:
    """Serves the API, the metrics and the board; without `http` in the configuration it only waits."""

    name = "api"

    def __init__(self) -> None:
        self.listening: Listen | None = None
        """Where it listens once it runs; tells the port where 0 was asked for."""

    async def run(self, engine: Engine, stop: asyncio.Event) -> None:
        """Serve until `stop`. Permanent when the address is taken or a secret is unfit."""
        await self.serve(engine, stop)

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """The same for anything that offers what this package uses of the engine."""
        http = house.settings.http
        if http is None:
            await stop.wait()
            return
        tls = _tls(house.settings)
        app = create_app(house, http)
        shared: Services = app.state.services
        listener = bind(http.listen)
        self.listening = Listen(http.listen.host, listener.getsockname()[1])
        log.info("http listening", extra={"address": str(self.listening)})
        server = Server(_config(app, tls))
        keeping = asyncio.create_task(_keep(shared.screens))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            shared.screens.close()
            server.should_exit = True
            keeping.cancel()
            stopping.cancel()
            await serving


async def _keep(screens: Screens) -> None:
    """Supervise the board's loops: a fault in a picture must not stop the alarms."""
    while True:
        try:
            await screens.run()
        except Exception:
            log.exception("board loops failed; starting them again")
        await asyncio.sleep(RESTART_S)


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process' signal handlers alone."""
        yield


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 that cuts off a client which does not finish what it has begun to say."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start looking at the client's progress; note whether it has shown a certificate that we trust."""
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if tls is not None and tls.getpeercert():
            self.app_state = {**self.app_state, CERTIFIED: True}
        self.loop.call_later(REQUEST_TIMEOUT_S, self._look, None)

    def _look(self, seen: RequestResponseCycle | None) -> None:
        """Close where no request has come yet, or where the one `seen` a while ago still lacks a part of its body."""
        cycle: RequestResponseCycle | None = self.cycle
        if self.transport.is_closing():
            return
        if cycle is None or (cycle is seen and cycle.more_body):
            self.transport.close()
        else:
            self.loop.call_later(REQUEST_TIMEOUT_S, self._look, cycle)


def bind(listen: Listen) -> socket.socket:
    """A bound socket. Permanent, with what to do about it, when the address cannot be had."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((listen.host, listen.port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Permanent(
            f"{error.strerror}: end the program that holds it, or set http.listen to another address",
            operation="listen for HTTP on",
            subject=str(listen),
        ) from None
    return listener


def _tls(settings: Settings) -> dict[str, Any]:
    """What uvicorn is to be told of TLS. Permanent when a file is unfit."""
    tls = None if settings.http is None else settings.http.tls
    if tls is None:
        return {}
    certificate, key = str(settings.resolve(tls.certificate)), str(settings.resolve(tls.key))
    clients = None if tls.clients is None else str(settings.resolve(tls.clients))
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if clients is not None:
            context.load_verify_locations(clients)
    except (OSError, ssl.SSLError) as error:
        raise Permanent(f"unfit certificate, key or clients: {error}", operation="http.tls") from None
    return {
        "ssl_certfile": certificate,
        "ssl_keyfile": key,
        "ssl_ca_certs": clients,
        "ssl_cert_reqs": ssl.CERT_NONE if clients is None else ssl.CERT_OPTIONAL,
    }


def _config(app: FastAPI, tls: dict[str, Any]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_GRACE_S,
        **tls,
    )
