"""A house in memory whose devices are all up, and a client of its API; a file may build its own instead."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

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
