"""A house in memory whose devices are all up, a client of its API, and the configuration of a command; a file may build
its own instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.recorded import CONFIG
from tests.unit.api.http_client import client_of
from tests.unit.api.memory_house import MemoryHouse


@pytest.fixture
def house() -> MemoryHouse:
    found = MemoryHouse()
    found.all_up()
    return found


@pytest.fixture
async def client(house: MemoryHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(house) as found:
        yield found


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a store in the same folder."""
    path = tmp_path / "channelwatch.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path
