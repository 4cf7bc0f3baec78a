"""Answers to scrapers: the process' own figures and the fleet's, one after the other, in the format asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from fastapi.responses import Response, StreamingResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from channelwatch.metrics.fleet import FleetText, FleetView, Selection
from channelwatch.metrics.rollup import Posts
from channelwatch.metrics.text import CONTENT_TYPE, END, OPENMETRICS_TYPE
from channelwatch_api.house import House
from channelwatch_api.limits import SCRAPE_CHUNK_BYTES, SCRAPES_WAITING
from channelwatch_api.meters import HttpMeters
from channelwatch_api.problems import Problem

_OPENMETRICS = re.compile(r"application/openmetrics-text\s*(?P<parameters>(?:;[^,]*)?)", re.IGNORECASE)
_VERSION = re.compile(r";\s*version=(?:0\.0\.1|1\.0\.0)\s*(?:;|$)")
_NEVER = re.compile(r";\s*q=0(?:\.0+)?\s*(?:;|$)")


def wants_openmetrics(accept: str) -> bool:
    """Does an Accept header name a version of OpenMetrics that is spoken here?"""
    for found in _OPENMETRICS.finditer(accept):
        parameters = found["parameters"]
        if "version=" in parameters and not _VERSION.search(parameters):
            continue
        if not _NEVER.search(parameters):
            return True
    return False


class Scrapes:
    """Renders for one scraper at a time, away from the event loop."""

    def __init__(self, house: House, meters: HttpMeters) -> None:
        self._house = house
        self._meters = meters
        self._fleet = FleetText()
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def process(self, *, openmetrics: bool) -> bytes:
        """The process' own figures; they are read on the event loop that they belong to."""
        return process_text(self._house.registry, openmetrics=openmetrics)

    async def fleet(self, selection: Selection, *, openmetrics: bool) -> list[bytes]:
        """The selected part of the fleet, in pieces. Problem 503 when too many wait for their turn."""
        if self._waiting >= SCRAPES_WAITING:
            self._meters.scrape_refused()
            raise Problem(503, headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            async with self._turn:
                began = self._house.clock.monotonic_ms()
                pieces = await asyncio.to_thread(
                    self._fleet.pieces, self._view(), selection, openmetrics=openmetrics
                )
                size = sum(map(len, pieces))
                self._meters.rendered((self._house.clock.monotonic_ms() - began) / 1000, size)
                return pieces
        finally:
            self._waiting -= 1

    def _view(self) -> FleetView:
        house = self._house
        http = house.settings.http
        accounts = [] if http is None else [(item.role, item.blocs) for item in http.accounts]
        return FleetView.of(house.world, Posts.of(house.world.inventory, accounts), house.clock.now())


def process_text(registry: CollectorRegistry, *, openmetrics: bool) -> bytes:
    """The registry in one of the two formats."""
    if not openmetrics:
        return generate_latest(registry)
    text: bytes = generate_openmetrics(registry)  # type: ignore[no-untyped-call]
    return text


def joined(process: bytes, fleet: list[bytes]) -> list[bytes]:
    """Two answers of one format as one: OpenMetrics ends once."""
    return [process.removesuffix(END), *fleet]


def answer(pieces: list[bytes], *, openmetrics: bool) -> Response:
    """The pieces one after the other: a nation's page is never copied as a whole."""
    size = sum(map(len, pieces))
    kind = OPENMETRICS_TYPE if openmetrics else CONTENT_TYPE
    return StreamingResponse(_chunks(pieces), headers={"Content-Length": str(size), "Content-Type": kind})


async def _chunks(pieces: list[bytes]) -> AsyncIterator[bytes]:
    """The pieces, small ones together. Each is let go of once it is sent."""
    small: list[bytes] = []
    pieces.reverse()
    while pieces:
        piece = pieces.pop()
        if len(piece) < SCRAPE_CHUNK_BYTES:
            small.append(piece)
            continue
        if small:
            yield b"".join(small)
            small = []
        yield piece
    if small:
        yield b"".join(small)
